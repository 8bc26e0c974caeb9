package runner

import (
	"slices"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
)

// injectionLog is what one worker's nemeses did. It shows the first ones singly and
// counts all.
type injectionLog struct {
	count uint64
	shown []injected
}

// injected is an injection with what has become of it so far.
type injected struct {
	at               time.Duration
	incident         int
	session          int
	effect           string
	dropped          bool
	close            closeKey
	detected, outage time.Duration // 0 = not reached
}

// noEntry is the entry of what the log does not show.
const noEntry = -1

// add logs an injection and returns its entry.
func (l *injectionLog) add(now time.Duration, incident, session int, effect string) (entry int) {
	l.count++
	if len(l.shown) == metrics.MaxInjections {
		return noEntry
	}
	l.shown = append(l.shown, injected{at: now, incident: incident, session: session, effect: effect})
	return len(l.shown) - 1
}

// drop joins an injection with the end of the transport that followed.
func (l *injectionLog) drop(r *recovery, k closeKey) {
	if r.entry != noEntry {
		e := &l.shown[r.entry]
		e.dropped, e.close, e.detected = true, k, r.detected-r.fault
	}
}

// effect says what has become of it; back is when it had caught up, 0 = never.
func (l *injectionLog) effect(r *recovery, effect string, back time.Duration) {
	if r.entry == noEntry {
		return
	}
	e := &l.shown[r.entry]
	e.effect = effect
	if back != 0 {
		e.outage = back - r.fault
	}
}

// injectionLogs merges those of all workers, in the order of time.
func (r *run) injectionLogs() metrics.Injections {
	out := metrics.Injections{Log: []metrics.Injection{}}
	var all []injected
	for _, w := range r.left {
		out.Count += w.injections.count
		all = append(all, w.injections.shown...)
	}
	slices.SortStableFunc(all, func(a, b injected) int {
		if a.at != b.at {
			return int(a.at - b.at)
		}
		return a.session - b.session
	})
	for i := range all[:min(len(all), metrics.MaxInjections)] {
		out.Log = append(out.Log, r.injection(&all[i]))
	}
	return out
}

func (r *run) injection(e *injected) metrics.Injection {
	in := r.incidents[e.incident]
	out := metrics.Injection{
		TS: seconds(e.at - r.start), Incident: in.ID, Kind: r.plan.Scenario.Faults[in.Fault].Kind,
		Session: e.session, Effect: e.effect,
	}
	if e.dropped {
		out.CloseSide, out.CloseCode, out.CloseText = e.close.side(), e.close.code, e.close.text
		out.DetectMicros = new(e.detected.Round(time.Microsecond).Microseconds())
	}
	if e.outage != 0 {
		out.OutageMicros = new(e.outage.Round(time.Microsecond).Microseconds())
	}
	return out
}
