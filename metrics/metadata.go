package metrics

import (
	"encoding/json"
	"unicode/utf8"
)

// Metadata is what every message of a publisher carries beside its data: texts by key
// (protocol.md 3.2). The zero value is none. It is immutable and shared.
type Metadata struct {
	text []byte
	sum  uint64
}

// NewMetadata returns those pairs as Metadata.
func NewMetadata(pairs map[string]string) *Metadata {
	m := &Metadata{}
	if len(pairs) > 0 {
		m.text, _ = json.Marshal(pairs) // texts always encode
		m.sum, _ = sumPairs(m.text)
	}
	return m
}

// JSON is the object as it is published; nil without any pair. It is not to be changed.
func (m *Metadata) JSON() []byte { return m.text }

// any reports whether it is known that there are some.
func (m *Metadata) any() bool { return m != nil && m.text != nil }

// same reports whether a delivered object has the same pairs. A service may have written
// it anew: the order of members carries no meaning, and a character may be escaped or not
// (protocol.md 3.1). The pairs are then compared by a sum of hashes, one in 2^64 by chance.
func (m *Metadata) same(object []byte) bool {
	if string(object) == string(m.text) {
		return true
	}
	sum, ok := sumPairs(object)
	return ok && sum == m.sum
}

// sumPairs adds up the hashes of the pairs of a JSON object; no text is that of none. It
// is false for what is no object of texts.
func sumPairs(object []byte) (sum uint64, ok bool) {
	r := pairReader{left: skipSpace(object)}
	if len(r.left) == 0 {
		return 0, true
	}
	if !r.take('{') {
		return 0, false
	}
	for first := true; !r.take('}'); first = false {
		if !first && !r.take(',') || !r.pair() {
			return 0, false
		}
		sum += max(scramble(r.hash), 1)
	}
	return sum, len(r.left) == 0
}

// pairReader reads the tokens of an object and hashes its texts as they are meant. It
// reads what a decoder has accepted: what is no JSON at all need only be found different.
type pairReader struct {
	left []byte
	hash uint64
}

func (r *pairReader) add(c byte) { r.hash = hashByte(r.hash, c) }

// take passes the token c and the space around it, if it is what comes next.
func (r *pairReader) take(c byte) bool {
	if len(r.left) == 0 || r.left[0] != c {
		return false
	}
	r.left = skipSpace(r.left[1:])
	return true
}

// pair passes a member of the object, whose hash is then that of key and value.
func (r *pairReader) pair() bool {
	r.hash = hashSeed
	if !r.string() || !r.take(':') {
		return false
	}
	r.add(0xff) // no byte of UTF-8, so that no other key and value are the same bytes
	return r.string()
}

// string passes a string and the space behind it.
func (r *pairReader) string() bool {
	if len(r.left) == 0 || r.left[0] != '"' {
		return false
	}
	for i := 1; i < len(r.left); {
		switch c := r.left[i]; c {
		case '"':
			r.left = skipSpace(r.left[i+1:])
			return true
		case '\\':
			n := r.escape(r.left[i+1:])
			if n == 0 {
				return false
			}
			i += 1 + n
		default:
			r.add(c)
			i++
		}
	}
	return false
}

// escapes are the letters behind a backslash and what they stand for (RFC 8259 section 7).
var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escape adds what the text behind a backslash stands for and returns its length; 0 =
// nothing. Of what is beyond ASCII, which no metadata is, each half of a pair counts for itself.
func (r *pairReader) escape(text []byte) int {
	if len(text) == 0 {
		return 0
	}
	if text[0] != 'u' {
		if c := escapes[text[0]]; c != 0 {
			r.add(c)
			return 1
		}
		return 0
	}
	if len(text) < 5 {
		return 0
	}
	var char rune
	for _, c := range text[1:5] {
		digit := hexDigit(c)
		if digit < 0 {
			return 0
		}
		char = char<<4 | digit
	}
	var utf [utf8.UTFMax]byte
	for _, c := range utf[:utf8.EncodeRune(utf[:], char)] {
		r.add(c)
	}
	return 5
}

func hexDigit(c byte) rune {
	switch {
	case '0' <= c && c <= '9':
		return rune(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return rune(c|0x20-'a') + 10
	default:
		return -1
	}
}
