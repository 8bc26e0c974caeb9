package runner

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire"
)

func (m *member) dropped(now time.Duration, ev *wire.Event) {
	w := m.w
	if m.attached {
		m.attached = false
		w.counts.open.add(-1)
	}
	closed := closeKeyOf(ev)
	w.closes.add(closed)
	m.ending = nil
	m.checkBudget(ev)
	w.checker.Dropped(now, m.id)
	since, heard := now, m.lastHeard()
	m.unread = 0
	if !m.away && m.doom == nil && m.closedBy != 0 && heard >= m.closedBy {
		m.askedToClose = false
	}
	w.checker.SilentSince(m.id, heard)
	if m.publisher != nil {
		m.publisher.doubt(heard)
	}
	if silent(ev.Err) {
		since = heard
	}
	m.overflowed = ev.ByPeer && strings.Contains(ev.CloseReason, "is full")
	if ev.CloseCode != closePolicy { // with which a recovery is refused: the outage goes on
		m.closedByPeer = ev.ByPeer && ev.CloseCode != 0
		m.atRisk = m.fresh.kept(since, m.client.AckedSequence(), m.client.UnackedSequence())
		// Who is hung up on has been told nothing. Half of what a service can keep is enough
		// then: what publishers make up for after an outage may be on the way to a session
		// that joined meanwhile, and is owed to nobody.
		m.spent = ev.ByPeer && m.mayKeep(now, 0.5)
	}
	if m.closing || m.churn.ended() {
		return
	}
	if !m.everReady {
		w.run.connectFailed(errors.New("session " + itoa(m.id) + " was lost before it was ready: " + dropText(ev)))
	}
	w.funnel.Drops++
	m.stopAwaiting()
	if m.registered != nil {
		m.registered.Stop()
	}
	if m.away && m.recovery != nil {
		m.recovery.nothingMissed = 0
	}
	if m.doom != nil && ev.ByPeer && !m.away {
		m.meetDoom(now)
	}
	if m.recovery != nil && m.recovery.held {
		m.fall(now)
	}
	if m.recovery != nil && !m.away && (m.overflowed || m.spent) {
		// What had gathered in the outage was too much once the replay came on top: the
		// outage is not over (protocol.md 4.4).
		m.goAway()
		m.recovery.nothingMissed = 0
	}
	if m.recovery == nil || !m.away {
		w.funnel.UninjectedDrops++
		uninjected := len(w.incidents) - 1
		w.incidents[uninjected].begin(since)
		if w.incidents[uninjected].hit == 0 {
			w.run.note("note", "session "+itoa(m.id)+" dropped though no fault hit it: "+dropText(ev))
		}
		w.incidents[uninjected].hit++
		m.hurt(now, uninjected)
		m.recovery.fault = since
		m.goAway()
	}
	w.incidents[m.recovery.incident].closes.add(closed)
	if m.recovery.detect(now) {
		w.injections.drop(m.recovery, closed)
	}
	w.checker.CancelCatchUp(m.id)
}

// silent tells of the drops that only our patience has found: nothing says when the
// transport ended but what it brought last.
func silent(err error) bool {
	return errors.Is(err, wire.ErrIdle) || errors.Is(err, wire.ErrNoCloseFrame)
}

func (m *member) ended(now time.Duration, ev *wire.Event) {
	why := m.whyEnded(now, ev.Reason)
	m.ending = nil
	switch ev.Reason {
	case wire.EndRefused:
		m.w.funnel.RefusedRecovery++
	case wire.EndExpired:
		m.w.funnel.RecoveryTimeouts++
	default:
	}
	m.w.checker.Ended(now, m.id, why)
	if m.recovery != nil {
		m.recovery.end(why)
	}
}

// whyEnded says what has ended the connection. All of its unanswered requests ask, before
// ended does: for one end there is one cause.
func (m *member) whyEnded(now time.Duration, reason wire.EndReason) metrics.SessionEnd {
	if m.ending == nil {
		m.ending = new(m.causeOf(now, reason))
	}
	return *m.ending
}

func (m *member) causeOf(now time.Duration, reason wire.EndReason) metrics.SessionEnd {
	switch {
	case m.overflowed:
		return metrics.EndOverflow
	case reason == wire.EndByUs:
		return metrics.EndByUs
	case reason == wire.EndByPeer:
		return metrics.EndByPeer
	case reason == wire.EndRefused:
		return m.refusal(now)
	case reason == wire.EndExpired:
		return metrics.EndExpired
	default:
		return metrics.EndDropped
	}
}

// closePolicy is the code of a refused recovery (protocol.md 4.5).
const closePolicy = 1008

// refusal says what a refused recovery comes from. A service that has closed the
// session itself, or was asked to by us, has ended it, and one that could not keep what
// is unacknowledged any more or was restarted has, too, maybe without a word
// (protocol.md 4.4, 4.6).
func (m *member) refusal(now time.Duration) metrics.SessionEnd {
	switch {
	case m.closedByPeer, m.askedToClose, m.w.restarted(m.w.checker.Outage(m.id), now):
		return metrics.EndByPeer
	case m.spent || m.mayKeep(now, 1):
		return metrics.EndOverflow
	default:
		return metrics.EndRefused
	}
}

// mayKeep tells whether the service may have as much to keep for the session as that share
// of what it can: what was due and has not come, and what has come but may not have been
// acknowledged.
func (m *member) mayKeep(now time.Duration, share float64) bool {
	messages, bytes := m.w.checker.Outstanding(m.id, m.w.dueBy(now))
	messages += m.atRisk
	limit := metrics.ServiceBudget
	return float64(messages) >= share*float64(limit.UnackedMessages) || float64(bytes) >= share*float64(limit.UnackedBytes)
}

// checkBudget tells of a drop that is our own doing: the service cannot keep what we do
// not acknowledge.
func (m *member) checkBudget(ev *wire.Event) {
	held := metrics.BudgetPeak{UnackedMessages: m.client.UnackedSequence(), UnackedBytes: uint64(m.client.UnackedBytes())}
	if !ev.ByPeer || m.closing || !held.Spent() {
		return
	}
	m.w.selfInflicted++
	m.w.run.note("note", fmt.Sprintf("session %d was dropped by our own doing: %d messages of %d bytes were not acknowledged by a sequenceAck",
		m.id, held.UnackedMessages, held.UnackedBytes))
}

func dropText(ev *wire.Event) string {
	switch {
	case ev.CloseCode != 0:
		return "close " + itoa(int(ev.CloseCode)) + " " + ev.CloseReason
	case ev.Err != nil:
		return errorKind(ev.Err)
	default:
		return "unknown cause"
	}
}

// errorKind is the innermost cause: short, and without addresses that differ per connection.
func errorKind(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}
