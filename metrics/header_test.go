package metrics

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// The vectors were made apart from this code, from the layout in header.go and a
// bitwise CRC32C (polynomial 0x82F63B78, "123456789" → E3069283):
//
//	b1|01|deadbeef|00000002|00000003|0000000000000004|000000000005|00000006|f68d2565
//	magic  run id   publisher address  message          intended     lag      CRC32C
//	  session                          64 bits          48 bits      32 bits
var headerVectors = []struct {
	name    string
	header  Header
	padding string
	raw     string // hex
	text    string // base64url
}{
	{
		name:   "small values",
		header: Header{Session: 1, RunID: 0xDEADBEEF, Publisher: 2, Address: 3, Message: 4, Intended: 5, Lag: 6 * time.Microsecond},
		raw:    "b101" + "deadbeef" + "00000002" + "00000003" + "0000000000000004" + "000000000005" + "00000006" + "f68d2565",
		text:   "sQHerb7vAAAAAgAAAAMAAAAAAAAABAAAAAAABQAAAAb2jSVl",
	},
	{
		name:    "the CRC covers the padding",
		header:  Header{Session: 1, RunID: 0xDEADBEEF, Publisher: 2, Address: 3, Message: 4, Intended: 5, Lag: 6 * time.Microsecond},
		padding: "PAD_-09z",
		raw:     "b101" + "deadbeef" + "00000002" + "00000003" + "0000000000000004" + "000000000005" + "00000006" + "5857a437",
		text:    "sQHerb7vAAAAAgAAAAMAAAAAAAAABAAAAAAABQAAAAZYV6Q3",
	},
	{
		name: "nearly all ones",
		header: Header{
			Session: 255, RunID: math.MaxUint32, Publisher: math.MaxUint32 - 1, Address: math.MaxUint32 - 2,
			Message: math.MaxUint64 - 3, Intended: 1<<48 - 5, Lag: (1<<32 - 6) * time.Microsecond,
		},
		raw:  "b1ff" + "ffffffff" + "fffffffe" + "fffffffd" + "fffffffffffffffc" + "fffffffffffb" + "fffffffa" + "3375a7d6",
		text: "sf___________v____3__________P______-_____ozdafW",
	},
	{
		name: "zero",
		raw:  "b100" + strings.Repeat("00", 30) + "7094a34b",
		text: "sQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABwlKNL",
	},
}

func TestHeaderVectors(t *testing.T) {
	for _, v := range headerVectors {
		t.Run(v.name, func(t *testing.T) {
			raw, err := hex.DecodeString(v.raw)
			if err != nil {
				t.Fatal(err)
			}
			if v.padding == "" {
				if got := AppendPayload(nil, PayloadBinary, v.header, 0, 1); !bytes.Equal(got, raw) {
					t.Errorf("binary:\n got %x\nwant %x", got, raw)
				}
				if got := AppendPayload(nil, PayloadText, v.header, 0, 1); string(got) != v.text {
					t.Errorf("text:\n got %s\nwant %s", got, v.text)
				}
				if got, want := AppendPayload([]byte("x:"), PayloadJSON, v.header, 0, 1), `x:"`+v.text+`"`; string(got) != want {
					t.Errorf("JSON:\n got %s\nwant %s", got, want)
				}
			}
			for _, d := range []struct {
				name string
				kind PayloadKind
				data string
			}{
				{"binary", PayloadBinary, string(raw) + v.padding},
				{"text", PayloadText, v.text + v.padding},
				{"JSON string", PayloadJSON, `"` + v.text + v.padding + `"`},
				{"JSON string with space", PayloadJSON, " \t\r\n\"" + v.text + v.padding + "\" "},
				{"JSON object", PayloadJSON, `{"m":"` + v.text + v.padding + `","n":[1]}`},
				{"JSON object with space", PayloadJSON, ` { "m" : "` + v.text + v.padding + `" } `},
			} {
				got, status := ParsePayload([]byte(d.data), d.kind, v.header.RunID)
				if status != HeaderOK || got != v.header {
					t.Errorf("%s: got %+v, status %d, want %+v", d.name, got, status, v.header)
				}
			}
		})
	}
}

