package conform

import (
	"bytes"
	"strings"
	"testing"
)

// The bytes of protocol.md 5, in both directions.
func TestPublishedProtobuf(t *testing.T) {
	for name, row := range map[string]struct {
		m     pb
		bytes string
	}{
		"join":        {pbJoin("room", 1), "32 08 0a 04 72 6f 6f 6d 10 01"},
		"sequenceAck": {pb{{8, pb{{1, uint64(300)}}}}, "42 03 08 ac 02"},
		"ping":        {pb{{9, pb{}}}, "4a 00"},
		"publish":     {pb{{1, pb{{1, "room"}, {2, uint64(7)}, {3, pb{{1, "hi"}}}, {4, true}}}}, "0a 10 0a 04 72 6f 6f 6d 10 07 1a 04 0a 02 68 69 20 01"},
	} {
		if got, want := row.m.bytes(), unhex(row.bytes); !bytes.Equal(got, want) {
			t.Errorf("%s: got %x, want %x", name, got, want)
		}
	}
	data := unhex("12 15 0a 05 67 72 6f 75 70 12 04 72 6f 6f 6d 1a 04 0a 02 68 69 20 05")
	for _, row := range []struct {
		name    string
		want    pb
		got     []byte
		problem string // how it begins, "" = none
	}{
		{"pong", pb{{4, pb{}}}, unhex("22 00"), ""},
		{"success", pbSuccess(7), unhex("0a 04 08 07 10 01"), ""},
		{"success is not failure", pbRefused(7, "x"), unhex("0a 04 08 07 10 01"), "message.1.2 is 1, want false"},
		{"another id", pbSuccess(8), unhex("0a 04 08 07 10 01"), "message.1.1 is 7, want 8"},
		{"duplicate", pbRefused(7, "Duplicate"), unhex("0a 12 08 07 1a 0e 0a 09 44 75 70 6c 69 63 61 74 65 12 01 78"), ""},
		{"data", pbNumbered("room", pbHi(), 5), data, ""},
		{"numbered where it must not be", pbMessage("room", pbHi()), data, "message.2.4 is 5, want none"},
		{"other data", pbNumbered("room", pbField{2, []byte("hi")}, 5), data, "message.2.3.2 is missing"},
		{"connected", pb{{3, pb{{1, pb{{1, "c1"}, {2, "alice"}, {3, pbPresent{}}}}}}}, unhex("1a 12 0a 10 0a 02 63 31 12 05 61 6c 69 63 65 1a 03 54 4f 4b"), ""},
		{"a list in any order", pb{{1, "a"}, {1, "b"}}, pb{{2, true}, {1, "a"}, {1, "b"}}.bytes(), ""},
		{"a list too short", pb{{1, "a"}, {1, "b"}}, pb{{1, "a"}}.bytes(), "message.1 is there too seldom"},
		{"a text for a number", pb{{1, uint64(1)}}, pb{{1, "x"}}.bytes(), `message.1 is "x", want 1`},
		{"not protobuf", pb{}, []byte{0xff}, "message is not protobuf"},
	} {
		got := row.want.mismatch(row.got)
		if (got == "") != (row.problem == "") || !strings.HasPrefix(got, row.problem) {
			t.Errorf("%s: got %q, want %q", row.name, got, row.problem)
		}
	}
	id, token := pbConnected(unhex("1a 12 0a 10 0a 02 63 31 12 05 61 6c 69 63 65 1a 03 54 4f 4b"))
	if id != "c1" || token != "TOK" {
		t.Errorf("connected as %q with %q", id, token)
	}
}
