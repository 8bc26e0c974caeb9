package metrics

import "testing"

// Copies that come twice or late are the client's doing exactly when it sent their
// message again under another ack id.
func TestClientRetries(t *testing.T) {
	tests := []struct {
		name      string
		reliable  bool
		renumbers bool
		retried   []uint64 // messages of publisher 0
		again     uint64   // delivered twice to connection 1
		late      uint64   // delivered to connection 1 after its successor
		want      Deliveries
		violated  string
	}{
		{"retried, twice", true, true, []uint64{2}, 2, 0, Deliveries{ClientRetry: 1}, ""},
		{"retried, late", true, true, []uint64{9, 2}, 0, 2, Deliveries{ClientRetry: 1}, ""},
		{"not reliable", false, true, []uint64{2}, 2, 0, Deliveries{ClientRetry: 1}, ""},
		{"another one was retried", true, true, []uint64{3}, 2, 0, Deliveries{Duplicated: 1}, "R5"},
		{"none was retried", true, true, nil, 0, 2, Deliveries{Reordered: 1}, "R6"},
		{"none was retried, not reliable", false, true, nil, 2, 0, Deliveries{Duplicated: 1}, "N2"},
		{"this client keeps its ack ids", true, false, []uint64{2}, 2, 0, Deliveries{Duplicated: 1}, "R5"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, tt.reliable, Spec)
			w.topo.Publishers[0].Renumbers = tt.renumbers
			for m := uint64(1); m <= 4; m++ {
				if m == tt.late {
					w.publish(0, 0, 1)
				} else {
					w.publish(0, 0)
				}
				if m == tt.late+1 && tt.late > 0 {
					w.deliver(1, 0, 0, tt.late)
				}
			}
			if tt.again > 0 {
				w.deliver(1, 0, 0, tt.again)
			}
			for _, m := range tt.retried {
				w.c.Retried(0, 0, m, 0)
			}
			j := Judge(w.topo, JudgeOptions{T0: worldT0}, w.c.Shard())
			d := j.Totals.Deliveries
			got := Deliveries{ClientRetry: d.ClientRetry, Duplicated: d.Duplicated, Reordered: d.Reordered, Lost: d.Lost}
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			violated := ""
			for _, c := range j.Checks {
				if c.Result == CheckViolated {
					violated += c.ID
					if c.Violations != 1 || len(c.Examples) != 1 || c.Examples[0].GotMessage != 2 {
						t.Errorf("%s: %+v, want one example, message 2", c.ID, c)
					}
				}
			}
			if violated != tt.violated {
				t.Errorf("violated %q, want %q", violated, tt.violated)
			}
		})
	}
}
