package frame

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// read is the oracle: the messages of a stream as gobwas/ws reads its frames.
// ok is false when the stream breaks a rule; a stream that just ends is fine.
func read(stream []byte, cfg Config) (msgs []got, ok bool) {
	state := ws.StateClientSide
	if cfg.Server {
		state = ws.StateServerSide
	}
	var op ws.OpCode
	var message []byte
	r := bytes.NewReader(stream)
	for {
		before := r.Len()
		h, err := ws.ReadHeader(r)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return msgs, true
		}
		if err != nil || before-r.Len() != ws.HeaderSize(h) || ws.CheckHeader(h, state) != nil {
			return msgs, false
		}
		if h.OpCode.IsData() && (cfg.Text && h.OpCode == ws.OpBinary || h.Length+int64(len(message)) > int64(cfg.MaxMessageBytes)) {
			return msgs, false
		}
		payload := make([]byte, h.Length)
		if _, err := io.ReadFull(r, payload); err != nil {
			return msgs, true
		}
		if h.Masked {
			ws.Cipher(payload, h.Mask, 0)
		}
		switch {
		case h.OpCode == ws.OpClose:
			if checkClose(payload) != nil {
				return msgs, false
			}
			return append(msgs, got{h.OpCode, string(payload)}), true
		case h.OpCode.IsControl():
			msgs = append(msgs, got{h.OpCode, string(payload)})
			continue
		case h.OpCode != ws.OpContinuation:
			op = h.OpCode
		}
		message = append(message, payload...)
		if !h.Fin {
			state = state.Set(ws.StateFragmented)
			continue
		}
		if op == ws.OpText && !utf8.Valid(message) {
			return msgs, false
		}
		msgs = append(msgs, got{op, string(message)})
		message, state = nil, state.Clear(ws.StateFragmented)
	}
}

// However a stream is cut, the messages are the same as of the whole, and the
// same that gobwas/ws reads.
func FuzzParser(f *testing.F) {
	for _, tt := range valid {
		if stream := unhex(f, tt.bytes); len(stream) < 1000 {
			f.Add(stream, tt.server, []byte{1, 2, 3})
		}
	}
	f.Add(AppendFrame(nil, ws.OpText, bytes.Repeat([]byte("é"), 500), &[4]byte{1, 2, 3, 4}), true, []byte{200, 1})
	f.Fuzz(func(t *testing.T, stream []byte, server bool, cuts []byte) {
		cfg := Config{Server: server, Text: len(cuts)%2 == 1, MaxMessageBytes: 1024}
		want, valid := read(stream, cfg)
		sizes := []int{len(stream)}
		for range 2 {
			var p Parser
			p.Reset(cfg)
			msgs, err := feed(&p, stream, sizes...)
			if !slices.Equal(msgs, want) || (err == nil) != valid {
				t.Fatalf("cut by %v: got %q, %v; want %q, valid %t", sizes, msgs, err, want, valid)
			}
			if p.kept() > cfg.MaxMessageBytes {
				t.Fatalf("cut by %v: keeps %d bytes under a limit of %d", sizes, p.kept(), cfg.MaxMessageBytes)
			}
			sizes = sizes[:0]
			for _, c := range cuts {
				sizes = append(sizes, int(c))
			}
			sizes = append(sizes, 1)
		}
	})
}
