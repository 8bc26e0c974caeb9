package metrics

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Profile says how much the checker asks of a server (design.md 7.4).
type Profile uint8

// The profiles.
const (
	Spec   Profile = iota // only what the published protocol promises
	Strict                // what a good server does: sequence ids without gaps, too
)

// String is the profile's name in scenarios and records.
func (p Profile) String() string {
	if p == Strict {
		return "strict"
	}
	return "spec"
}

// Checker folds every event of one worker's connections and judges none of them
// finally: that is Judge's, over the shards of all workers. It owns disjoint
// connections, with the subscriptions and the publishers on them, and is not for
// concurrent use. Deliver, Sent and Outcome do not allocate while messages come
// in order. All `now` instants are absolute, on the clock of JudgeOptions.T0.
type Checker struct {
	state
	t       *Topology
	ix      *index
	profile Profile
	raw     [headerBytes]byte // scratch of parsePayload

	byConnection []int32 // position in conns, -1 = another worker's
	byPublisher  []int32 // position of its slot 0 in slots, -1 = another worker's
	connectionOf []uint8 // the newest Header.Session seen of each publisher
	progress     Progress
	shard        *Shard // the evidence is closed
}

// state is what a checker leaves to the judge.
type state struct {
	conns    []conn
	pairs    []pair
	gapLists []gaps
	frozen   map[int]uint64 // arrivals of frozen pairs, by pair
	slots    []slot         // of the owned publishers
	owned    []uint32       // publisher ids of slots, in order
	counts   []counts       // by population of the subscriber
	offences [checks][]offence
	suspects []suspect
	unjudged uint64 // suspects beyond maxSuspects
	repeats  []repeated
	ring     ring
	longest  [2]time.Duration // largest arrival minus intended instant; [1] = at reliable subscribers
}

// counts is what happened at the subscribers of one population.
type counts struct {
	violations  [checks]uint64
	headers     uint64    // deliveries that carried a header of this run
	judged      [2]uint64 // of those, judged for order, by class of subscriber
	outOfOrder  uint64    // of those, charged to X1, and repeated or out of order, too
	sequenced   uint64    // with a sequence id, on reliable subprotocols
	resumptions uint64    // recovered epochs that carried data: opportunities of R2
	replayed    uint64
	redundant   uint64
	continued   uint64 // groups heard of again after a recovery: opportunities of G2
	recoveries  uint64 // sockets opened to resume a session: opportunities of C1
	refused     uint64 // of those, refused although the session had to be there
	refusedEdge uint64 // refused when only the service can know whether it had to be
	duplicates  uint64 // answers Duplicate: opportunities of P2
	afterLeave  uint64 // deliveries after a leave's ack, in the profile that allows them
	stray       uint64 // deliveries with a sequence id, on subprotocols without
	unmarked    uint64 // deliveries without their metadata, in the profile that allows them
	dedupLost   uint64 // first arrivals that the client's de-duplication discards
	unexpected  uint64
	foreign     uint64
	corrupt     uint64
}

// conn is one owned connection: its life, its sequence ids and where its
// subscriptions lie in the pair array.
type conn struct {
	id         int
	population int
	subscriber bool
	reliable   bool
	bare       bool // see Subscriber

	attached bool
	opened   bool   // the current session has had a WebSocket
	session  uint32 // the how manieth connectionId, from 1
	lastData time.Duration
	outage   time.Duration // when it was lost that has not been shown to be back; 0 = never
	joins    []lookup      // group → first pair of that group, relative to first
	members  []membership  // beside joins
	first    int
	pairs    int // number of pairs
	counted  bool
	// Of one that is only counted, by group as in joins: copies that arrived, and those
	// that were due before it joined beyond what had arrived.
	arrived []uint64
	before  []int64
	windows []window

	seq      sequence
	unplaced uint64 // charged deliveries that may stand for a copy which now seems lost
	catchUp  catchUp
}

// window is a stretch of a subscriber's life in which messages were not due to
// it: sessions first (0 = before the first) to last, exclusive of both.
type window struct {
	class       windowClass
	group       uint32 // windowLeft and windowElsewhere only
	open        bool   // not joined again
	first, last uint32
	from, to    time.Duration // last sign of life, join

	// Of windowElsewhere: nothing is expected from the answer to the leave on, until the
	// group is asked for again. never: there was no leave; 0 = not yet.
	never       bool
	left, asked time.Duration
}

