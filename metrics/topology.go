package metrics

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// Topology says who publishes to whom. It is the plan as the checker needs it,
// immutable (for its users) once the first Checker is made, shared by all workers; do
// not copy it.
type Topology struct {
	RunID       uint32
	Groups      []string     // wire names by group id
	Publishers  []Publisher  // by publisher id
	Subscribers []Subscriber // by connection id, one per connection; no Groups = not a subscriber
	Populations []string     // names by population index
	// Intended is the planned instant of a message since T0, non-decreasing in
	// message. It may regenerate a schedule: used after the run only,
	// by one goroutine.
	Intended func(publisher, slot int, message uint64) time.Duration

	once  sync.Once
	ix    *index
	voids voids
}

// Publisher sends to its addresses in turn: message k (from 0) of its schedule
// goes to slot k mod len(Addresses).
type Publisher struct {
	Connection   int
	Addresses    []uint32 // distinct group ids, in slot order
	NoEcho       bool     // the service must not send its messages back to Connection
	Acked        bool     // publishes ask for an ack
	Unordered    bool     // nobody promises to keep its messages in order (REST)
	Expires      bool     // its messages have a time to live: the service may drop them (protocol.md 3.2)
	Kind         PayloadKind
	Metadata     *Metadata // of every message; nil = not known, and not compared
	PayloadBytes int
	Population   int
	Reliable     bool
	Renumbers    bool // its client retries under new ack ids, see Checker.Retried
}

// Subscriber is a connection's membership.
type Subscriber struct {
	Groups []uint32 // distinct group ids
	// Later are further distinct groups, which it joins in the course of the run: see
	// Checker.Rejoining.
	Later      []uint32
	Reliable   bool // its subprotocol numbers messages and recovers
	Bare       bool // it gets payloads alone: nothing names the group they came by
	Population int
	// Asks: it is a member of its named groups only once it has asked to join them; no
	// token makes it one.
	Asks bool
	// Counted: it is outside of the sample whose messages are judged one by one, see Sample.
	Counted bool
}

// Fanout is the number of copies that one message of that address makes at most: the
// group's members, later ones too, without the publisher's own connection under noEcho.
func (t *Topology) Fanout(publisher, slot int) int {
	ix := t.index()
	return int(ix.fanout[ix.slotBase[publisher]+slot])
}

// index holds what turns (connection, address, publisher) into array positions
// by arithmetic and a binary search in a handful of ids: no map.
type index struct {
	slotBase []int      // by publisher, len+1: its first position in the slot arrays
	slots    []lookup   // per publisher sorted by group; value = ordinal of the source within the group
	fanout   []uint32   // by slotBase[publisher]+slot
	sources  [][]source // by group: every (publisher, slot) that sends to it
	// By group, of later members too: connection ids of those judged message by message,
	// and of the others.
	members, counted [][]uint32
	echoless         [][]source // by group: those of sources that are sent under noEcho by a member
	names            names      // by publisher
}

// source is one address of one publisher.
type source struct{ publisher, slot uint32 }

// lookup is one entry of a small sorted table from group id to position.
type lookup struct {
	group uint32
	value uint32
}

// find searches a table sorted by group.
func find(table []lookup, group uint32) (value uint32, ok bool) {
	i, ok := position(table, group)
	if !ok {
		return 0, false
	}
	return table[i].value, true
}

// position is where a group stands in a table sorted by group.
func position(table []lookup, group uint32) (i int, ok bool) {
	lo, hi := 0, len(table)
	for lo < hi {
		mid := (lo + hi) / 2
		if table[mid].group < group {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, lo < len(table) && table[lo].group == group
}

func (t *Topology) index() *index {
	t.once.Do(func() { t.ix = newIndex(t) })
	return t.ix
}

func newIndex(t *Topology) *index {
	ix := &index{
		slotBase: make([]int, len(t.Publishers)+1),
		sources:  make([][]source, len(t.Groups)),
		members:  make([][]uint32, len(t.Groups)),
		counted:  make([][]uint32, len(t.Groups)),
		echoless: make([][]source, len(t.Groups)),
		names:    make(names, len(t.Publishers)),
	}
	for c, s := range t.Subscribers {
		list := ix.members
		if s.Counted {
			list = ix.counted
		}
		for _, g := range s.Groups {
			list[g] = append(list[g], uint32(c))
		}
		for _, g := range s.Later {
			list[g] = append(list[g], uint32(c))
		}
	}
	for p, pub := range t.Publishers {
		base := len(ix.slots)
		for slot, g := range pub.Addresses {
			ix.slots = append(ix.slots, lookup{group: g, value: uint32(len(ix.sources[g]))})
			ix.sources[g] = append(ix.sources[g], source{publisher: uint32(p), slot: uint32(slot)})
			copies := len(ix.members[g]) + len(ix.counted[g])
			if own := uint32(pub.Connection); pub.NoEcho && (slices.Contains(ix.members[g], own) || slices.Contains(ix.counted[g], own)) {
				copies--
				ix.echoless[g] = append(ix.echoless[g], source{publisher: uint32(p), slot: uint32(slot)})
			}
			ix.fanout = append(ix.fanout, uint32(copies))
		}
		slices.SortFunc(ix.slots[base:], func(a, b lookup) int { return cmp.Compare(a.group, b.group) })
		ix.slotBase[p+1] = len(ix.slots)
	}
	return ix
}

// ownEcho tells whether a copy of this publisher's messages for this connection
// is one that noEcho forbids.
func (t *Topology) ownEcho(publisher uint32, connection int) bool {
	p := &t.Publishers[publisher]
	return p.NoEcho && p.Connection == connection
}
