package scenario

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestEstimate(t *testing.T) {
	s, err := Load("../scenarios/quickstart.yaml", Options{})
	if err != nil {
		t.Fatal(err)
	}
	e := s.Plan().Estimate()
	// By hand: a group's name has 8 bytes, the payload 128.
	const (
		publish = 8 + len(`{"type":"sendToGroup","group":"room-000","ackId":123456,"dataType":"text","data":""}`) + 128
		message = 4 + len(`{"type":"message","from":"group","group":"room-000","fromUserId":"user-12345","dataType":"text","data":"","sequenceId":123456}`) + 128
		ack     = 2 + len(`{"type":"ack","ackId":123456,"success":true}`)
		out     = 10_000*message + 1000*ack
	)
	for _, row := range []struct {
		name      string
		got, want any
	}{
		{"connections", e.Connections, 1000},
		{"groups", e.Groups, 100},
		{"publishers", e.Publishers, 1000},
		{"subscriptions", e.Subscriptions, 1000},
		{"pairs", e.Pairs, 10_000},
		{"connect time", e.ConnectTime, 1998 * time.Millisecond},
		{"length", e.Length, 1998*time.Millisecond + 53*time.Second},
		{"publishes/s", math.Round(e.Steady.Publishes), 1000.0},
		{"deliveries/s", math.Round(e.Steady.Deliveries), 10_000.0},
		{"in", math.Round(e.Steady.InBytes), float64(1000 * publish)},
		{"out", math.Round(e.Steady.OutBytes), float64(out)},
		{"publishes", e.Publishes, uint64(23_000)},
		{"deliveries", e.Deliveries, uint64(230_000)},
		{"phases", e.Phases[0], PhaseEstimate{"warmup", 3 * time.Second, 3000, 30_000}},
		{"descriptors", e.Descriptors, 1064},
		{"ports", e.Ports, 1000},
		{"billing messages", e.BillingMessages, uint64(math.Ceil(float64(23*out+1000*ack) / 2048))},
		{"units", e.Units, 1},
		{"budgets", len(e.Budgets), 1},
		{"received/s", math.Round(e.Budgets[0].PerSec), 10.0},
		{"between acks", math.Round(e.Budgets[0].Messages * 10), 25.0},
		{"detached", e.Budgets[0].Detached.Round(time.Second), 100 * time.Second},
	} {
		if row.got != row.want {
			t.Errorf("%s: got %v, want %v", row.name, row.got, row.want)
		}
	}
	// protocol.md 5, drawn out: tags and lengths as they add up.
	const (
		group           = 1 + 1 + 8
		data            = 1 + 2 + (1 + 2 + 128)
		protobufPublish = 8 + 1 + 2 + group + (1 + 3) + data
		protobufMessage = 4 + 1 + 2 + (1 + 1 + 5) + group + data + (1 + 3)
		protobufAck     = 2 + 1 + 1 + (1 + 3) + (1 + 1)
	)
	p := mustParse(t, string(s.Text), "protocol=protobuf.reliable.webpubsub.azure.v1").Plan().Estimate()
	for _, row := range []struct {
		name      string
		got, want any
	}{
		{"in", math.Round(p.Steady.InBytes), float64(1000 * protobufPublish)},
		{"out", math.Round(p.Steady.OutBytes), float64(10_000*protobufMessage + 1000*protobufAck)},
		{"budget", math.Round(p.Budgets[0].Bytes), 2.5 * protobufMessage},
	} {
		if row.got != row.want {
			t.Errorf("protobuf, %s: got %v, want %v", row.name, row.got, row.want)
		}
	}
	embedded, elsewhere := e.MemoryBytes, mustParse(t, string(s.Text), "target.url=ws://h").Plan().Estimate().MemoryBytes
	if embedded-elsewhere != 1000*connectionBytes {
		t.Errorf("an embedded emulator adds %d bytes, want %d", embedded-elsewhere, 1000*connectionBytes)
	}
	if e := mustParse(t, string(s.Text), "protocol=json.webpubsub.azure.v1").Plan().Estimate(); len(e.Budgets) != 0 {
		t.Errorf("budgets without a reliable subprotocol: got %v", e.Budgets)
	}
}

