package metrics

import (
	"slices"
	"testing"
	"time"
)

// world drives one checker over a small topology, the way a runner would:
//
//	room-0: connections 0 1 2   publisher 0 (on 0), publisher 1 slot 0 (on 1)
//	room-1: connections 2 3     publisher 1 slot 1, publisher 2 (on 3, noEcho)
//
// Connections 0–2 are population 0, connection 3 is population 1. Message m of
// any address is intended at m × 100 ms; a delivery takes 1 ms.
type world struct {
	t    *testing.T
	topo *Topology
	c    *Checker
	now  time.Duration // absolute
	sent map[source]uint64
	ids  map[int]uint64 // last sequence id by connection
}

const (
	worldT0    = 1000 * time.Second
	worldRun   = 0xC0FFEE
	worldEvery = 100 * time.Millisecond
)

func worldTopology(reliable bool) *Topology {
	pub := func(connection, population int, noEcho bool, addresses ...uint32) Publisher {
		return Publisher{
			Connection: connection, Addresses: addresses, NoEcho: noEcho, Acked: true, PayloadBytes: 64,
			Population: population, Reliable: reliable,
		}
	}
	sub := func(population int, groups ...uint32) Subscriber {
		return Subscriber{Groups: groups, Reliable: reliable, Population: population}
	}
	return &Topology{
		RunID:       worldRun,
		Groups:      []string{"room-0", "room-1"},
		Publishers:  []Publisher{pub(0, 0, false, 0), pub(1, 0, false, 0, 1), pub(3, 1, true, 1)},
		Subscribers: []Subscriber{sub(0, 0), sub(0, 0), sub(0, 1, 0), sub(1, 1)},
		Populations: []string{"members", "others"},
		Intended:    func(_, _ int, m uint64) time.Duration { return time.Duration(m) * worldEvery },
	}
}

// newWorld is connected and joined before T0.
func newWorld(t *testing.T, reliable bool, p Profile) *world {
	return worldOf(t, worldTopology(reliable), p)
}

func worldOf(t *testing.T, topo *Topology, p Profile) *world {
	w := &world{t: t, topo: topo, c: NewChecker(topo, p, []int{0, 1, 2, 3}), sent: make(map[source]uint64), ids: make(map[int]uint64)}
	w.now = worldT0 - time.Second
	for c := range topo.Subscribers {
		w.c.Opened(w.now, c, false)
		w.c.Joined(w.now, c)
	}
	return w
}

// send sends the next message of an address, without an outcome, at its instant.
func (w *world) send(p, slot int) uint64 {
	k := source{uint32(p), uint32(slot)}
	w.sent[k]++
	w.at(w.sent[k])
	w.c.Sent(p, slot, w.sent[k], 0)
	return w.sent[k]
}

// at moves the clock to just after message m of any address is due.
func (w *world) at(m uint64) {
	w.now = max(w.now, worldT0+time.Duration(m)*worldEvery+time.Millisecond)
}

func (w *world) ok(p, slot int, m uint64) { w.c.Outcome(p, slot, m, OutcomeOK) }

// publish sends the next message, acknowledges it and delivers it to everyone but
// those left out.
func (w *world) publish(p, slot int, except ...int) uint64 {
	m := w.send(p, slot)
	w.ok(p, slot, m)
	g := w.topo.Publishers[p].Addresses[slot]
	for c, s := range w.topo.Subscribers {
		if !slices.Contains(s.Groups, g) {
			continue
		}
		skip := w.topo.ownEcho(uint32(p), c)
		for _, e := range except {
			skip = skip || e == c
		}
		if !skip {
			w.deliver(c, p, slot, m)
		}
	}
	return m
}

// round publishes one message on every address.
func (w *world) round() {
	w.publish(0, 0)
	w.publish(1, 0)
	w.publish(1, 1)
	w.publish(2, 0)
}

