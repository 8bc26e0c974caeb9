package runner

import (
	"time"

	"github.com/wpsbench/wpsbench/scenario"
)

// misbehave makes the client one that sends no sequenceAck, or reads nothing, or only
// awaits a restart, for as long as the fault says or until it is dropped. It keeps its
// transport until the service drops it: that is the fault's doing, as long as the client
// has not caught up since.
func (m *member) misbehave(now time.Duration, f *scenario.Fault) {
	m.recovery.held = true
	m.w.checker.CancelCatchUp(m.id)
	switch f.Kind {
	case scenario.FaultStopAcking:
		m.client.HoldSequenceAcks(now, true)
	case scenario.FaultSlowReader:
		if m.readsLate(m.client.LastRead()) { // nothing has come since that was sent since
			m.readAgain = 0
		} else {
			m.unread, m.readAgain = now, 0
		}
		m.client.StopReading(now)
	}
	if m.relent == nil {
		m.relent = m.w.loop.NewTimer(m.behave)
	}
	m.relent.Set(now + f.Lasts)
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
	if m.unread != 0 && m.readAgain == 0 {
		m.readAgain = now
	}
	m.fresh.begin(now, m.client.AckedSequence())
	m.client.ReadAgain(now)
	m.client.HoldSequenceAcks(now, false)
}

// readOut is how long a client that reads again may find what was sent before.
const readOut = 5 * time.Second

// readsLate tells whether what is read at an instant may have been sent long before: the
// client was a slow reader.
func (m *member) readsLate(at time.Duration) bool {
	return m.unread != 0 && (m.readAgain == 0 || at < m.readAgain+readOut)
}

// lastHeard is when the service surely had the session: who reads late finds what was sent
// long ago, maybe by a service that has given it up since. It says nothing of when.
func (m *member) lastHeard() time.Duration {
	heard := m.client.LastRead()
	if m.readsLate(heard) {
		return min(heard, m.unread)
	}
	return heard
}

// fall makes a misbehaving client one that has been dropped for it. It misbehaves no
// more, and its way back is measured from there.
func (m *member) fall(now time.Duration) {
	m.reform(now)
	m.recovery.held = false
	m.recovery.fault, m.recovery.openedAt, m.recovery.firstData = now, 0, 0
	m.goAway()
}
