package wire

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// str scans the string that must stand here.
func (s *scanner) str() (value, bool) {
	if !s.skipByte('"') {
		return value{}, s.fail(s.pos, "expected a string")
	}
	start := s.pos
	if end := start + plainPrefix(s.text[start:]); end < len(s.text) && s.text[end] == '"' {
		s.pos = end + 1
		return value{start: start, end: end, kind: kindString}, true
	}
	return s.anyString(start)
}

// anyString scans the string of whatever characters that starts there, behind its quote.
func (s *scanner) anyString(start int) (value, bool) {
	v := value{start: start, kind: kindString}
	for {
		s.pos += plainPrefix(s.text[s.pos:])
		if s.pos == len(s.text) {
			return v, s.fail(v.start-1, "string without an end")
		}
		switch c := s.text[s.pos]; {
		case c == '"':
			v.end = s.pos
			s.pos++
			return v, true
		case c == '\\':
			v.escaped = true
			if !s.escape() {
				return v, false
			}
		case c < ' ':
			return v, s.fail(s.pos, "control character in a string")
		default:
			if !s.runes() {
				return v, false
			}
		}
	}
}

// escape skips one escape sequence. A lone surrogate is allowed, as in RFC 8259 8.2.
func (s *scanner) escape() bool {
	rest := s.text[s.pos:]
	if len(rest) < 2 {
		return s.fail(s.pos, "string without an end")
	}
	switch rest[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos += 2
		return true
	case 'u':
		if hex4(rest[2:]) < 0 {
			return s.fail(s.pos, "malformed \\u escape")
		}
		s.pos += 6
		return true
	default:
		return s.fail(s.pos, "unknown escape")
	}
}

// runes skips a run of characters outside ASCII.
func (s *scanner) runes() bool {
	for s.pos < len(s.text) && s.text[s.pos] >= utf8.RuneSelf {
		r, size := utf8.DecodeRune(s.text[s.pos:])
		if r == utf8.RuneError && size == 1 {
			return s.fail(s.pos, "invalid UTF-8")
		}
		s.pos += size
	}
	return true
}

// hex4 returns the number that the first four hexadecimal digits of b say, or -1.
func hex4(b []byte) rune {
	if len(b) < 4 {
		return -1
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// plainPrefix returns how many bytes at the start of b stand for themselves in a
// JSON string: printable ASCII other than the quote and the backslash. It looks at
// eight bytes at once, which makes strings, nearly all of a message, cheap.
func plainPrefix(b []byte) int {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	i := 0
	for ; len(b)-i >= 8; i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		// In each byte below 0x80 a subtraction sets the high bit if the byte is less
		// than a space, the quote or the backslash. Borrows only reach bytes after the
		// first hit, which is the one that counts.
		hit := (w | (w - ones*' ') | (w ^ ones*'"' - ones) | (w ^ ones*'\\' - ones)) & highs
		if hit != 0 {
			return i + bits.TrailingZeros64(hit)/8
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			break
		}
	}
	return i
}

// appendUnescaped appends the characters that src, the inside of a valid string,
// stands for.
func appendUnescaped(dst, src []byte) []byte {
	for i := 0; i < len(src); {
		if n := plainPrefix(src[i:]); n > 0 {
			dst = append(dst, src[i:i+n]...)
			i += n
			continue
		}
		if src[i] != '\\' {
			dst = append(dst, src[i])
			i++
			continue
		}
		c := src[i+1]
		i += 2
		switch c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r, size := unescapeRune(src[i:])
			dst = utf8.AppendRune(dst, r)
			i += size
			continue
		}
		dst = append(dst, c)
	}
	return dst
}

// unescapeRune reads what follows a \u: four digits, or ten bytes for a surrogate pair.
// Half a pair alone is U+FFFD.
func unescapeRune(src []byte) (r rune, size int) {
	r = hex4(src)
	if !utf16.IsSurrogate(r) {
		return r, 4
	}
	if len(src) >= 6 && src[4] == '\\' && src[5] == 'u' {
		if pair := utf16.DecodeRune(r, hex4(src[6:])); pair != utf8.RuneError {
			return pair, 10
		}
	}
	return utf8.RuneError, 4
}
