package frame

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

// got is what a Parser handed out.
type got struct {
	Op      ws.OpCode
	Payload string
}

// feed parses data in pieces of the given sizes, the last of which repeats.
func feed(p *Parser, data []byte, sizes ...int) (msgs []got, err error) {
	data = bytes.Clone(data)
	if len(sizes) == 0 {
		sizes = []int{len(data)}
	}
	for i := 0; len(data) > 0; i++ {
		n := min(max(sizes[min(i, len(sizes)-1)], 1), len(data))
		err = p.Feed(data[:n], func(op ws.OpCode, payload []byte) error {
			msgs = append(msgs, got{op, string(payload)})
			return nil
		})
		// What was borrowed must not be needed any more.
		for j := range data[:n] {
			data[j] = 0xee
		}
		data = data[n:]
	}
	return msgs, err
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The first rows are the examples of RFC 6455 5.7.
var valid = []struct {
	name   string
	server bool
	bytes  string
	want   []got
}{
	{"text",
		//fin,text
		//   len 5 "Hello"
		false, "81 05 48656c6c6f", []got{{ws.OpText, "Hello"}}},
	{"masked text",
		//   mask,len 5
		//      mask     "Hello"
		true, "81 85 37fa213d 7f9f4d5158", []got{{ws.OpText, "Hello"}}},
	{"two fragments",
		//text      fin,continuation
		//   3 "Hel"  2 "lo"
		false, "01 03 48656c 80 02 6c6f", []got{{ws.OpText, "Hello"}}},
	{"ping", false, "89 05 48656c6c6f", []got{{ws.OpPing, "Hello"}}},
	{"masked pong", true, "8a 85 37fa213d 7f9f4d5158", []got{{ws.OpPong, "Hello"}}},
	{"256 bytes of binary",
		//fin,binary
		//   126 length
		false, "82 7e 0100 " + strings.Repeat("ab", 256), []got{{ws.OpBinary, strings.Repeat("\xab", 256)}}},
	{"64 KiB of binary",
		//   127 length
		false, "82 7f 0000000000010000 " + strings.Repeat("cd", 65536), []got{{ws.OpBinary, strings.Repeat("\xcd", 65536)}}},

	{"empty text", false, "81 00", []got{{ws.OpText, ""}}},
	{"empty masked binary", true, "82 80 01020304", []got{{ws.OpBinary, ""}}},
	{"two messages", false, "81 01 61 82 01 62", []got{{ws.OpText, "a"}, {ws.OpBinary, "b"}}},
	{"ping between fragments", false, "01 01 61 89 01 70 80 01 62", []got{{ws.OpPing, "p"}, {ws.OpText, "ab"}}},
	{"empty fragments", false, "02 00 00 00 80 00", []got{{ws.OpBinary, ""}}},
	{"character cut by a fragment", false, "01 01 c3 80 01 a9", []got{{ws.OpText, "é"}}},
	{"message after fragments", false, "01 01 61 80 01 62 82 01 63", []got{{ws.OpText, "ab"}, {ws.OpBinary, "c"}}},
	{"masked fragments",
		//text         "ab" ^ mask       fin,cont.     "c" ^ mask
		true, "01 82 01000000 6062 80 81 00010000 63", []got{{ws.OpText, "abc"}}},
	{"close without code", false, "88 00", []got{{ws.OpClose, ""}}},
	{"close 1000", false, "88 02 03e8", []got{{ws.OpClose, "\x03\xe8"}}},
	{"close 1008 with reason", false, "88 06 03f0 676f6e65", []got{{ws.OpClose, "\x03\xf0gone"}}},
	{"close 1012 service restart", false, "88 02 03f4", []got{{ws.OpClose, "\x03\xf4"}}},
	{"close 4999", false, "88 02 1387", []got{{ws.OpClose, "\x13\x87"}}},
	{"nothing after a close", false, "88 00 81 01 61", []got{{ws.OpClose, ""}}},
	{"not even a broken frame after a close", false, "88 00 ff ff ff", []got{{ws.OpClose, ""}}},
	{"125 bytes of ping", false, "89 7d " + strings.Repeat("70", 125), []got{{ws.OpPing, strings.Repeat("p", 125)}}},
}

func TestParserAccepts(t *testing.T) {
	for _, tt := range valid {
		for _, cut := range []int{1, 2, 3, 7, 1000, 1 << 20} {
			var p Parser
			p.Reset(Config{Server: tt.server, MaxMessageBytes: 1 << 16})
			msgs, err := feed(&p, unhex(t, tt.bytes), cut)
			if err != nil || !slices.Equal(msgs, tt.want) {
				t.Errorf("%s, fed by %d: got %.40q, %v; want %.40q", tt.name, cut, msgs, err, tt.want)
			}
			if p.message != nil {
				t.Errorf("%s, fed by %d: an idle parser holds a buffer", tt.name, cut)
			}
		}
	}
}

func TestParserWantsBinary(t *testing.T) {
	var p Parser
	p.Reset(Config{Binary: true, MaxMessageBytes: 8})
	msgs, err := feed(&p, unhex(t, "02 01 62 80 01 63 89 00"), 1000)
	if want := []got{{ws.OpBinary, "bc"}, {ws.OpPing, ""}}; err != nil || !slices.Equal(msgs, want) {
		t.Errorf("got %q, %v; want %q", msgs, err, want)
	}
	msgs, err = feed(&p, unhex(t, "81 01 61"), 1000)
	var refused *CloseError
	if !errors.As(err, &refused) || refused.Code != ws.StatusUnsupportedData || len(msgs) > 0 {
		t.Errorf("text: got %q, %v; want close code 1003", msgs, err)
	}
}

func TestParserRefuses(t *testing.T) {
	tests := []struct {
		name   string
		server bool
		text   bool
		bytes  string
		want   ws.StatusCode
	}{
		{"masked frame to a client", false, false, "81 81 01020304 60", ws.StatusProtocolError},
		{"unmasked frame to a server", true, false, "81 01 61", ws.StatusProtocolError},
		{"reserved bit 1", false, false, "c1 01 61", ws.StatusProtocolError},
		{"reserved bit 3", false, false, "91 01 61", ws.StatusProtocolError},
		{"reserved data opcode 3", false, false, "83 00", ws.StatusProtocolError},
		{"reserved control opcode 11", false, false, "8b 00", ws.StatusProtocolError},
		{"fragmented ping", false, false, "09 00", ws.StatusProtocolError},
		{"ping of 126 bytes", false, false, "89 7e 007e", ws.StatusProtocolError},
		{"continuation of nothing", false, false, "80 00", ws.StatusProtocolError},
		{"continuation of a whole ping", false, false, "00 01 61", ws.StatusProtocolError},
		{"new message inside a message", false, false, "01 01 61 81 01 62", ws.StatusProtocolError},
		{"16-bit length below 126", false, false, "81 7e 007d", ws.StatusProtocolError},
		{"64-bit length below 65,536", false, false, "82 7f 000000000000ffff", ws.StatusProtocolError},
		{"64-bit length with its top bit", false, false, "82 7f 8000000000000000", ws.StatusProtocolError},
		{"close of one byte", false, false, "88 01 03", ws.StatusProtocolError},
		{"close 999", false, false, "88 02 03e7", ws.StatusProtocolError},
		{"close 1004", false, false, "88 02 03ec", ws.StatusProtocolError},
		{"close 1005", false, false, "88 02 03ed", ws.StatusProtocolError},
		{"close 1006", false, false, "88 02 03ee", ws.StatusProtocolError},
		{"close 1015", false, false, "88 02 03f7", ws.StatusProtocolError},
		{"close 2999", false, false, "88 02 0bb7", ws.StatusProtocolError},
		{"close 5000", false, false, "88 02 1388", ws.StatusProtocolError},
		{"close reason not UTF-8", false, false, "88 03 03e8 ff", ws.StatusInvalidFramePayloadData},
		{"text not UTF-8", false, false, "81 02 c328", ws.StatusInvalidFramePayloadData},
		{"text ends inside a character", false, false, "01 01 61 80 01 c3", ws.StatusInvalidFramePayloadData},
		{"binary where text is required", false, true, "82 00", ws.StatusUnsupportedData},
		// The limit of these tests is 8 bytes: refused by the header alone.
		{"frame above the limit", false, false, "82 09", ws.StatusMessageTooBig},
		{"fragments above the limit", false, false, "02 05 0000000000 80 04", ws.StatusMessageTooBig},
		{"greatest length", false, false, "82 7f 7fffffffffffffff", ws.StatusMessageTooBig},
	}
	for _, tt := range tests {
		for _, cut := range []int{1, 3, 1000} {
			var p Parser
			p.Reset(Config{Server: tt.server, Text: tt.text, MaxMessageBytes: 8})
			msgs, err := feed(&p, unhex(t, tt.bytes), cut)
			var refused *CloseError
			if !errors.As(err, &refused) || refused.Code != tt.want || len(msgs) > 0 {
				t.Errorf("%s, fed by %d: got %v, %v; want close code %d", tt.name, cut, msgs, err, tt.want)
			}
			if again := p.Feed([]byte{0x81, 0}, nil); !errors.Is(again, err) {
				t.Errorf("%s: after a refusal Feed returned %v, want the same error", tt.name, again)
			}
			if p.message != nil {
				t.Errorf("%s: a refused parser holds a buffer", tt.name)
			}
		}
	}
}

func TestParserLimitIsInclusive(t *testing.T) {
	var p Parser
	p.Reset(Config{MaxMessageBytes: 4})
	// A control frame does not count towards the message it interrupts.
	msgs, err := feed(&p, unhex(t, "02 02 0102 89 05 0000000000 80 02 0304"))
	want := []got{{ws.OpPing, "\x00\x00\x00\x00\x00"}, {ws.OpBinary, "\x01\x02\x03\x04"}}
	if err != nil || !slices.Equal(msgs, want) {
		t.Errorf("got %v, %v; want %v", msgs, err, want)
	}
}

func TestParserReset(t *testing.T) {
	var p Parser
	cfg := Config{MaxMessageBytes: 8}
	for _, before := range []string{"81", "81 05 48", "01 01 61", "88 00", "ff ff", "89 05 01"} {
		p.Reset(cfg)
		_, _ = feed(&p, unhex(t, before))
		p.Reset(cfg)
		msgs, err := feed(&p, unhex(t, "81 02 6f6b"))
		if err != nil || !slices.Equal(msgs, []got{{ws.OpText, "ok"}}) {
			t.Errorf("after %q and Reset: got %v, %v", before, msgs, err)
		}
	}
}

func TestParserStopsAtAnErrorOfTheCallback(t *testing.T) {
	var p Parser
	p.Reset(Config{MaxMessageBytes: 8})
	stop := errors.New("stop")
	calls := 0
	for range 2 {
		err := p.Feed(unhex(t, "81 00 81 00"), func(ws.OpCode, []byte) error { calls++; return stop })
		if !errors.Is(err, stop) || calls != 1 {
			t.Errorf("got %v after %d calls, want the callback's error after 1", err, calls)
		}
	}
}

// A stream that a Parser sees in steady state: small messages that lie across
// the reads, so that every read ends in an incomplete frame.
func TestParserDoesNotAllocate(t *testing.T) {
	one := AppendFrame(nil, ws.OpText, bytes.Repeat([]byte("x"), 200), nil)
	stream := bytes.Repeat(one, 10)
	var p Parser
	p.Reset(Config{Text: true, MaxMessageBytes: 1 << 20})
	messages := 0
	fn := func(ws.OpCode, []byte) error { messages++; return nil }
	for _, read := range []int{len(stream), 100, 333} {
		got := testing.AllocsPerRun(100, func() {
			for data := stream; len(data) > 0; {
				n := min(read, len(data))
				if err := p.Feed(data[:n], fn); err != nil {
					t.Fatal(err)
				}
				data = data[n:]
			}
		})
		if got != 0 && !raceEnabled {
			t.Errorf("reads of %d bytes: %v allocations for 10 messages, want 0", read, got)
		}
	}
	if want := 3 * 101 * 10; messages != want {
		t.Errorf("got %d messages, want %d", messages, want)
	}
}

func BenchmarkParser(b *testing.B) {
	stream := bytes.Repeat(AppendFrame(nil, ws.OpText, bytes.Repeat([]byte("x"), 256), nil), 64)
	var p Parser
	p.Reset(Config{Text: true, MaxMessageBytes: 1 << 20})
	fn := func(ws.OpCode, []byte) error { return nil }
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Feed(stream, fn); err != nil {
			b.Fatal(err)
		}
	}
}
