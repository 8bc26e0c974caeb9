package emulator

import (
	"strings"
	"testing"

	"github.com/wpsbench/wpsbench/wire"
)

// filterSubject is a connection of alice's, in two groups.
func filterSubject() *session {
	return &session{
		id: "c1", user: []byte("alice"), subprotocol: wire.JSONReliable,
		groups: []*group{{name: "room"}, {name: "it's"}},
	}
}

func anonymousSubject() *session { return &session{id: "c2"} }

func TestFilter(t *testing.T) {
	tests := []struct {
		filter    string
		alice     bool
		anonymous bool
	}{
		// The examples of protocol.md 7.5.
		{"userId eq null", false, true},
		{"'room' in groups and not startswith(userId,'bot-')", true, false},
		{"length(groups) gt 2", false, false},
		{"connectionId in ('a','b')", false, false},

		{"", true, true},
		{"true", true, true},
		{"not true", false, false},
		{"not not true", true, true},
		{"connectionId eq 'c1'", true, false},
		{"'c1' eq connectionId", true, false},
		{"connectionId ne 'c1'", false, true},
		{"CONNECTIONID eq 'c1' and UserID eq 'alice'", true, false},
		{"userId eq 'Alice'", false, false},
		{"userId ne null", true, false},
		{"protocol eq 'json.reliable.webpubsub.azure.v1'", true, false},
		{"protocol eq null", false, true},
		{"null eq null", true, true},
		{"'it''s' in groups", true, false},
		{"not ('it''s' in groups)", false, true},
		{"userId in groups", false, false},
		{"null in groups", false, false},
		{"7 in groups", false, false},
		{"userId in ('bob', 'alice')", true, false},
		{"userId in (null)", false, true},
		{"userId in ()", false, false},
		{"length(groups) in (1, 2)", true, false},
		{"1 in ('1')", false, false},

		// and binds stronger than or, a comparison stronger than both, not the strongest.
		{"true or true and false", true, true},
		{"(true or true) and false", false, false},
		{"false and true or true", true, true},
		{"1 eq 1 eq true", true, true},
		{"not (userId eq 'alice')", false, true},
		{"not (1 gt 2) and true", true, true},
		{"(true)and(true)", true, true},

		{"length(groups) ge 2", true, false},
		{"length(groups) lt 2", false, true},
		{"length(groups) le 0", false, true},
		{"-1 lt 0", true, true},
		{"-2147483648 lt 2147483647", true, true},
		{"length(userId) eq 5", true, false},
		{"length(userId) gt 0", true, false},
		{"length(userId) le 0", false, false}, // null compares false either way
		{"null gt null", false, false},
		{"length('ä😀') eq 3", true, true}, // UTF-16 code units

		// Of different types: unequal, and no error.
		{"userId eq 5", false, false},
		{"userId ne 5", true, true},
		{"length(userId) eq null", false, true},

		{"toupper(userId) eq 'ALICE'", true, false},
		{"tolower('ÄB') eq 'äb'", true, true},
		{"trim('  a b ') eq 'a b'", true, true},
		{"contains(userId,'lic')", true, false},
		{"contains(null,'a')", false, false},
		{"not contains(userId,'lic')", false, true},
		{"endswith(userId, 'ce')", true, false},
		{"startswith(userId, '')", true, false},
		{"indexof(userId,'ice') eq 2", true, false},
		{"indexof(userId,'x') eq -1", true, true},
		{"indexof('😀a','a') eq 2", true, true},
		{"concat(userId,'!') eq 'alice!'", true, false},
		{"concat(userId,'!') eq '!'", false, true},
		{"concat(null,null) eq null", true, true},
		{"substring(userId,1) eq 'lice'", true, false},
		{"substring(userId,1,2) eq 'li'", true, false},
		{"substring(userId,5) eq ''", true, false},
		{"substring(userId,6) eq null", true, true},
		{"substring(userId,1,5) eq null", true, true},
		{"substring('abc',-1) eq null", true, true},
		{"substring('abc',1,-1) eq null", true, true},
		{"substring('abc',null) eq null", true, true},
		{"substring('a😀b',3) eq 'b'", true, true},
		{"startswith(concat(tolower(toupper(userId)),'x'),'ali')", true, false},
	}
	for _, tt := range tests {
		f, err := parseFilter(tt.filter)
		if err != nil {
			t.Errorf("%s: %v", tt.filter, err)
			continue
		}
		if got := f.matches(filterSubject()); got != tt.alice {
			t.Errorf("%s: alice %v, want %v", tt.filter, got, tt.alice)
		}
		if got := f.matches(anonymousSubject()); got != tt.anonymous {
			t.Errorf("%s: anonymous %v, want %v", tt.filter, got, tt.anonymous)
		}
	}
}

