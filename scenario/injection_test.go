package scenario

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// injections lists all those of the faults given, with the plan of minimal's hundred
// members and fifty others behind them.
func injections(t *testing.T, fault string, set ...string) (*Plan, []Injection) {
	t.Helper()
	src := strings.Replace(minimal, "phases:", "  others: {connections: 50, join: {room: 1}}\nphases:", 1)
	p := mustParse(t, src, append([]string{"faults=[" + fault + "]", "phases.warmup=1s", "phases.steady=100s"}, set...)...).Plan()
	var all []Injection
	for i := range p.Scenario.Faults {
		x := p.Injections(i)
		for in, ok := x.Next(); ok; in, ok = x.Next() {
			all = append(all, in)
		}
		if in, ok := x.Next(); ok {
			t.Errorf("after the last injection came %+v", in)
		}
	}
	return p, all
}

func TestInjections(t *testing.T) {
	second := func(list ...float64) (all []time.Duration) {
		for _, s := range list {
			all = append(all, time.Duration(s*float64(time.Second)))
		}
		return all
	}
	for _, row := range []struct {
		name      string
		fault     string
		instants  []time.Duration // each once
		hit       int             // at each of them
		incidents string
	}{
		{"burst", "{name: F, at: 2s, kind: rst, population: members, hit: 20%}", second(3), 20, "F"},
		{"spread", "{name: F, at: 2s, kind: fin, population: members, hit: 4, over: 20s}", second(3, 8, 13, 18), 1, "F"},
		{"rolling", "{name: F, at: 2s, kind: fin, population: members, hit: 100%, over: 20s, batches: 4}", second(3, 8, 13, 18), 25, "F"},
		{"repeated", "{name: F, at: 2s, kind: rst, population: others, hit: 5, every: 30s}", second(3, 33, 63, 93), 5, "F.1 F.2 F.3 F.4"},
		{"repeated for a while", "{name: F, at: 2s, kind: rst, population: others, hit: 5, every: 30s, for: 60s}", second(3, 33), 5, "F.1 F.2"},
		{"the last spread must fit", "{name: F, at: 2s, kind: rst, population: others, hit: 2, every: 30s, over: 20s}", second(3, 13, 33, 43, 63, 73), 1, "F.1 F.2 F.3"},
	} {
		p, all := injections(t, row.fault)
		var instants []time.Duration
		at := map[time.Duration]map[int]bool{}
		for _, in := range all {
			if at[in.At] == nil {
				at[in.At] = map[int]bool{}
				instants = append(instants, in.At)
			}
			at[in.At][in.Connection] = true
			if name := p.Scenario.Populations[p.PopulationOf(in.Connection)].Name; name != p.Scenario.Faults[0].Population {
				t.Errorf("%s: connection %d of %s was hit", row.name, in.Connection, name)
			}
			if i := p.Incidents()[in.Incident]; in.At < i.At || in.At >= max(i.Until, i.At+1) {
				t.Errorf("%s: at %v it belongs to %+v", row.name, in.At, i)
			}
		}
		if !slices.Equal(instants, row.instants) {
			t.Errorf("%s: at %v, want %v", row.name, instants, row.instants)
		}
		for when, hit := range at {
			if len(hit) != row.hit {
				t.Errorf("%s: %d connections hit at %v, want %d", row.name, len(hit), when, row.hit)
			}
		}
		var ids []string
		for _, in := range p.Incidents() {
			ids = append(ids, in.ID)
		}
		if got := strings.Join(ids, " "); got != row.incidents {
			t.Errorf("%s: incidents %s, want %s", row.name, got, row.incidents)
		}
		if want := p.Injections(0).Expected(); float64(len(all)) != want {
			t.Errorf("%s: %d injections, announced as %g", row.name, len(all), want)
		}
		if _, again := injections(t, row.fault); !slices.Equal(all, again) {
			t.Errorf("%s: the same seed injects otherwise", row.name)
		}
	}
}

// A rolling fault hits everybody once; one that comes again chooses anew.
func TestVictims(t *testing.T) {
	victims := func(fault string, set ...string) map[int][]int { // by incident
		_, all := injections(t, fault, set...)
		by := map[int][]int{}
		for _, in := range all {
			by[in.Incident] = append(by[in.Incident], in.Connection)
		}
		for _, list := range by {
			slices.Sort(list)
		}
		return by
	}
	rolling := victims("{name: F, at: 2s, kind: fin, population: members, hit: 100%, over: 20s, batches: 7}")[0]
	if len(rolling) != 100 || len(slices.Compact(rolling)) != 100 {
		t.Errorf("a rolling fault hit %v", rolling)
	}
	const burst = "{name: A, at: 2s, kind: rst, population: members, hit: 20}"
	again := victims(burst + ", {name: B, at: 2s, kind: rst, population: members, hit: 20, every: 30s}")
	seen := map[string]bool{}
	for _, list := range again {
		if len(slices.Compact(slices.Clone(list))) != 20 {
			t.Errorf("hit %v, want 20", list)
		}
		seen[fmt.Sprint(list)] = true
	}
	if len(seen) != len(again) || len(again) != 5 {
		t.Errorf("%d incidents hit %d sets of connections; want 5 and as many", len(again), len(seen))
	}
	if maps.EqualFunc(victims(burst), victims(burst, "seed=2"), slices.Equal) {
		t.Error("another seed hits the same")
	}
}

