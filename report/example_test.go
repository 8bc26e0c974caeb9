package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/wpsbench/wpsbench/metrics"
)

// Every output that shows offences says how many more there are.
func TestMoreIsSaid(t *testing.T) {
	r := violatedRun(t)
	c := &r.Checks[3]
	c.Violations, c.WithoutExample = 1045, 1042
	for name, row := range map[string]struct {
		write func(*bytes.Buffer) error
		want  string
	}{
		"json":     {func(b *bytes.Buffer) error { return WriteJSON(b, r) }, `"without_example": 1042`},
		"html":     {func(b *bytes.Buffer) error { return WriteHTML(b, r) }, "R6: 1 042 more, of which the record keeps no example."},
		"text":     {func(b *bytes.Buffer) error { return WriteText(b, r, TextOptions{UTF8: true}) }, "\n      1 044 more, 2 of them in the record\n"},
		"junit":    {func(b *bytes.Buffer) error { return WriteJUnit(b, r) }, "1 042 more, of which the record keeps no example"},
		"markdown": {func(b *bytes.Buffer) error { return WriteMarkdown(b, r) }, "; 1 044 more, 2 of them in the record |"},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			must(t, row.write(&b))
			text := strings.NewReplacer("\u00a0", " ", "\u202f", " ", "&nbsp;", " ").Replace(b.String())
			if !strings.Contains(text, row.want) {
				t.Errorf("%q is not said:\n%.3000s", row.want, text)
			}
		})
	}
}

func TestMoreText(t *testing.T) {
	for _, row := range []struct {
		violations      uint64
		examples, shown int
		want            string
	}{
		{1, 1, 1, ""},
		{3, 3, 3, ""},
		{3, 3, 1, "2 more in the record"},
		{25, 20, 1, "24 more, 19 of them in the record"},
		{25, 20, 20, "5 more, of which the record keeps no example"},
		{2, 0, 0, "2 more, of which the record keeps no example"},
	} {
		c := metrics.CheckResult{Violations: row.violations, Examples: make([]metrics.Example, row.examples)}
		if got := moreText(textNumbers, &c, row.shown); got != row.want {
			t.Errorf("%+v: %q", row, got)
		}
	}
}

func TestExampleText(t *testing.T) {
	for _, row := range []struct {
		name string
		e    metrics.Example
		want string
	}{
		{"reordered", metrics.Example{TS: 2.3, Group: "room-1", Publisher: 4, Subscriber: 7, ExpectedMessage: 5, GotMessage: 3}, "at 2.3 s, publisher 4 in room-1 to connection 7: message 3 came after message 4"},
		{"twice", metrics.Example{TS: 2.3, Group: "room-1", Publisher: 4, Subscriber: 7, ExpectedMessage: 5, GotMessage: 4}, "at 2.3 s, publisher 4 in room-1 to connection 7: message 4 came again"},
		{"a gap", metrics.Example{TS: 2.3, Group: "room-1", Publisher: 4, Subscriber: 7, ExpectedMessage: 5, GotMessage: 7}, "at 2.3 s, publisher 4 in room-1 to connection 7: message 5 was due, message 7 came"},
		{"lost", metrics.Example{TS: 2.3, Group: "room-1", Subscriber: 7, ExpectedMessage: 5}, "at 2.3 s, publisher 0 in room-1 to connection 7: message 5 never came"},
		{"a sequence id", metrics.Example{TS: 2.3, Publisher: -1, Subscriber: 7, SequenceID: 9, Context: []string{"x"}}, "at 2.3 s to connection 7: sequence id 9 came"},
		{"an ack", metrics.Example{TS: 2.3, Publisher: -1, Subscriber: 7, Context: []string{"ack id 9 answers no request"}}, "at 2.3 s to connection 7: ack id 9 answers no request"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := exampleText(&row.e); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}