// ofGroup tells a window of one group from one of the whole connection.
func (w *window) ofGroup() bool { return w.class == windowLeft || w.class == windowElsewhere }

type windowClass uint8

const (
	windowJoin       windowClass = iota // before the first join
	windowDisconnect                    // non-reliable, between connections
	windowSession                       // reliable, after the session ended
	windowOverflow                      // reliable, after the service's buffer overflowed
	windowLeft                          // of one group, from the request to leave it to the join
	windowElsewhere                     // of one group, likewise, but it has gone for good
)

// SessionEnd says why a connectionId is over.
type SessionEnd uint8

// The reasons of Checker.Ended.
const (
	EndDropped  SessionEnd = iota // a drop on a subprotocol without recovery
	EndRefused                    // recovery was refused (close code 1008)
	EndExpired                    // the recovery window passed
	EndOverflow                   // the service's buffer of unacknowledged messages overflowed
	EndByPeer                     // the peer closed it for another reason
	EndByUs                       // we closed it
)

// Progress is what the drain compares: summed over the workers, everything has
// arrived when Delivered reaches Expected, unless the topology is Sampled. Copies that
// nobody owes any more (connection drops without recovery) keep it below.
type Progress struct {
	Expected  uint64 // copies of every message sent and not rejected
	Delivered uint64 // copies that arrived, each counted once but by subscribers outside of the sample

	// Violations were charged so far, before the judge has seen what other workers know;
	// First says of which check the first one is.
	Violations uint64
	First      string
}

// NewChecker makes the checker of the owned connections.
func NewChecker(t *Topology, p Profile, connections []int) *Checker {
	c := &Checker{t: t, ix: t.index(), profile: p}
	c.frozen = make(map[int]uint64)
	c.byConnection = slices.Repeat([]int32{-1}, len(t.Subscribers))
	c.conns = make([]conn, 0, len(connections))
	c.byPublisher = slices.Repeat([]int32{-1}, len(t.Publishers))
	c.connectionOf = make([]uint8, len(t.Publishers))
	populations := len(t.Populations)
	pairs := 0
	for _, id := range connections {
		sub := &t.Subscribers[id]
		n := conn{
			id: id, population: sub.Population, subscriber: len(sub.Groups)+len(sub.Later) > 0, reliable: sub.Reliable, bare: sub.Bare,
			session: 1, first: pairs, counted: sub.Counted,
		}
		for i, g := range slices.Concat(sub.Groups, sub.Later) {
			n.joins = append(n.joins, lookup{group: g, value: uint32(n.pairs)})
			if !n.counted {
				n.pairs += len(c.ix.sources[g])
			}
			if i == 0 {
				n.windows = []window{{class: windowJoin, open: true, from: math.MinInt64}}
			}
			if i >= len(sub.Groups) {
				n.windows = append(n.windows, window{class: windowElsewhere, group: g, open: true, from: math.MinInt64, never: true})
			}
		}
		if n.counted {
			n.arrived, n.before = make([]uint64, len(n.joins)), make([]int64, len(n.joins))
		}
		n.members = make([]membership, len(n.joins))
		slices.SortFunc(n.joins, func(a, b lookup) int { return cmp.Compare(a.group, b.group) })
		c.resetMembers(&n, false)
		pairs += n.pairs
		populations = max(populations, sub.Population+1)
		c.byConnection[id] = int32(len(c.conns))
		c.conns = append(c.conns, n)
	}
	c.pairs = slices.Repeat([]pair{{next: 1}}, pairs)
	c.counts = make([]counts, populations)
	for p, pub := range t.Publishers {
		if c.byConnection[pub.Connection] < 0 {
			continue
		}
		c.byPublisher[p] = int32(len(c.slots))
		c.owned = append(c.owned, uint32(p))
		c.slots = append(c.slots, make([]slot, len(pub.Addresses))...)
	}
	return c
}

// conn is the owned connection of that id.
func (c *Checker) conn(id int) *conn { return &c.conns[c.byConnection[id]] }

// Opened starts an epoch: a WebSocket is open, on the session it had (resumed) or
// on a new one.
func (c *Checker) Opened(now time.Duration, connection int, resumed bool) {
	if c.shard != nil {
		return
	}
	n := c.conn(connection)
	kind := frameOpened
	if resumed {
		kind = frameResumed
	} else if n.opened {
		n.nextSession()
	}
	if resumed {
		c.counts[n.population].recoveries++
	}
	n.attached, n.opened = true, true
	n.seq.openEpoch(resumed)
	c.resetMembers(n, resumed)
	c.saw(frame{at: now, connection: uint32(connection), kind: kind})
}

