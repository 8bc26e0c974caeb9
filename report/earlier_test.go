package report

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"testing"

	"github.com/wpsbench/wpsbench/metrics"
)

// A record of schema 1.0 (a real one, cut down: three numbers to a cell of the heatmap,
// every histogram with each of its phases, no series of acks) says what its 1.1 form says.
func TestEarlierRecord(t *testing.T) {
	doc, err := os.ReadFile("testdata/earlier/1.0.json")
	must(t, err)
	old := readDocument(t, doc)
	if _, acks := old.Series.Columns["ack_p50_us"]; old.SchemaVersion != "1.0" || acks {
		t.Fatal("this is no record of schema 1.0")
	}
	now := readDocument(t, inForm11(t, doc))

	if o, n := drawnText(t, old), drawnText(t, now); o != n {
		t.Errorf("as text\n%s\nwant\n%s", o, n)
	}
	if o, n := markup(renderHTML(t, old)), markup(renderHTML(t, now)); o != n {
		t.Error("the page is another")
	}
	if o, n := newTimeline(old, fine).heatmap(), newTimeline(now, fine).heatmap(); o == nil || o.SVG != n.SVG || o.Finding != n.Finding {
		t.Error("the heatmap is another")
	}
	if !reflect.DeepEqual(old.Phases, now.Phases) {
		t.Error("the phases are others")
	}

	var b bytes.Buffer
	must(t, WriteJSON(&b, old))
	if got := readDocument(t, b.Bytes()).SchemaVersion; got != "1.1" || old.SchemaVersion != "1.0" {
		t.Errorf("written again it is of schema %s, want 1.1", got)
	}
}

func readDocument(t *testing.T, doc []byte) *metrics.Run {
	t.Helper()
	r, err := ReadRun(bytes.NewReader(doc))
	must(t, err)
	return r
}

func drawnText(t *testing.T, r *metrics.Run) string {
	t.Helper()
	var b bytes.Buffer
	must(t, WriteText(&b, r, TextOptions{UTF8: true}))
	return b.String()
}

// inForm11 rewrites a document of schema 1.0 by what 1.1 changed.
func inForm11(t *testing.T, doc []byte) []byte {
	t.Helper()
	r := new(metrics.Run)
	must(t, json.Unmarshal(doc, r))
	r.SchemaVersion = "1.1"
	var runs [][]int64
	for _, c := range r.Series.Heatmap.Cells {
		if len(c) != 3 {
			t.Fatalf("cell %v is not of schema 1.0", c)
		}
		if k := len(runs) - 1; k >= 0 && runs[k][0] == c[0] && runs[k][1]+int64(len(runs[k])-2) == c[1] {
			runs[k] = append(runs[k], c[2])
			continue
		}
		runs = append(runs, c)
	}
	if len(runs) > len(r.Series.Heatmap.Cells)/2 {
		t.Fatalf("%d runs of %d cells: nothing is next to each other", len(runs), len(r.Series.Heatmap.Cells))
	}
	r.Series.Heatmap.Cells = runs
	taken := 0
	for _, p := range r.Phases {
		for name, s := range p.Metrics {
			if s.Histogram != nil && r.Metrics[name].Histogram != nil && *s.Histogram == *r.Metrics[name].Histogram {
				s.Histogram = nil
				taken++
			}
		}
	}
	if taken == 0 {
		t.Fatal("no phase has a histogram of the run")
	}
	out, err := json.Marshal(r)
	must(t, err)
	return out
}
