package metrics

import (
	"bytes"
	"maps"
	"strings"
	"testing"
	"time"
)

// seed is one history. Whatever it does not name must be zero, and every check
// that it does not name must hold.
type seed struct {
	name     string
	reliable bool
	profile  Profile
	drainCut bool
	run      func(w *world)

	violations map[string]uint64
	unknown    []string
	reason     map[string]string
	deliveries Deliveries // but for Expected, which checkSums covers
}

func (s *seed) test(t *testing.T) {
	w := newWorld(t, s.reliable, s.profile)
	s.run(w)
	j := w.judge(JudgeOptions{DrainCut: s.drainCut})
	checkSums(t, j)
	if got := j.violations(); !maps.Equal(got, s.violations) {
		t.Errorf("violations: got %v, want %v", got, s.violations)
	}
	unknown := make(map[string]bool)
	for _, id := range s.unknown {
		unknown[id] = true
	}
	for _, c := range j.Checks {
		if _, violated := s.violations[c.ID]; violated {
			if c.Result != CheckViolated || len(c.Examples) == 0 || uint64(len(c.Examples)) > c.Violations {
				t.Errorf("%s: got %s with %d examples of %d", c.ID, c.Result, len(c.Examples), c.Violations)
			}
			continue
		}
		if (c.Result == CheckUnknown) != unknown[c.ID] {
			t.Errorf("%s: got %s (%s)", c.ID, c.Result, c.Reason)
		}
	}
	for id, want := range s.reason {
		if c := j.check(id); c.Reason != want {
			t.Errorf("%s remarks %q, want %q", id, c.Reason, want)
		}
	}
	got := j.Totals.Deliveries
	got.Expected = 0
	if s.deliveries.Delivered == 0 { // "all of them"
		s.deliveries.Delivered = j.Totals.Deliveries.Expected
	}
	if got != s.deliveries {
		t.Errorf("deliveries:\n got %+v\nwant %+v", got, s.deliveries)
	}
}

// leaveAndReturn has a connection leave a group and join it again while publisher 0
// sends four messages: one on the way out, one too many, one missed, and one on the way
// in; then one more.
func (w *world) leaveAndReturn(connection int, group uint32) {
	w.c.Leaving(w.now, connection, group)
	w.publish(0, 0)
	w.c.Left(w.now, connection, group)
	w.publish(0, 0)
	w.publish(0, 0, connection)
	w.c.Rejoining(w.now, connection, group)
	w.publish(0, 0, connection)
	w.now += worldEvery
	w.c.Rejoined(w.now, connection, group)
	w.publish(0, 0)
}

// TestAfterLeaveInSpec: the written protocol does not say that a leave ends delivery at once.
func TestAfterLeaveInSpec(t *testing.T) {
	w := newWorld(t, true, Spec)
	w.round()
	w.leaveAndReturn(2, 0)
	c := w.judge(JudgeOptions{}).check("G1")
	if c.Result == CheckViolated || !strings.Contains(c.Reason, "1 messages came after a leave") {
		t.Errorf("G1: %s (%s)", c.Result, c.Reason)
	}
}

// TestClosedEvidence: what happens once the evidence is closed is no part of it.
func TestClosedEvidence(t *testing.T) {
	w := newWorld(t, true, Strict)
	w.round()
	w.drop(1)
	w.resume(1)
	closed, err := w.c.Shard().AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	w.c.Opened(w.now, 0, true)
	w.c.Opened(w.now, 0, false)
	w.c.Joining(0)
	w.c.Joined(w.now, 0)
	w.deliver(0, 0, 0, 7)
	w.c.Numbered(w.now, 0, 9, true)
	w.c.SequenceAcked(0, 9)
	w.c.Leaving(w.now, 2, 0)
	w.c.Left(w.now, 2, 0)
	w.c.Rejoining(w.now, 2, 0)
	w.c.Rejoined(w.now, 2, 0)
	w.c.Moving(w.now, 2, 1)
	w.c.Sent(0, 0, 2, 0)
	w.c.Skipped(0, 0, 3)
	w.c.Outcome(0, 0, 1, OutcomeOK)
	w.c.Resent(0, 0, 1, 0)
	w.c.Retried(0, 0, 1, 0)
	w.c.Duplicate(w.now, 0, 1, false)
	w.c.UnexpectedAck(w.now, 0, 1)
	w.c.Dropped(w.now, 0)
	w.c.SilentSince(1, w.now-time.Hour)
	w.c.Ended(w.now, 0, EndRefused)
	later, err := w.c.Shard().AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(closed, later) {
		t.Error("the evidence has changed after it was closed")
	}
}