// delivery is a sound one, with the next sequence id.
func (w *world) delivery(connection, p, slot int, m uint64) Delivery {
	g := w.topo.Publishers[p].Addresses[slot]
	h := Header{
		RunID: worldRun, Publisher: uint32(p), Address: g, Message: m, Intended: w.topo.Intended(p, slot, m), Lag: 0,
	}
	d := Delivery{
		Group: []byte(w.topo.Groups[g]), Data: AppendPayload(nil, PayloadText, h, 64, 1), Kind: PayloadText, Fresh: true,
	}
	if m := w.topo.Publishers[p].Metadata; m != nil && !w.topo.Subscribers[connection].Bare {
		d.Metadata = m.JSON()
	}
	if w.topo.Subscribers[connection].Reliable {
		w.ids[connection]++
		d.SequenceID = w.ids[connection]
	}
	return d
}

func (w *world) deliver(connection, p, slot int, m uint64) DeliveryResult {
	d := w.delivery(connection, p, slot, m)
	return w.c.Deliver(w.now, connection, &d)
}

// alter publishes the next message of publisher 0 in its first group, which connection 1
// gets otherwise than it was published.
func (w *world) alter(how func(d *Delivery)) {
	d := w.delivery(1, 0, 0, w.publish(0, 0, 1))
	how(&d)
	w.c.Deliver(w.now, 1, &d)
}

// replay delivers a message again under an id that it had before.
func (w *world) replay(connection, p, slot int, m, id uint64) DeliveryResult {
	last := w.ids[connection]
	d := w.delivery(connection, p, slot, m)
	w.ids[connection] = last
	d.SequenceID, d.Fresh = id, false
	return w.c.Deliver(w.now, connection, &d)
}

// drop takes the transport away; a new connection has to follow by rejoin.
func (w *world) drop(connection int) { w.c.Dropped(w.now, connection) }

func (w *world) resume(connection int) { w.c.Opened(w.now, connection, true) }

// rejoin opens a new connection and joins its groups.
func (w *world) rejoin(connection int) {
	w.ids[connection] = 0
	w.c.Opened(w.now, connection, false)
	w.c.Joined(w.now, connection)
}

func (w *world) judge(o JudgeOptions) *Judgement {
	o.Profile, o.T0 = w.c.profile, worldT0
	return Judge(w.topo, o, carriedOver(w.t, w.c.Shard()))
}

// carriedOver is the shard as another process would get it: whatever a test judges has
// come that way.
func carriedOver(t *testing.T, s *Shard) *Shard {
	t.Helper()
	b, err := s.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	var out Shard
	if err := out.UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	return &out
}

// checkSums tells where the totals do not add up.
func checkSums(t *testing.T, j *Judgement) {
	t.Helper()
	sum := func(name string, x *Totals) {
		d, p, o := &x.Deliveries, &x.Publishes, &x.Outcomes
		if got := d.Delivered + d.Lost + d.Undelivered + d.Excused.Total(); got != d.Expected {
			t.Errorf("%s: delivered %d + lost %d + undelivered %d + excused %d = %d, expected is %d",
				name, d.Delivered, d.Lost, d.Undelivered, d.Excused.Total(), got, d.Expected)
		}
		if got := o.AckedDelivered + o.AckedMissing + o.UnackedDelivered + o.UnackedMissing; got != d.Expected {
			t.Errorf("%s: outcomes %+v sum to %d, expected is %d", name, *o, got, d.Expected)
		}
		if o.AckedDelivered+o.UnackedDelivered != d.Delivered {
			t.Errorf("%s: outcomes %+v, delivered is %d", name, *o, d.Delivered)
		}
		if p.Scheduled != p.Sent+p.Dropped || p.Sent != p.OK+p.Fail+p.Indeterminate {
			t.Errorf("%s: publishes do not add up: %+v", name, *p)
		}
	}
	sum("run", &j.Totals)
	var total Totals
	for i := range j.Populations {
		sum(j.Populations[i].Name, &j.Populations[i].Totals)
		total.Add(&j.Populations[i].Totals)
	}
	if total != j.Totals {
		t.Errorf("populations sum to\n%+v, the run has\n%+v", total, j.Totals)
	}
}

func (j *Judgement) check(id string) *CheckResult {
	for i := range j.Checks {
		if j.Checks[i].ID == id {
			return &j.Checks[i]
		}
	}
	return nil
}

// violations is what was charged, by check.
func (j *Judgement) violations() map[string]uint64 {
	v := make(map[string]uint64)
	for _, c := range j.Checks {
		if c.Result == CheckViolated || c.Violations != 0 {
			v[c.ID] = c.Violations
		}
	}
	return v
}
