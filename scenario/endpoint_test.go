package scenario

import (
	"strings"
	"testing"
)

// The work for a connection that publishes to a family as a whole is not in proportion to
// the family: there may be as many of them as it has groups.
func TestEndpointsOfFamilies(t *testing.T) {
	text := strings.Replace(minimal, "phases:", "  outside: {connections: 2, publish: {to: room, rate: 1/s}}\nphases:", 1)
	p := mustParse(t, text, "groups.room.count=100000").Plan()
	for c := range p.Connections {
		if ids := p.touches(nil, c); len(ids) != 1 {
			t.Fatalf("connection %d: %d addresses are looked at, want 1", c, len(ids))
		}
	}
	if _, err := p.Endpoints(2); err == nil {
		t.Error("cut in two, though everything hangs together")
	}
}

func TestEndpoints(t *testing.T) {
	const text = `name: e
groups:
  room: {count: 30}
  hall: {count: 4}
populations:
  members:
    connections: 300
    join: {room: 1}
    publish: {to: room, rate: 1/s}
  others:
    connections: 40
    join: {hall: 1}
  outside:
    connections: 4
    publish: {to: [hall], rate: 1/s}
phases: {steady: 1s}
`
	for _, row := range []struct {
		name string
		set  []string
		n    int
		want string
	}{
		{"one", nil, 1, ""},
		{"some", nil, 7, ""},
		{"one per set", nil, 31, ""}, // every outsider publishes to all halls: they are one set
		{"too many", nil, 32, "31 separate sets"},
		{"rooms that hang together", []string{"populations.members.join.room=2"}, 2, ""},
		{"everything hangs together", []string{"populations.members.join={room: 7, hall: 1}"}, 2, "1 separate sets"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s, err := Parse("e.yaml", []byte(text), Options{Set: row.set})
			if err != nil {
				t.Fatal(err)
			}
			p := s.Plan()
			e, err := p.Endpoints(row.n)
			if row.want != "" {
				if err == nil || !strings.Contains(err.Error(), row.want) {
					t.Fatalf("got %v, want %q", err, row.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			at := map[int]int{} // by address
			load := make([]int, row.n)
			for c := range p.Connections {
				ids := p.Hears(nil, c)
				if k := p.PublisherOf(c); k >= 0 {
					ids = p.Addresses(ids, k)
				}
				load[e.Of(c)]++
				for _, id := range ids {
					if known, ok := at[id]; ok && known != e.Of(c) {
						t.Fatalf("address %d is at %d and, for connection %d, at %d", id, known, c, e.Of(c))
					}
					at[id] = e.Of(c)
				}
			}
			for i, n := range load {
				if n == 0 {
					t.Errorf("target %d has no connection: %v", i, load)
				}
			}
		})
	}
}
