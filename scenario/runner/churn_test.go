package runner

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// switching has members that wander through four rooms, of which each is in one.
const switching = `name: switching
protocol: %s
groups:
  room: {count: 4}
populations:
  guests:
    connections: 12
    join: {room: 1}
    churn: {%s}
  speakers:
    connections: 4
    publish: {to: room, rate: 5/s, size: 100}
phases: {steady: 60s, drain: 30s}
`

func switchingWorld(protocol, churn string) world {
	return world{
		seed: 11, text: fmt.Sprintf(switching, protocol, churn), link: wire.Link{Delay: time.Millisecond, Jitter: 5 * time.Millisecond},
	}
}

var churnProtocols = []string{
	scenario.ProtocolJSON, scenario.ProtocolJSONReliable, scenario.ProtocolProtobuf, scenario.ProtocolProtobufReliable,
}

// TestSwitch: who switches gets what is sent to the new room and nothing of the old one.
// What is expected is held against the target's own count, which knows no plan: it
// delivers to whoever is in a room.
func TestSwitch(t *testing.T) {
	for _, protocol := range churnProtocols {
		t.Run(protocol, func(t *testing.T) {
			w := switchingWorld(protocol, "switch: {room: 1/8s}")
			rec, stats := simulate(t, w)
			wantHonest(t, w, rec)
			f, d := rec.Connections.Funnel, rec.Totals.Deliveries
			if f.GroupsSwitched < 50 || stats.Joins != 12+f.GroupsSwitched {
				t.Errorf("%d switches; the target saw %d joins, want %d", f.GroupsSwitched, stats.Joins, 12+f.GroupsSwitched)
			}
			if d.Delivered != stats.Deliveries || d.Expected != d.Delivered+d.Excused.JoinRace {
				t.Errorf("deliveries %+v, the target made %d", d, stats.Deliveries)
			}
			// Messages come at 20/s to the four rooms: within 12 ms of a switch there is hardly one.
			if d.Excused.JoinRace > f.GroupsSwitched/4 {
				t.Errorf("%d copies excused of %d switches", d.Excused.JoinRace, f.GroupsSwitched)
			}
			// Whatever the rooms, each guest is in one of them.
			if sent := rec.Totals.Publishes.Sent; d.Expected < sent*12/4*98/100 || d.Expected > sent*12/4*102/100 {
				t.Errorf("%d copies expected of %d messages to 12 guests in one of 4 rooms each", d.Expected, sent)
			}
		})
	}
}

// TestSwitchLies: a lie about a room that was left, or about the new one, is charged as
// often as it was told. The links take no time: what is under way when a member asks to
// join may come or not, and no lie about it can be told from the truth.
func TestSwitchLies(t *testing.T) {
	for _, row := range []struct {
		lie             emulator.Lie
		reliable, plain string
	}{
		{emulator.LieAfterLeave, "G1", "G1"},
		{emulator.LieDrop, "R4", "N3"},
		{emulator.LieWrongGroup, "", ""}, // of G3 or G1, see below
	} {
		for _, protocol := range churnProtocols {
			t.Run(row.lie.String()+"/"+protocol, func(t *testing.T) {
				w := switchingWorld(protocol, "switch: {room: 1/8s}")
				w.link = wire.Link{}
				w.options.Lies[row.lie] = emulator.Share{N: 1, Of: 7}
				rec, stats := simulate(t, w)
				wantAddsUp(t, rec)
				told := stats.Lies[row.lie.String()]
				want := map[string]uint64{row.plain: told}
				if strings.Contains(protocol, "reliable") {
					want = map[string]uint64{row.reliable: told}
				}
				strangers := uint64(0) // of a room that they will be in, or have left, or never are in
				for _, c := range rec.Checks {
					if row.lie == emulator.LieWrongGroup && (c.ID == "G1" || c.ID == "G3") {
						strangers += c.Violations
					} else if c.Violations != want[c.ID] {
						t.Errorf("%s has %d violations, told %d", c.ID, c.Violations, told)
					}
				}
				if told == 0 || row.lie == emulator.LieWrongGroup && strangers != told {
					t.Errorf("told %d, %d strangers", told, strangers)
				}
			})
		}
	}
}

// TestPublishersComeAndGo: who is away sends nothing, and nothing of it is expected; all
// that was sent is answered before its session ends.
func TestPublishersComeAndGo(t *testing.T) {
	const text = `name: wanderers
protocol: %s
groups:
  room: {count: 3}
populations:
  members:
    connections: 12
    join: {room: 1}
    publish: {to: room, rate: 4/s, arrival: poisson, size: 100}
    churn: {session: {mean: 15s}, away: 3s, switch: {room: 1/20s}}
  listeners:
    connections: 3
    join: {room: 3}
phases: {steady: 90s, drain: 30s}
`
	for _, protocol := range churnProtocols {
		t.Run(protocol, func(t *testing.T) {
			w := world{seed: 5, text: fmt.Sprintf(text, protocol), link: wire.Link{Delay: 2 * time.Millisecond, Jitter: 10 * time.Millisecond}}
			rec, stats := simulate(t, w)
			wantHonest(t, w, rec)
			p, f := rec.Totals.Publishes, rec.Connections.Funnel
			if p.Sent != p.Scheduled || p.OK != p.Sent || p.Sent != stats.Publishes {
				t.Errorf("publishes %+v, the target took %d", p, stats.Publishes)
			}
			if planned := plannedPublishes(t, w); p.Scheduled+p.Absent != planned {
				t.Errorf("%d scheduled and %d absent, want %d together", p.Scheduled, p.Absent, planned)
			}
			// Three of every 18 seconds are spent away, and some of the way back.
			if share := float64(p.Absent) / float64(p.Scheduled+p.Absent); share < 0.1 || share > 0.25 {
				t.Errorf("%.2f of the schedule is absent", share)
			}
			if f.SessionsLeft < 20 || f.SessionsReturned != f.SessionsLeft || f.Drops+f.NewConnections != 0 {
				t.Errorf("connections %+v", f)
			}
			for _, pop := range rec.Populations {
				if pop.Name == "listeners" && pop.Totals.Deliveries.Delivered != 3*p.Sent {
					t.Errorf("listeners got %d of %d messages each", pop.Totals.Deliveries.Delivered, p.Sent)
				}
			}
			if rec.Verdict.ExitCode != metrics.ExitPass {
				t.Errorf("verdict %+v", rec.Verdict)
			}
		})
	}
}

// plannedPublishes counts what the schedules hold.
func plannedPublishes(t *testing.T, w world) (n uint64) {
	t.Helper()
	s, err := scenario.Parse("simulation.yaml", []byte(w.text), scenario.Options{})
	if err != nil {
		t.Fatal(err)
	}
	plan := s.Plan()
	for p := range plan.Publishers {
		schedule := plan.Schedule(p)
		for schedule.Next() != scenario.Never {
			n++
		}
	}
	return n
}
