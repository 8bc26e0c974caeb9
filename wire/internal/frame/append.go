package frame

import (
	"encoding/binary"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

const (
	finBit  = 0x80
	maskBit = 0x80
)

// AppendFrame appends one unfragmented frame to dst and returns it. mask is nil
// for a server, whose frames are not masked; payload itself is never modified.
// A control frame's payload must not exceed 125 bytes.
func AppendFrame(dst []byte, op ws.OpCode, payload []byte, mask *[4]byte) []byte {
	var masked byte
	if mask != nil {
		masked = maskBit
	}
	dst = append(dst, finBit|byte(op))
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, masked|byte(n))
	case n <= 0xffff:
		dst = binary.BigEndian.AppendUint16(append(dst, masked|126), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, masked|127), uint64(n))
	}
	if mask == nil {
		return append(dst, payload...)
	}
	dst = append(dst, mask[:]...)
	start := len(dst)
	dst = append(dst, payload...)
	ws.Cipher(dst[start:], *mask, 0)
	return dst
}

// AppendClose appends a close frame to dst and returns it. A code of 0 or 1005
// stands for none: the frame is empty and reason is not sent. reason is cut,
// between two characters, to the 123 bytes that fit.
func AppendClose(dst []byte, code ws.StatusCode, reason string, mask *[4]byte) []byte {
	if code == 0 || code == ws.StatusNoStatusRcvd {
		return AppendFrame(dst, ws.OpClose, nil, mask)
	}
	var body [ws.MaxControlFramePayloadSize]byte
	binary.BigEndian.PutUint16(body[:], uint16(code))
	n := len(reason)
	if n > len(body)-2 {
		for n = len(body) - 2; n > 0 && !utf8.RuneStart(reason[n]); {
			n--
		}
	}
	copy(body[2:], reason[:n])
	return AppendFrame(dst, ws.OpClose, body[:2+n], mask)
}