// Each receiver is counted with the bytes of its own protocol.
func TestEstimateOfMixedPopulations(t *testing.T) {
	const mixed = `name: mixed
groups:
  room: {count: 1}
populations:
  json:
    protocol: json.webpubsub.azure.v1
    connections: 2
    join: {room: 1}
    publish: {to: room, rate: 1/s, no_echo: true, ack: false}
  protobuf:
    protocol: protobuf.webpubsub.azure.v1
    connections: 3
    join: {room: 1}
phases:
  steady: 1s
`
	e := mustParse(t, mixed).Plan().Estimate()
	b := &Publish{DataType: "text", Size: 128}
	name := len("room-000")
	want := float64(2 * (1*inJSON.messageFrame(b, name) + 3*protobuf.messageFrame(b, name)))
	if got := math.Round(e.Steady.OutBytes); got != want || e.Pairs != 8 || e.Deliveries != 8 {
		t.Errorf("got %v bytes/s, %d pairs, %d deliveries; want %v, 8, 8", got, e.Pairs, e.Deliveries, want)
	}
}

// brute counts deliveries message by message.
func brute(p *Plan) (publishes, deliveries, pairs uint64) {
	members := map[int]map[int]bool{}
	for c := range p.Connections {
		for _, g := range p.Joins(nil, c) {
			if members[g] == nil {
				members[g] = map[int]bool{}
			}
			members[g][c] = true
		}
	}
	for publisher := range p.Publishers {
		c := p.ConnectionOf(publisher)
		noEcho := p.Scenario.Populations[p.PopulationOf(c)].Publish.NoEcho
		addresses := p.Addresses(nil, publisher)
		copies := func(g int) uint64 {
			n := len(members[g])
			if noEcho && members[g][c] {
				n--
			}
			return uint64(n)
		}
		for _, g := range addresses {
			pairs += copies(g)
		}
		s := p.Schedule(publisher)
		for k := 0; !s.Done(); k++ {
			s.Next()
			publishes++
			deliveries += copies(addresses[k%len(addresses)])
		}
	}
	return publishes, deliveries, pairs
}

func TestEstimateAgreesWithCounting(t *testing.T) {
	forRandomPlans(t, 40, func(t *testing.T, p *Plan) {
		e := p.Estimate()
		publishes, deliveries, pairs := brute(p)
		if e.Pairs != int(pairs) {
			t.Errorf("pairs: got %d, want %d", e.Pairs, pairs)
		}
		near := func(name string, got, want uint64) {
			// A sender's messages are a whole number, their mean is not; Poisson scatters.
			slack := 0.1*float64(want) + 5*math.Sqrt(float64(want)) + float64(p.Publishers)*float64(want)/float64(max(1, publishes))
			if math.Abs(float64(got)-float64(want)) > slack {
				t.Errorf("%s: got %d, counted %d", name, got, want)
			}
		}
		near("publishes", e.Publishes, publishes)
		near("deliveries", e.Deliveries, deliveries)
	})
}

// Few connections in many groups, with no_echo: means over groups would be wrong.
func TestEstimateOfSparseGroups(t *testing.T) {
	for _, row := range []struct {
		noEcho string
		want   uint64
	}{{"false", 50}, {"true", 0}} {
		e := mustParse(t, minimal, "groups.room.count=100", "populations.members.connections=5",
			"populations.members.publish.no_echo="+row.noEcho).Plan().Estimate()
		if e.Deliveries != row.want {
			t.Errorf("no_echo %s: got %d deliveries, want %d", row.noEcho, e.Deliveries, row.want)
		}
	}
}

func TestUnits(t *testing.T) {
	for connections, want := range map[int]int{1: 1, 1000: 1, 1001: 2, 10_000: 10, 10_001: 20, 100_000: 100, 100_001: 200, 1_000_000: 1000} {
		if got := units(connections); got != want {
			t.Errorf("%d connections: got %d units, want %d", connections, got, want)
		}
	}
}

