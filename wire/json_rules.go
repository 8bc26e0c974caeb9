package wire

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"
)

// ValidGroup says whether name may name a group: 1 to MaxGroupChars characters, not
// all of them white space (protocol.md 3.2). A character is a UTF-16 code unit, the
// way the service and the JavaScript clients count.
func ValidGroup(name []byte) bool {
	if len(bytes.TrimSpace(name)) == 0 {
		return false
	}
	if len(name) <= MaxGroupChars { // never more code units than bytes
		return true
	}
	chars := 0
	for len(name) > 0 {
		r, size := utf8.DecodeRune(name)
		name = name[size:]
		chars++
		if r > 0xffff {
			chars++
		}
	}
	return chars <= MaxGroupChars
}

// validEvent says whether name matches ^[a-z][a-z0-9_.-]{0,127}$ in any case of letters.
func validEvent(name []byte) bool {
	if len(name) == 0 || len(name) > MaxEventBytes || !isLetter(name[0]) {
		return false
	}
	for _, c := range name {
		if !isLetter(c) && !isDigit(c) && c != '_' && c != '.' && c != '-' {
			return false
		}
	}
	return true
}

// metadataProblem says what is wrong with an entry of metadata, "" = nothing, and
// whether it is the value. size is that of all keys and values so far.
func metadataProblem(key, value []byte, size int) (msg string, inValue bool) {
	switch {
	case len(key) > MaxMetadataKeyBytes || !isToken(key):
		return "metadata: not a valid key", false
	case len(value) > MaxMetadataValueBytes || !isASCII(value):
		return "metadata: not a valid value", true
	case size > MaxMetadataBytes:
		return "metadata: larger than 8,192 bytes", false
	}
	return "", false
}

// isToken says whether name is an HTTP token (RFC 9110 5.6.2).
func isToken(name []byte) bool {
	for _, c := range name {
		if !isLetter(c) && !isDigit(c) && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return len(name) > 0
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isASCII(text []byte) bool {
	for _, c := range text {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// hasDuplicate says whether two names are equal. It sorts them: a peer chooses how
// many there are.
func hasDuplicate(names [][]byte) bool {
	slices.SortFunc(names, bytes.Compare)
	for i := 1; i < len(names); i++ {
		if bytes.Equal(names[i-1], names[i]) {
			return true
		}
	}
	return false
}

// isWord says whether name is word but for the case of ASCII letters.
func isWord(name []byte, word string) bool {
	if len(name) != len(word) {
		return false
	}
	for i, c := range name {
		if c != word[i] && (!isLetter(c) || c^word[i] != 0x20) {
			return false
		}
	}
	return true
}
