package metrics

import (
	"cmp"
	"slices"
	"time"
)

// maxWorstGroups bounds Groups.Worst.
const maxWorstGroups = 50

// JudgeOptions say how to read the evidence.
type JudgeOptions struct {
	Profile Profile
	// DrainCut: the drain reached its maximum while messages still arrived, so
	// what had not come by then is undelivered, not lost.
	DrainCut bool
	// T0 is the absolute instant of T0, Start that of the start of the run, from
	// which examples count; 0 = T0.
	T0, Start time.Duration
	// OnMissing, if set, is called for every missing copy that was sent, with its
	// intended instant since T0 or, of one that is only counted, UnknownInstant.
	OnMissing func(intended time.Duration, subscriberPopulation int, why Missing)
	// Incident, if set, names (by Incident.ID) what an instant since T0 falls into; "" = nothing.
	Incident func(at time.Duration) string
}

// Missing says what a copy that did not arrive is counted under.
type Missing uint8

// The ways to be missing.
const (
	MissingLost Missing = iota
	MissingUndelivered
	MissingExcused
	MissingRejected // excused: the service refused the publish
)

// Judgement is the checker's answer. Totals.Publishes lacks Resent and Duplicate,
// Totals lacks Bytes and Messages, PopulationResult lacks Subprotocol: those are
// the runner's to add.
type Judgement struct {
	Checks      []CheckResult
	Totals      Totals
	Populations []PopulationResult
	Groups      Groups
}

// judge walks every subscription once. Its cost is in what went wrong: a pair
// without a missing number costs a constant.
type judge struct {
	t      *Topology
	ix     *index
	o      JudgeOptions
	shards []*Shard

	conns []owned[conn] // by connection id; nil = no shard knows it
	slots []*slot       // by slotBase[publisher]+slot; nil = no shard knows it
	// longest is the possible time in flight to non-reliable and reliable subscribers.
	longest [2]time.Duration

	pops       []tally // by population
	groups     []GroupReach
	violations [checks]uint64
	lost       []uint64 // by connection
	offences   [checks][]offence
	pairs      [2]uint64         // expected pairs by class
	verified   [2]uint64         // of those, within the sample
	frozen     [2]uint64         // of those, no longer judged
	unjudged   uint64            // breaches of order that nobody could keep
	forgotten  map[[2]int]uint64 // lost copies by connection and group whose membership is gone
	again      uint64            // copies of requests that were executed again

	src view // the address being judged
}

// owned is a connection's state and the shard that its pairs lie in.
type owned[T any] struct {
	v     *T
	shard *Shard
}

// tally is one population's totals and what the checks need beside them.
type tally struct {
	totals     Totals
	must       [2]uint64 // acknowledged copies, by class of subscriber
	missing    [2][fates]uint64
	rejected   uint64 // copies of refused publishes
	asked      uint64 // publishes that asked for an ack
	unanswered uint64 // of those, without any outcome
}

// Judge reads the shards of all workers together: what was sent against what
// arrived. Every expected copy is delivered, lost, undelivered or excused, per
// run and per population. A copy is delivered when it arrived, whatever was wrong
// with it: that is charged to its check. A missing one falls to the first that
// applies of: refused publish; the subscriber's window without a join; outcome
// indeterminate; still detached or drain cut (undelivered); lost.
func Judge(t *Topology, o JudgeOptions, shards ...*Shard) *Judgement {
	j := newJudge(t, o, shards)
	j.judgeGroups()
	j.addCounts()
	out := &Judgement{Populations: j.populations(), Groups: j.reach()}
	for i := range out.Populations {
		out.Totals.Add(&out.Populations[i].Totals)
	}
	out.Checks = j.results()
	return out
}

// Settled tells whether every copy that has not arrived by now is excused, so that
// nothing more is owed. A copy of which nothing is known since no ack was asked for may be
// on its way. The shards may be those of Checker.Peek. Nobody may use Topology.Intended
// meanwhile.
func Settled(t *Topology, o JudgeOptions, shards ...*Shard) bool {
	o.OnMissing = nil
	j := newJudge(t, o, shards)
	j.judgeGroups()
	for i := range j.pops {
		pop := &j.pops[i]
		unknowable := pop.missing[0][fateUnknowable] + pop.missing[1][fateUnknowable]
		if d := &pop.totals.Deliveries; d.Lost+d.Undelivered+unknowable > 0 {
			return false
		}
	}
	return true
}

