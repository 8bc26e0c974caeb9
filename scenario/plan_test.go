package scenario

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// randomScenario draws a scenario in which every dimension is odd-sized.
func randomScenario(r *rand.Rand) *Scenario {
	s := &Scenario{Name: "random", Seed: r.Uint64(), Protocol: ProtocolJSONReliable}
	for i := range 1 + r.IntN(3) {
		s.Groups = append(s.Groups, Family{Name: fmt.Sprint("f", i), Count: 1 + r.IntN(60)})
	}
	s.Phases.Warmup = time.Duration(r.IntN(3000)) * time.Millisecond
	for i := range 1 + r.IntN(3) {
		s.Phases.Stages = append(s.Phases.Stages, Stage{Name: fmt.Sprint("s", i), For: time.Duration(1+r.IntN(5000)) * time.Millisecond, Factor: 0.1 + 3*r.Float64()})
	}
	for i := range 1 + r.IntN(3) {
		p := Population{Name: fmt.Sprint("p", i), Protocol: s.Protocol, Connections: 1 + r.IntN(200), ConnectRate: Rate(1 + r.IntN(500)), Client: bench, Users: defaultUsers}
		for _, f := range s.Groups {
			if r.IntN(2) == 0 {
				p.Join = append(p.Join, Join{f.Name, 1 + r.IntN(f.Count)})
			}
		}
		p.Publish = &Publish{Rate: Rate(0.2 + 20*r.Float64()), Senders: Share{Count: 1 + r.IntN(p.Connections)}, DataType: "text", Size: 128, Ack: true,
			Arrival: Arrival{Kind: []string{ArrivalConstant, ArrivalPoisson, ArrivalBurst}[r.IntN(3)]}}
		if p.Publish.Arrival.Kind == ArrivalBurst {
			p.Publish.Arrival.Burst = 1 + r.IntN(7)
			p.Publish.Arrival.Within = time.Duration(r.Float64() * float64(p.Publish.Arrival.Burst) / float64(p.Publish.Rate) * float64(time.Second))
		}
		if len(p.Join) == 0 || r.IntN(2) == 0 {
			p.Publish.To = []string{s.Groups[r.IntN(len(s.Groups))].Name}
		}
		p.Roles = neededRoles(&p)
		s.Populations = append(s.Populations, p)
	}
	return s
}

func forRandomPlans(t *testing.T, n int, check func(t *testing.T, p *Plan)) {
	for seed := range uint64(n) {
		s := randomScenario(rand.New(rand.NewPCG(seed, 1)))
		if problems := s.Validate(); len(problems) > 0 {
			t.Fatalf("seed %d: %v", seed, problems)
		}
		check(t, s.Plan())
		if t.Failed() {
			t.Fatalf("with seed %d", seed)
		}
	}
}

func TestScheduleMethodsAgree(t *testing.T) {
	forRandomPlans(t, 60, func(t *testing.T, p *Plan) {
		for publisher := 0; publisher < p.Publishers; publisher += 1 + p.Publishers/4 {
			s, cursor := p.Schedule(publisher), p.Schedule(publisher)
			k, last := uint64(0), time.Duration(0)
			for ; !s.Done(); k++ {
				if s.At(k) == Never {
					t.Fatalf("At(%d) = Never, but there is a next message", k)
				}
				at := s.At(k)
				if got := s.Next(); got != at {
					t.Fatalf("message %d: Next %v, At %v", k, got, at)
				}
				if at < last || at >= p.PublishEnd() {
					t.Fatalf("message %d at %v after %v, end %v", k, at, last, p.PublishEnd())
				}
				if got := s.DueBy(at); got < k+1 || (got > k+1 && s.At(got-1) != at) {
					t.Fatalf("DueBy(At(%d)) = %d", k, got)
				}
				if got, want := cursor.Pass(at), s.DueBy(at); got != want {
					t.Fatalf("Pass(At(%d)) = %d, DueBy says %d", k, got, want)
				}
				if got := s.DueBy(at - 1); got > k {
					t.Fatalf("DueBy just before At(%d) = %d", k, got)
				}
				last = at
			}
			if s.Next() != Never || s.At(k) != Never {
				t.Errorf("after the last message: got an instant, want Never")
			}
			if got := s.DueBy(Never); got != k || s.Count() != k || cursor.Pass(Never) != k || !cursor.Done() {
				t.Errorf("DueBy(end) = %d, Count %d, Pass(end) = %d, want %d", got, s.Count(), cursor.Pass(Never), k)
			}
			if got := s.DueBy(-1); got != 0 {
				t.Errorf("DueBy(-1) = %d", got)
			}
		}
	})
}

