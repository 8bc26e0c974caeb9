package runner

import (
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/scenario"
)

// strike lets a fault hit this member; false when it had no transport to lose.
func (m *member) strike(now time.Duration, i int, f *scenario.Fault) bool {
	if !m.attached || m.away || m.closing {
		m.w.injections.add(now, i, m.id, "missed")
		m.w.incidents[i].missed++
		return false
	}
	if f.Kind == scenario.FaultBlackhole {
		if err := m.client.Blackhole(); err != nil {
			m.w.run.note("note", "session "+itoa(m.id)+" was not cut off: "+err.Error())
			m.w.injections.add(now, i, m.id, "missed")
			m.w.incidents[i].missed++
			return false
		}
	}
	m.hurt(now, i)
	m.recovery.entry = m.w.injections.add(now, i, m.id, outcomeNames[outcomeOpen])
	if f.Waits() {
		m.misbehave(now, f)
		return true
	}
	m.goAway()
	switch f.Kind {
	case scenario.FaultRST:
		m.client.Reset(now)
	case scenario.FaultFIN:
		m.client.HangUp(now)
	case scenario.FaultZombie:
		m.client.Forsake(now)
	case scenario.FaultClose:
		m.client.Interrupt(now, uint16(f.Code))
	case scenario.FaultBlackhole: // it is cut off
		m.w.checker.CancelCatchUp(m.id)
	case scenario.FaultRESTClose: // the nemesis has the service close it
		m.askedToClose, m.closedBy = true, 0
		m.w.checker.CancelCatchUp(m.id)
	}
	return true
}

// spare takes back a strike that came to nothing; false when the transport is gone
// all the same.
func (m *member) spare(incident int) bool {
	if m.recovery == nil || m.recovery.incident != incident || m.recovery.detected != 0 {
		return false
	}
	m.w.injections.effect(m.recovery, "spared", 0)
	m.recovery = nil
	m.w.counts.recovering.add(-1)
	m.back()
	return true
}

// hurt opens a recovery: the way back from an incident, injected or not.
func (m *member) hurt(now time.Duration, incident int) {
	if m.recovery != nil { // it was back, but not caught up
		m.w.run.hitAgain(m.recovery.incident, now)
		m.giveUpRecovery(outcomeHitAgain)
	}
	m.recovery = &recovery{incident: incident, entry: noEntry, fault: now}
	m.w.counts.recovering.add(1)
}

func (m *member) goAway() {
	if !m.away {
		m.away = true
		m.w.counts.away++
	}
}

func (m *member) back() {
	if m.away {
		m.away = false
		m.w.counts.away--
	}
}

// giveUpRecovery files a recovery that will not be seen to catch up.
func (m *member) giveUpRecovery(why recoveryOutcome) {
	m.recovery.outcome = why
	m.w.incidents[m.recovery.incident].file(m.recovery)
	m.w.injections.effect(m.recovery, outcomeNames[why], 0)
	m.w.counts.recovering.add(-1)
	m.recovery = nil
}

func (m *member) proven(time.Duration) {
	m.stopAwaiting()
	m.back()
	m.askedToClose = m.doom != nil // it was not closed, as this is the session still
	if m.recovery != nil && m.recovery.nothingMissed != 0 {
		m.caughtUp(m.recovery.nothingMissed)
	}
}

// caughtUp closes the recovery: nothing that was due before the socket opened is missing.
func (m *member) caughtUp(now time.Duration) {
	rec := m.recovery
	if rec == nil {
		return
	}
	m.recovery, m.recovered, m.incident = nil, true, rec.incident
	w := m.w
	w.counts.recovering.add(-1)
	back := now
	if rec.held {
		rec.outcome, back = outcomeHeld, 0 // it was never out
	}
	w.incidents[rec.incident].finish(rec, now)
	w.injections.effect(rec, outcomeNames[rec.outcome], back)
	if rec.outcome == outcomeResumed {
		w.funnel.Recovered++
	}
	if back != 0 {
		since := w.sinceT0(rec.fault)
		w.recorder.Record(metrics.RecoveryTime, since, m.population, now-rec.detected)
		w.recorder.Record(metrics.OutageTime, since, m.population, now-rec.fault)
	}
	w.run.returned(rec.incident, now)
}

// owedNothing takes note that everything has come which the recovery waited for, or will
// never come. A socket that has brought nothing yet must hold before that counts.
func (m *member) owedNothing(now time.Duration) {
	if m.away {
		m.recovery.nothingMissed = now
	} else {
		m.caughtUp(now)
	}
}

// giveUp files a recovery that the end of the run leaves open.
func (m *member) giveUp() {
	if m.recovery != nil {
		m.giveUpRecovery(outcomeOpen)
	}
	if m.attached {
		m.w.funnel.AtEnd++
	}
}

// awaitProof lets proven come at that instant unless something else happens first.
func (m *member) awaitProof(at time.Duration) {
	if m.confirm == nil {
		m.confirm = m.w.loop.NewTimer(m.proven)
	}
	m.confirm.Set(at)
}

func (m *member) stopAwaiting() {
	if m.confirm != nil {
		m.confirm.Stop()
	}
}

// member is the outlet of its publisher.

// provenAfter is how long a resumed socket must hold before it counts: a service
// refuses a recovery by closing an open one (protocol.md 4.5).
const provenAfter = time.Second
