package metrics

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

// history is a random one, told to checkers of one worker and of several and to
// the reference alike. It keeps to the checker's contract, not to any protocol.
type history struct {
	rnd      *rand.Rand
	topo     *Topology
	sets     [][]*Checker // the same run, cut over 1, 2 and 3 workers
	ref      *reference
	now      time.Duration
	longest  [2]time.Duration
	ids      map[int]uint64
	open     map[int]bool
	pending  [][3]uint64 // publisher, slot, message without an outcome
	rough    bool
	forgets  bool // a recovery costs the membership of the first group
	messages int
}

func randomTopology(rnd *rand.Rand) *Topology {
	t := &Topology{RunID: 7, Populations: []string{"a", "b"}}
	for g := range 1 + rnd.IntN(3) {
		t.Groups = append(t.Groups, fmt.Sprintf("g-%d", g))
	}
	pick := func(atLeast int) []uint32 {
		var ids []uint32
		for _, g := range rnd.Perm(len(t.Groups)) {
			if len(ids) < atLeast || rnd.IntN(2) == 0 {
				ids = append(ids, uint32(g))
			}
		}
		return ids
	}
	for range 2 + rnd.IntN(5) {
		t.Subscribers = append(t.Subscribers, Subscriber{Groups: pick(0), Reliable: rnd.IntN(2) == 0, Population: rnd.IntN(2), Asks: rnd.IntN(3) == 0})
	}
	for range 1 + rnd.IntN(3) {
		c := rnd.IntN(len(t.Subscribers))
		t.Publishers = append(t.Publishers, Publisher{
			Connection: c, Addresses: pick(1), NoEcho: rnd.IntN(3) == 0, Acked: rnd.IntN(4) != 0, Population: t.Subscribers[c].Population,
			Reliable: t.Subscribers[c].Reliable,
		})
	}
	t.Intended = func(p, s int, m uint64) time.Duration {
		return time.Duration(m)*10*time.Millisecond + time.Duration(p+s)
	}
	return t
}

func newHistory(seed uint64) *history {
	rnd := rand.New(rand.NewPCG(seed, 1))
	h := &history{
		rnd: rnd, topo: randomTopology(rnd), now: worldT0 - time.Second, ids: make(map[int]uint64), open: make(map[int]bool),
		rough: rnd.IntN(2) == 0, forgets: seed%4 == 1,
	}
	p := Profile(rnd.IntN(2))
	h.ref = newReference(h.topo, p)
	for workers := 1; workers <= 3; workers++ {
		var set []*Checker
		for w := range workers {
			var owned []int
			for c := range h.topo.Subscribers {
				if c%workers == w {
					owned = append(owned, c)
				}
			}
			set = append(set, NewChecker(h.topo, p, owned))
		}
		h.sets = append(h.sets, set)
	}
	return h
}

// each does something on the owner of a connection in every cut.
func (h *history) each(connection int, fn func(c *Checker)) {
	for _, set := range h.sets {
		fn(set[connection%len(set)])
	}
}

func (h *history) run(steps int) {
	for c := range h.topo.Subscribers {
		if h.rnd.IntN(8) != 0 {
			h.connect(c, h.rnd.IntN(8) != 0)
		}
	}
	h.now = worldT0
	for range steps {
		h.now += time.Duration(h.rnd.IntN(int(4 * time.Millisecond)))
		switch n := h.rnd.IntN(100); {
		case n < 30:
			h.send()
		case n < 50:
			h.settle()
		case n < 95:
			h.deliver()
		default:
			h.transport()
		}
	}
}

func (h *history) connect(c int, join bool) {
	h.ids[c] = 0
	h.open[c] = true
	h.each(c, func(k *Checker) { k.Opened(h.now, c, false) })
	h.ref.opened(c, false)
	if h.rnd.IntN(3) > 0 {
		h.each(c, func(k *Checker) { k.Joining(c) })
		h.ref.joining(c)
	}
	if join {
		h.each(c, func(k *Checker) { k.Joined(h.now, c) })
		h.ref.joined(h.now, c)
	}
}

func (h *history) transport() {
	c := h.rnd.IntN(len(h.topo.Subscribers))
	switch {
	case h.open[c]:
		h.open[c] = false
		h.each(c, func(k *Checker) { k.Dropped(h.now, c) })
		h.ref.dropped(h.now, c)
		if h.rnd.IntN(2) == 0 {
			why := SessionEnd(h.rnd.IntN(int(EndByUs) + 1))
			h.each(c, func(k *Checker) { k.Ended(h.now, c, why) })
			h.ref.ended(h.now, c, why)
			h.ids[c] = 0
		}
	case h.topo.Subscribers[c].Reliable && h.ref.subs[c].opened && h.rnd.IntN(3) > 0:
		h.open[c] = true
		h.each(c, func(k *Checker) { k.Opened(h.now, c, true) })
		h.ref.opened(c, true)
		h.ids[c] -= min(h.ids[c], uint64(h.rnd.IntN(4))) // a replay
	default:
		h.connect(c, h.rnd.IntN(6) != 0)
	}
}

