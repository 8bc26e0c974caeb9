package runner

import "time"

// doom hangs over a session while the service is asked to close its user, or groups that it
// may be in: if the service drops it then, that is the fault's doing. It need not come to
// that, as only the service knows whom it counts in.
type doom struct {
	incident int
	since    time.Duration // the fault; 0 = it had no transport then, or has met it already
	calls    int           // that are under way, or have only just come back
	granted  bool          // one of them was not refused
	met      bool
}

// closeTravel is how long after its call has come back a close may reach the client.
const closeTravel = 5 * time.Second

// condemn is told that the service will be asked to close the session, once for each call.
func (m *member) condemn(now time.Duration, incident int) {
	if m.doom != nil && m.doom.incident != incident {
		m.spareDoomed(now)
	}
	if m.doom == nil {
		m.doom = &doom{incident: incident}
		if m.attached && !m.away {
			m.doom.since = now
		}
		m.w.counts.doomed++
	}
	m.doom.calls++
	m.askedToClose = true // though it be out of reach: the service ends what it keeps for it, too
}

// meetDoom makes a drop the one that was asked for: the way back from it begins at the fault.
func (m *member) meetDoom(now time.Duration) {
	d := m.doom
	if m.recovery != nil && m.recovery.held {
		m.reform(now)
	}
	m.hurt(now, d.incident)
	if d.since != 0 {
		m.recovery.fault = d.since
	}
	m.recovery.entry = m.w.injections.add(m.recovery.fault, d.incident, m.id, outcomeNames[outcomeOpen])
	m.w.run.struck(d.incident)
	d.since, d.met = 0, true
	m.goAway()
}

// reprieve ends what condemn began with one call.
func (m *member) reprieve(now time.Duration, incident int, refused bool) {
	d := m.doom
	if d == nil || d.incident != incident {
		return
	}
	d.granted = d.granted || !refused
	if d.calls--; d.calls == 0 {
		m.spareDoomed(now)
	}
}

// spareDoomed lifts the doom, whatever has come of it.
func (m *member) spareDoomed(now time.Duration) {
	d := m.doom
	m.doom = nil
	m.w.counts.doomed--
	m.askedToClose = m.askedToClose && (d.granted || d.calls > 0)
	m.closedBy = now
	switch {
	case d.met:
	case d.since != 0:
		m.w.injections.add(d.since, d.incident, m.id, "spared")
	default:
		m.w.injections.add(now, d.incident, m.id, "missed")
		m.w.incidents[d.incident].missed++
	}
}
