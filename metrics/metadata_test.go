package metrics

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// A delivered object is the same however it is written, and only then.
func TestMetadataSame(t *testing.T) {
	two := map[string]string{"trace": "a1", "q": `x"y\/`}
	for _, tt := range []struct {
		name      string
		published map[string]string
		delivered string
		want      bool
	}{
		{"as published", two, `{"q":"x\"y\\/","trace":"a1"}`, true},
		{"in another order, with space", two, ` {"trace" : "a1" , "q":"x\"y\\/" }`, true},
		{"escaped needlessly", two, `{"\u0074r\u0061ce":"\u00611","q":"x\u0022y\u005C\/"}`, true},
		{"control characters", map[string]string{"k": "\b\f\n\r\t\x01"}, `{"k":"\b\u000c\n\r\t\u0001"}`, true},
		{"none", nil, ``, true},
		{"none, as an object", nil, `{ }`, true},
		{"empty texts", map[string]string{"": ""}, `{"":""}`, true},

		{"another value", two, `{"q":"x\"y\\/","trace":"a2"}`, false},
		{"another key", two, `{"q":"x\"y\\/","Trace":"a1"}`, false},
		{"values exchanged", map[string]string{"a": "1", "b": "2"}, `{"a":"2","b":"1"}`, false},
		{"a boundary moved", map[string]string{"ab": "c"}, `{"a":"bc"}`, false},
		{"one left out", two, `{"trace":"a1"}`, false},
		{"all left out", two, ``, false},
		{"an empty object", two, `{}`, false},
		{"one more", two, `{"q":"x\"y\\/","trace":"a1","z":""}`, false},
		{"one twice, the other not", map[string]string{"a": "1", "b": "1"}, `{"a":"1","a":"1"}`, false},
		{"one where none was", nil, `{"":""}`, false},
		{"no text", map[string]string{"a": "1"}, `{"a":1}`, false},
		{"no object", nil, `[]`, false},
		{"something behind it", nil, `{}{}`, false},
		{"not ASCII", map[string]string{"a": "u"}, `{"a":"\u00fc"}`, false},
		{"half of a pair", map[string]string{"a": "?"}, `{"a":"\ud83d"}`, false},
		{"cut off", map[string]string{"a": "1"}, `{"a":"1`, false},
		{"cut off in an escape", map[string]string{"a": "1"}, `{"a":"\u003`, false},
		{"a comma too many", map[string]string{"a": "1"}, `{"a":"1",}`, false},
		{"a comma too early", map[string]string{"a": "1"}, `{,"a":"1"}`, false},
		{"no escape", map[string]string{"a": "1"}, `{"a":"\1"}`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := NewMetadata(tt.published).same([]byte(tt.delivered)); got != tt.want {
				t.Errorf("%s for %v: %t, want %t", tt.delivered, tt.published, got, tt.want)
			}
		})
	}
}