func (h *history) send() {
	p := h.rnd.IntN(len(h.topo.Publishers))
	s := h.rnd.IntN(len(h.topo.Publishers[p].Addresses))
	slot := h.ref.pubs[[2]int{p, s}]
	slot.top++
	m := slot.top
	owner := h.topo.Publishers[p].Connection
	if h.rnd.IntN(20) == 0 {
		h.each(owner, func(k *Checker) { k.Skipped(p, s, m) })
		slot.outcome[m] = outcomeSkipped
		return
	}
	lag := time.Duration(h.rnd.IntN(int(time.Millisecond)))
	slot.maxLag = max(slot.maxLag, lag)
	h.each(owner, func(k *Checker) { k.Sent(p, s, m, lag) })
	h.pending = append(h.pending, [3]uint64{uint64(p), uint64(s), m})
}

func (h *history) settle() {
	if len(h.pending) == 0 {
		return
	}
	i := h.rnd.IntN(len(h.pending))
	p, s, m := int(h.pending[i][0]), int(h.pending[i][1]), h.pending[i][2]
	h.pending[i] = h.pending[len(h.pending)-1]
	h.pending = h.pending[:len(h.pending)-1]
	owner := h.topo.Publishers[p].Connection
	if h.rnd.IntN(6) == 0 {
		late := time.Duration(h.rnd.IntN(int(2 * time.Millisecond)))
		slot := h.ref.pubs[[2]int{p, s}]
		slot.maxLag = max(slot.maxLag, late)
		h.each(owner, func(k *Checker) { k.Resent(p, s, m, late) })
		h.ref.resent[[3]uint64{uint64(p), uint64(h.topo.Publishers[p].Addresses[s]), m}] = true
	}
	if h.rnd.IntN(40) == 0 {
		h.each(owner, func(k *Checker) { k.Duplicate(h.now, owner, m, false) })
		h.ref.charge("P2")
	}
	o := OutcomeOK
	if h.rnd.IntN(5) == 0 {
		o = Outcome(1 + h.rnd.IntN(int(OutcomeIndeterminateOverflow)))
	}
	h.ref.pubs[[2]int{p, s}].outcome[m] = o
	h.each(h.topo.Publishers[p].Connection, func(k *Checker) { k.Outcome(p, s, m, o) })
}

func (h *history) deliver() {
	d := refDelivery{connection: h.rnd.IntN(len(h.topo.Subscribers)), publisher: h.rnd.IntN(len(h.topo.Publishers))}
	sub := h.topo.Subscribers[d.connection]
	pub := h.topo.Publishers[d.publisher]
	slot := h.rnd.IntN(len(pub.Addresses))
	d.address = int(pub.Addresses[slot])
	d.name = h.topo.Groups[d.address]
	if !slices.Contains(sub.Groups, uint32(d.address)) || h.topo.ownEcho(uint32(d.publisher), d.connection) {
		if h.rnd.IntN(50) != 0 {
			return
		}
	}
	if h.forgets && h.ref.subs[d.connection].resumed && len(sub.Groups) > 1 && sub.Groups[0] == uint32(d.address) {
		return
	}
	d.message = h.ref.subs[d.connection].pairs[[2]int{d.publisher, slot}].largest + 1
	if top := h.ref.pubs[[2]int{d.publisher, slot}].top; d.message > top && h.rnd.IntN(30) != 0 {
		return // nothing to deliver
	}
	h.ids[d.connection]++
	if h.rough {
		h.roughen(&d)
	} else if h.rnd.IntN(10) == 0 {
		d.message++
	}
	if sub.Reliable {
		d.id = h.ids[d.connection]
	}
	h.tell(d)
}

// roughen makes a delivery worse than any network could.
func (h *history) roughen(d *refDelivery) {
	switch h.rnd.IntN(16) {
	case 0:
		d.message += uint64(h.rnd.IntN(5))
	case 1:
		d.message -= min(d.message-1, uint64(h.rnd.IntN(5)))
	case 2:
		d.name = "elsewhere"
	case 3:
		d.damage = []string{"foreign", "padding", "ids", "kind"}[h.rnd.IntN(4)]
	case 4:
		h.ids[d.connection] += uint64(h.rnd.IntN(4))
	case 5:
		h.ids[d.connection] -= min(h.ids[d.connection], uint64(h.rnd.IntN(4)))
	case 6:
		id := h.ids[d.connection]
		h.each(d.connection, func(k *Checker) { k.SequenceAcked(d.connection, id) })
		s := h.ref.subs[d.connection]
		s.acked = max(s.acked, id)
	}
}