func TestParsePayloadRefuses(t *testing.T) {
	const run = 0xDEADBEEF
	h := headerVectors[0].header
	text := string(AppendPayload(nil, PayloadText, h, 80, 7))
	binary := string(AppendPayload(nil, PayloadBinary, h, 80, 7))
	flip := func(s string, i int) string { return s[:i] + string(rune(s[i]^1)) + s[i+1:] }
	for _, tt := range []struct {
		name string
		kind PayloadKind
		data string
		want HeaderStatus
	}{
		{"whole", PayloadText, text, HeaderOK},
		{"empty", PayloadText, "", HeaderForeign},
		{"other text", PayloadText, "hello, world: this is quite another message, of some length", HeaderForeign},
		{"other run", PayloadText, string(AppendPayload(nil, PayloadText, Header{RunID: 1}, 80, 7)), HeaderForeign},
		{"other version", PayloadBinary, "\xb2" + binary[1:], HeaderForeign},
		{"cut in the ids", PayloadText, text[:7], HeaderForeign},
		{"cut in the header", PayloadText, text[:47], HeaderCorrupt},
		{"cut in the padding", PayloadText, text[:79], HeaderCorrupt},
		{"longer", PayloadText, text + "A", HeaderCorrupt},
		{"flip in the header", PayloadText, flip(text, 20), HeaderCorrupt},
		{"flip in the CRC", PayloadText, flip(text, 47), HeaderCorrupt},
		{"flip in the padding", PayloadText, flip(text, 60), HeaderCorrupt},
		{"line break in the header", PayloadText, text[:20] + "\n" + text[21:], HeaderCorrupt},
		{"not base64url in the header", PayloadText, text[:20] + "+" + text[21:], HeaderCorrupt},
		{"binary flip", PayloadBinary, flip(binary[:40], 39), HeaderCorrupt},
		{"binary cut", PayloadBinary, binary[:35], HeaderCorrupt},
		{"binary as text", PayloadText, binary, HeaderForeign},
		{"JSON number", PayloadJSON, "17", HeaderForeign},
		{"JSON unfinished string", PayloadJSON, `"` + text, HeaderForeign},
		{"JSON unfinished object", PayloadJSON, `{"m`, HeaderForeign},
		{"JSON object without colon", PayloadJSON, `{"m" "` + text + `"}`, HeaderForeign},
		{"JSON object of a number", PayloadJSON, `{"m":1}`, HeaderForeign},
		{"JSON empty object", PayloadJSON, `{}`, HeaderForeign},
		{"JSON quote alone", PayloadJSON, `"`, HeaderForeign},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, got := ParsePayload([]byte(tt.data), tt.kind, run); got != tt.want {
				t.Errorf("got status %d, want %d", got, tt.want)
			}
		})
	}
}

func TestAppendPayloadSizes(t *testing.T) {
	h := headerVectors[0].header
	for _, k := range []PayloadKind{PayloadText, PayloadJSON, PayloadBinary} {
		for _, size := range []int{0, MinPayloadBytes(k), MinPayloadBytes(k) + 1, 64, 100, 1000} {
			got := AppendPayload(nil, k, h, size, 42)
			want := max(size, MinPayloadBytes(k))
			if k == PayloadJSON {
				want += 2
				if !json.Valid(got) {
					t.Errorf("kind %d, size %d: not JSON: %s", k, size, got)
				}
			}
			if len(got) != want {
				t.Errorf("kind %d, size %d: got %d bytes, want %d", k, size, len(got), want)
			}
			if k != PayloadBinary && slices.ContainsFunc(got, func(b byte) bool { return b <= ' ' || b > '~' || b == '\\' }) {
				t.Errorf("kind %d, size %d: needs escaping: %q", k, size, got)
			}
			if !bytes.Equal(got, AppendPayload(nil, k, h, size, 42)) {
				t.Errorf("kind %d, size %d: the same seed gives another payload", k, size)
			}
		}
		h2 := h
		h2.Message++
		a, b := AppendPayload(nil, k, h, 200, 42), AppendPayload(nil, k, h2, 200, 42)
		if bytes.Equal(a[100:], b[100:]) {
			t.Errorf("kind %d: two messages have the same padding", k)
		}
		if c := AppendPayload(nil, k, h, 200, 43); bytes.Equal(a[100:], c[100:]) {
			t.Errorf("kind %d: two seeds have the same padding", k)
		}
	}
}

