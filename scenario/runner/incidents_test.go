package runner

import (
	"slices"
	"testing"
	"time"
)

// elsewhere is a part of the run in another process, as far as incidents go.
type elsewhere struct {
	part
	known tally
	over  []time.Duration // the instants at which it was told that the incident is over
}

func (e *elsewhere) size() int                                { return 1 }
func (e *elsewhere) tally(int) tally                          { return e.known }
func (e *elsewhere) incidentOver(_ int, at time.Duration)     { e.over = append(e.over, at) }
func (e *elsewhere) stands(r *run, change func(known *tally)) { change(&e.known); r.settle(0) }

// An incident is told of once no worker of any process makes more injections and no call is
// under way, and it is over once all that it hit are back, wherever they are: everywhere at
// the instant of the last of them, and once.
func TestSettling(t *testing.T) {
	t.Parallel()
	cfg := newFake(t, script{}).config(t, planOf(t, base, hitThree))
	r := newRun(cfg)
	other := &elsewhere{}
	r.t0, r.parts = r.start+time.Second, []part{local{r}, other}
	at := func(since time.Duration) time.Duration { return r.t0 + since }
	told := func() (texts []string) {
		for _, e := range r.events {
			texts = append(texts, e.Text)
		}
		return texts
	}
	open := func(when string, want ...string) {
		t.Helper()
		if !r.windows.Faults[0].Contains(time.Hour) || len(other.over) != 0 || !slices.Equal(told(), want) {
			t.Errorf("%s: the window is open: %t, over elsewhere at %v, told %q; want true, never, %q", when, r.windows.Faults[0].Contains(time.Hour), other.over, told(), want)
		}
	}
	r.struck(0)
	r.returned(0, at(time.Second))
	open("nobody is through")
	r.struckAll(0)
	open("one worker of three is through")
	r.struck(0)
	r.calling(0)
	r.struckAll(0)
	open("this process is through, and calls")
	other.stands(r, func(known *tally) { *known = tally{through: 1, hit: 2, back: 1, last: at(2 * time.Second)} })
	open("a call is under way")
	const hit = "F1 rst hit 3 sessions of members"
	r.called(0, true) // it hit nobody
	open("one is out elsewhere", hit)
	other.stands(r, func(known *tally) { known.back, known.last = 2, at(3*time.Second) })
	r.settle(0)
	if w := r.windows.Faults[0]; w.Contains(3*time.Second) || !w.Contains(3*time.Second-1) || !slices.Equal(other.over, []time.Duration{3 * time.Second}) {
		t.Errorf("the window does not end with the last of the sessions; elsewhere it ends at %v", other.over)
	}
	if want := []string{hit, "F1 all 3 sessions caught up"}; !slices.Equal(told(), want) {
		t.Errorf("told %q, want %q", told(), want)
	}
}

// What people watch is the incident that hit a session last.
func TestFaultProgress(t *testing.T) {
	t.Parallel()
	r := newRun(newFake(t, script{}).config(t, planOf(t, base, "phases.steady=9s",
		"faults=[{name: F1, at: 5s, population: members, hit: 3, kind: rst}, {name: F2, at: 1s, population: members, hit: 3, kind: fin}]")))
	r.t0, r.parts = r.start, []part{local{r}}
	if got := r.faultProgress(); got != (FaultProgress{}) {
		t.Errorf("before any fault: %+v", got)
	}
	one, two := 0, 1
	if r.incidents[0].ID != "F1" {
		one, two = 1, 0
	}
	r.struck(two)
	r.struck(two)
	r.returned(two, r.t0+1)
	if got, want := r.faultProgress(), (FaultProgress{Name: "F2", Kind: "fin", Hit: 2, Back: 1}); got != want {
		t.Errorf("after the first: %+v, want %+v", got, want)
	}
	r.struck(one)
	r.hitAgain(one, r.t0+2)
	if got, want := r.faultProgress(), (FaultProgress{Name: "F1", Kind: "rst", Hit: 1, Back: 1}); got != want {
		t.Errorf("after the second: %+v, want %+v", got, want)
	}
}
