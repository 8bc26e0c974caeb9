package scenario

import (
	"math"
	"slices"
	"testing"
)

// Five sessions; two have the same user, one of another population bears a name of theirs.
const audiences = `name: audiences
groups:
  room: {count: 2}
populations:
  members: {connections: 3, join: {room: 1}}
  others: {connections: 1, users: user-1}
  twins: {protocol: simple, connections: 2, users: twin}
  notify: {protocol: rest, connections: 2, publish: {to: {user: members}, rate: 3/s, size: 100}}
  call: {protocol: rest, connections: 1, publish: {to: {connection: members}, rate: 3/s, size: 100}}
  tell: {protocol: rest, connections: 1, publish: {to: {user: twins}, rate: 1/s, size: 100}}
  shout: {protocol: rest, connections: 2, publish: {to: {all: true}, rate: 1/s, size: 100}}
phases: {steady: 10s}
`

func TestAudienceAddresses(t *testing.T) {
	p := mustParse(t, audiences).Plan()
	if p.Groups != 2 || p.Audiences != 3+3+1+1 {
		t.Fatalf("%d groups, %d audiences; want 2 and 8", p.Groups, p.Audiences)
	}
	// By hand: groups 0 1, users of members 2 3 4, its connections 5 6 7, twin 8, all 9.
	for _, row := range []struct {
		name      string
		publisher int
		want      []int
	}{
		{"notify 0 has every second user", 0, []int{2, 4}},
		{"notify 1 has the others", 1, []int{3}},
		{"call", 2, []int{5, 6, 7}},
		{"tell", 3, []int{8}},
		{"shout", 4, []int{9}},
		{"shout, the other", 5, []int{9}},
	} {
		if got := p.Addresses(nil, row.publisher); !slices.Equal(got, row.want) {
			t.Errorf("%s: addresses %v, want %v", row.name, got, row.want)
		}
	}
	for _, row := range []struct {
		name       string
		connection int
		want       []int
	}{
		{"members 0", 0, []int{0, 2, 5, 9}},
		{"members 1", 1, []int{1, 3, 6, 9}},
		{"another population's user-1", 3, []int{3, 9}},
		{"twin", 4, []int{8, 9}},
		{"twin, the other", 5, []int{8, 9}},
		{"a caller hears nothing", 6, nil},
	} {
		if got := p.Hears(nil, row.connection); !slices.Equal(got, row.want) {
			t.Errorf("%s hears %v, want %v", row.name, got, row.want)
		}
	}
	for id, want := range map[int]Address{
		1: {Name: "room-001"},
		4: {Kind: AudienceUser, Name: "user-2"},
		6: {Kind: AudienceConnection, Connection: 1},
		8: {Kind: AudienceUser, Name: "twin"},
		9: {Kind: AudienceAll},
	} {
		if got := p.Address(id); got != want {
			t.Errorf("address %d is %+v, want %+v", id, got, want)
		}
	}
}

func TestAudienceEstimate(t *testing.T) {
	e := mustParse(t, audiences).Plan().Estimate()
	const ( // by hand
		perSec = 2*3 + 3 + 1 + 2*1
		// notify 0: its users in turn, one connection each; notify 1: user-1 alone, two of them.
		copies = 3*1 + 3*2 + 3*1 + 1*2 + 2*6
		frame  = 4 + len(`{"type":"message","from":"server","dataType":"text","data":"","sequenceId":123456}`) + 100
		bare   = 2 + 100
		ack    = 2 + len(`{"type":"ack","ackId":123456,"success":true}`)
		toBare = 1*2 + 2*2
	)
	for _, row := range []struct {
		name      string
		got, want float64
	}{
		{"publishes/s", e.Steady.Publishes, perSec},
		{"deliveries/s", e.Steady.Deliveries, copies},
		{"out", e.Steady.OutBytes, float64((copies-toBare)*frame + toBare*bare + perSec*ack)},
		{"pairs", float64(e.Pairs), 2 + 2 + 3 + 2 + 2*6},
		// members 1 is user-1: all of notify 1, a third of call, everything shouted.
		{"received/s", e.Budgets[0].PerSec, 3 + 1 + 2},
		{"deliveries", float64(e.Deliveries), copies * 10},
	} {
		if math.Round(row.got) != row.want {
			t.Errorf("%s: %v, want %v", row.name, row.got, row.want)
		}
	}
}

func TestUserNumber(t *testing.T) {
	for _, row := range []struct {
		pattern, user string
		n             int
		ok            bool
	}{
		{"user-{n}", "user-12", 12, true},
		{"user-{n}", "user-", 0, false},
		{"user-{n}", "user-012", 0, false},
		{"user-{n}", "user--1", 0, false},
		{"user-{n}", "bot-12", 0, false},
		{"{n}-{n}", "12-12", 12, true},
		{"{n}-{n}", "12-13", 0, false},
		{"{n}x", "7x", 7, true},
		{"{n}x", "x", 0, false},
		{"bot", "bot", 0, true},
		{"bot", "bots", 0, false},
		{"a{n}", "", 0, false},
	} {
		if n, ok := userNumber(row.pattern, row.user); n != row.n && row.ok || ok != row.ok {
			t.Errorf("%s of %s: %d, %v; want %d, %v", row.user, row.pattern, n, ok, row.n, row.ok)
		}
	}
}

func TestSimplePopulations(t *testing.T) {
	s := mustParse(t, `name: simple
protocol: simple
groups:
  room: {count: 4}
populations:
  raw: {connections: 8, join: {room: 1}, publish: {rate: 1/s, size: 100}}
  many: {connections: 2, join: {room: 4}}
phases: {steady: 10s}
`)
	raw := &s.Populations[0]
	if raw.Publish.Ack || !slices.Equal(raw.Roles, []string{"webpubsub.sendToGroup"}) || len(s.Populations[1].Roles) != 0 {
		t.Errorf("ack %v, roles %v and %v; want none, the one to send, none", raw.Publish.Ack, raw.Roles, s.Populations[1].Roles)
	}
	e := s.Plan().Estimate()
	// 8 senders, each to its room of 2 raw and 2 others; a frame is its payload and its header.
	if e.Steady.Deliveries != 32 || e.Steady.OutBytes != 32*(2+100) || e.Steady.InBytes != 8*(6+100) || e.BillingMessages != 16 {
		t.Errorf("got %+v; want 32 deliveries/s, nothing but payloads", e)
	}
}
