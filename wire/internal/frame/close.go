package frame

import (
	"fmt"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// CloseError says that the peer sent what it must not. The connection is to be
// failed with a close frame of this Code (RFC 6455 7.1.7, 7.4.1).
type CloseError struct {
	Code   ws.StatusCode
	Reason string // for people; short enough for a close frame
}

// Error implements error.
func (e *CloseError) Error() string {
	return fmt.Sprintf("%s (close code %d)", e.Reason, e.Code)
}

var (
	errLengthNotMinimal = &CloseError{ws.StatusProtocolError, "frame length is not in its shortest form"}
	errCloseOneByte     = &CloseError{ws.StatusProtocolError, "close frame holds half a code"}
	errCloseCode        = &CloseError{ws.StatusProtocolError, "close frame holds a code that must not be sent"}
	errCloseNotUTF8     = &CloseError{ws.StatusInvalidFramePayloadData, "close reason is not valid UTF-8"}
	errTextRequired     = &CloseError{ws.StatusUnsupportedData, "binary message where text is required"}
	errBinaryRequired   = &CloseError{ws.StatusUnsupportedData, "text message where binary is required"}
	errTextNotUTF8      = &CloseError{ws.StatusInvalidFramePayloadData, "text message is not valid UTF-8"}
	errTooLarge         = &CloseError{ws.StatusMessageTooBig, "message is larger than the limit"}
)

// checkClose checks the payload of a close frame (RFC 6455 5.5.1). gobwas'
// CheckCloseFrameData is not used: it lets codes above 4999 pass and refuses
// 1012 to 1014, registered since, of which 1012 ("service restart") is likely
// here.
func checkClose(payload []byte) error {
	if len(payload) == 0 {
		return nil
	}
	if len(payload) == 1 {
		return errCloseOneByte
	}
	code, reason := ws.ParseCloseFrameData(payload)
	switch {
	case code < 1000, code > 4999,
		code == ws.StatusNoMeaningYet,
		code.IsProtocolReserved(),
		code > 1014 && code < 3000:
		return errCloseCode
	case !utf8.ValidString(reason):
		return errCloseNotUTF8
	}
	return nil
}