// With a rate every connection at risk is hit by itself: the number of its injections
// is Poisson, so its variance is its mean.
func TestPoissonInjections(t *testing.T) {
	const fault = "{name: F, at: 10s, kind: rst, population: members, hit: 40, rate: 1/4s, for: 80s}"
	p, all := injections(t, fault, "seed=3")
	const mean = 80.0 / 4 // per connection
	hits := map[int]float64{}
	for i, in := range all {
		hits[in.Connection]++
		if in.At < 11*time.Second || in.At >= 91*time.Second || i > 0 && in.At < all[i-1].At {
			t.Fatalf("injection %d at %v", i, in.At)
		}
	}
	if n := float64(len(all)); math.Abs(n-40*mean) > 5*math.Sqrt(40*mean) || p.Injections(0).Expected() != 40*mean {
		t.Errorf("%g injections, announced as %g; want about %g", n, p.Injections(0).Expected(), 40*mean)
	}
	if len(hits) != 40 {
		t.Errorf("%d connections hit, want 40", len(hits))
	}
	variance := 0.0
	for _, n := range hits {
		variance += (n - mean) * (n - mean) / 40
	}
	if variance < mean/2 || variance > mean*2 {
		t.Errorf("the injections of a connection vary by %g around %g", variance, mean)
	}
	if _, again := injections(t, fault, "seed=3"); !slices.Equal(all, again) {
		t.Error("the same seed injects otherwise")
	}
	if _, other := injections(t, fault, "seed=4"); slices.Equal(all, other) {
		t.Error("another seed injects the same")
	}
}

func TestFaultTimes(t *testing.T) {
	for _, row := range []struct{ fault, message string }{
		{"over: 9s", "goes on after the steady state"},
		{"every: 2s, for: 9s", "goes on after the steady state"},
		{"for: 1s", "`for` has no meaning here"},
		{"batches: 3", "`batches` has no meaning here"},
		{"over: 2s, batches: 1", "must be from 2 to"},
		{"rate: 1/s, over: 2s", "`over` has no meaning here"},
		{"rate: 1/s, every: 2s", "`every` has no meaning here"},
		{"rate: 11/s", "must be up to 10/s"},
		{"every: 1s, over: 2s", "not over when it comes again"},
		{"every: 10ms", "strike more than 500 times"},
	} {
		_, err := Parse("t.yaml", []byte(minimal), Options{Set: []string{"phases.steady=10s",
			"faults=[{name: F, at: 2s, kind: rst, population: members, hit: 1, " + row.fault + "}]"}})
		if err == nil || !strings.Contains(err.Error(), row.message) {
			t.Errorf("%s: got %v, want %q", row.fault, err, row.message)
		}
	}
}

// A fault by user or by group chooses among users and groups, each once an occurrence.
func TestCrowdInjections(t *testing.T) {
	text := strings.Replace(minimal, "phases:", "  team: {connections: 5, users: one, join: {lobby: 1, room: 1}}\nphases:", 1)
	text = strings.Replace(text, "groups:", "groups:\n  lobby: {names: [a, b]}", 1)
	for _, row := range []struct {
		fault       string
		connections bool
		from, to    int // ids, all of them
	}{
		{"population: members, hit: 100%, by: user", true, 0, 100},
		{"population: team, hit: 100%, by: user", true, 100, 101},
		{"population: members, hit: 100%, by: group", false, 2, 12},
		{"population: team, hit: 100%, by: group", false, 0, 12},
		{"population: members, hit: 100%, by: connection", true, 0, 100},
	} {
		p := mustParse(t, text, "faults=[{name: F, at: 2s, kind: rest-close, "+row.fault+"}]").Plan()
		x := p.Injections(0)
		var got []int
		for in, ok := x.Next(); ok; in, ok = x.Next() {
			id, other := in.Connection, in.Group
			if !row.connections {
				id, other = other, id
			}
			if other != -1 {
				t.Errorf("%s: %+v", row.fault, in)
			}
			got = append(got, id)
		}
		slices.Sort(got)
		var want []int
		for id := row.from; id < row.to; id++ {
			want = append(want, id)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %d to %d", row.fault, got, row.from, row.to-1)
		}
	}
}