// Nothing that is delivered makes the comparison panic, allocate or contradict
// encoding/json: what that reads as a map of texts is the same as itself.
func FuzzMetadata(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `{"a":"1"}`, `{"a":"\u00411","b":"\n\/"}`, ` { "b" : "" , "a":"x" } `, `{"a":"\ud83d\ude00"}`, `{"a":"1","a":"2"}`,
		`{"a":`, `{"a":"\`, `{"a":"\u12`, `{"a":1}`, `[]`, `{"a":"1"}}`, "{\"\xff\":\"\"}", `{"a":null}`,
	} {
		f.Add(seed)
	}
	other := NewMetadata(map[string]string{"trace": "a1", "q": "x"})
	f.Fuzz(func(t *testing.T, object string) {
		delivered := []byte(object)
		var pairs map[string]string
		err := json.Unmarshal(delivered, &pairs)
		if got, want := other.same(delivered), err == nil && maps.Equal(pairs, map[string]string{"trace": "a1", "q": "x"}); got != want && !repeatsKey(delivered) {
			t.Errorf("%q is taken for trace and q: %t, want %t", object, got, want)
		}
		if err != nil || !asciiPairs(pairs) || repeatsKey(delivered) || strings.Contains(object, "null") {
			return
		}
		if !NewMetadata(pairs).same(delivered) {
			t.Errorf("%q is not the same as %v", object, pairs)
		}
	})
}

// asciiPairs: what is beyond is no metadata, and need only be found different.
func asciiPairs(pairs map[string]string) bool {
	for k, v := range pairs {
		if strings.ContainsFunc(k+v, func(r rune) bool { return r >= utf8.RuneSelf }) {
			return false
		}
	}
	return true
}

// repeatsKey tells whether an object has a key twice, which encoding/json lets pass.
func repeatsKey(object []byte) bool {
	d := json.NewDecoder(strings.NewReader(string(object)))
	var keys []string
	for isKey := false; ; isKey = !isKey {
		token, err := d.Token()
		if err != nil {
			return false
		}
		if key, ok := token.(string); ok && isKey {
			if slices.Contains(keys, key) {
				return true
			}
			keys = append(keys, key)
		}
	}
}

// A message has to come with the metadata that it was published with, wherever a
// subprotocol carries any; as written, a service may leave them out.
func TestMetadataJudged(t *testing.T) {
	trace := NewMetadata(map[string]string{"trace": "a1"})
	for _, tt := range []struct {
		name      string
		published *Metadata
		delivered string
		bare      bool
		spec      uint64 // violations of X1
		strict    uint64
		left      string // what the written profile remarks
	}{
		{"as published", trace, `{"trace":"a1"}`, false, 0, 0, ""},
		{"altered", trace, `{"trace":"a2"}`, false, 1, 1, ""},
		{"left out", trace, ``, false, 0, 1, "1 messages came without their metadata, which the written protocol leaves to the service"},
		{"to a simple client, which gets none", trace, ``, true, 0, 0, ""},
		{"made up", NewMetadata(nil), `{"trace":"a1"}`, false, 1, 1, ""},
		{"none", NewMetadata(nil), ``, false, 0, 0, ""},
		{"of which nothing is known", nil, `{"trace":"a1"}`, false, 0, 0, ""},
	} {
		for _, counted := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/counted=%t", tt.name, counted), func(t *testing.T) {
				for profile, want := range map[Profile]uint64{Spec: tt.spec, Strict: tt.strict} {
					topo := worldTopology(true)
					topo.Publishers[0].Metadata = tt.published
					topo.Subscribers[1].Bare, topo.Subscribers[1].Counted = tt.bare, counted
					w := worldOf(t, topo, profile)
					m := w.publish(0, 0, 1)
					d := w.delivery(1, 0, 0, m)
					d.Metadata = []byte(tt.delivered)
					r := w.c.Deliver(w.now, 1, &d)
					j := w.judge(JudgeOptions{})
					if r.Header.Message != m {
						t.Errorf("%v: got %+v", profile, r)
					}
					checkSums(t, j)
					for _, c := range j.Checks {
						if wanted := map[bool]uint64{true: want}[c.ID == "X1"]; c.Violations != wanted {
							t.Errorf("%v: %s has %d violations, want %d", profile, c.ID, c.Violations, wanted)
						}
						if c.ID == "X1" && profile == Spec && c.Reason != tt.left {
							t.Errorf("%v: X1 remarks %q, want %q", profile, c.Reason, tt.left)
						}
					}
				}
			})
		}
	}
}

// The comparison allocates nothing, however the metadata are written.
func TestMetadataAllocations(t *testing.T) {
	m := NewMetadata(map[string]string{"trace": "a1", "q": `"`})
	for _, delivered := range []string{`{"q":"\"","trace":"a1"}`, `{"trace":"\u00611", "q":"\u0022"}`} {
		object := []byte(delivered)
		if n := testing.AllocsPerRun(1000, func() {
			if !m.same(object) {
				t.Fatal("not the same")
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", delivered, n)
		}
	}
}

func BenchmarkMetadata(b *testing.B) {
	m := NewMetadata(map[string]string{"trace": "4bf92f3577b34da6", "tenant": "blue"})
	for name, delivered := range map[string]string{
		"as published": `{"tenant":"blue","trace":"4bf92f3577b34da6"}`, "in another order": `{"trace":"4bf92f3577b34da6","tenant":"blue"}`,
	} {
		object := []byte(delivered)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !m.same(object) {
					b.Fatal("not the same")
				}
			}
		})
	}
}