func TestHeaderLimits(t *testing.T) {
	h := Header{Message: 1, Intended: 100 * time.Hour, Lag: 100 * time.Minute}
	got, _ := ParsePayload(AppendPayload(nil, PayloadBinary, h, 0, 0), PayloadBinary, 0)
	if got.Intended != 1<<48-1 || got.Lag != (1<<32-1)*time.Microsecond {
		t.Errorf("above the limits: got %v and %v", got.Intended, got.Lag)
	}
	h.Intended, h.Lag = -1, -1
	got, _ = ParsePayload(AppendPayload(nil, PayloadBinary, h, 0, 0), PayloadBinary, 0)
	if got.Intended != 0 || got.Lag != 0 {
		t.Errorf("negative: got %v and %v", got.Intended, got.Lag)
	}
}

func FuzzParsePayload(f *testing.F) {
	for _, v := range headerVectors {
		f.Add([]byte(v.text), uint8(PayloadText))
		f.Add([]byte(`{"a":"`+v.text+`"}`), uint8(PayloadJSON))
	}
	f.Fuzz(func(t *testing.T, data []byte, kind uint8) {
		k := PayloadKind(kind % 3)
		h, status := ParsePayload(data, k, 0xDEADBEEF)
		if status == HeaderOK && h.RunID != 0xDEADBEEF {
			t.Errorf("run id %x passes", h.RunID)
		}
	})
}

func TestPayloadAllocations(t *testing.T) {
	h := headerVectors[0].header
	for _, k := range []PayloadKind{PayloadText, PayloadJSON, PayloadBinary} {
		data := AppendPayload(nil, k, h, 128, 1)
		if n := testing.AllocsPerRun(1000, func() { data = AppendPayload(data[:0], k, h, 128, 1) }); n != 0 {
			t.Errorf("kind %d: AppendPayload allocates %v times", k, n)
		}
		if n := testing.AllocsPerRun(1000, func() {
			if _, status := ParsePayload(data, k, h.RunID); status != HeaderOK {
				t.Fatal("cannot be read")
			}
		}); n != 0 && !raceEnabled {
			t.Errorf("kind %d: ParsePayload allocates %v times", k, n)
		}
	}
}

func BenchmarkAppendPayload(b *testing.B) {
	buf := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendPayload(buf[:0], PayloadText, headerVectors[0].header, 128, 1)
	}
}

func BenchmarkParsePayload(b *testing.B) {
	data := AppendPayload(nil, PayloadText, headerVectors[0].header, 128, 1)
	b.ReportAllocs()
	for b.Loop() {
		ParsePayload(data, PayloadText, 0xDEADBEEF)
	}
}

// A body stands behind the header as it is, and the CRC covers it.
func TestAppendPayloadBody(t *testing.T) {
	h := Header{Session: 1, RunID: 7, Publisher: 3, Address: 4, Message: 5, Intended: time.Second, Lag: time.Millisecond}
	for _, k := range []PayloadKind{PayloadText, PayloadJSON, PayloadBinary} {
		payload := AppendPayloadBody([]byte("x"), k, h, []byte("the body"))[1:]
		if got, status := ParsePayload(payload, k, 7); status != HeaderOK || got != h {
			t.Errorf("kind %d: parsed %+v, status %d", k, got, status)
		}
		at := bytes.Index(payload, []byte("the body"))
		if at < 0 {
			t.Fatalf("kind %d: no body in %q", k, payload)
		}
		payload[at] = 'T'
		if _, status := ParsePayload(payload, k, 7); status != HeaderCorrupt {
			t.Errorf("kind %d: a changed body has status %d, want corrupt", k, status)
		}
	}
}
