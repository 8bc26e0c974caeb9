package metrics

import (
	"math"
	"time"
)

// reference is the judge as one would write it without a thought for speed: a map
// entry per message and number, every rule spelled out per number. It shares no
// code with the checker but the topology and the names of the checks.
type reference struct {
	t       *Topology
	profile Profile
	subs    map[int]*refSub
	pubs    map[[2]int]*refSlot // publisher, slot
	charges map[string]uint64
	pops    []Totals
	cut     bool

	resent map[[3]uint64]bool // publisher, address, message
	twice  []refTwice
}

type refTwice struct {
	check string
	key   [3]uint64
}

type refSub struct {
	id                 int
	reliable, attached bool
	opened             bool
	session            int
	lastData           time.Duration
	windows            []refWindow
	pairs              map[[2]int]*refPair

	ids      map[uint64]bool // of the session
	largest  uint64
	atOpen   uint64
	epoch    []uint64 // ids of the epoch, in order
	resumed  bool
	acked    uint64
	leftOut  map[[2]uint64]bool // (session, id) → after a recovery
	unplaced uint64

	asked, heard map[int]bool // by group
	outage       time.Duration
}

type refWindow struct {
	fate        string
	first, last int // last 0 = open
	from, to    time.Duration
}

type refPair struct {
	seen          map[uint64]bool
	largest       uint64
	session       int // of the last arrival
	inSession     map[int]uint64
	before, after map[uint64]int // of a missing number: sessions of its neighbours
}

type refSlot struct {
	top     uint64
	outcome map[uint64]Outcome
	maxLag  time.Duration
}

func newReference(t *Topology, p Profile) *reference {
	r := &reference{
		t: t, profile: p, subs: make(map[int]*refSub), pubs: make(map[[2]int]*refSlot), charges: make(map[string]uint64),
		pops: make([]Totals, len(t.Populations)),
	}
	for c, s := range t.Subscribers {
		sub := &refSub{id: c, reliable: s.Reliable, session: 1, ids: make(map[uint64]bool), leftOut: make(map[[2]uint64]bool), pairs: make(map[[2]int]*refPair)}
		if len(s.Groups) > 0 {
			sub.windows = []refWindow{{fate: "join", from: math.MinInt64}}
		}
		sub.ask(t)
		r.subs[c] = sub
	}
	r.resent = make(map[[3]uint64]bool)
	for p, pub := range t.Publishers {
		for s := range pub.Addresses {
			r.pubs[[2]int{p, s}] = &refSlot{outcome: make(map[uint64]Outcome)}
			for c := range t.Subscribers {
				r.subs[c].pairs[[2]int{p, s}] = &refPair{
					seen: make(map[uint64]bool), inSession: make(map[int]uint64), before: make(map[uint64]int), after: make(map[uint64]int),
				}
			}
		}
	}
	return r
}

// ask begins with the memberships of a new session.
func (s *refSub) ask(t *Topology) {
	s.asked, s.heard = make(map[int]bool), make(map[int]bool)
	for _, g := range t.Subscribers[s.id].Groups {
		s.asked[int(g)] = !t.Subscribers[s.id].Asks
	}
}

func (r *reference) joining(c int) {
	for _, g := range r.t.Subscribers[c].Groups {
		r.subs[c].asked[int(g)] = true
	}
}

func (r *reference) charge(id string) { r.charges[id]++ }

func (s *refSub) newSession() {
	s.session++
	s.opened = false
	s.ids, s.largest, s.atOpen, s.epoch, s.resumed, s.acked = make(map[uint64]bool), 0, 0, nil, false, 0
}

func (s *refSub) start(fate string) {
	if n := len(s.windows); n == 0 || s.windows[n-1].last != 0 {
		s.windows = append(s.windows, refWindow{fate: fate, first: s.session, from: s.lastData})
	}
}

func (r *reference) opened(c int, resumed bool) {
	s := r.subs[c]
	if !resumed && s.opened {
		s.newSession()
	}
	s.attached, s.opened, s.resumed, s.epoch, s.atOpen = true, true, resumed, nil, s.largest
	if s.heard = make(map[int]bool); !resumed {
		s.ask(r.t)
	}
}

func (r *reference) joined(now time.Duration, c int) {
	s := r.subs[c]
	r.joining(c)
	s.lastData = max(s.lastData, now)
	if n := len(s.windows); n > 0 && s.windows[n-1].last == 0 {
		s.windows[n-1].last, s.windows[n-1].to = s.session, now
	}
}

func (r *reference) dropped(now time.Duration, c int) {
	s := r.subs[c]
	if s.attached && (!s.resumed || len(s.epoch) > 0) {
		s.outage = now
	}
	s.attached = false
	if !s.reliable {
		s.start("disconnect")
	}
}

func (r *reference) ended(now time.Duration, c int, why SessionEnd) {
	s := r.subs[c]
	if why == EndRefused && s.reliable && r.profile == Strict && s.outage > 0 && now <= s.outage+29*time.Second {
		r.charge("C1")
	}
	switch {
	case !s.reliable:
		s.start("disconnect")
	case why == EndOverflow:
		s.start("overflow")
	default:
		s.start("session")
	}
	s.newSession()
}

