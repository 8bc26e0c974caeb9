package conform

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestMismatch(t *testing.T) {
	tests := []struct {
		name, want, got string
		problem         string // how it begins, "" = none
	}{
		{"equal", `{"type":"pong"}`, `{"type":"pong"}`, ""},
		{"order and space", `{"a":1,"b":"x"}`, ` { "b" : "x" , "a" : 1 } `, ""},
		{"escapes", `{"a":"ü"}`, `{"a":"\u00fc"}`, ""},
		{"more than wanted", `{"a":1}`, `{"a":1,"b":2}`, ""},
		{"missing", `{"a":1}`, `{}`, "a is missing or null, want 1"},
		{"another value", `{"a":{"b":1}}`, `{"a":{"b":2}}`, "a.b is 2, want 1"},
		{"another type", `{"a":1}`, `{"a":"1"}`, `a is "1", want 1`},
		{"digits count", `{"a":9007199254740993}`, `{"a":9007199254740992}`, "a is 9007199254740992"},
		{"text for object", `{"a":{"b":1}}`, `{"a":"x"}`, `a is "x", want an object`},
		{"lists", `{"a":[1,2]}`, `{"a":[1]}`, "a is [1], want [1,2]"},
		{"absent", `{"a":"<absent>"}`, `{"a":null}`, ""},
		{"not absent", `{"a":"<absent>"}`, `{"a":0}`, "a is 0, want none"},
		{"present", `{"a":"<text>"}`, `{"a":"x"}`, ""},
		{"empty", `{"a":"<text>"}`, `{"a":""}`, `a is "", want a text`},
		{"data is exact", `{"data":{"x":1}}`, `{"data":{"x":1,"y":2}}`, `data is {"x":1,"y":2}`},
		{"data null", `{"data":"x"}`, `{}`, `data is missing or null`},
		{"not JSON", `{"a":1}`, `{"a":1`, "not JSON"},
		{"two values", `{"a":1}`, `{"a":1}{}`, "not JSON"},
		{"a list for a message", `{"a":1}`, `[]`, "the message is [], want an object"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := mismatch(tt.want, []byte(tt.got))
			if (got == "") != (tt.problem == "") || !strings.HasPrefix(got, tt.problem) {
				t.Errorf("got %q, want %q", got, tt.problem)
			}
		})
	}
}

func TestTranscriptIsBounded(t *testing.T) {
	l := transcript{start: time.Now()}
	for i := range 1000 {
		l.add("A", "->", fmt.Sprintf("line %d %s", i, strings.Repeat("ü", 500)))
	}
	lines := l.lines()
	if got, want := len(lines), firstLines+1+latestLines; got != want {
		t.Fatalf("%d lines, want %d", got, want)
	}
	for at, want := range map[int]string{0: "line 0 ", firstLines: "… 940 lines left out …", firstLines + 1: "line 960 ", len(lines) - 1: "line 999 "} {
		if !strings.Contains(lines[at], want) {
			t.Errorf("line %d is %q, want %q", at, lines[at], want)
		}
	}
	for _, line := range lines {
		if len(line) > lineBytes+60 {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
}

func TestTranscriptKeepsSecrets(t *testing.T) {
	l := transcript{start: time.Now()}
	l.secret("opaque-token")
	for _, secret := range []string{
		"GET /client?access_token=SECRET1&x=1", `{"reconnectionToken" : "SECRET2"}`, "opaque-token",
		"awps_reconnection_token=SECRET3", "Bearer eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.SECRET4",
	} {
		l.add("A", "->", secret)
	}
	all := strings.Join(l.lines(), "\n")
	if strings.Contains(all, "SECRET") || strings.Contains(all, "opaque") || !strings.Contains(all, "&x=1") {
		t.Error(all)
	}
}

// Every case has a name of its own, a section, a sentence and something to do.
func TestCasesAreComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Cases() {
		area, name, ok := strings.Cut(c.ID, "/")
		if !ok || area == "" || name == "" || seen[c.ID] || c.Rule == "" || c.Title == "" || c.run == nil || c.Level != Spec && c.Level != Emulator {
			t.Errorf("%+v", c)
		}
		seen[c.ID] = true
	}
}