// Every interval-long window of steady state holds exactly one message of every sender.
func TestConstantRateIsExact(t *testing.T) {
	for _, rate := range []string{"1/s", "3/s", "7/s", "1/3s", "0.7/s"} {
		t.Run(strings.ReplaceAll(rate, "/", " per "), func(t *testing.T) {
			s := mustParse(t, minimal, "populations.members.publish.rate="+rate, "phases.steady=30s", "phases.warmup=12s")
			p := s.Plan()
			interval := time.Duration(math.Round(float64(time.Second) / float64(s.Populations[0].Publish.Rate)))
			for _, from := range []time.Duration{0, 777 * time.Millisecond, 11 * time.Second} {
				n := uint64(0)
				for publisher := range p.Publishers {
					sch := p.Schedule(publisher)
					n += sch.DueBy(from+interval-1) - sch.DueBy(from-1)
				}
				// The interval is a whole number of nanoseconds here, the schedule's is not.
				if diff := int(n) - p.Publishers; diff < -1 || diff > 1 {
					t.Errorf("window at %v: got %d messages, want %d", from, n, p.Publishers)
				}
			}
		})
	}
}

func TestQuickstartTotals(t *testing.T) {
	s, err := Load("../scenarios/quickstart.yaml", Options{})
	if err != nil {
		t.Fatal(err)
	}
	p := s.Plan()
	sent := uint64(0)
	for publisher := range p.Publishers {
		sent += p.Schedule(publisher).Count()
	}
	if e := p.Estimate(); sent != 23_000 || e.Publishes != sent || e.Deliveries != 230_000 {
		t.Errorf("got %d sent, estimate %d and %d deliveries, want 23000, 23000, 230000", sent, e.Publishes, e.Deliveries)
	}
}

// The messages of all senders together are spread evenly: in no millisecond
// window are there many more than its share.
func TestAggregateIsSmooth(t *testing.T) {
	p := mustParse(t, minimal, "populations.members.connections=1000").Plan()
	perWindow := make([]int, 1000)
	for publisher := range p.Publishers {
		perWindow[p.Schedule(publisher).At(0)/time.Millisecond]++
	}
	if most := slices.Max(perWindow); most > 3 {
		t.Errorf("got %d messages in one window of 1 ms, want about 1", most)
	}
}

func TestStageFactors(t *testing.T) {
	const stages = "phases.steady=[{name: a, for: 10s}, {name: b, for: 10s, rate: x5}, {name: c, for: 10s, rate: x0.5}]"
	for _, arrival := range []string{"constant", "poisson", "{burst: 5, within: 2s}"} {
		t.Run(arrival, func(t *testing.T) {
			p := mustParse(t, minimal, stages, "phases.warmup=10s", "populations.members.publish.arrival="+arrival).Plan()
			count := func(from, to time.Duration) (n int) {
				for publisher := range p.Publishers {
					s := p.Schedule(publisher)
					n += int(s.DueBy(to-1) - s.DueBy(from-1))
				}
				return n
			}
			for i, want := range []int{1000, 1000, 5000, 500} {
				from := time.Duration(i) * 10 * time.Second
				tolerance := 0
				if arrival == "poisson" {
					tolerance = want / 5
				}
				if got := count(from, from+10*time.Second); got < want-tolerance || got > want+tolerance {
					t.Errorf("part %d: got %d messages, want %d ± %d", i, got, want, tolerance)
				}
			}
		})
	}
}

