package scenario

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

const churning = `name: churning
groups:
  room: {count: 3}
  hall: {count: 2}
populations:
  guests:
    connections: 200
    join: {room: 2}
    churn: {session: {mean: 20s}, away: 2s, leave: {room: 1/10s}}
  speakers:
    connections: 1
    publish: {to: room, rate: 1/s}
phases: {steady: 100s}
`

// Partings come as often as the scenario says, in order, and the same every time.
func TestPartings(t *testing.T) {
	s, err := Parse("churn.yaml", []byte(churning), Options{})
	if err != nil {
		t.Fatal(err)
	}
	plan := s.Plan()
	ends, leaves := 0, 0
	for c := range plan.Connections {
		x, again := plan.Partings(c), plan.Partings(c)
		if (x == nil) != (c >= 200) {
			t.Fatalf("connection %d: partings %v", c, x)
		}
		if x == nil {
			continue
		}
		joined := map[int]bool{}
		for _, g := range plan.Joins(nil, c) {
			joined[g] = true
		}
		last := time.Duration(0)
		for p, ok := x.Next(); ok; p, ok = x.Next() {
			if same, _ := again.Next(); same != p {
				t.Fatalf("connection %d: %v, then %v", c, p, same)
			}
			if p.At < last || p.At >= plan.PublishEnd() {
				t.Fatalf("connection %d: parting at %v after one at %v", c, p.At, last)
			}
			last = p.At
			switch {
			case p.Group < 0:
				ends++
			case !joined[p.Group]:
				t.Fatalf("connection %d leaves group %d, which it never joined", c, p.Group)
			default:
				leaves++
			}
		}
	}
	// Poisson counts lie within five standard deviations.
	for name, row := range map[string][2]float64{
		"ends": {float64(ends), 200 * 100 / 20}, "leaves": {float64(leaves), 200 * 2 * 100 / 10},
	} {
		if got, want := row[0], row[1]; math.Abs(got-want) > 5*math.Sqrt(want) {
			t.Errorf("%s: %.0f, want about %.0f", name, got, want)
		}
	}
}

// Who switches is in one group less and one more: always as many, never one twice.
func TestSwitches(t *testing.T) {
	s, err := Parse("churn.yaml", []byte(strings.Replace(churning, "leave: {room: 1/10s}", "leave: {room: 1/50s}, switch: {room: 1/5s}", 1)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	plan := s.Plan()
	switches, arrivals := 0, map[int]int{}
	for c := range 200 {
		in := plan.Joins(nil, c)
		visited := slices.Clone(in)
		x := plan.Partings(c)
		for p, ok := x.Next(); ok; p, ok = x.Next() {
			if p.To < 0 {
				if p.Group >= 0 && !slices.Contains(in, p.Group) {
					t.Fatalf("connection %d leaves group %d and is in %v", c, p.Group, in)
				}
				continue
			}
			i := slices.Index(in, p.Group)
			if i < 0 || slices.Contains(in, p.To) || p.To >= 3 {
				t.Fatalf("connection %d goes from %d to %d and is in %v", c, p.Group, p.To, in)
			}
			in[i] = p.To
			visited = append(visited, p.To)
			switches++
			arrivals[p.To]++
		}
		slices.Sort(visited)
		if got := append(plan.Joins(nil, c), plan.Visits(nil, c)...); !slices.Equal(slices.Sorted(slices.Values(got)), slices.Compact(visited)) {
			t.Fatalf("connection %d: joins and visits %v, want %v", c, got, slices.Compact(visited))
		}
	}
	if want := 200 * 2 * 100 / 5.; math.Abs(float64(switches)-want) > 5*math.Sqrt(want) {
		t.Errorf("%d switches, want about %.0f", switches, want)
	}
	for g := range 3 {
		if share := float64(arrivals[g]) / float64(switches); math.Abs(share-1./3) > 0.05 {
			t.Errorf("room %d is gone to %.2f of the time, want a third", g, share)
		}
	}
	e := plan.Estimate().Churn // 200 sessions of 20 s and 2 s away for 100 s, each in two rooms
	if want := (ChurnEstimate{Ends: 909, Leaves: 699, Switches: 8000}); e != want {
		t.Errorf("estimate %+v, want %+v", e, want)
	}
}

// Whoever switches to a group is a subscriber of all who publish there, as are those who
// join it at the start: each is a pair, once, however often it comes by.
func TestEstimateCountsVisits(t *testing.T) {
	const switching = `name: switching
groups:
  room: {count: 6}
populations:
  guests:
    connections: 50
    join: {room: 1}
    publish: {to: room, rate: 1/s}
    churn: {switch: {room: 1/20s}}
  speakers:
    connections: 3
    publish: {to: room, rate: 1/s}
phases: {steady: 100s}
`
	plan := mustParse(t, switching).Plan()
	publishing := map[int]int{} // by group
	for p := range plan.Publishers {
		for _, g := range plan.Addresses(nil, p) {
			publishing[g]++
		}
	}
	pairs, visited := 0, 0
	for c := range plan.Connections {
		in := map[int]bool{}
		for _, g := range plan.Joins(nil, c) {
			in[g] = true
		}
		first := len(in)
		if x := plan.Partings(c); x != nil {
			for p, ok := x.Next(); ok; p, ok = x.Next() {
				in[p.To] = true
			}
		}
		visited += len(in) - first
		for g := range in {
			pairs += publishing[g]
		}
	}
	if got := plan.Estimate().Pairs; visited < 50 || got != pairs {
		t.Errorf("%d pairs, with %d groups visited; want %d", got, visited, pairs)
	}
}

func TestChurnIsRefused(t *testing.T) {
	const churn = "churn: {session: {mean: 20s}, away: 2s, leave: {room: 1/10s}}"
	for _, row := range []struct{ name, old, new, want string }{
		{"nothing", churn, "churn: {away: 2s}", "`churn` needs `session`, `leave` or `switch`"},
		{"another family", "leave: {room", "leave: {hall", "`guests` joins no group of `hall`"},
		{"short mean", "mean: 20s", "mean: 10ms", "must be from 1s"},
		{"away", "away: 2s", "away: 1ms", "must be from 100ms"},
		{"simple", churn, churn + "\n    protocol: simple", "simple clients cannot leave a group"},
		{"nowhere to go", "join: {room: 2}\n    " + churn, "join: {room: 3}\n    churn: {switch: {room: 1/10s}}", "`guests` joins every group of `room`"},
		{"switches in another family", "leave: {room", "switch: {lobby", "`guests` joins no group of `lobby`"},
		{"simple clients switch", "leave: {room: 1/10s}}", "switch: {room: 1/10s}}\n    protocol: simple", "simple clients cannot leave a group"},
		{"unknown key", "away: 2s", "away: 2s, swap: {room: 1/2m}", "unknown key `swap`"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := Parse("churn.yaml", []byte(strings.Replace(churning, row.old, row.new, 1)), Options{})
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("got %v, want %q", err, row.want)
			}
		})
	}
}
