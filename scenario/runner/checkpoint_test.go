package runner

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire"
)

// tidying says when a driver is asked for memory that is not needed any more.
type tidying struct {
	driver
	asked func()
}

func (d tidying) tidy(workers []*worker) {
	d.asked()
	d.driver.tidy(workers)
}

// twoMembers publish once a second, each to both.
const twoMembers = `name: checkpoints
groups: {room: {count: 1}}
populations:
  members:
    connections: 2
    join: {room: 1}
    publish: {to: room, rate: 1/s, size: 128}
phases: {steady: 25s, drain: 30s}
`

// What connecting and every checkpoint have taken is given back right afterwards: a run
// takes as much memory after ten minutes as after one.
func TestCheckpointsAreTidiedUp(t *testing.T) {
	var order []string
	simulateRun(t, twoMembers, wire.Link{Delay: time.Millisecond}, func(r *run) {
		r.cfg.Checkpoint = func(*metrics.Run) { order = append(order, "checkpoint") }
		r.cfg.CheckpointEvery = 10 * time.Second
		r.driver = tidying{r.driver, func() { order = append(order, "tidy") }}
	})
	want := strings.Fields("tidy checkpoint tidy checkpoint tidy")
	if !slices.Equal(order, want) {
		t.Errorf("got %q, want %q", order, want)
	}
}

// A run that was killed says what load it had reached.
func TestCheckpointSaysTheLoad(t *testing.T) {
	var loads []metrics.Load
	simulateRun(t, twoMembers, wire.Link{Delay: time.Millisecond}, func(r *run) {
		r.cfg.Checkpoint = func(rec *metrics.Run) { loads = append(loads, rec.Info.Load) }
		r.cfg.CheckpointEvery = 10 * time.Second
	})
	if len(loads) != 2 {
		t.Fatalf("%d checkpoints in 25 s, want 2", len(loads))
	}
	for _, l := range loads {
		if l.PublishedPerS != 2 || l.DeliveredPerS != 4 {
			t.Errorf("%g publishes and %g deliveries a second, want 2 and 4", l.PublishedPerS, l.DeliveredPerS)
		}
	}
}