func newJudge(t *Topology, o JudgeOptions, shards []*Shard) *judge {
	ix := t.index()
	if o.Start == 0 {
		o.Start = o.T0
	}
	j := &judge{
		t: t, ix: ix, o: o, shards: shards,
		conns:  make([]owned[conn], len(t.Subscribers)),
		slots:  make([]*slot, len(ix.slots)),
		lost:   make([]uint64, len(t.Subscribers)),
		groups: make([]GroupReach, len(t.Groups)),

		forgotten: make(map[[2]int]uint64),
	}
	populations := len(t.Populations)
	for _, s := range t.Subscribers {
		populations = max(populations, s.Population+1)
	}
	for _, p := range t.Publishers {
		populations = max(populations, p.Population+1)
	}
	j.pops = make([]tally, populations)
	for g := range j.groups {
		j.groups[g] = GroupReach{Name: t.Groups[g], Members: len(ix.members[g]) + len(ix.counted[g])}
	}
	for _, s := range shards {
		for i := range s.conns {
			j.conns[s.conns[i].id] = owned[conn]{&s.conns[i], s}
		}
		next := 0
		for _, p := range s.owned {
			for i := range t.Publishers[p].Addresses {
				j.slots[ix.slotBase[p]+i] = &s.slots[next]
				next++
			}
		}
		for class := range s.longest {
			if s.longest[class] != 0 {
				j.longest[class] = max(j.longest[class], s.longest[class]-o.T0)
			}
		}
	}
	return j
}

func (j *judge) judgeGroups() {
	for g := range j.ix.sources {
		for _, s := range j.ix.sources[g] {
			j.judgeSource(uint32(g), s)
		}
		j.judgeCounted(uint32(g))
	}
}

// judgeSource counts the publishes of one address and judges every copy of them.
func (j *judge) judgeSource(group uint32, s source) {
	state := j.slots[j.ix.slotBase[s.publisher]+int(s.slot)]
	if state == nil {
		return
	}
	j.look(group, s, state)
	state.each(1, state.top+1, func(from, to uint64, o Outcome) { j.src.total[o] += to - from })
	j.countPublishes()
	for _, c := range j.ix.members[group] {
		if !j.t.ownEcho(s.publisher, int(c)) {
			j.judgePair(int(c))
		}
	}
}

func (j *judge) countPublishes() {
	src := &j.src
	t := &j.pops[src.pub.Population]
	p := &t.totals.Publishes
	p.Scheduled += src.state.top
	p.Dropped += src.total[outcomeSkipped]
	p.Sent += src.sent()
	p.OK += src.total[OutcomeOK]
	p.Fail += src.total[OutcomeFail]
	p.Errored += src.total[OutcomeError]
	p.Indeterminate += src.sent() - src.total[OutcomeOK] - src.total[OutcomeFail]
	if src.pub.Acked {
		t.asked += src.sent()
		t.unanswered += src.total[OutcomePending]
	}
}

// addCounts takes over what the checkers counted as it came.
func (j *judge) addCounts() {
	for _, s := range j.shards {
		for p := range s.counts {
			k := &s.counts[p]
			d := &j.pops[p].totals.Deliveries
			d.Duplicated += k.violations[checkR5] + k.violations[checkN2]
			d.Reordered += k.violations[checkR6] + k.violations[checkN1]
			d.Unexpected += k.unexpected
			d.Foreign += k.foreign
			d.Corrupt += k.corrupt
			d.Replayed += k.replayed
			d.RedundantReplay += k.redundant
			for c, n := range k.violations {
				j.violations[c] += n
			}
		}
		j.acquit(s)
		for c, o := range s.offences {
			if c := check(c); c != checkR4 && c != checkN3 { // those are notes, for noteLost
				j.offences[c] = append(j.offences[c], o...)
			}
		}
	}
	j.executedTwice()
}

func (j *judge) populations() []PopulationResult {
	out := make([]PopulationResult, len(j.pops))
	for i := range out {
		out[i].Totals = j.pops[i].totals
		if i < len(j.t.Populations) {
			out[i].Name = j.t.Populations[i]
		}
		out[i].ReachRatio = reachRatio(out[i].Totals.Deliveries.Delivered, out[i].Totals.Deliveries.Expected)
	}
	for _, s := range j.t.Subscribers {
		out[s.Population].Connections++
	}
	return out
}

// reach lists the groups that messages did not reach completely, worst first.
func (j *judge) reach() Groups {
	g := Groups{Count: len(j.groups), Worst: []GroupReach{}}
	var delivered, expected uint64
	for _, r := range j.groups {
		delivered += r.Delivered
		expected += r.Expected
		if r.Delivered < r.Expected {
			g.Worst = append(g.Worst, r)
		}
	}
	g.ReachRatio = reachRatio(delivered, expected)
	slices.SortStableFunc(g.Worst, func(a, b GroupReach) int {
		return cmp.Compare(reachRatio(a.Delivered, a.Expected), reachRatio(b.Delivered, b.Expected))
	})
	g.Worst = g.Worst[:min(len(g.Worst), maxWorstGroups)]
	return g
}

// reachRatio is 1 when nothing was expected.
func reachRatio(delivered, expected uint64) float64 {
	if expected == 0 {
		return 1
	}
	return float64(delivered) / float64(expected)
}
