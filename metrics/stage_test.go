package metrics

import (
	"reflect"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics/exact"
)

func stageOf(all ...time.Duration) *Stage {
	s := &Stage{}
	for _, d := range all {
		s.Record(d)
	}
	return s
}

func TestSummarizeStage(t *testing.T) {
	if SummarizeStage() != nil || SummarizeStage(&Stage{}, &Stage{}) != nil {
		t.Error("no values have a summary")
	}
	const ms = time.Millisecond
	s := SummarizeStage(stageOf(4*ms, ms), &Stage{}, stageOf(3*ms, 2*ms))
	if *s.P50 < 2000 || *s.P50 > 2002 || *s.P95 != 4000 || *s.P99 != 4000 || *s.Max != 4000 || s.N != 4 {
		t.Errorf("got p50 %d, p95 %d, p99 %d, max %d of %d", *s.P50, *s.P95, *s.P99, *s.Max, s.N)
	}
	h, err := decode(s.Histogram)
	if err != nil || h.TotalCount() != 4 {
		t.Errorf("the histogram holds %v, %v", h, err)
	}
	if long := SummarizeStage(stageOf(ms, 2*time.Hour)); *long.P50 != 1000 || long.Max != nil || long.N != 2 {
		t.Errorf("with a value above an hour: %+v", long)
	}
}

// Stages are handed from one process to another.
func TestStageIsCarried(t *testing.T) {
	s := stageOf(time.Millisecond, 3*time.Second, 2*time.Hour)
	data, err := exact.Append(nil, s)
	if err != nil {
		t.Fatal(err)
	}
	var carried Stage
	if err := exact.Read(data, &carried); err != nil {
		t.Fatal(err)
	}
	if got, want := SummarizeStage(&carried), SummarizeStage(s); !reflect.DeepEqual(got, want) {
		t.Errorf("carried %+v, want %+v", got, want)
	}
}

// A session that never comes back keeps the marks above it empty, whatever the others do.
func TestCaughtUp(t *testing.T) {
	const s = time.Second
	for _, row := range []struct {
		name string
		hit  int
		took []*Stage
		want map[string]float64 // of the marks there are
	}{
		{"all", 4, []*Stage{stageOf(s, 2*s), stageOf(3*s, 4*s)}, map[string]float64{"p50": 2, "p90": 4, "p99": 4, "p100": 4}},
		{"one is out", 4, []*Stage{stageOf(s, 2*s, 3*s)}, map[string]float64{"p50": 2}},
		{"two are out", 4, []*Stage{stageOf(s), stageOf(2 * s)}, map[string]float64{"p50": 2}},
		{"most are out", 4, []*Stage{stageOf(s)}, nil},
		{"nobody was hit", 0, nil, nil},
	} {
		got := CaughtUp(row.hit, row.took...)
		for _, key := range []string{"p50", "p90", "p99", "p100"} {
			want, ok := row.want[key]
			if v, there := got[key]; !there || (v != nil) != ok || v != nil && (*v < want*0.998 || *v > want*1.002) {
				t.Errorf("%s: %s is %v, want %v (%t)", row.name, key, v, want, ok)
			}
		}
	}
}
