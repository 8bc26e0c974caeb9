package runner

import (
	"time"

	"github.com/wpsbench/wpsbench/wire"
)

// registeredAfter is how long after the upgrade a simple client counts as a member of
// its groups. Nothing tells it when it is: the service registers it after the upgrade
// and sends no first frame (protocol.md 1.3, 6). Until then nobody owes it anything.
const registeredAfter = time.Second

func (m *member) simple() bool { return m.encoding == wire.EncodingNone }

// clientURL yields the URLs of the member's connections. That of a simple client which
// publishes names the group.
func (m *member) clientURL() wire.URLFunc {
	r := m.w.run
	url, p := r.cfg.Target.URL(m.id), r.plan.PublisherOf(m.id)
	if !m.simple() || p < 0 || r.plan.Scenario.Populations[m.population].Publish.Event != "" {
		return url
	}
	publisher := &r.topology.Publishers[p]
	return wire.RawGroupURL(url, r.topology.Groups[publisher.Addresses[0]], publisher.NoEcho)
}

// becameReady is told when the session can publish: its joins are answered, or it has none
// to ask for.
func (m *member) becameReady(now time.Duration, success bool) {
	if !m.simple() {
		m.joined(now, now, success)
		return
	}
	m.readyAt = now
	m.registered.Set(now + registeredAfter)
}
