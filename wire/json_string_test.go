package wire

import (
	"bytes"
	"strings"
	"testing"
)

// Every byte at every place of a word and of its tail must be classed alike.
func TestPlainPrefixFindsTheFirstSpecialByte(t *testing.T) {
	for size := range 20 {
		for place := range size {
			for c := range 256 {
				b := bytes.Repeat([]byte{'x'}, size)
				b[place] = byte(c)
				// What follows must not matter; borrows of the word arithmetic go there.
				if place+1 < size {
					b[place+1] = ' '
				}
				want := size
				if c < ' ' || c == '"' || c == '\\' || c >= 0x80 {
					want = place
				}
				if got := plainPrefix(b); got != want {
					t.Fatalf("size %d, byte %#x at %d: got %d, want %d", size, c, place, got, want)
				}
			}
		}
	}
}

func TestUnescapeRune(t *testing.T) {
	tests := []struct {
		name, in, want string
	}{
		{"plain", `\u0041`, "A"},
		{"surrogate pair", `\ud83d\ude00`, "😀"},
		{"upper-case digits", `\uD83D\uDE00`, "😀"},
		{"lone high surrogate", `\ud83dx`, "\ufffdx"},
		{"lone low surrogate", `\ude00x`, "\ufffdx"},
		{"high surrogate at the end", `\ud83d`, "\ufffd"},
		{"high surrogate before another escape", `\ud83d\n`, "\ufffd\n"},
		{"two high surrogates and a low one", `\ud83d\ud83d\ude00`, "\ufffd😀"},
		{"swapped pair", `\ude00\ud83d`, "\ufffd\ufffd"},
		{"every short escape", `\"\\\/\b\f\n\r\t`, "\"\\/\b\f\n\r\t"},
		{"outside ASCII beside escapes", `é\n漢`, "é\n漢"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(appendUnescaped(nil, []byte(tt.in))); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestDecoderLetsGoOfBigMessages(t *testing.T) {
	var d Decoder
	var m Downstream
	big := `{"type":"message","from":"server","dataType":"binary","data":"` + strings.Repeat("A", 4*keepScratchBytes) + `"}`
	if err := d.Downstream([]byte(big), &m); err != nil {
		t.Fatal(err)
	}
	if err := d.Downstream([]byte(`{"type":"pong"}`), &m); err != nil {
		t.Fatal(err)
	}
	if got := cap(d.scratch); got > keepScratchBytes {
		t.Errorf("kept %d bytes of scratch, want at most %d", got, keepScratchBytes)
	}
	if d.scan.text != nil {
		t.Error("the message is still referenced")
	}
}
