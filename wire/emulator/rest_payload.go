package emulator

import (
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/wpsbench/wpsbench/wire"
)

// payload reads the body and its type into d (protocol.md 7.1); false if it has
// answered with an error.
func (c *call) payload(d *wire.Downstream) bool {
	body, dataType, ok := c.body()
	if !ok {
		return false
	}
	if dataType == wire.DataJSON && !wire.ValidJSON(body) {
		c.fail(http.StatusBadRequest, codeBadRequest, "The request body is not a valid JSON.", "Request")
		return false
	}
	d.DataType, d.Data = dataType, body
	return true
}

// body reads the body, text and JSON converted to UTF-8.
func (c *call) body() ([]byte, wire.DataType, bool) {
	if n := c.r.ContentLength; n < 0 || n > int64(c.server.opts.MaxMessageBytes) {
		c.fail(http.StatusBadRequest, codeBadRequest, "Invalid Content-Length header.", "Request")
		return nil, 0, false
	}
	dataType, charset, ok := contentType(c.r.Header.Get("Content-Type"))
	if !ok {
		c.w.WriteHeader(http.StatusUnsupportedMediaType)
		return nil, 0, false
	}
	body, err := io.ReadAll(c.r.Body)
	if err != nil {
		c.fail(http.StatusBadRequest, codeBadRequest, "The request body is incomplete.", "Request")
		return nil, 0, false
	}
	if charset != nil {
		body = charset(body)
	}
	return body, dataType, true
}

// charset converts to UTF-8, in which what cannot be converted is U+FFFD.
type charset func([]byte) []byte

var charsets = map[string]charset{
	"":           fromUTF8,
	"utf-8":      fromUTF8,
	"us-ascii":   fromUTF8,
	"iso-8859-1": fromLatin1,
	"utf-16":     fromUTF16(1),
	"utf-16le":   fromUTF16(1),
	"utf-16be":   fromUTF16(0),
}

// contentType reads the header of that name. Without one the body is binary, and
// binary has no charset. false means 415.
func contentType(header string) (t wire.DataType, convert charset, ok bool) {
	if header == "" {
		return wire.DataBinary, nil, true
	}
	mediaType, params, err := mime.ParseMediaType(header)
	if err != nil {
		return 0, nil, false
	}
	switch mediaType {
	case "application/octet-stream":
		return wire.DataBinary, nil, true
	case "text/plain":
		t = wire.DataText
	case "application/json":
		t = wire.DataJSON
	default:
		return 0, nil, false
	}
	convert, ok = charsets[strings.ToLower(params["charset"])]
	if t == wire.DataJSON && params["charset"] == "" {
		convert = nil // invalid UTF-8 is no JSON, and is not to become it
	}
	return t, convert, ok
}

func fromUTF8(b []byte) []byte {
	if utf8.Valid(b) {
		return b
	}
	return []byte(string([]rune(string(b))))
}

func fromLatin1(b []byte) []byte {
	text := make([]byte, 0, len(b))
	for _, c := range b {
		text = utf8.AppendRune(text, rune(c))
	}
	return text
}

// fromUTF16 takes the position of the high byte of each pair. An odd byte at the
// end is dropped.
func fromUTF16(high int) charset {
	return func(b []byte) []byte {
		units := make([]uint16, len(b)/2)
		for i := range units {
			units[i] = uint16(b[2*i+high])<<8 | uint16(b[2*i+1-high])
		}
		return []byte(string(utf16.Decode(units)))
	}
}