func TestBurst(t *testing.T) {
	p := mustParse(t, minimal, "populations.members.connections=1", "phases.steady=25s",
		"populations.members.publish.arrival={burst: 5, within: 2s}", "populations.members.publish.rate=1/2s").Plan()
	want := []time.Duration{0, 400, 800, 1200, 1600, 10_000, 10_400, 10_800, 11_200, 11_600, 20_000, 20_400, 20_800, 21_200, 21_600}
	s := p.Schedule(0)
	for k, ms := range want {
		if got := s.Next(); got != ms*time.Millisecond {
			t.Errorf("message %d: got %v, want %v", k, got, ms*time.Millisecond)
		}
	}
	if !s.Done() {
		t.Errorf("got another message at %v", s.Next())
	}
}

// The gaps of a Poisson process have mean and standard deviation 1/rate.
func TestPoissonGaps(t *testing.T) {
	p := mustParse(t, minimal, "populations.members.connections=1", "phases.steady=2000s",
		"populations.members.publish.arrival=poisson", "populations.members.publish.rate=10/s").Plan()
	s := p.Schedule(0)
	n, sum, squares, last := 0.0, 0.0, 0.0, time.Duration(0)
	for !s.Done() {
		at := s.Next()
		gap := (at - last).Seconds()
		n, sum, squares, last = n+1, sum+gap, squares+gap*gap, at
	}
	mean := sum / n
	deviation := math.Sqrt(squares/n - mean*mean)
	if math.Abs(mean-0.1) > 0.003 || math.Abs(deviation-0.1) > 0.006 {
		t.Errorf("got mean %.4f, deviation %.4f over %v gaps, want 0.1 and 0.1", mean, deviation, n)
	}
}

func TestDealIsEven(t *testing.T) {
	for _, row := range []struct{ groups, each, connections int }{
		{100, 1, 1000}, {100, 1, 57}, {10, 3, 100}, {10, 3, 7}, {12, 4, 1001}, {7, 7, 50}, {1, 1, 9}, {2, 1, 5}, {97, 13, 333}, {60, 7, 59},
	} {
		name := fmt.Sprintf("%d connections join %d of %d", row.connections, row.each, row.groups)
		t.Run(name, func(t *testing.T) {
			p := mustParse(t, minimal, fmt.Sprint("groups.room.count=", row.groups),
				fmt.Sprint("populations.members.connections=", row.connections), fmt.Sprint("populations.members.join.room=", row.each)).Plan()
			members := make([]int, row.groups)
			var joins, before []int
			for c := range row.connections {
				joins = p.Joins(joins[:0], c)
				sorted := slices.Sorted(slices.Values(joins))
				if len(slices.Compact(slices.Clone(sorted))) != row.each {
					t.Fatalf("connection %d joins %v, want %d distinct groups", c, joins, row.each)
				}
				if row.groups >= 2*row.each && c < row.groups/row.each && slices.Equal(sorted, before) {
					t.Errorf("connections %d and %d join the same groups %v", c-1, c, joins)
				}
				before = sorted
				for _, g := range joins {
					members[g]++
				}
				// Also after every beginning, so that any number of senders is spread evenly.
				if lo, hi := slices.Min(members), slices.Max(members); hi-lo > 1 {
					t.Fatalf("after connection %d: members from %d to %d", c, lo, hi)
				}
			}
		})
	}
}