func TestInvalidFilters(t *testing.T) {
	tests := []struct{ filter, want string }{
		{" ", `at 1: the end where a value is expected`},
		{"userId", `at 0: the expression is a text, not a condition`},
		{"null", `at 0: the expression is a null, not a condition`},
		{"groups", `at 0: the expression is a collection, not a condition`},
		{"userId eq", `at 9: the end where a value is expected`},
		{"userId eq 'a' 'b'", `at 14: "b" where the end is expected`},
		{"userId eq 'a", `at 10: "an unfinished text" where a value is expected`},
		{"name eq 'a'", `at 0: "name" is unknown`},
		{"userId EQ 'a'", `at 7: "EQ" where the end is expected`},
		{"userId == 'a'", `at 7: "=" where the end is expected`},
		{"True", `at 0: "True" is unknown`},
		{"userId gt 'a'", `at 0: a text where a number is expected`},
		{"1 gt true", `at 5: a condition where a number is expected`},
		{"userId and true", `at 0: a text where a condition is expected`},
		{"true or null", `at 8: a null where a condition is expected`},
		{"not userId eq 'a'", `at 4: a text where a condition is expected`},
		{"groups eq groups", `at 0: a collection is not a single value`},
		{"groups in ('a')", `at 0: a collection is not a single value`},
		{"'a' in (groups)", `at 8: a collection is not a single value`},
		{"'a' in 'b'", `at 7: a text where a collection is expected`},
		{"'a' in ('b',)", `at 12: ")" where a value is expected`},
		{"'a' in ('b'", `at 11: the end where ) is expected`},
		{"(true", `at 5: the end where ) is expected`},
		{"true)", `at 4: ")" where the end is expected`},
		{"length()", `at 7: ")" where a value is expected`},
		{"length(1) eq 1", `at 7: a number where a text is expected`},
		{"length(userId,1) eq 1", `at 13: "," where ) is expected`},
		{"toupper(groups) eq 'A'", `at 8: a collection where a text is expected`},
		{"contains('a')", `at 12: ")" where , is expected`},
		{"substring('a') eq 'a'", `at 13: ")" where , is expected`},
		{"substring('a',1,1,1) eq 'a'", `at 17: "," where ) is expected`},
		{"matchesPattern(userId,'a')", `at 0: "matchesPattern" is not a function`},
		{"1 add 1 eq 2", `at 2: "add" where the end is expected`},
		{"2147483648 gt 1", `at 0: 2147483648 is not an integer of 32 bits`},
		{"1.5 gt 1", `at 0: "1." where a value is expected`},
		{"1L gt 1", `at 0: "1L" where a value is expected`},
		{"- gt 1", `at 0: - is not an integer of 32 bits`},
		{"groups/any(g: g eq 'a')", `at 6: "/" where the end is expected`},
		{strings.Repeat("(", maxFilterDepth) + "true" + strings.Repeat(")", maxFilterDepth), `at 100: nested deeper than 100`},
		{strings.Repeat("x", maxFilterBytes+1), `it is longer than 16384 bytes`},
	}
	for _, tt := range tests {
		if _, err := parseFilter(tt.filter); err == nil || err.Error() != tt.want {
			t.Errorf("%.60s: %v, want %s", tt.filter, err, tt.want)
		}
	}
}

func TestFilterBounds(t *testing.T) {
	deep := strings.Repeat("(", maxFilterDepth-1) + "true" + strings.Repeat(")", maxFilterDepth-1)
	if f, err := parseFilter(deep); err != nil || !f.matches(anonymousSubject()) {
		t.Errorf("deepest: %v", err)
	}
	chain := "true" + strings.Repeat(" and true", (maxFilterBytes-4)/9)
	if f, err := parseFilter(chain); err != nil || !f.matches(anonymousSubject()) {
		t.Errorf("longest: %v", err)
	}
	s := anonymousSubject()
	s.user = []byte(strings.Repeat("x", maxFilterText/2+1))
	if f, err := parseFilter("concat(userId,userId) eq null"); err != nil || !f.matches(s) {
		t.Errorf("a text beyond the limit is not null: %v", err)
	}
}

// FuzzFilter: whatever compiles can be evaluated, and its negation is the opposite.
func FuzzFilter(f *testing.F) {
	for _, seed := range []string{
		"userId eq null", "'room' in groups and not startswith(userId,'bot-')", "length(groups) gt 2 or false",
		"connectionId in ('a',userId,null)", "substring(concat(userId,'😀'),1,2) ne trim(' x')", "indexof('a','b') le -1",
		"not (tolower(toupper(protocol)) eq 'it''s')", "1 eq 1 eq true", "((true))", "'", "-", "in in in", "length(length(",
	} {
		f.Add(seed)
	}
	subjects := []*session{filterSubject(), anonymousSubject()}
	f.Fuzz(func(t *testing.T, text string) {
		compiled, err := parseFilter(text)
		if err != nil || compiled == nil {
			return
		}
		negated, err := parseFilter("not (" + text + ")")
		if err != nil {
			if len(text)+6 > maxFilterBytes || strings.Contains(err.Error(), "nested deeper") {
				return
			}
			t.Fatalf("the negation of %q: %v", text, err)
		}
		for _, s := range subjects {
			if compiled.matches(s) == negated.matches(s) {
				t.Errorf("%q and its negation agree", text)
			}
		}
	})
}