// nextSession: another connectionId begins, with sequence ids of its own.
func (n *conn) nextSession() {
	n.session++
	n.opened = false
	n.seq.openSession()
}

// Joined says that all groups of the connection are joined, their join acks seen:
// from here messages are due to it.
func (c *Checker) Joined(now time.Duration, connection int) {
	if c.shard != nil {
		return
	}
	n := c.conn(connection)
	c.saw(frame{at: now, connection: uint32(connection), kind: frameJoined})
	n.lastData = max(n.lastData, now)
	n.ask()
	if w := n.openWindow(); w != nil {
		w.open = false
		w.last = n.session
		w.to = now
	}
}

// Dropped says that the transport is gone.
func (c *Checker) Dropped(now time.Duration, connection int) {
	if c.shard != nil {
		return
	}
	n := c.conn(connection)
	c.saw(frame{at: now, connection: uint32(connection), kind: frameDropped})
	if n.attached && (!n.seq.resumed || n.seq.epochLast != 0) {
		n.outage = now
	}
	n.attached = false
	if !n.reliable {
		n.startWindow(windowDisconnect)
	}
}

// SilentSince says that the transport whose loss Dropped has told of brought nothing from
// that instant on: whoever ended it in our eyes, the service may have noticed long before
// us, and from then on it keeps the session only so long.
func (c *Checker) SilentSince(connection int, since time.Duration) {
	if n := c.conn(connection); c.shard == nil && n.outage != 0 {
		n.outage = min(n.outage, since)
	}
}

// Outage is since when the service may be without a transport of the connection that has
// not been shown to be back; 0 = it never lost one.
func (c *Checker) Outage(connection int) time.Duration { return c.conn(connection).outage }

// Ended says that the connectionId is over. What is missed from its last data
// until the next Joined is excused.
func (c *Checker) Ended(now time.Duration, connection int, why SessionEnd) {
	if c.shard != nil {
		return
	}
	n := c.conn(connection)
	c.saw(frame{at: now, connection: uint32(connection), kind: frameEnded})
	if why == EndRefused {
		c.refused(now, n)
	}
	class := windowSession
	switch {
	case !n.reliable:
		class = windowDisconnect
	case why == EndOverflow:
		class = windowOverflow
	}
	n.startWindow(class)
	n.nextSession()
	for i := range n.windows { // of whose membership nothing is left
		if w := &n.windows[i]; w.class == windowElsewhere && w.open && !w.gone() {
			w.left = now
		}
	}
}

// startWindow opens a window at the last sign of life, unless one is open: then
// the connection has not been joined since, and the same one goes on. It goes before
// those of groups that were left since: the judge takes windows as they begin.
func (n *conn) startWindow(class windowClass) {
	if !n.subscriber || n.openWindow() != nil {
		return
	}
	at := len(n.windows)
	for at > 0 && n.windows[at-1].from > n.lastData {
		at--
	}
	n.windows = slices.Insert(n.windows, at, window{class: class, open: true, first: n.session, from: n.lastData})
}

// openWindow is the one that no join has ended yet, or nil.
func (n *conn) openWindow() *window {
	for i := len(n.windows) - 1; i >= 0; i-- {
		if w := &n.windows[i]; !w.ofGroup() {
			if w.open {
				return w
			}
			break
		}
	}
	return nil
}

// Progress is cheap: a worker may publish it at every tick.
func (c *Checker) Progress() Progress { return c.progress }

// Shard closes the evidence and yields it; the same one every time. Take it when
// the drain is over and before the sessions are closed: what is reported later is
// ignored, so that the run's own closing looks like no drop.
func (c *Checker) Shard() *Shard {
	if c.shard == nil {
		c.lookAfter()
		c.shard = &Shard{state: c.state}
	}
	return c.shard
}

// Peek yields the evidence as it stands, and leaves it open: it shares its memory with
// the Checker, which nobody may use as long as anybody reads it.
func (c *Checker) Peek() *Shard { return &Shard{state: c.state} }

// Shard is one worker's part of the evidence.
type Shard struct{ state }
