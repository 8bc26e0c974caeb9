package metrics

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// keep adds an example where only the earliest ones stay. It reports false when
// the offence is too late to be one.
func (j *judge) keep(which check, o offence, seen func() witness) bool {
	list := j.offences[which]
	if len(list) >= maxExamples && o.at >= list[len(list)-1].at {
		return false
	}
	o.witness = seen()
	at, _ := slices.BinarySearchFunc(list, o.at, func(x offence, t time.Duration) int { return cmp.Compare(x.at, t+1) })
	list = slices.Insert(list, at, o)
	j.offences[which] = list[:min(len(list), maxExamples)]
	return true
}

// noteLost keeps examples of lost copies [lo, hi), at their intended instants.
func (j *judge) noteLost(connection int, m missing, lo, hi uint64) {
	src := &j.src
	which := lossCheck(j.t.Subscribers[connection].Reliable)
	shard := j.conns[connection].shard
	for i := lo; i < hi; i++ {
		o := offence{
			at: j.intended(i) + j.o.T0, connection: connection, publisher: int64(src.publisher), group: int64(src.group),
			expected: i, got: m.got,
		}
		kept := j.keep(which, o, func() witness {
			for _, note := range shard.offences[which] {
				if note.connection == connection && note.publisher == o.publisher && note.group == o.group && note.from <= i && i < note.to {
					return note.witness
				}
			}
			if m.trailing {
				return shard.ring.around(o.at, &o)
			}
			return witness{}
		})
		if !kept {
			return
		}
	}
}

// judgeUnpublished charges numbers that arrived though nobody sent them: skipped
// ones, and those above the last one sent.
func (j *judge) judgeUnpublished(n owned[conn], connection int, skipped uint64) {
	p, _ := j.pair(n)
	top := j.src.state.top
	above := p.next - min(p.next, top+1)
	for _, g := range n.shard.gapsOf(p) {
		if g.to > top+1 {
			above -= g.to - max(g.from, top+1)
		}
	}
	if above+skipped == 0 {
		return
	}
	o := j.offence(connection)
	if o.text = "message was never sent"; above > 0 {
		o.got = p.next - 1
	}
	j.chargeCopies(checkX1, n, o, above+skipped)
	j.pops[j.t.Subscribers[connection].Population].totals.Deliveries.Unexpected += above + skipped
}

// chargeRejected charges copies of refused publishes that arrived.
func (j *judge) chargeRejected(n owned[conn], connection int, copies uint64) {
	o := j.offence(connection)
	o.text = "the service had refused this publish"
	p, _ := j.pair(n)
	open := n.shard.gapsOf(p)
	for _, r := range j.src.state.runs {
		if r.outcome != OutcomeFail {
			continue
		}
		for m := r.from; m < min(r.to, p.next) && o.got == 0; m++ {
			if _, missing := open.at(m); !missing {
				o.got = m
				o.at = j.intended(m) + j.o.T0
			}
		}
	}
	j.chargeCopies(checkP3, n, o, copies)
}

// offence is one of the pair being judged.
func (j *judge) offence(connection int) offence {
	return offence{at: j.o.T0, connection: connection, publisher: int64(j.src.publisher), group: int64(j.src.group)}
}

func (j *judge) chargeCopies(which check, n owned[conn], o offence, copies uint64) {
	j.violations[which] += copies
	seen := func() witness { return n.shard.ring.witness(&o) }
	if len(j.offences[which]) < maxExamples {
		if came, ok := n.shard.ring.arrival(&o); ok {
			o.at = n.shard.ring.at(came).at
			seen = func() witness { return n.shard.ring.pastWitness(came+1, &o) }
		}
	}
	j.keep(which, o, seen)
}

// evidence sums what the answers of the checks rest on.
type evidence struct {
	counts     counts
	judged     [2]uint64
	must       [2]uint64
	missing    [2][fates]uint64
	lost       [2]uint64 // charged to R4 or N3
	follows    [2]uint64 // lost in consequence of what another check is charged with
	gaps       [2]uint64 // jumps of sequence ids: within a session, right after a recovery
	rejected   uint64
	asked      uint64
	unanswered uint64
}

