package runner

import (
	"cmp"
	"math"
	"time"

	"github.com/wpsbench/wpsbench/scenario"
)

// misbehave makes the client one that sends no sequenceAck, or reads nothing, or only
// awaits a restart or the close of its user or group: for as long as the fault says, or
// such a close may take, or until it is dropped. It keeps its transport until the service
// drops it: that is the fault's doing, as long as the client has not caught up since.
func (m *member) misbehave(now time.Duration, f *scenario.Fault) {
	m.recovery.held = true
	m.w.checker.CancelCatchUp(m.id)
	switch f.Kind {
	case scenario.FaultStopAcking:
		m.client.HoldSequenceAcks(now, true)
	case scenario.FaultSlowReader:
		m.client.StopReading(now)
		if m.unread == 0 {
			m.unread = now
		}
		m.readAgain = math.MaxInt64
	}
	if m.relent == nil {
		m.relent = m.w.loop.NewTimer(m.behave)
	}
	m.relent.Set(now + cmp.Or(f.Lasts, restTimeout))
}

// behave ends all misbehaviour. A client that still has its transport is through with
// it when it has what was due until now.
func (m *member) behave(now time.Duration) {
	m.reform(now)
	if m.recovery == nil || !m.recovery.held {
		return
	}
	m.recovery.openedAt = now
	if m.w.checker.ExpectCatchUp(m.id, m.w.sinceT0(now), m.w.dueBy(now)) {
		m.caughtUp(now)
	}
}

func (m *member) reform(now time.Duration) {
	m.relent.Stop()
	m.readAgain = now
	m.fresh.begin(now, m.client.AckedSequence())
	m.client.ReadAgain(now)
	m.client.HoldSequenceAcks(now, false)
}

// sawSent is told when a message left its publisher that has been read after input was
// held: the service had the session then. That it has caught up would not say so, for
// what is owed may have come to nothing.
func (m *member) sawSent(at time.Duration) {
	m.unread = max(m.unread, at)
	if at >= m.readAgain {
		m.unread = 0
	}
}

// fall makes a misbehaving client one that has been dropped for it. It misbehaves no
// more, and its way back is measured from there.
func (m *member) fall(now time.Duration) {
	m.reform(now)
	m.recovery.held = false
	m.recovery.fault, m.recovery.openedAt, m.recovery.firstData = now, 0, 0
	m.goAway()
}