// With several joins, connections that share one group do not share all of them.
func TestDealMixesCompany(t *testing.T) {
	p := mustParse(t, minimal, "groups.room.count=100", "populations.members.connections=1000", "populations.members.join.room=2").Plan()
	pairs := map[[2]int]int{}
	for c := range p.Connections {
		g := slices.Sorted(slices.Values(p.Joins(nil, c)))
		pairs[[2]int{g[0], g[1]}]++
	}
	if len(pairs) < 500 {
		t.Errorf("got %d distinct pairs of groups for 1000 connections, want most of them distinct", len(pairs))
	}
}

func TestWorkersCoverThePlan(t *testing.T) {
	forRandomPlans(t, 25, func(t *testing.T, p *Plan) {
		for workers := 1; workers <= 17; workers++ {
			var union []int
			for w := range workers {
				owned := p.Owned(w, workers)
				if !slices.IsSorted(owned) {
					t.Errorf("worker %d of %d: not sorted", w, workers)
				}
				for _, c := range owned {
					if got := p.Worker(c, workers); got != w {
						t.Errorf("connection %d: Owned says worker %d of %d, Worker says %d", c, w, workers, got)
					}
				}
				if n := len(owned); n < p.Connections/workers || n > p.Connections/workers+1 {
					t.Errorf("worker %d of %d owns %d of %d", w, workers, n, p.Connections)
				}
				union = append(union, owned...)
			}
			slices.Sort(union)
			if len(union) != p.Connections || len(slices.Compact(union)) != p.Connections {
				t.Errorf("%d workers own %d connections, want all %d once", workers, len(union), p.Connections)
			}
		}
	})
}

// The cut must not follow the ids, or one worker would get all publishers.
func TestCutIsMixed(t *testing.T) {
	p := mustParse(t, minimal, "populations.members.connections=1000", "populations.members.publish.senders=250").Plan()
	publishers := 0
	for _, c := range p.Owned(0, 4) {
		if p.PublisherOf(c) >= 0 {
			publishers++
		}
	}
	if publishers < 40 || publishers > 90 {
		t.Errorf("a quarter of the connections has %d of 250 publishers, want about 62", publishers)
	}
}

func TestIDs(t *testing.T) {
	forRandomPlans(t, 40, func(t *testing.T, p *Plan) {
		publishers := 0
		for c := range p.Connections {
			pp := &p.Populations[p.PopulationOf(c)]
			if c < pp.First || c >= pp.First+pp.Count {
				t.Errorf("connection %d outside of its population", c)
			}
			if pub := p.PublisherOf(c); pub >= 0 {
				publishers++
				if p.ConnectionOf(pub) != c {
					t.Errorf("publisher %d: connection %d, want %d", pub, p.ConnectionOf(pub), c)
				}
			}
			if at := p.ConnectAt(c); at < 0 || at > p.Length() {
				t.Errorf("connection %d opens at %v", c, at)
			}
		}
		if publishers != p.Publishers {
			t.Errorf("got %d publishers, want %d", publishers, p.Publishers)
		}
		names := map[string]bool{}
		for g := range p.Groups {
			names[p.GroupName(g)] = true
		}
		if len(names) != p.Groups {
			t.Errorf("got %d names of %d groups", len(names), p.Groups)
		}
	})
}

func TestAddresses(t *testing.T) {
	const src = `name: addresses
groups:
  room: {count: 4}
  hall: {names: [lobby, garden]}
populations:
  members:
    connections: 8
    join: {room: 2, hall: 1}
    publish: {rate: 1/s}
  half:
    connections: 8
    join: {room: 1, hall: 1}
    publish: {to: hall, rate: 1/s}
  outsiders:
    connections: 3
    publish: {to: room, rate: 1/s}
phases: {steady: 10s}
`
	p := mustParse(t, src).Plan()
	for _, row := range []struct {
		name      string
		publisher int
		want      string
	}{
		{"all it joined", 0, "room-000 room-001 lobby"},
		{"all it joined, dealt on", 1, "room-002 room-003 garden"},
		{"one joined family", 8, "lobby"},
		{"the next member", 9, "garden"},
		{"a family it did not join", 16, "room-000 room-001 room-002 room-003"},
		{"the next outsider starts at the next", 17, "room-001 room-002 room-003 room-000"},
	} {
		var got []string
		for _, g := range p.Addresses(nil, row.publisher) {
			got = append(got, p.GroupName(g))
		}
		if strings.Join(got, " ") != row.want {
			t.Errorf("%s: got %v, want %s", row.name, got, row.want)
		}
	}
	if got := p.User(17); got != "user-17" {
		t.Errorf("user: got %q", got)
	}
}

