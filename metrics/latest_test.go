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
		r.Record(AckRTT, time.Second, 0, 2*time.Millisecond)
		r.Interval().Sent, r.Interval().Acked, r.Interval().Delivered = 3, 1, 7
		c.Add(tick, r.Swap())
	}
	hand(0, 1)
	if _, fresh := c.Latest(2, time.Second); fresh {
		t.Error("half a tick is fresh")
	}
	hand(0, 3)
	hand(1, 9)
	l, fresh := c.Latest(2, 500*time.Millisecond)
	if want := (Latest{SentPerSec: 12, AckedPerSec: 4, DeliveredPerSec: 28, P50: l.P50, P99: l.P99, P999: l.P99, AckP50: l.AckP50, AckP99: l.AckP50, LagP99: -1,
		Total: Traffic{Sent: 9, Acked: 3, Delivered: 21}}); !fresh || l != want {
		t.Errorf("got %+v, fresh %v, want %+v", l, fresh, want)
	}
	if micros(int64(l.P50)) != 1000 || micros(int64(l.P99)) != 3000 {
		t.Errorf("p50 %v and p99 %v, want 1 ms and 3 ms", l.P50, l.P99)
	}
	if micros(int64(l.AckP50)) != 2000 {
		t.Errorf("ack p50 %v, want 2 ms", l.AckP50)
	}
	if again, fresh := c.Latest(2, time.Second); fresh || again != l {
		t.Errorf("asked again: got %+v, fresh %v, want the same, not fresh", again, fresh)
	}
}