func TestWarnings(t *testing.T) {
	const fault = "faults=[{name: F1, at: 1s, kind: rst, population: members, hit: 1}]"
	for _, row := range []struct {
		name       string
		set        []string
		limits     Limits
		warning    string // in the first, with its line; "" for none
		impossible string
		hint       string // of impossible
	}{
		{name: "none"},
		{name: "short drain without faults", set: []string{"phases.drain=5s"}},
		{name: "short drain", set: []string{"phases.drain=5s", fault}, warning: "the drain is shorter"},
		{name: "long drain", set: []string{"phases.drain=30s", fault}},
		{name: "overflow while detached", set: []string{"populations.members.publish.rate=10/s", fault}, warning: "overflows before"},
		{name: "slow acks", set: []string{"populations.members.publish.rate=40/s", "populations.members.client={sequence_ack: {every: 5s, every_messages: 999}}"}},
		{name: "slow acks of large messages", set: []string{"populations.members.publish.rate=10/s", "populations.members.publish.size=100KiB", "populations.members.client={sequence_ack: {every: 5s, every_messages: 999}}"}, warning: "does not acknowledge often enough"},
		{name: "unused role", set: []string{"populations.members.roles=[webpubsub.joinLeaveGroup, webpubsub.sendToGroup, webpubsub.joinLeaveGroup.lobby]"}, warning: "a role for a group the scenario does not use"},
		{name: "used role", set: []string{"populations.members.roles=[webpubsub.joinLeaveGroup, webpubsub.sendToGroup, webpubsub.joinLeaveGroup.room-003]"}},
		{name: "enough", limits: Limits{Descriptors: 164, Ports: 100, MemoryBytes: 1 << 20}},
		{name: "descriptors", limits: Limits{Descriptors: 163}, impossible: "100 connections need 164 open files"},
		{name: "processes", limits: Limits{Descriptors: 98, Processes: 3, Emulators: 3}},
		{name: "too few processes", limits: Limits{Descriptors: 98, Processes: 2, Emulators: 3}, impossible: "100 connections need 114 open files", hint: "--processes 3 would fit"},
		{name: "too few emulators", limits: Limits{Descriptors: 98, Processes: 3, Emulators: 2}, impossible: "100 connections need 114 open files", hint: "--emulators 3 would fit"},
		{name: "ports", limits: Limits{Ports: 99}, impossible: "100 connections need as many local ports"},
		{name: "source addresses", limits: Limits{Ports: 25, Sources: 4}},
		{name: "too few source addresses", limits: Limits{Ports: 25, Sources: 3}, impossible: "100 connections need as many local ports", hint: "name 4 source addresses with --local-ips"},
		{name: "several targets", limits: Limits{Ports: 50, Emulators: 2}},
		{name: "memory", limits: Limits{MemoryBytes: 1 << 19}, impossible: "of memory"},
		{name: "memory of pairs", set: []string{"populations.members.join.room=10"}, limits: Limits{MemoryBytes: 1 << 20}, impossible: "of memory"},
		{name: "memory of a sample", set: []string{"populations.members.join.room=10", "checks={pairs: 5000}"}, limits: Limits{MemoryBytes: 1 << 20}},
	} {
		t.Run(row.name, func(t *testing.T) {
			warnings, impossible := mustParse(t, minimal, row.set...).Plan().Warnings(row.limits)
			check(t, "warning", warnings, row.warning)
			check(t, "impossible", impossible, row.impossible)
			if len(impossible) > 0 && !strings.Contains(impossible[0].Help, row.hint) {
				t.Errorf("hint %q, want %q", impossible[0].Help, row.hint)
			}
		})
	}
}

func check(t *testing.T, what string, got []Problem, want string) {
	t.Helper()
	switch {
	case want == "" && len(got) > 0:
		t.Errorf("%s: got %v, want none", what, got)
	case want != "" && (len(got) != 1 || !strings.Contains(got[0].Message, want)):
		t.Errorf("%s: got %v, want one with %q", what, got, want)
	}
}

func TestWarningHasItsPlace(t *testing.T) {
	src := strings.Replace(minimal, "groups:", "groups:\n  hall: {names: [lobby]}", 1)
	src = strings.Replace(src, "phases:", "  speakers:\n    connections: 1\n    publish: {to: hall, rate: 1/s}\nphases:", 1)
	warnings, _ := mustParse(t, src).Plan().Warnings(Limits{})
	if len(warnings) != 1 {
		t.Fatalf("got %v, want one warning", warnings)
	}
	want := "warning: nobody joins `hall`\n" +
		"  --> test.yaml:12:19\n" +
		"   |\n" +
		"11 |     connections: 1\n" +
		"12 |     publish: {to: hall, rate: 1/s}\n" +
		"   |                   ^^^^ what is sent there reaches no one\n" +
		"   |\n"
	if got := warnings[0].Format("warning", []byte(src)); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func BenchmarkEstimate(b *testing.B) {
	p := mustParse(b, minimal, "populations.members.connections=1000000", "groups.room.count=10000", "populations.members.join.room=2").Plan()
	b.ReportAllocs()
	for b.Loop() {
		p.Estimate()
	}
}

func BenchmarkScheduleNext(b *testing.B) {
	for _, arrival := range []string{"constant", "poisson", "{burst: 5, within: 2s}"} {
		b.Run(strings.Fields(strings.Trim(arrival, "{}"))[0], func(b *testing.B) {
			p := mustParse(b, minimal, "populations.members.publish.arrival="+arrival, "phases.steady=71h").Plan()
			s := p.Schedule(0)
			b.ReportAllocs()
			for b.Loop() {
				if s.Next() == Never {
					s = p.Schedule(0)
				}
			}
		})
	}
}