// refDelivery is a delivery in the clear.
type refDelivery struct {
	connection         int
	publisher, address int
	message, id        uint64
	name               string // group name on the wire
	damage             string // "", foreign, padding, ids, kind
}

func (r *reference) deliver(now time.Duration, d refDelivery) {
	s := r.subs[d.connection]
	s.lastData = now
	pop := &r.pops[r.t.Subscribers[d.connection].Population].Deliveries
	old, fault := false, ""
	if s.reliable {
		old, fault = r.sequence(s, d.id)
		if old {
			pop.Replayed++
			if d.id <= s.acked {
				pop.RedundantReplay++
			}
		}
	}
	if d.damage == "foreign" {
		pop.Foreign++
		if fault != "" {
			r.charge(fault)
		}
		return
	}
	slot := -1
	for i, g := range r.t.Publishers[d.publisher].Addresses {
		if int(g) == d.address {
			slot = i
		}
	}
	member := false
	for _, g := range r.t.Subscribers[d.connection].Groups {
		member = member || int(g) == d.address
	}
	echo := r.t.Publishers[d.publisher].NoEcho && r.t.Publishers[d.publisher].Connection == d.connection
	p := s.pairs[[2]int{d.publisher, slot}]
	if d.damage == "ids" || d.damage == "padding" {
		pop.Corrupt++
		r.charge("X1")
		switch {
		case d.damage == "ids":
			s.unplaced++
		case member && !echo && d.name == r.t.Groups[d.address] && d.message == p.largest+1:
			p.arrive(d.message, s.session)
		case member && !echo:
			s.unplaced++
		}
		return
	}
	if !member || echo || d.name != r.t.Groups[d.address] {
		if fault == "" && old {
			return
		}
		if member && !echo {
			s.unplaced++
		}
		pop.Unexpected++
		if fault == "" {
			fault = "G3"
		}
		r.charge(fault)
		return
	}
	isNew, late, repeated := !p.seen[d.message], d.message < p.inSession[s.session], d.message <= p.inSession[s.session]
	p.arrive(d.message, s.session)
	switch {
	case d.damage == "kind":
		fault = "X1"
	case fault != "":
	case old && isNew:
		fault = "R1"
	case old:
	case isNew && late && s.reliable:
		fault = "R6"
		pop.Reordered++
	case isNew && late:
		fault = "N1"
		pop.Reordered++
	case !isNew && repeated && s.reliable:
		fault = "R5"
		pop.Duplicated++
		r.twice = append(r.twice, refTwice{fault, d.key()})
	case !isNew && repeated:
		fault = "N2"
		pop.Duplicated++
		r.twice = append(r.twice, refTwice{fault, d.key()})
	case !s.asked[d.address]:
		fault = "G1"
	default:
		s.heard[d.address] = true
	}
	if fault != "" {
		r.charge(fault)
	}
}

func (d *refDelivery) key() [3]uint64 {
	return [3]uint64{uint64(d.publisher), uint64(d.address), d.message}
}

// moveRepeated charges what was executed again to P2, once per message.
func (r *reference) moveRepeated() {
	again := make(map[[3]uint64]bool)
	for _, x := range r.twice {
		pub := r.t.Publishers[x.key[0]]
		if !r.resent[x.key] || !pub.Acked || !pub.Reliable {
			continue
		}
		if r.charges[x.check]--; r.charges[x.check] == 0 {
			delete(r.charges, x.check)
		}
		if !again[x.key] {
			again[x.key] = true
			r.charge("P2")
		}
	}
}

func (p *refPair) arrive(m uint64, session int) {
	for k := p.largest + 1; k < m; k++ {
		p.before[k], p.after[k] = p.session, session
	}
	p.largest = max(p.largest, m)
	p.seen[m] = true
	p.session = session
	p.inSession[session] = max(p.inSession[session], m)
}

// sequence judges an id by the list of all ids before it.
func (r *reference) sequence(s *refSub, id uint64) (old bool, fault string) {
	if id == 0 {
		return false, "R1"
	}
	first := len(s.epoch) == 0
	inEpoch := false
	live := false
	for _, e := range s.epoch {
		inEpoch = inEpoch || id <= e
		live = live || e > s.atOpen
	}
	key := [2]uint64{uint64(s.session), id}
	switch {
	case inEpoch:
		delete(s.leftOut, key)
		if s.resumed && live && id <= s.atOpen {
			return true, "R3"
		}
		return true, "R1"
	case id <= s.largest:
		delete(s.leftOut, key)
		s.epoch = append(s.epoch, id)
		return true, ""
	}
	for k := s.largest + 1; k < id; k++ {
		s.leftOut[[2]uint64{uint64(s.session), k}] = first && s.resumed
	}
	s.epoch = append(s.epoch, id)
	s.largest = id
	s.ids[id] = true
	return false, ""
}

