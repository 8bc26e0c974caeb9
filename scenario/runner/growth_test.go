//go:build !race

package runner

import (
	"runtime"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/wire"
)

// What a run keeps grows by its series alone: in an hour, a few hundred bytes a second.
func TestMemoryByTheSecond(t *testing.T) {
	const early, late = 10 * time.Minute, time.Hour
	const text = `name: memory
groups: {room: {count: 1}}
populations:
  members:
    connections: 2
    join: {room: 1}
    publish: {to: room, rate: 2/s, size: 128}
phases: {steady: 61m, drain: 30s}
`
	live := map[time.Duration]uint64{}
	look := func(p Progress) {
		for _, at := range []time.Duration{early, late} {
			if live[at] == 0 && p.Schedule >= at {
				var m runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&m)
				live[at] = m.HeapAlloc
			}
		}
	}
	simulateRun(t, text, wire.Link{Delay: time.Millisecond, Jitter: 10 * time.Millisecond}, func(r *run) { r.cfg.Progress = look })
	perSecond := (float64(live[late]) - float64(live[early])) / (late - early).Seconds()
	t.Logf("%d bytes after %v, %d after %v: %.0f bytes a second", live[early], early, live[late], late, perSecond)
	if perSecond > 512 {
		t.Errorf("the run keeps %.0f bytes more every second, want at most 512", perSecond)
	}
}