// TestOffenceOfNoPublisher: what is no matter of a message names neither publisher nor group.
func TestOffenceOfNoPublisher(t *testing.T) {
	w := newWorld(t, true, Strict)
	w.round()
	w.c.Duplicate(w.now, 1, 8, false)
	w.c.UnexpectedAck(w.now, 1, 9)
	w.drop(1)
	w.resume(1)
	w.drop(1)
	w.c.Ended(w.now, 1, EndRefused)
	j := w.judge(JudgeOptions{})
	for _, id := range []string{"P1", "P2", "C1"} {
		if e := j.check(id).Examples; len(e) != 1 || e[0].Publisher != -1 || e[0].Group != "" || e[0].Subscriber != 1 {
			t.Errorf("%s: %+v, want one example of connection 1", id, e)
		}
	}
}

// TestRefusedInSpec: the written protocol does not say when a recovery must be accepted.
func TestRefusedInSpec(t *testing.T) {
	w := newWorld(t, true, Spec)
	w.round()
	w.drop(0)
	w.resume(0)
	w.drop(0)
	w.c.Ended(w.now, 0, EndRefused)
	c := w.judge(JudgeOptions{}).check("C1")
	if c.Result != CheckOK || c.Checked != 1 || c.Reason != "1 refused, which the written protocol leaves open" {
		t.Errorf("C1: %s of %d (%s)", c.Result, c.Checked, c.Reason)
	}
}

// TestJumpIsTold: a jump of sequence ids is told by the message that came after it, if it
// is one of ours, and stays told when another one turns out to be none.
func TestJumpIsTold(t *testing.T) {
	w := newWorld(t, true, Strict)
	w.round() // connection 0 has ids 1 and 2
	w.c.Numbered(w.now, 0, 4, true)
	w.c.Numbered(w.now, 0, 6, true)
	w.c.Numbered(w.now, 0, 5, false)
	w.ids[1]++
	m := w.publish(0, 0, 0)
	j := w.judge(JudgeOptions{})
	if v := j.violations(); v["R1"] != 1 || v["R1s"] != 2 {
		t.Errorf("violations %v, want R1 1 and R1s 2", v)
	}
	e := j.check("R1s").Examples
	if len(e) != 2 {
		t.Fatalf("%d examples: %+v", len(e), e)
	}
	if e[0].Subscriber != 0 || e[0].Publisher != -1 || e[0].Group != "" || e[0].SequenceID != 4 || e[0].Context[0] != "sequence id 4 came after 2" {
		t.Errorf("of group state: %+v", e[0])
	}
	if e[1].Subscriber != 1 || e[1].Publisher != 0 || e[1].Group != "room-0" || e[1].GotMessage != m || e[1].Context[0] != "sequence id 4 came after 2" {
		t.Errorf("of a message: %+v", e[1])
	}
}

// TestOpenReason: whoever reads that losses are not known is told every cause.
func TestOpenReason(t *testing.T) {
	w := newWorld(t, true, Strict)
	w.round()
	w.drop(0)
	w.publish(0, 0, 0)
	w.send(1, 0)
	c := w.judge(JudgeOptions{}).check("R4")
	const want = "4 copies undelivered: publishes were never answered; subscribers were still detached at the end"
	if c.Result != CheckUnknown || c.Reason != want {
		t.Errorf("R4 is %s: %q, want %q", c.Result, c.Reason, want)
	}
}

// TestUnordered: where nobody promises an order, a message may come late, but still
// neither twice nor never.
func TestUnordered(t *testing.T) {
	for _, reliable := range []bool{false, true} {
		w := newWorld(t, reliable, Strict)
		w.topo.Publishers[0].Unordered = true
		a, b, c := w.publish(0, 0, 1), w.publish(0, 0, 1), w.publish(0, 0, 1)
		for _, m := range []uint64{c, a, a, b} {
			w.deliver(1, 0, 0, m)
		}
		w.publish(0, 0, 1)
		w.publish(0, 0)
		j := w.judge(JudgeOptions{})
		checkSums(t, j)
		if d := j.Totals.Deliveries; d.Reordered != 0 || d.Duplicated != 1 || d.Lost != 1 || d.Delivered != 14 {
			t.Errorf("reliable %v: got %+v, want 1 duplicated, 1 lost, 14 delivered, none reordered", reliable, d)
		}
	}
}

// TestJoinRace: what is intended before a subscriber's first join is not owed to it.
func TestJoinRace(t *testing.T) {
	topo := worldTopology(false)
	w := &world{t: t, topo: topo, c: NewChecker(topo, Spec, []int{0, 1, 2, 3}), sent: make(map[source]uint64), ids: make(map[int]uint64), now: worldT0 - time.Second}
	for c := range 3 {
		w.c.Opened(w.now, c, false)
		w.c.Joined(w.now, c)
	}
	w.publish(1, 1, 3)
	w.c.Opened(w.now, 3, false)
	w.publish(1, 1, 3)
	w.publish(1, 1) // joined by then, the ack is still on its way
	w.c.Joined(w.now, 3)
	w.publish(1, 1)
	w.publish(1, 1, 3) // lost
	w.publish(1, 1)
	j := w.judge(JudgeOptions{})
	checkSums(t, j)
	d := j.Totals.Deliveries
	if d.Excused.JoinRace != 2 || d.Lost != 1 || d.Delivered != 9 {
		t.Errorf("got %+v", d)
	}
}