func (h *history) tell(d refDelivery) {
	header := Header{RunID: h.topo.RunID, Publisher: uint32(d.publisher), Address: uint32(d.address), Message: d.message}
	for s, g := range h.topo.Publishers[d.publisher].Addresses {
		if int(g) == d.address {
			header.Intended = h.topo.Intended(d.publisher, s, d.message)
		}
	}
	got := Delivery{Group: []byte(d.name), Data: AppendPayload(nil, PayloadText, header, 60, 1), SequenceID: d.id, Fresh: true}
	switch d.damage {
	case "foreign":
		got.Data = []byte("not ours")
	case "padding":
		got.Data[55] ^= 1
	case "ids":
		got.Data[9] ^= 8 // publisher 0x8000000 and above
	case "kind":
		got.Data = []byte(`"` + string(got.Data) + `"`)
		got.Kind = PayloadJSON
	}
	h.messages++
	var first *DeliveryResult
	h.each(d.connection, func(k *Checker) {
		r := k.Deliver(h.now, d.connection, &got)
		if first != nil && *first != r {
			panic("workers differ")
		}
		first = &r
	})
	if first.Counted {
		class := classOf(h.topo.Subscribers[d.connection].Reliable)
		h.longest[class] = max(h.longest[class], h.now-worldT0-header.Intended)
	}
	h.ref.deliver(h.now, d)
}

// TestJudgeAgainstReference: for random histories every total and every count of
// violations is the reference's, and any cut over workers gives one judgement.
func TestJudgeAgainstReference(t *testing.T) {
	n := uint64(800)
	if testing.Short() {
		n = 150
	}
	seen := make(map[string]uint64)
	var total Totals
	for seed := range n {
		h := newHistory(seed)
		h.run(600)
		cut := h.rnd.IntN(4) == 0
		h.ref.cut = cut
		h.ref.judge(worldT0, h.longest)
		var first *Judgement
		for _, set := range h.sets {
			var shards []*Shard
			for _, c := range set {
				shards = append(shards, carriedOver(t, c.Shard()))
			}
			var missing [4]uint64
			j := Judge(h.topo, JudgeOptions{
				Profile: h.ref.profile, DrainCut: cut, T0: worldT0,
				OnMissing: func(at time.Duration, _ int, why Missing) {
					missing[why]++
					if at <= 0 {
						t.Errorf("seed %d: OnMissing(%v, %d)", seed, at, why)
					}
				},
			}, shards...)
			checkSums(t, j)
			if got, want := j.violations(), h.ref.charges; !maps.Equal(got, want) {
				t.Errorf("seed %d, %d workers: violations\n got %v\nwant %v", seed, len(set), got, want)
			}
			for i := range j.Populations {
				if got, want := j.Populations[i].Totals, h.ref.pops[i]; got != want {
					t.Errorf("seed %d, %d workers, population %d:\n got %+v\nwant %+v", seed, len(set), i, got, want)
				}
			}
			d := &j.Totals.Deliveries
			if missing != [4]uint64{d.Lost, d.Undelivered, d.Excused.Total() - d.Excused.Rejected, d.Excused.Rejected} {
				t.Errorf("seed %d: OnMissing told of %v, totals are %+v", seed, missing, *d)
			}
			for i := range j.Checks {
				j.Checks[i].Examples = nil // which 20 are kept depends on the cut
			}
			if first == nil {
				first = j
			} else if !reflect.DeepEqual(first, j) {
				t.Errorf("seed %d: %d workers judge\n%+v\none judges\n%+v", seed, len(set), j, first)
			}
		}
		total.Add(&first.Totals)
		for id, n := range h.ref.charges {
			seen[id] += n
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	for _, c := range checkInfos {
		if seen[c.id] == 0 && c.id != "P1" {
			t.Errorf("no history broke %s: the test proves nothing about it", c.id)
		}
	}
	d := &total.Deliveries
	for _, n := range []uint64{
		d.Delivered, d.Lost, d.Undelivered, d.Duplicated, d.Reordered, d.Unexpected, d.Foreign, d.Corrupt, d.Recovered, d.Replayed, d.RedundantReplay,
		d.Excused.Disconnect, d.Excused.JoinRace, d.Excused.Rejected, d.Excused.SessionEnded, d.Excused.Overflow, d.Excused.Unacknowledged,
	} {
		if n == 0 {
			t.Errorf("no history has every class: %+v", *d)
			break
		}
	}
	t.Logf("violations in all histories: %v", seen)
	t.Logf("deliveries: %+v", *d)
}
