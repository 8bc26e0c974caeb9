package metrics

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestExamples(t *testing.T) {
	w := newWorld(t, true, Strict)
	w.round()
	a, b := w.publish(0, 0, 1), w.publish(0, 0, 1)
	w.deliver(1, 0, 0, b)
	w.deliver(1, 0, 0, a)
	j := w.judge(JudgeOptions{Start: worldT0 - 2*time.Second, Incident: func(at time.Duration) string {
		if at > 200*time.Millisecond {
			return "F1"
		}
		return ""
	}})
	got := j.check("R6").Examples
	if len(got) != 1 {
		t.Fatalf("got %d examples", len(got))
	}
	e := got[0]
	want := Example{TS: 2.301, Group: "room-0", Publisher: 0, Subscriber: 1, ExpectedMessage: 4, GotMessage: 2, SequenceID: 4, Incident: "F1", Context: e.Context}
	if e.TS != want.TS || e.Group != want.Group || e.ExpectedMessage != want.ExpectedMessage || e.GotMessage != want.GotMessage ||
		e.SequenceID != want.SequenceID || e.Incident != want.Incident || e.Subscriber != want.Subscriber || e.Publisher != want.Publisher {
		t.Errorf("got %+v, want %+v", e, want)
	}
	context := []string{
		"t+1.000000 s  opened",
		"t+1.000000 s  joined",
		"t+2.101000 s  data  room-0  publisher 0  message 1  sequence id 1",
		"t+2.101000 s  data  room-0  publisher 1  message 1  sequence id 2",
		"t+2.301000 s  data  room-0  publisher 0  message 3  sequence id 3",
		"t+2.301000 s  data  room-0  publisher 0  message 2  sequence id 4",
	}
	if !slices.Equal(e.Context, context) {
		t.Errorf("context:\n%s\nwant\n%s", strings.Join(e.Context, "\n"), strings.Join(context, "\n"))
	}
	// Those of the other publisher are not among them.
	arrivals := []Arrival{{TS: 2.101, Message: 1, SequenceID: 1}, {TS: 2.301, Message: 3, SequenceID: 3}, {TS: 2.301, Message: 2, SequenceID: 4}}
	if !slices.Equal(e.Arrivals, arrivals) {
		t.Errorf("arrivals %+v, want %+v", e.Arrivals, arrivals)
	}
}

// TestLostExamples: a loss is told at its intended instant, with the frames around
// the gap it left, however long ago that was.
func TestLostExamples(t *testing.T) {
	w := newWorld(t, false, Spec)
	w.round()
	w.publish(1, 1, 3)
	w.publish(1, 1)
	for range 2 * ringFrames {
		w.publish(0, 0)
	}
	for range 30 {
		w.publish(2, 0, 2)
	}
	j := w.judge(JudgeOptions{})
	c := j.check("N3")
	if c.Violations != 31 || len(c.Examples) != maxExamples {
		t.Fatalf("got %d violations, %d examples", c.Violations, len(c.Examples))
	}
	e := c.Examples[1] // connection 2 lost one at the same instant
	if e.TS != 0.2 || e.Group != "room-1" || e.Subscriber != 3 || e.Publisher != 1 || e.ExpectedMessage != 2 || e.GotMessage != 3 {
		t.Errorf("got %+v", e)
	}
	if n := len(e.Context); n != 4 || !strings.HasSuffix(e.Context[3], "publisher 1  message 3") {
		t.Errorf("context: %q", e.Context)
	}
	last := c.Examples[maxExamples-1]
	if last.ExpectedMessage != 20 || last.GotMessage != 0 || len(last.Context) != contextLines {
		t.Errorf("trailing loss: got %+v", last)
	}
	if !slices.IsSortedFunc(c.Examples, func(a, b Example) int { return int(1e6*a.TS) - int(1e6*b.TS) }) {
		t.Error("examples are not in order of time")
	}
}

// TestForgivenJump: the example of a jump goes when its ids come after all.
func TestForgivenJump(t *testing.T) {
	w := newWorld(t, true, Strict)
	w.publish(0, 0, 0)
	w.publish(0, 0, 0)
	a, b := w.delivery(0, 0, 0, 1), w.delivery(0, 0, 0, 2)
	w.c.Deliver(w.now, 0, &b)
	if n := len(w.c.offences[checkR1s]); n != 1 {
		t.Fatalf("the jump left %d examples", n)
	}
	w.c.Deliver(w.now, 0, &a)
	j := w.judge(JudgeOptions{})
	if c := j.check("R1s"); c.Result != CheckOK || len(c.Examples) != 0 {
		t.Errorf("R1s: got %s with %d examples", c.Result, len(c.Examples))
	}
	if c := j.check("R1"); c.Violations != 1 || !strings.Contains(c.Reason, "discards 1 messages") {
		t.Errorf("R1: got %d violations (%s)", c.Violations, c.Reason)
	}
}

