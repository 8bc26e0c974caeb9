package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/wpsbench/wpsbench/metrics"
)

func TestIndent(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"object", `{"a":1,"b":"x"}`, "{\n  \"a\": 1,\n  \"b\": \"x\"\n}"},
		{"empty", `{"a":{},"b":[]}`, "{\n  \"a\": {},\n  \"b\": []\n}"},
		{"values on one line", `{"a":[1,null,[2,3]]}`, "{\n  \"a\": [1,null,[2,3]]\n}"},
		{"objects in a list", `[{"a":1},{"a":2}]`, "[\n  {\n    \"a\": 1\n  },\n  {\n    \"a\": 2\n  }\n]"},
		{"punctuation in texts", `{"a":"{[,:\\\"]}","b":["{","\\"]}`, "{\n  \"a\": \"{[,:\\\\\\\"]}\",\n  \"b\": [\"{\",\"\\\\\"]\n}"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := string(indent(nil, []byte(test.in)))
			if got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
			var back bytes.Buffer
			if err := json.Compact(&back, []byte(got)); err != nil || back.String() != test.in {
				t.Errorf("compacted again: %s, error %v", back.String(), err)
			}
		})
	}
}

func TestWriteJSONLayout(t *testing.T) {
	var b bytes.Buffer
	must(t, WriteJSON(&b, passedRun(t)))
	doc := b.String()
	if !strings.HasSuffix(doc, "}\n") || strings.HasSuffix(doc, "\n\n") {
		t.Error("the document does not end in exactly one newline")
	}
	for _, want := range []string{`"expr": "p(99)<50ms"`, `"p99_9": null`, `"examples": []`} {
		if !strings.Contains(doc, want) {
			t.Errorf("%s is not in the document", want)
		}
	}
	for _, list := range []string{"reasons", "checks", "worst", "events", "nodes", "residue"} {
		var empty bytes.Buffer
		must(t, WriteJSON(&empty, &metrics.Run{}))
		if strings.Contains(empty.String(), `"`+list+`": null`) {
			t.Errorf("the empty list %s is null", list)
		}
	}
}

type failingWriter struct{}

var errDisk = errors.New("disk full")

func (failingWriter) Write([]byte) (int, error) { return 0, errDisk }

func TestWritersReportErrors(t *testing.T) {
	r := emptyRun(t)
	for name, err := range map[string]error{
		"JSON": WriteJSON(failingWriter{}, r), "HTML": WriteHTML(failingWriter{}, r), "text": WriteText(failingWriter{}, r, TextOptions{}),
	} {
		if !errors.Is(err, errDisk) {
			t.Errorf("%s: error %v, want the writer's", name, err)
		}
	}
	r.Info.DurationS = math.NaN()
	if err := WriteJSON(&bytes.Buffer{}, r); err == nil {
		t.Error("a record with NaN was written as JSON")
	}
}
