package runner

import (
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire"
)

func (m *member) opened(now time.Duration, ev *wire.Event) {
	w := m.w
	m.attached = true
	m.fresh = ackedBefore(now, m.client.AckedSequence(), ev.Recovering)
	w.counts.open.add(1)
	if !m.everOpened {
		m.everOpened = true
		w.funnel.Opened++
	}
	w.checker.Opened(now, m.id, ev.Recovering)
	if m.recovery != nil {
		w.incidents[m.recovery.incident].opens.add(now)
		m.recovery.open(now, ev)
		if !ev.Recovering {
			// One that was lost before the service named it ends without a word.
			m.recovery.end(metrics.EndDropped)
		}
	}
	if !ev.Recovering {
		return
	}
	m.awaitProof(now + provenAfter)
	if m.recovery != nil && w.checker.ExpectCatchUp(m.id, w.sinceT0(now), w.dueBy(now)) {
		m.recovery.nothingMissed = now
	}
	if m.publisher != nil {
		m.publisher.flush()
	}
}

func (m *member) connected(now time.Duration, ev *wire.Event) {
	m.connections++
	m.askedToClose, m.closedBy = m.doom != nil, 0
	if m.publisher != nil && m.publisher.event == "" && ev.Message != nil { // who answers an event may do so in any name
		m.w.run.topology.Named(m.publisher.id, ev.Message.UserID)
	}
	m.recovery.announced(now)
	m.w.checker.Joining(m.id) // the Session asks as soon as the service has named it
	m.w.run.directory.enter(m.id, m.client.ConnectionID())
	if m.connections == 1 {
		m.w.funnel.Connected++
		m.w.run.connectedOnce.Store(true)
	} else if !m.churn.named() {
		m.w.funnel.NewConnections++
	}
	m.w.recorder.Record(metrics.ConnectTime, m.w.sinceT0(now), m.population, now-m.dialing)
}

// joined is told when the service counts the session as a member of its groups. What
// recoveries are measured by is since when it was ready.
func (m *member) joined(since, now time.Duration, success bool) {
	if success {
		m.w.checker.Joined(now, m.id)
		if m.connections > 1 {
			m.owedFrom(now, -1)
		}
		m.churn.rejoined(now)
	}
	m.back()
	if !m.everReady && success {
		m.everReady = true
		m.w.funnel.Joined++
		m.w.pulse.ready.Add(1)
	}
	if m.recovery != nil {
		m.recovery.joined(since)
		// What was published meanwhile is gone for a new connection: it is as far as
		// it can get as soon as it has joined.
		m.caughtUp(since)
	}
	if m.publisher != nil {
		m.publisher.flush()
	}
}

func (m *member) close(now time.Duration) {
	m.closing = true
	if m.relent != nil {
		m.behave(now)
	}
	m.stopAwaiting()
	if m.registered != nil {
		m.registered.Stop()
	}
	m.client.Close(now, 1000)
}

func (m *member) finish() {
	if m.closed {
		return
	}
	m.closed = true
	if !m.closing {
		m.w.counts.gone++
	}
	m.w.counts.finished++
	m.w.pulse.finished.Add(1)
}
