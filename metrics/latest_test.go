package metrics

import (
	"testing"
	"time"
)

// TestLatest: a tick is shown when every worker has handed it over, and as fresh once.
func TestLatest(t *testing.T) {
	w := testWindows()
	r := NewRecorder(w, nil)
	c := NewCollector(w, nil)
	if l, fresh := c.Latest(2, time.Second); fresh || l.P50 >= 0 {
		t.Errorf("before the first tick: got %+v, fresh %v", l, fresh)
	}
	hand := func(tick int, ms time.Duration) {
		r.Record(E2ELatency, time.Second, 0, ms*time.Millisecond)
		r.Interval().Sent, r.Interval().Delivered = 3, 7
		c.Add(tick, r.Swap())
	}
	hand(0, 1)
	if _, fresh := c.Latest(2, time.Second); fresh {
		t.Error("half a tick is fresh")
	}
	hand(0, 3)
	hand(1, 9)
	l, fresh := c.Latest(2, 500*time.Millisecond)
	if want := (Latest{SentPerSec: 12, DeliveredPerSec: 28, P50: l.P50, P99: l.P99, LagP99: -1}); !fresh || l != want {
		t.Errorf("got %+v, fresh %v, want %+v", l, fresh, want)
	}
	if micros(int64(l.P50)) != 1000 || micros(int64(l.P99)) != 3000 {
		t.Errorf("p50 %v and p99 %v, want 1 ms and 3 ms", l.P50, l.P99)
	}
	if _, fresh := c.Latest(2, time.Second); fresh {
		t.Error("a tick is fresh twice")
	}
}

func TestSummarizeStage(t *testing.T) {
	if SummarizeStage(nil) != nil {
		t.Error("no values have a summary")
	}
	s := SummarizeStage([]time.Duration{4 * time.Millisecond, time.Millisecond, 3 * time.Millisecond, 2 * time.Millisecond})
	if *s.P50 != 2000 || *s.P95 != 4000 || *s.P99 != 4000 || *s.Max != 4000 || s.N != 4 {
		t.Errorf("got p50 %d, p95 %d, p99 %d, max %d of %d", *s.P50, *s.P95, *s.P99, *s.Max, s.N)
	}
}
