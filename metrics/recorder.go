package metrics

import "time"

// spareIntervals is how many cleared intervals wait for a recorder at most.
const spareIntervals = 2

// Recorder takes the latencies of one worker. The owner records and, once per
// tick, hands over what it has; nothing is shared in between (design.md 4.2).
type Recorder struct {
	w       *Windows
	slices  []slice
	of      [metricCount][]int // positions of a metric's slices
	current *Interval
	free    chan *Interval
}

// NewRecorder makes a recorder. All recorders of a run and its collector take the
// same windows and views.
func NewRecorder(w *Windows, views []View) *Recorder {
	r := &Recorder{w: w, slices: w.resolve(views), free: make(chan *Interval, spareIntervals)}
	for i, v := range views {
		r.of[v.Metric] = append(r.of[v.Metric], i)
	}
	r.current = r.newInterval()
	return r
}

// Interval is what one worker recorded during one tick. The public counters are
// its owner's to set before Swap; gauges are extremes within the tick.
type Interval struct {
	Sent, Acked, Delivered   uint64
	BytesSent, BytesReceived uint64
	Budget                   BudgetPeak
	Open, Recovering         int                         // sessions: the fewest open and the most recovering
	Gone                     int                         // sessions: closed for good by anybody but us
	Owed                     int64                       // copies: by how many more are on their way than before
	heat                     heatColumn                  // of E2ELatency
	phases                   [metricCount][]distribution // by phase; the last one is outside of all
	views                    []distribution
	owner                    *Recorder
}

func (r *Recorder) newInterval() *Interval {
	iv := &Interval{owner: r, views: make([]distribution, len(r.slices))}
	for m := range iv.phases {
		iv.phases[m] = make([]distribution, len(r.w.Phases)+1)
	}
	return iv
}

// Interval is the one being filled, for its public counters.
func (r *Recorder) Interval() *Interval { return r.current }

// Record takes one value of a metric: intended says (since T0) to which phase and
// fault it belongs, population to which population of connections (-1 = none).
// Negative values and those above an hour are counted apart. It allocates only
// as long as more is in use at once than a while ago.
func (r *Recorder) Record(m Metric, intended time.Duration, population int, v time.Duration) {
	phase := r.w.phase(intended)
	if m == E2ELatency {
		r.current.heat.record(v)
	}
	r.current.phases[m][phase].record(v)
	for _, i := range r.of[m] {
		if r.slices[i].contains(phase, intended, population) {
			r.current.views[i].record(v)
		}
	}
}

// Swap hands over the interval and begins another. It does not wait: without a
// cleared one it makes a new one.
func (r *Recorder) Swap() *Interval {
	done := r.current
	select {
	case r.current = <-r.free:
	default:
		r.current = r.newInterval()
	}
	return done
}

// Release clears the interval and gives it back to its recorder; one that came from
// another process has none. Collector.Add does it.
func (iv *Interval) Release() {
	for m := range iv.phases {
		for i := range iv.phases[m] {
			iv.phases[m][i].reset()
		}
	}
	for i := range iv.views {
		iv.views[i].reset()
	}
	if iv.owner == nil {
		return
	}
	*iv = Interval{phases: iv.phases, views: iv.views, owner: iv.owner}
	select {
	case iv.owner.free <- iv:
	default:
	}
}
