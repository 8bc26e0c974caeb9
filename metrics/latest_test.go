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
