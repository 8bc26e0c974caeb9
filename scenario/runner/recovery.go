package runner

import (
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire"
)

// recovery is one session's way back after a drop, all on the worker's clock
// (design.md 7.7): fault t0, detected t1, tried t2, the dial's own trace up to
// the open socket t5, first data t7. Zero = not reached.
type recovery struct {
	incident  int
	fault     time.Duration
	detected  time.Duration
	tried     time.Duration
	trace     wire.DialTrace
	openedAt  time.Duration
	joinedAt  time.Duration
	firstData time.Duration
	// nothingMissed: the socket opened and nothing was due; it is only to be shown that it holds.
	nothingMissed time.Duration
	replayed      uint64
	outcome       recoveryOutcome
}

type recoveryOutcome uint8

const (
	outcomeResumed recoveryOutcome = iota // unless something else happens
	outcomeNewConnection
	outcomeGaveUp
	outcomeOverflow
)

func (r *recovery) detect(now time.Duration) {
	if r.detected == 0 {
		r.detected = now
	}
}

// attempt may be called on nil: most dials are not part of a recovery.
func (r *recovery) attempt(now time.Duration) {
	if r != nil && r.tried == 0 {
		r.tried = now
	}
}

// open keeps the trace of the latest socket: an earlier one came to nothing.
func (r *recovery) open(now time.Duration, ev *wire.Event) {
	r.openedAt, r.firstData, r.joinedAt = now, 0, 0
	if ev.Trace != nil {
		r.trace = *ev.Trace
	}
}

func (r *recovery) joined(now time.Duration) { r.joinedAt = now }

func (r *recovery) data(now time.Duration, replayed bool) {
	if r.openedAt != 0 && r.firstData == 0 {
		r.firstData = now
	}
	if replayed {
		r.replayed++
	}
}

// end notes that the connectionId did not survive.
func (r *recovery) end(why metrics.SessionEnd) {
	switch why {
	case metrics.EndOverflow:
		r.outcome = outcomeOverflow
	case metrics.EndExpired:
		r.outcome = outcomeGaveUp
	default:
		if r.outcome == outcomeResumed {
			r.outcome = outcomeNewConnection
		}
	}
}

// stage is one part of a recovery, in the order of the record's keys.
type stage int

const (
	stageDetect stage = iota
	stageBackoff
	stageTCP
	stageTLS
	stageUpgrade
	stageRejoin
	stageFirstData
	stageCatchUp
	stageRecovery
	stageOutage
	stages
)

var stageNames = [stages]string{
	"detect", "backoff", "tcp", "tls", "upgrade", "rejoin", "first_data", "catch_up", "recovery", "outage",
}

// incidentShard is what one worker saw of one fault.
type incidentShard struct {
	hit      int
	started  time.Duration
	outcomes metrics.IncidentOutcomes
	stages   [stages][]time.Duration
	back     []time.Duration // instants of catching up
	replayed uint64
	opens    rateMeter
}

// finish files a recovery that has caught up.
func (s *incidentShard) finish(r *recovery, now time.Duration) {
	switch r.outcome {
	case outcomeResumed:
		s.outcomes.Resumed++
	case outcomeNewConnection:
		s.outcomes.NewConnection++
	case outcomeGaveUp:
		s.outcomes.GaveUp++
	case outcomeOverflow:
		s.outcomes.Overflow++
	}
	s.replayed += r.replayed
	s.back = append(s.back, now)
	s.span(stageDetect, r.fault, r.detected)
	s.span(stageBackoff, r.detected, r.tried)
	s.span(stageTCP, r.trace.Start, r.trace.TCP)
	s.span(stageTLS, r.trace.TCP, r.trace.TLS)
	s.span(stageUpgrade, max(r.trace.TCP, r.trace.TLS), r.trace.Upgraded)
	s.span(stageRejoin, r.openedAt, r.joinedAt)
	s.span(stageFirstData, r.openedAt, r.firstData)
	s.span(stageCatchUp, r.openedAt, now)
	s.span(stageRecovery, r.detected, now)
	s.span(stageOutage, r.fault, now)
}

// begin notes when the incident's first injection was made.
func (s *incidentShard) begin(now time.Duration) {
	if s.started == 0 {
		s.started = now
	}
}

// supersede files a recovery that another drop came before.
func (s *incidentShard) supersede(r *recovery) {
	s.outcomes.HitAgain++
	s.replayed += r.replayed
}

// abandon files a recovery that the run did not see to its end.
func (s *incidentShard) abandon(r *recovery) {
	s.outcomes.Open++
	s.replayed += r.replayed
}

func (s *incidentShard) span(i stage, from, to time.Duration) {
	if from != 0 && to >= from {
		s.stages[i] = append(s.stages[i], to-from)
	}
}

// rateMeter finds the busiest second: events per whole second of the clock.
type rateMeter map[int64]int

func (m *rateMeter) add(now time.Duration) {
	if *m == nil {
		*m = rateMeter{}
	}
	(*m)[int64(now/time.Second)]++
}
