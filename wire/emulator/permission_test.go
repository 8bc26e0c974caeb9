package emulator

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestRoles(t *testing.T) {
	tests := []struct {
		name       string
		roles      []string
		group      string
		send, join bool
	}{
		{"none", nil, "room", false, false},
		{"send to all", []string{"webpubsub.sendToGroup"}, "room", true, false},
		{"join all", []string{"webpubsub.joinLeaveGroup"}, "room", false, true},
		{"literal", []string{"webpubsub.sendToGroup.room"}, "room", true, false},
		{"another literal", []string{"webpubsub.sendToGroup.room"}, "rooms", false, false},
		{"case counts", []string{"webpubsub.sendToGroup.Room"}, "room", false, false},
		{"literal with dots", []string{"webpubsub.joinLeaveGroup.a.b.c"}, "a.b.c", false, true},
		{"a literal is no pattern", []string{"webpubsub.sendToGroup.*"}, "room", false, false},
		{"literal star", []string{"webpubsub.sendToGroup.*"}, "*", true, false},
		{"empty literal", []string{"webpubsub.sendToGroup."}, "room", false, false},
		{"pattern", []string{"webpubsub.sendToGroups.ro*"}, "room", true, false},
		{"join pattern", []string{"webpubsub.joinLeaveGroups.??om"}, "room", false, true},
		{"everything", []string{"webpubsub.sendToGroups.**"}, "a.b", true, false},
		{"unknown", []string{"webpubsub.dance", "sendToGroup", "webpubsub", ""}, "room", false, false},
		{"an invalid one spoils nothing", []string{`webpubsub.sendToGroups.a\`, "webpubsub.sendToGroup.room"}, "room", true, false},
	}
	for _, tt := range tests {
		send, join := roles(tt.roles)
		if got := send.allows([]byte(tt.group)); got != tt.send {
			t.Errorf("%s: send %v, want %v", tt.name, got, tt.send)
		}
		if got := join.allows([]byte(tt.group)); got != tt.join {
			t.Errorf("%s: join %v, want %v", tt.name, got, tt.join)
		}
	}
}

func TestRoleLimits(t *testing.T) {
	var list []string
	for i := range 1001 {
		list = append(list, fmt.Sprintf("webpubsub.sendToGroup.g%d", i))
	}
	for i := range 10 {
		list = append(list, fmt.Sprintf("webpubsub.joinLeaveGroups.p%d.*", i))
	}
	send, join := roles(list)
	if !send.allows([]byte("g999")) || send.allows([]byte("g1000")) {
		t.Error("want 1,000 literals and no more")
	}
	if !join.allows([]byte("p8.x")) || join.allows([]byte("p9.x")) {
		t.Error("want 9 patterns and no more")
	}
}

func TestPatterns(t *testing.T) {
	tests := []struct {
		pattern string
		yes, no []string
	}{
		{"a?c", []string{"abc", "aéc"}, []string{"ac", "a.c", "abbc"}},
		{"a*c", []string{"ac", "abc", "abcc"}, []string{"a.c", "abcd"}},
		{"a.*", []string{"a.", "a.b"}, []string{"a.b.c", "a"}},
		{"a.**", []string{"a.", "a.b", "a.b.c"}, []string{"a"}},
		{"a***c", []string{"ac", "a.b.c"}, []string{"a.b"}},
		{"**.end", []string{".end", "x.y.end"}, []string{"end"}},
		{"*.*", []string{".", "a.b"}, []string{"a.b.c", "ab"}},
		{`a\*`, []string{"a*"}, []string{"ab", `a\*`}},
		{`\?\\`, []string{`?\`}, []string{`x\`}},
		{"**a*b", []string{"ab", "x.ab", "a.ab", "a.axb"}, []string{"a.b", "ab."}},
		{"**", []string{"", "x", "a.b"}, nil},
		{"*", []string{"", "x"}, []string{"."}},
	}
	for _, tt := range tests {
		p, ok := compilePattern(tt.pattern)
		if !ok {
			t.Errorf("%q does not compile", tt.pattern)
		}
		for _, name := range tt.yes {
			if !p.matches([]byte(name)) {
				t.Errorf("%q does not match %q", tt.pattern, name)
			}
		}
		for _, name := range tt.no {
			if p.matches([]byte(name)) {
				t.Errorf("%q matches %q", tt.pattern, name)
			}
		}
	}
}

func TestInvalidPatterns(t *testing.T) {
	for _, text := range []string{"", `a\`, `\a`, "a*b*c*d*e*f*", "**a**b**", strings.Repeat("x", 1025)} {
		if _, ok := compilePattern(text); ok {
			t.Errorf("%.20q compiles", text)
		}
	}
	for _, text := range []string{"a*b*c*d*e*", `\*\*\*\*\*\*`, strings.Repeat("é", 1024)} {
		if _, ok := compilePattern(text); !ok {
			t.Errorf("%.20q does not compile", text)
		}
	}
}

// matchSlowly tries every way a wildcard can go.
func matchSlowly(p []rune, name []rune) bool {
	if len(p) == 0 {
		return len(name) == 0
	}
	switch p[0] {
	case anyInName, anyAtAll:
		return matchSlowly(p[1:], name) ||
			len(name) > 0 && (p[0] == anyAtAll || name[0] != '.') && matchSlowly(p, name[1:])
	case anyOne:
		return len(name) > 0 && name[0] != '.' && matchSlowly(p[1:], name[1:])
	default:
		return len(name) > 0 && name[0] == p[0] && matchSlowly(p[1:], name[1:])
	}
}

func TestPatternsAgainstExhaustiveSearch(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	draw := func(alphabet string, n int) string {
		var b strings.Builder
		for range rnd.IntN(n) {
			b.WriteByte(alphabet[rnd.IntN(len(alphabet))])
		}
		return b.String()
	}
	matched := 0
	for range 200_000 {
		text, name := draw("ab.?**", 9), draw("ab.", 12)
		p, ok := compilePattern(text)
		if !ok {
			continue
		}
		got, want := p.matches([]byte(name)), matchSlowly(p, []rune(name))
		if got != want {
			t.Fatalf("%q matches %q: %v, want %v", text, name, got, want)
		}
		if got {
			matched++
		}
	}
	if matched < 1000 {
		t.Errorf("only %d pairs matched: the test says little", matched)
	}
}

func TestPermissionAtRunTime(t *testing.T) {
	send, join := roles([]string{"webpubsub.sendToGroups.room.*", "webpubsub.joinLeaveGroup"})
	steps := []struct {
		p       *permission
		group   string
		allowed bool
		want    int // literals kept
	}{
		{&send, "hall", true, 1},
		{&send, "room.1", true, 1}, // by the pattern already
		{&send, "room.1", false, 2},
		{&send, "room.1", true, 1},
		{&send, "hall", false, 0},
		{&join, "hall", false, 1},
		{&join, "hall", false, 1},
		{&join, "hall", true, 0},
	}
	for _, tt := range steps {
		if !tt.p.set(tt.group, tt.allowed) || tt.p.allows([]byte(tt.group)) != tt.allowed || len(tt.p.literals) != tt.want {
			t.Errorf("set %s %v: allowed %v with %d literals, want %d", tt.group, tt.allowed, tt.p.allows([]byte(tt.group)), len(tt.p.literals), tt.want)
		}
	}
	for i := range maxLiterals {
		if !send.set(fmt.Sprint(i), true) {
			t.Fatalf("grant %d of %d is refused", i+1, maxLiterals)
		}
	}
	if send.set("one more", true) || send.set("room.1", false) {
		t.Error("there is no limit")
	}
	if !send.set("7", false) || !send.set("one more", true) || send.allows([]byte("7")) {
		t.Error("a revocation makes no room")
	}
}