func TestWrongNameIsTold(t *testing.T) {
	w := newWorld(t, false, Spec)
	w.send(0, 0)
	d := w.delivery(1, 0, 0, 1)
	d.Group = []byte("elsewhere\x1b")
	w.c.Deliver(w.now, 1, &d)
	c := w.judge(JudgeOptions{}).check("G3")
	if len(c.Examples) != 1 || c.Examples[0].Context[0] != `delivered to group "elsewhere\x1b"` || len(c.Examples[0].Context) > contextLines {
		t.Errorf("got %+v", c.Examples)
	}
}

func TestGroupsReach(t *testing.T) {
	w := newWorld(t, false, Spec)
	w.round()
	w.publish(2, 0, 2)
	g := w.judge(JudgeOptions{}).Groups
	want := GroupReach{Name: "room-1", Members: 2, Expected: 4, Delivered: 3}
	if g.Count != 2 || len(g.Worst) != 1 || g.Worst[0] != want || g.ReachRatio != 0.9 {
		t.Errorf("got %+v", g)
	}
}

// TestMissingShard: what no shard vouches for is undelivered, not lost.
func TestMissingShard(t *testing.T) {
	topo := worldTopology(false)
	a, b := NewChecker(topo, Spec, []int{0, 1}), NewChecker(topo, Spec, []int{2, 3})
	for c := range 2 {
		a.Opened(0, c, false)
		a.Joined(0, c)
	}
	a.Sent(0, 0, 1, 0)
	a.Outcome(0, 0, 1, OutcomeOK)
	_ = b
	j := Judge(topo, JudgeOptions{T0: worldT0}, a.Shard())
	checkSums(t, j)
	if d := j.Totals.Deliveries; d.Lost != 2 || d.Undelivered != 1 {
		t.Errorf("got %+v", d)
	}
}

// TestEarliestExamplesStay: the first offences are kept, in whatever order the
// subscriptions are judged.
func TestEarliestExamplesStay(t *testing.T) {
	w := newWorld(t, false, Spec)
	w.publish(2, 0, 2) // room-1 is judged last
	for range maxExamples + 5 {
		w.publish(0, 0, 1)
	}
	c := w.judge(JudgeOptions{}).check("N3")
	if len(c.Examples) != maxExamples || c.Violations != maxExamples+6 {
		t.Fatalf("got %d examples of %d", len(c.Examples), c.Violations)
	}
	if e := c.Examples[0]; e.TS != 0.1 || c.Examples[1].TS != 0.1 || c.Examples[maxExamples-1].ExpectedMessage != maxExamples-1 {
		t.Errorf("got %+v first and %+v last", e, c.Examples[maxExamples-1])
	}
}

// TestReordersLeaveRoom: gaps that close do not use up the notes that a loss needs.
func TestReordersLeaveRoom(t *testing.T) {
	w := newWorld(t, false, Spec)
	for range 2 * maxExamples {
		a, b := w.publish(0, 0, 1), w.publish(0, 0, 1)
		w.deliver(1, 0, 0, b)
		w.deliver(1, 0, 0, a)
	}
	w.publish(0, 0, 1)
	w.publish(0, 0)
	for range ringFrames {
		w.publish(1, 0)
	}
	c := w.judge(JudgeOptions{}).check("N3")
	if len(c.Examples) != 1 || len(c.Examples[0].Context) != contextLines+1+contextAfter {
		t.Errorf("got %+v", c.Examples)
	}
}

// The names of a delivery are held only against a header that is sound and ours.
func TestUnsoundHeaderNamesNobody(t *testing.T) {
	for _, tt := range []struct {
		name, check string
		damage      func(w *world, d *Delivery)
	}{
		{"another run's under a wrong sequence id", "R1", func(_ *world, d *Delivery) {
			d.Data = AppendPayload(nil, PayloadText, Header{RunID: worldRun + 1, Message: 1}, 64, 1)
			d.SequenceID = 0
		}},
		{"damaged", "X1", func(_ *world, d *Delivery) { d.Data[len(d.Data)-1] ^= 1 }},
	} {
		for named, misname := range map[string]func(d *Delivery){
			"user":  func(d *Delivery) { d.User, d.Named = []byte("bob"), true },
			"group": func(d *Delivery) { d.Group = []byte("elsewhere") },
		} {
			w := newWorld(t, true, Strict)
			w.topo.Named(0, []byte("ann"))
			w.publish(0, 0)
			w.send(0, 0)
			d := w.delivery(1, 0, 0, 2)
			tt.damage(w, &d)
			misname(&d)
			w.c.Deliver(w.now, 1, &d)
			c := w.judge(JudgeOptions{}).check(tt.check)
			if len(c.Examples) != 1 || strings.HasPrefix(c.Examples[0].Context[0], "delivered ") {
				t.Errorf("%s, of another %s: got %+v", tt.name, named, c.Examples)
			}
		}
	}
}