// judge counts number by number.
func (r *reference) judge(t0 time.Duration, longest [2]time.Duration) {
	r.moveRepeated()
	lost := make(map[int]uint64)
	gone := make(map[[2]int]bool)
	for key, slot := range r.pubs {
		pub := r.t.Publishers[key[0]]
		r.publishes(slot, &r.pops[pub.Population].Publishes)
		group := int(pub.Addresses[key[1]])
		for c, sub := range r.t.Subscribers {
			member := false
			for _, g := range sub.Groups {
				member = member || int(g) == group
			}
			if !member || pub.NoEcho && pub.Connection == c {
				continue
			}
			r.copies(key, slot, c, t0, longest, lost, gone)
		}
	}
	for range gone {
		r.charge("G2")
	}
	for c, s := range r.subs {
		ids := uint64(0)
		for key := range s.leftOut {
			ids++
			// One jump left out a run of ids: count its first.
			if _, same := s.leftOut[[2]uint64{key[0], key[1] - 1}]; same || r.profile != Strict {
				continue
			}
			if s.leftOut[key] {
				r.charge("R2")
			} else {
				r.charge("R1s")
			}
		}
		if r.profile != Strict {
			ids = 0
		}
		charged := lost[c] - min(lost[c], ids+s.unplaced)
		id := "N3"
		if s.reliable {
			id = "R4"
		}
		if charged > 0 {
			r.charges[id] += charged
		}
	}
}

func (r *reference) publishes(s *refSlot, p *Publishes) {
	for m := uint64(1); m <= s.top; m++ {
		p.Scheduled++
		switch s.outcome[m] {
		case outcomeSkipped:
			p.Dropped++
			continue
		case OutcomeOK:
			p.OK++
		case OutcomeFail:
			p.Fail++
		case OutcomeError:
			p.Errored++
			p.Indeterminate++
		default:
			p.Indeterminate++
		}
		p.Sent++
	}
}

func (r *reference) copies(key [2]int, slot *refSlot, c int, t0 time.Duration, longest [2]time.Duration, lost map[int]uint64, gone map[[2]int]bool) {
	s := r.subs[c]
	p := s.pairs[key]
	pop := &r.pops[r.t.Subscribers[c].Population]
	d, o := &pop.Deliveries, &pop.Outcomes
	for m := range p.seen {
		if m > slot.top || slot.outcome[m] == outcomeSkipped {
			d.Unexpected++
			r.charge("X1")
		}
	}
	for m := uint64(1); m <= slot.top; m++ {
		how := slot.outcome[m]
		if how == outcomeSkipped {
			continue
		}
		d.Expected++
		if p.seen[m] {
			d.Delivered++
			switch how {
			case OutcomeOK:
				o.AckedDelivered++
			case OutcomeFail:
				o.UnackedDelivered++
				r.charge("P3")
			default:
				o.UnackedDelivered++
				if r.t.Publishers[key[0]].Acked {
					d.Recovered++
				}
			}
			continue
		}
		if how == OutcomeOK {
			o.AckedMissing++
		} else {
			o.UnackedMissing++
		}
		class := 0
		if s.reliable {
			class = 1
		}
		e := &d.Excused
		switch f := r.fate(s, p, slot, m, how, r.t.Publishers[key[0]].Acked, r.t.Intended(key[0], key[1], m), t0, longest[class]); f {
		case "rejected":
			e.Rejected++
		case "join":
			e.JoinRace++
		case "disconnect":
			e.Disconnect++
		case "session":
			e.SessionEnded++
		case "overflow":
			e.Overflow++
		case "unacknowledged":
			e.Unacknowledged++
		case "undelivered":
			d.Undelivered++
		default:
			d.Lost++
			group := int(r.t.Publishers[key[0]].Addresses[key[1]])
			if m > p.largest && s.resumed && !s.heard[group] && len(s.heard) > 0 {
				gone[[2]int{c, group}] = true
				continue
			}
			lost[c]++
		}
	}
}

// fate goes through the rules for one missing copy.
func (r *reference) fate(s *refSub, p *refPair, slot *refSlot, m uint64, how Outcome, acked bool, at, t0, longest time.Duration) string {
	if how == OutcomeFail {
		return "rejected"
	}
	before, after := p.session, math.MaxInt
	if m < p.largest {
		before, after = p.before[m], p.after[m]
	}
	for _, w := range s.windows {
		last, to := w.last, w.to-t0
		if last == 0 {
			last, to = math.MaxInt, math.MaxInt64
		}
		spans := before < after && before < last && after > w.first
		from := time.Duration(math.MinInt64)
		if w.fate != "join" {
			from = w.from - t0 - longest - slot.maxLag
		}
		if spans && at >= from && at < to {
			return w.fate
		}
	}
	switch how {
	case OutcomeOK:
	case OutcomeIndeterminateDisconnect:
		return "disconnect"
	case OutcomeIndeterminateSessionEnded:
		return "session"
	case OutcomeIndeterminateOverflow:
		return "overflow"
	case OutcomePending:
		if acked {
			return "undelivered"
		}
		return "unacknowledged"
	default:
		return "unacknowledged"
	}
	if m > p.largest && (r.cut || !s.attached) {
		return "undelivered"
	}
	return "lost"
}