func TestSeedDecides(t *testing.T) {
	poisson := "populations.members.publish.arrival=poisson"
	instants := func(set ...string) []time.Duration {
		s := mustParse(t, minimal, append(set, poisson)...).Plan().Schedule(5)
		var all []time.Duration
		for !s.Done() {
			all = append(all, s.Next())
		}
		return all
	}
	if !slices.Equal(instants(), instants()) {
		t.Error("the same plan and seed gave two schedules")
	}
	if slices.Equal(instants(), instants("seed=2")) {
		t.Error("another seed gave the same schedule")
	}
}

func TestHash(t *testing.T) {
	base := mustParse(t, minimal).Plan().Hash
	for _, row := range []struct {
		set  string
		same bool
	}{
		{"name=other", true},
		{"seed=9", true},
		{"target.url=ws://h", true},
		{"checks.profile=strict", true},
		{"thresholds.lost=count==0", true},
		{"populations.members.connections=101", false},
		{"populations.members.publish.size=129", false},
		{"groups.room.count=11", false},
		{"phases.steady=11s", false},
		{"protocol=json.webpubsub.azure.v1", false},
		{"faults=[{name: F, at: 0s, kind: rst, population: members, hit: 1}]", false},
	} {
		if got := mustParse(t, minimal, row.set).Plan().Hash == base; got != row.same {
			t.Errorf("%s: same hash is %v, want %v", row.set, got, row.same)
		}
	}
	commented := "# a comment\n\n" + strings.ReplaceAll(minimal, "10s", "10000ms")
	if mustParse(t, commented).Plan().Hash != base {
		t.Error("layout and notation change the hash")
	}
}

// A plan of a million connections costs nothing until it runs.
func TestPlanIsNotMaterialised(t *testing.T) {
	s := mustParse(t, minimal, "populations.members.connections=10000000", "groups.room.count=1000000")
	allocs := testing.AllocsPerRun(3, func() {
		p := s.Plan()
		p.Schedule(9_999_999).At(5)
		p.Worker(1234567, 7)
		p.GroupName(999_999)
	})
	if allocs > 100 {
		t.Errorf("got %v allocations, want a few", allocs)
	}
}

func TestNextDoesNotAllocate(t *testing.T) {
	for _, arrival := range []string{"constant", "poisson", "{burst: 5, within: 2s}"} {
		s := mustParse(t, minimal, "populations.members.publish.arrival="+arrival, "phases.steady=1h").Plan().Schedule(3)
		if n := testing.AllocsPerRun(1000, func() { s.Next() }); n != 0 {
			t.Errorf("%s: got %v allocations per message, want 0", arrival, n)
		}
	}
}

func TestPermutation(t *testing.T) {
	for _, n := range []int{1, 2, 3, 4, 5, 16, 17, 100, 1000, 4097} {
		p := newPermutation(n, uint64(n)*7)
		seen := make([]bool, n)
		fixed := 0
		for i := range n {
			x := p.at(i)
			if seen[x] {
				t.Fatalf("n=%d: %d twice", n, x)
			}
			seen[x] = true
			if p.index(x) != i {
				t.Fatalf("n=%d: index(at(%d)) = %d", n, i, p.index(x))
			}
			if x == i {
				fixed++
			}
		}
		if n >= 100 && fixed > 10 {
			t.Errorf("n=%d: %d values stay where they are", n, fixed)
		}
	}
}