func (j *judge) evidence() evidence {
	var e evidence
	for _, s := range j.shards {
		for p := range s.counts {
			k := &s.counts[p]
			e.counts.headers += k.headers
			e.counts.sequenced += k.sequenced
			e.counts.stray += k.stray
			e.counts.resumptions += k.resumptions
			e.counts.redundant += k.redundant
			e.counts.continued += k.continued
			e.counts.recoveries += k.recoveries
			e.counts.refused += k.refused
			e.counts.refusedEdge += k.refusedEdge
			e.counts.duplicates += k.duplicates
			e.counts.afterLeave += k.afterLeave
			e.counts.dedupLost += k.dedupLost
			e.counts.unmarked += k.unmarked
			e.counts.outOfOrder += k.outOfOrder
			e.judged[0] += k.judged[0]
			e.judged[1] += k.judged[1]
		}
	}
	for i := range j.pops {
		t := &j.pops[i]
		e.rejected += t.rejected
		e.asked += t.asked
		e.unanswered += t.unanswered
		for class := range e.must {
			e.must[class] += t.must[class]
			for f, n := range t.missing[class] {
				e.missing[class][f] += n
			}
		}
	}
	for key, copies := range j.forgotten {
		e.follows[classOf(j.t.Subscribers[key[0]].Reliable)] += copies
	}
	for id, n := range j.conns {
		if n.v == nil {
			continue
		}
		q := n.v.seq.settled()
		e.gaps[0] += q.jumps[0]
		e.gaps[1] += q.jumps[1]
		// One message, one charge: what other checks are charged with explains as
		// many of this subscriber's missing copies.
		charged := n.v.unplaced
		if j.o.Profile == Strict {
			charged = saturatingAdd(charged, q.leftOut)
		}
		follows := min(j.lost[id], charged)
		class := classOf(n.v.reliable)
		e.follows[class] += follows
		e.lost[class] += j.lost[id] - follows
	}
	return e
}

// answer is one check before it is written down.
type answer struct {
	checked, violations uint64
	unknown             string // why it cannot be decided
	reason              string // a remark
}

// results answers every check.
func (j *judge) results() []CheckResult {
	e := j.evidence()
	var a [checks]answer
	for c := range a {
		a[c].violations = j.violations[c]
	}
	for _, c := range []check{checkR1, checkR1s} {
		a[c].checked = e.counts.sequenced
	}
	for _, c := range []check{checkR2, checkR3} {
		a[c].checked = e.counts.resumptions
	}
	for i, c := range []check{checkR1s, checkR2} {
		switch {
		case e.gaps[i] == 0:
		case slices.ContainsFunc(j.t.Publishers, func(p Publisher) bool { return p.Expires }):
			a[c].reason = fmt.Sprintf("%d gaps, which messages with a ttl may leave", e.gaps[i])
		case j.o.Profile == Strict:
			a[c].violations += e.gaps[i]
		default:
			a[c].reason = fmt.Sprintf("%d gaps, which the written protocol allows", e.gaps[i])
		}
	}
	if n := e.counts.stray; n > 0 {
		a[checkR1].checked += n
		a[checkR1].reason = fmt.Sprintf("%d messages had a sequence id on a subprotocol that has none", n)
	}
	if e.counts.dedupLost > 0 {
		a[checkR1].reason = fmt.Sprintf("in consequence a client discards %d messages that it had not received before", e.counts.dedupLost)
	}
	if e.counts.redundant > 0 {
		a[checkR3].reason = fmt.Sprintf("%d replayed although acknowledged", e.counts.redundant)
	}
	for class, own := range [2][3]check{{checkN3, checkN1, checkN2}, {checkR4, checkR6, checkR5}} {
		a[own[0]] = j.lossAnswer(class, &e)
		for _, c := range own[1:] {
			a[c].checked = e.judged[class]
			a[c].unknown = j.frozenReason(class)
			if j.unjudged > 0 {
				a[c].unknown = fmt.Sprintf("%d breaches of order by clients that retry were too many to judge", j.unjudged)
			}
		}
	}
	a[checkP1].checked = e.asked
	if e.unanswered > 0 {
		a[checkP1].unknown = fmt.Sprintf("%d publishes were never answered", e.unanswered)
	}
	a[checkP3].checked = e.rejected
	j.answerSessions(&a, &e)
	a[checkG3].checked, a[checkX1].checked = e.counts.headers, e.counts.headers
	switch {
	case e.counts.outOfOrder > 0:
		a[checkX1].reason = fmt.Sprintf("%d of them came twice or out of order, too", e.counts.outOfOrder)
	case e.counts.unmarked > 0:
		a[checkX1].reason = fmt.Sprintf("%d messages came without their metadata, which the written protocol leaves to the service", e.counts.unmarked)
	}
	if !slices.ContainsFunc(j.t.Publishers, func(p Publisher) bool { return p.NoEcho }) {
		a[checkG3].reason = "noEcho not exercised"
	}
	out := make([]CheckResult, checks)
	for c := range out {
		out[c] = j.result(check(c), a[c])
	}
	return out
}

