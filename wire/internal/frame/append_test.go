package frame

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

func TestAppendFrame(t *testing.T) {
	mask := [4]byte{0x37, 0xfa, 0x21, 0x3d}
	tests := []struct {
		name    string
		op      ws.OpCode
		payload string
		mask    *[4]byte
		want    string
	}{
		{"text", ws.OpText, "Hello", nil, "81 05 48656c6c6f"},
		{"masked text", ws.OpText, "Hello", &mask, "81 85 37fa213d 7f9f4d5158"},
		{"masked pong", ws.OpPong, "Hello", &mask, "8a 85 37fa213d 7f9f4d5158"},
		{"empty", ws.OpBinary, "", nil, "82 00"},
		{"125 bytes", ws.OpBinary, strings.Repeat("\xab", 125), nil, "82 7d " + strings.Repeat("ab", 125)},
		{"126 bytes", ws.OpBinary, strings.Repeat("\xab", 126), nil, "82 7e 007e " + strings.Repeat("ab", 126)},
		{"65,535 bytes", ws.OpBinary, strings.Repeat("\xab", 65535), nil, "82 7e ffff " + strings.Repeat("ab", 65535)},
		{"65,536 bytes", ws.OpBinary, strings.Repeat("\xab", 65536), nil, "82 7f 0000000000010000 " + strings.Repeat("ab", 65536)},
	}
	for _, tt := range tests {
		payload := []byte(tt.payload)
		got := AppendFrame([]byte("before"), tt.op, payload, tt.mask)
		want := append([]byte("before"), unhex(t, tt.want)...)
		if !bytes.Equal(got, want) {
			t.Errorf("%s: got %.40x, want %.40x", tt.name, got, want)
		}
		if string(payload) != tt.payload {
			t.Errorf("%s: the payload was modified", tt.name)
		}
	}
}

func TestAppendClose(t *testing.T) {
	tests := []struct {
		name   string
		code   ws.StatusCode
		reason string
		want   string
	}{
		{"normal", 1000, "", "88 02 03e8"},
		{"with reason", 1008, "gone", "88 06 03f0 676f6e65"},
		{"no code", 0, "dropped", "88 00"},
		{"1005 means no code", 1005, "dropped", "88 00"},
		{"reason cut to 123 bytes", 1000, strings.Repeat("a", 200), "88 7d 03e8 " + strings.Repeat("61", 123)},
		{"reason cut between characters", 1000, strings.Repeat("é", 100), "88 7c 03e8 " + strings.Repeat("c3a9", 61)},
	}
	for _, tt := range tests {
		if got, want := AppendClose(nil, tt.code, tt.reason, nil), unhex(t, tt.want); !bytes.Equal(got, want) {
			t.Errorf("%s: got %x, want %x", tt.name, got, want)
		}
	}
}
