package metrics

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"sync"
	"time"
)

// PayloadKind is how a payload travels, and with it how its header is written.
type PayloadKind uint8

// The kinds of payload.
const (
	PayloadText   PayloadKind = iota // 48 base64url characters, then padding
	PayloadJSON                      // the same inside a JSON string
	PayloadBinary                    // 36 raw bytes, then padding
)

// Header heads every payload (design.md 7.3). It is enough to tell, without a
// look-up by name, which message this is and how long it took.
type Header struct {
	Session   uint8         // the how manieth connection of the publisher
	RunID     uint32        // random per run
	Publisher uint32        // publisher id of the plan
	Address   uint32        // group id of the plan
	Message   uint64        // message number, from 1 per publisher and address
	Intended  time.Duration // intended send time since T0; whole ns up to 78 h
	Lag       time.Duration // intended to actual send; whole µs up to 71 min
}

// The raw header, big endian, 36 bytes; text carries its 48 base64url characters
// (RFC 4648 section 5, no padding since 36 = 12 × 3):
//
//	 0        1        2                 6                 10
//	+--------+--------+-----------------+-----------------+-----------------+
//	| magic+ | pub.   |     run id      |    publisher    |     address     |
//	| version| session|     32 bits     |     32 bits     |     32 bits     |
//	+--------+--------+-----------------+-----------------+-----------------+
//	 14                                22                  28       32     36
//	+----------------------------------+------------------+--------+--------+
//	|          message number          |   intended, ns   | lag,µs | CRC32C |
//	|             64 bits              |     48 bits      |32 bits |32 bits |
//	+----------------------------------+------------------+--------+--------+
//
// The CRC (Castagnoli) covers the 32 bytes before it and the padding as sent.
const (
	headerMagic     = 0xB1 // the 5 high bits are the magic, the 3 low ones version 1
	headerBytes     = 36
	headerTextBytes = 48
	headerIDChars   = 8 // characters that hold magic, session and run id
	maxIntended     = 1<<48 - 1
	maxLagMicros    = 1<<32 - 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// paddingAlphabet needs no escaping in JSON and is one byte per character.
const paddingAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// MinPayloadBytes is the size of a header alone, before JSON quoting or base64.
func MinPayloadBytes(k PayloadKind) int {
	if k == PayloadBinary {
		return headerBytes
	}
	return headerTextBytes
}

// AppendPayload appends the payload of h to dst: the header and seeded padding
// up to size bytes, counted before JSON quoting or base64; a smaller size than
// MinPayloadBytes yields the header alone. PayloadJSON appends the JSON text of
// a string, so two quotes more. Padding differs by message and repeats by seed.
func AppendPayload(dst []byte, k PayloadKind, h Header, size int, seed uint64) []byte {
	dst, start := openPayload(dst, k, size)
	seed ^= uint64(h.Publisher)<<32 | uint64(h.Address)
	dst = appendPadding(dst, k, size-MinPayloadBytes(k), seed+h.Message)
	return sealPayload(dst, start, k, &h)
}

// AppendPayloadBody appends the payload of h like AppendPayload, with body behind
// the header instead of padding. For PayloadText it must be UTF-8, for PayloadJSON
// characters that stand in a JSON string as they are.
func AppendPayloadBody(dst []byte, k PayloadKind, h Header, body []byte) []byte {
	dst, start := openPayload(dst, k, MinPayloadBytes(k)+len(body))
	dst = append(dst, body...)
	return sealPayload(dst, start, k, &h)
}

// openPayload leaves room for the header, which begins at start.
func openPayload(dst []byte, k PayloadKind, size int) (_ []byte, start int) {
	n := MinPayloadBytes(k)
	dst = slices.Grow(dst, max(size, n)+2)
	if k == PayloadJSON {
		dst = append(dst, '"')
	}
	start = len(dst)
	return dst[:start+n], start
}

// sealPayload writes the header in front of what stands behind its room.
func sealPayload(dst []byte, start int, k PayloadKind, h *Header) []byte {
	n := MinPayloadBytes(k)
	// The raw header is laid out in dst itself: crc32 makes its argument escape.
	raw := dst[start : start+headerBytes]
	putHeader(raw, h)
	crc := crc32.Update(0, castagnoli, raw[:headerBytes-4])
	crc = crc32.Update(crc, castagnoli, dst[start+n:])
	binary.BigEndian.PutUint32(raw[headerBytes-4:], crc)
	if k != PayloadBinary {
		var tmp [headerBytes]byte
		copy(tmp[:], raw)
		base64.RawURLEncoding.Encode(dst[start:start+n], tmp[:])
	}
	if k == PayloadJSON {
		dst = append(dst, '"')
	}
	return dst
}

// putHeader writes everything but the CRC.
func putHeader(raw []byte, h *Header) {
	intended := uint64(min(max(h.Intended, 0), maxIntended))
	lag := min(max(h.Lag/time.Microsecond, 0), maxLagMicros)
	raw[0] = headerMagic
	raw[1] = h.Session
	binary.BigEndian.PutUint32(raw[2:], h.RunID)
	binary.BigEndian.PutUint32(raw[6:], h.Publisher)
	binary.BigEndian.PutUint32(raw[10:], h.Address)
	binary.BigEndian.PutUint64(raw[14:], h.Message)
	binary.BigEndian.PutUint16(raw[22:], uint16(intended>>32))
	binary.BigEndian.PutUint32(raw[24:], uint32(intended))
	binary.BigEndian.PutUint32(raw[28:], uint32(lag))
}

func readHeader(raw []byte) Header {
	intended := uint64(binary.BigEndian.Uint16(raw[22:]))<<32 | uint64(binary.BigEndian.Uint32(raw[24:]))
	return Header{
		Session:   raw[1],
		RunID:     binary.BigEndian.Uint32(raw[2:]),
		Publisher: binary.BigEndian.Uint32(raw[6:]),
		Address:   binary.BigEndian.Uint32(raw[10:]),
		Message:   binary.BigEndian.Uint64(raw[14:]),
		Intended:  time.Duration(intended),
		Lag:       time.Duration(binary.BigEndian.Uint32(raw[28:])) * time.Microsecond,
	}
}

// appendPadding appends n bytes: any values for binary, letters otherwise.
func appendPadding(dst []byte, k PayloadKind, n int, state uint64) []byte {
	for n > 0 {
		// splitmix64: one multiplication chain per 8 or 10 bytes.
		state += 0x9E3779B97F4A7C15
		z := scramble(state)
		if k == PayloadBinary {
			for i := 0; i < 8 && n > 0; i, n = i+1, n-1 {
				dst = append(dst, byte(z))
				z >>= 8
			}
			continue
		}
		for i := 0; i < 10 && n > 0; i, n = i+1, n-1 {
			dst = append(dst, paddingAlphabet[z&63])
			z >>= 6
		}
	}
	return dst
}

// scramble is the end of splitmix64: it spreads a number over all bits.
func scramble(z uint64) uint64 {
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// HeaderStatus says what a delivered payload turned out to be.
type HeaderStatus uint8

// The answers of ParsePayload.
const (
	HeaderOK      HeaderStatus = iota
	HeaderForeign              // no magic, another version or another run
	HeaderCorrupt              // ours, but damaged: too short, bad characters or CRC
)

// rawHeaders lends the bytes that crc32 reads: it makes them escape.
var rawHeaders = sync.Pool{New: func() any { return new([headerBytes]byte) }}

// ParsePayload reads the header of data as it was delivered: text, raw bytes, or
// the JSON text of the value (a string, or an object whose first key holds it).
// With HeaderCorrupt the header is what could be read of it: a hint, not a fact.
// Safe for concurrent use; it does not keep data.
func ParsePayload(data []byte, k PayloadKind, runID uint32) (Header, HeaderStatus) {
	raw := rawHeaders.Get().(*[headerBytes]byte)
	h, status := parsePayload(data, k, runID, raw)
	rawHeaders.Put(raw)
	return h, status
}

// parsePayload is ParsePayload with the caller's scratch, for its hot path.
func parsePayload(data []byte, k PayloadKind, runID uint32, raw *[headerBytes]byte) (Header, HeaderStatus) {
	if k == PayloadJSON {
		data = jsonPayload(data)
	}
	n := MinPayloadBytes(k)
	idBytes := headerIDChars
	if k == PayloadBinary {
		idBytes = headerIDChars * 3 / 4
	}
	// All at once, for that is what nearly every payload comes to.
	whole := len(data) >= n && decodeHeader(raw[:], data[:n], k)
	if !whole && (len(data) < idBytes || !decodeHeader(raw[:headerIDChars*3/4], data[:idBytes], k)) {
		return Header{}, HeaderForeign
	}
	if raw[0] != headerMagic || binary.BigEndian.Uint32(raw[2:]) != runID {
		return Header{}, HeaderForeign
	}
	if !whole {
		return Header{RunID: runID}, HeaderCorrupt
	}
	crc := crc32.Update(0, castagnoli, raw[:headerBytes-4])
	crc = crc32.Update(crc, castagnoli, data[n:])
	if crc != binary.BigEndian.Uint32(raw[headerBytes-4:]) {
		return readHeader(raw[:]), HeaderCorrupt
	}
	return readHeader(raw[:]), HeaderOK
}

// decodeHeader fills raw; it reports false for characters outside base64url,
// line breaks (which the decoder skips) included.
func decodeHeader(raw, data []byte, k PayloadKind) bool {
	if k == PayloadBinary {
		copy(raw, data)
		return true
	}
	n, err := base64.RawURLEncoding.Decode(raw, data)
	return err == nil && n == len(raw)
}

// jsonPayload finds the header's string in a JSON text: the value itself, or that
// of an object's first key. A service may have rewritten the white space, so it is
// allowed; our strings hold nothing that needs an escape. nil = not found.
func jsonPayload(data []byte) []byte {
	data = skipSpace(data)
	if len(data) > 0 && data[0] == '{' {
		data = skipSpace(data[1:])
		if len(data) == 0 || data[0] != '"' {
			return nil
		}
		end := bytes.IndexByte(data[1:], '"')
		if end < 0 {
			return nil
		}
		data = skipSpace(data[end+2:])
		if len(data) == 0 || data[0] != ':' {
			return nil
		}
		data = skipSpace(data[1:])
	}
	if len(data) == 0 || data[0] != '"' {
		return nil
	}
	end := bytes.IndexByte(data[1:], '"')
	if end < 0 {
		return nil
	}
	return data[1 : end+1]
}

func skipSpace(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t' || b[0] == '\n' || b[0] == '\r') {
		b = b[1:]
	}
	return b
}
