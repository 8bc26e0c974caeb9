package runner

import (
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire"
)

// recovery is one session's way back after a drop, all on the worker's clock
// (design.md 7.7): fault t0, detected t1, tried t2, the dial's own trace up to
// the open socket t5, named by the service t6, first data t7. Zero = not reached.
type recovery struct {
	incident  int
	entry     int // in the log of injections; noEntry without one
	fault     time.Duration
	detected  time.Duration
	tried     time.Duration // the first attempt
	dialed    time.Duration // the one that opened
	trace     wire.DialTrace
	held      bool // the client misbehaves, and has its transport
	renewed   bool // it opened for a new connection
	openedAt  time.Duration
	namedAt   time.Duration
	joinedAt  time.Duration
	firstData time.Duration
	// nothingMissed: the socket opened and nothing was due; it is only to be shown that it holds.
	nothingMissed time.Duration
	attempts      uint64
	replayed      uint64
	redundant     uint64
	outcome       recoveryOutcome
}

// recoveryOutcome says what became of a session that was hit.
type recoveryOutcome uint8

const (
	outcomeResumed recoveryOutcome = iota // unless something else happens
	outcomeNewConnection
	outcomeGaveUp
	outcomeOverflow
	outcomeHeld
	outcomeHitAgain
	outcomeOpen
)

// outcomeNames are the words of the record.
var outcomeNames = [...]string{"resumed", "new_connection", "gave_up", "overflow", "held", "hit_again", "open"}

// detect notes the drop; false if there was one before.
func (r *recovery) detect(now time.Duration) (first bool) {
	if first = r.detected == 0; first {
		r.detected = now
	}
	return first
}

// attempt may be called on nil: most dials are not part of a recovery.
func (r *recovery) attempt(now time.Duration) {
	if r == nil {
		return
	}
	r.attempts++
	r.dialed = now
	if r.tried == 0 {
		r.tried = now
	}
}

// open keeps the trace of the latest socket: an earlier one came to nothing.
func (r *recovery) open(now time.Duration, ev *wire.Event) {
	r.openedAt, r.namedAt, r.firstData, r.joinedAt = now, 0, 0, 0
	r.renewed = !ev.Recovering
	if ev.Trace != nil {
		r.trace = *ev.Trace
	}
}

// announced notes the service's first `connected` on the socket, which it need not send
// after a recovery (protocol.md 4.5). It may be called on nil.
func (r *recovery) announced(now time.Duration) {
	if r != nil && r.openedAt != 0 && r.namedAt == 0 {
		r.namedAt = now
	}
}

func (r *recovery) joined(now time.Duration) { r.joinedAt = now }

func (r *recovery) data(now time.Duration, d *metrics.DeliveryResult) {
	if r.openedAt != 0 && r.firstData == 0 {
		r.firstData = now
	}
	if d.Replayed {
		r.replayed++
	}
	if d.Redundant {
		r.redundant++
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
	stageQueued
	stageNegotiate
	stageTCP
	stageTLS
	stageUpgrade
	stageConnected
	stageRejoin
	stageFirstData
	stageCatchUp
	stageRecovery
	stageOutage
	stages
)

var stageNames = [stages]string{
	"detect", "backoff", "queued", "negotiate", "tcp", "tls", "upgrade", "connected", "rejoin", "first_data", "catch_up", "recovery", "outage",
}

// incidentShard is what one worker saw of one incident.
type incidentShard struct {
	started   time.Duration
	last      time.Duration // when the last one caught up
	hit       int           // of drops that nobody injected; of others the run counts
	missed    int
	outcomes  [len(outcomeNames)]int
	stages    [stages]metrics.Stage
	attempts  uint64
	replayed  uint64
	redundant uint64
	opens     rateMeter
	closes    closeCounts
}

// begin notes when the incident's first injection was made.
func (s *incidentShard) begin(now time.Duration) {
	if s.started == 0 {
		s.started = now
	}
}

// file adds a recovery that is over, in whatever way.
func (s *incidentShard) file(r *recovery) {
	s.outcomes[r.outcome]++
	s.attempts += r.attempts
	s.replayed += r.replayed
	s.redundant += r.redundant
}

// finish files a recovery that has caught up.
func (s *incidentShard) finish(r *recovery, now time.Duration) {
	s.file(r)
	s.last = max(s.last, now)
	if r.outcome == outcomeHeld { // it was never out
		s.span(stageCatchUp, r.openedAt, now)
		return
	}
	s.span(stageDetect, r.fault, r.detected)
	s.span(stageBackoff, r.detected, r.tried)
	s.span(stageQueued, r.dialed, r.trace.Begun)
	if r.renewed {
		s.span(stageNegotiate, r.trace.Begun, r.trace.Start)
	}
	s.span(stageTCP, r.trace.Start, r.trace.TCP)
	s.span(stageTLS, r.trace.TCP, r.trace.TLS)
	s.span(stageUpgrade, max(r.trace.TCP, r.trace.TLS), r.trace.Upgraded)
	s.span(stageConnected, r.openedAt, r.namedAt)
	s.span(stageRejoin, r.openedAt, r.joinedAt)
	s.span(stageFirstData, r.openedAt, r.firstData)
	s.span(stageCatchUp, r.openedAt, now)
	s.span(stageRecovery, r.detected, now)
	s.span(stageOutage, r.fault, now)
}

func (s *incidentShard) span(i stage, from, to time.Duration) {
	if from != 0 && to >= from {
		s.stages[i].Record(to - from)
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