func TestDeliveryResults(t *testing.T) {
	w := newWorld(t, true, Strict)
	w.send(0, 0)
	r := w.deliver(1, 0, 0, 1)
	want := Header{RunID: worldRun, Message: 1, Intended: worldEvery}
	if !r.Counted || r.Replayed || r.CaughtUp || r.Header != want {
		t.Errorf("first: got %+v", r)
	}
	if r := w.deliver(1, 0, 0, 1); r.Counted || r.Replayed {
		t.Errorf("duplicate: got %+v", r)
	}
	w.drop(1)
	w.resume(1)
	if r := w.replay(1, 0, 0, 1, 1); r.Counted || !r.Replayed {
		t.Errorf("replay: got %+v", r)
	}
	if r := w.deliver(1, 0, 0, 3); !r.Counted {
		t.Errorf("ahead: got %+v", r)
	}
	if r := w.deliver(1, 0, 0, 2); !r.Counted {
		t.Errorf("late: got %+v", r)
	}
	if r := w.deliver(0, 2, 0, 1); r.Counted {
		t.Errorf("misplaced: got %+v", r)
	}
}

func TestProgress(t *testing.T) {
	w := newWorld(t, false, Spec)
	w.round()
	m := w.send(0, 0)
	if got, want := w.c.Progress(), (Progress{Expected: 12, Delivered: 9}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	w.c.Outcome(0, 0, m, OutcomeFail)
	w.deliver(2, 0, 0, 1) // a duplicate is no progress
	if got, want := w.c.Progress(), (Progress{Expected: 9, Delivered: 9, Violations: 1, First: "N2: message duplicated"}); got != want {
		t.Errorf("after a refusal: got %+v, want %+v", got, want)
	}
}

func TestNotExercised(t *testing.T) {
	want := func(j *Judgement, result string, ids ...string) {
		t.Helper()
		for _, id := range ids {
			if c := j.check(id); c.Result != result {
				t.Errorf("%s: got %s, want %s", id, c.Result, result)
			}
		}
	}
	w := newWorld(t, false, Spec)
	w.round()
	j := w.judge(JudgeOptions{})
	want(j, CheckOK, "P1", "G3", "X1", "N1", "N2", "N3")
	want(j, CheckNotExercised, "R1", "R1s", "R2", "R3", "R4", "R5", "R6", "P3")

	w = newWorld(t, true, Spec)
	w.round()
	j = w.judge(JudgeOptions{})
	want(j, CheckOK, "R1", "R1s", "R4", "R5", "R6", "P1", "G3", "X1")
	want(j, CheckNotExercised, "R2", "R3", "P3", "N1", "N2", "N3")

	w = newWorld(t, true, Spec)
	w.round()
	w.drop(0)
	w.resume(0)
	want(w.judge(JudgeOptions{}), CheckNotExercised, "R2", "R3") // no data came after the recovery

	w = newWorld(t, true, Spec)
	w.drop(0)
	w.resume(0)
	w.round()
	want(w.judge(JudgeOptions{}), CheckOK, "R2", "R3")
}

// TestSettled: nothing is owed any more once every missing copy is excused.
func TestSettled(t *testing.T) {
	w := newWorld(t, false, Spec)
	settled := func() bool { return Settled(w.topo, JudgeOptions{T0: worldT0}, w.c.Peek()) }
	w.round()
	w.drop(0)
	w.c.Ended(w.now, 0, EndDropped)
	w.publish(0, 0, 0)
	if settled() != true {
		t.Error("what a drop has taken is owed")
	}
	w.at(3)
	w.rejoin(0)
	w.publish(1, 0, 1, 2)
	m := w.publish(1, 0, 1, 2)
	if settled() {
		t.Error("nothing is owed, with two copies under way")
	}
	for c := 1; c < 3; c++ {
		w.deliver(c, 1, 0, m-1)
		w.deliver(c, 1, 0, m)
	}
	if !settled() {
		t.Error("something is owed though all has come")
	}
	w.topo.Publishers[1].Acked = false
	m = w.send(1, 0)
	w.deliver(0, 1, 0, m)
	w.deliver(1, 1, 0, m)
	if settled() {
		t.Error("nothing is owed, with a copy under way of a publish that asked for no ack")
	}
	w.deliver(2, 1, 0, m)
	if !settled() {
		t.Error("something is owed though all has come")
	}
	checkSums(t, w.judge(JudgeOptions{})) // the look has changed nothing
}