// answerSessions answers what is promised of requests and memberships across recoveries.
func (j *judge) answerSessions(a *[checks]answer, e *evidence) {
	a[checkP2].checked = e.counts.duplicates + j.violations[checkP2]
	if j.again > 0 {
		a[checkP2].reason = fmt.Sprintf("in consequence %d copies came twice", j.again)
	}
	if slices.ContainsFunc(j.t.Subscribers, func(s Subscriber) bool { return s.Asks }) {
		a[checkG1].checked = e.counts.headers
	}
	if n := e.counts.afterLeave; n > 0 {
		a[checkG1].reason = fmt.Sprintf("%d messages came after a leave was answered, which the written protocol allows", n)
	}
	a[checkG2].checked = e.counts.continued + j.violations[checkG2]
	a[checkC1].checked = e.counts.recoveries
	if n := e.counts.refused + e.counts.refusedEdge; n > 0 && j.o.Profile != Strict {
		a[checkC1].reason = fmt.Sprintf("%d refused, which the written protocol leaves open", n)
	} else if n := e.counts.refusedEdge; n > 0 {
		a[checkC1].reason = fmt.Sprintf("%d refused within the last second of the window, which the service's clock decides", n)
	}
}

// lossAnswer is that of R4 or N3.
func (j *judge) lossAnswer(class int, e *evidence) answer {
	a := answer{checked: e.must[class], violations: e.lost[class], unknown: j.frozenReason(class)}
	if a.unknown == "" {
		a.unknown = openReason(&e.missing[class])
	}
	if e.follows[class] > 0 {
		a.reason = fmt.Sprintf("%d copies are missing in consequence of what other checks are charged with", e.follows[class])
		if a.unknown == "" {
			a.unknown = a.reason
		}
	}
	return a
}

// openCauses say why it is open whether missing copies are lost.
var openCauses = []struct {
	fate  fate
	cause string
}{
	{fateUnanswered, "publishes were never answered"},
	{fateDetached, "subscribers were still detached at the end"},
	{fateCut, "the drain was cut while messages still arrived"},
	{fateExpired, "publishes had a ttl, which may have passed"},
}

// openReason is empty when the fate of every missing copy is known.
func openReason(missing *[fates]uint64) string {
	var sum uint64
	var causes []string
	for _, c := range openCauses {
		if n := missing[c.fate]; n > 0 {
			sum += n
			causes = append(causes, c.cause)
		}
	}
	switch n := missing[fateUnknowable]; {
	case sum > 0:
		return fmt.Sprintf("%d copies undelivered: %s", sum, strings.Join(causes, "; "))
	case n > 0:
		return fmt.Sprintf("%d copies are missing of publishes that asked for no ack: nothing says that the service took them", n)
	default:
		return ""
	}
}

func (j *judge) frozenReason(class int) string {
	if j.frozen[class] == 0 {
		return ""
	}
	return fmt.Sprintf("gap list overflow for %d pairs", j.frozen[class])
}

func (j *judge) result(c check, a answer) CheckResult {
	r := CheckResult{
		ID: checkInfos[c].id, Name: checkInfos[c].name, Profile: j.o.Profile.String(), Checked: a.checked, Violations: a.violations,
		CoverageRatio: j.coverage(c), Reason: a.reason, Examples: []Example{},
	}
	switch {
	case a.violations > 0:
		r.Result = CheckViolated
		r.Examples = j.examples(c)
		r.WithoutExample = a.violations - min(a.violations, uint64(len(r.Examples)))
	case a.unknown != "":
		r.Result = CheckUnknown
		r.Reason = a.unknown
	case a.checked == 0:
		r.Result = CheckNotExercised
	default:
		r.Result = CheckOK
	}
	if sample := j.sampleRemark(c); sample != "" && r.Result != CheckNotExercised {
		r.Reason = strings.TrimPrefix(r.Reason+"; "+sample, "; ")
	}
	return r
}

// coverage is the share of pairs that could be judged message by message.
func (j *judge) coverage(c check) float64 {
	pairs, judged := uint64(0), uint64(0)
	for _, class := range classesOf(c) {
		pairs += j.pairs[class]
		judged += j.verified[class] - j.frozen[class]
	}
	if pairs == 0 {
		return 1
	}
	return float64(judged) / float64(pairs)
}

// classesOf are the classes of subscribers whose pairs a check rests on.
func classesOf(c check) []int {
	switch c {
	case checkN1, checkN2, checkN3:
		return []int{0}
	case checkR4, checkR5, checkR6:
		return []int{1}
	case checkP3:
		return []int{0, 1}
	default:
		return nil
	}
}

// sampleRemark says that a check rests on a sample; empty when it does not.
func (j *judge) sampleRemark(c check) string {
	for _, class := range classesOf(c) {
		if j.verified[class] < j.pairs[class] {
			verified, all := j.t.sampled()
			return fmt.Sprintf("a sample: %d of %d subscribers are judged message by message, the others by count", verified, all)
		}
	}
	return ""
}

func (j *judge) examples(c check) []Example {
	list := j.offences[c]
	slices.SortStableFunc(list, func(a, b offence) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.connection, b.connection))
	})
	out := make([]Example, min(len(list), maxExamples))
	for i := range out {
		out[i] = list[i].example(j.t, &j.o)
	}
	return out
}
