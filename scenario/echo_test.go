package scenario

import (
	"math"
	"slices"
	"testing"
)

const echoes = `name: echoes
upstream: {listen: "127.0.0.1:0"}
groups:
  room: {count: 3}
populations:
  first:
    connections: 4
    join: {room: 1}
    publish: {event: order.placed, rate: 2/s, senders: 3, size: 100}
  members:
    connections: 5
    join: {room: 1}
    publish: {to: room, rate: 1/s}
  second:
    connections: 2
    publish: {event: message, rate: 1/s, ack: false}
phases: {steady: 10s}
`

// A publisher of events has one address, its own, behind those of the groups.
func TestEchoAddresses(t *testing.T) {
	s := mustParse(t, echoes)
	p := s.Plan()
	if p.Groups != 3 || p.Audiences != 5 || p.Publishers != 10 {
		t.Fatalf("%d groups, %d echoes, %d publishers; want 3, 5 and 10", p.Groups, p.Audiences, p.Publishers)
	}
	var got []int
	for publisher := range p.Publishers {
		if a := p.Addresses(nil, publisher); a[0] >= p.Groups {
			got = append(got, a...)
		}
	}
	if want := []int{3, 4, 5, 6, 7}; !slices.Equal(got, want) {
		t.Errorf("echo addresses %v, want %v", got, want)
	}
	if roles := s.Populations[2].Roles; len(roles) != 0 {
		t.Errorf("roles %v, want none: events need no role", roles)
	}
}

func TestEchoEstimate(t *testing.T) {
	s := mustParse(t, echoes)
	s.Populations = s.Populations[:1]
	e := s.Plan().Estimate()
	const ( // by hand: 3 senders, 2 messages a second each
		event = 8 + len(`{"type":"event","event":"order.placed","ackId":123456,"dataType":"text","data":""}`) + 100
		echo  = 4 + len(`{"type":"message","from":"server","dataType":"text","data":"","sequenceId":123456}`) + 100
		ack   = 2 + len(`{"type":"ack","ackId":123456,"success":true}`)
	)
	for _, row := range []struct {
		name      string
		got, want float64
	}{
		{"publishes/s", e.Steady.Publishes, 6},
		{"deliveries/s", e.Steady.Deliveries, 6},
		{"in", e.Steady.InBytes, float64(6 * event)},
		{"out", e.Steady.OutBytes, float64(6 * (echo + ack))},
		{"pairs", float64(e.Pairs), 3},
		{"received/s", e.Budgets[0].PerSec, 2},
		{"billing messages", float64(e.BillingMessages), math.Ceil(float64(60*(echo+ack+100)+4*ack) / 2048)},
	} {
		if math.Round(row.got) != row.want {
			t.Errorf("%s: %v, want %v", row.name, row.got, row.want)
		}
	}
}
