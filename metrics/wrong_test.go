package metrics

import (
	"maps"
	"testing"
)

// A message that is wrong in whatever its header does not say is known all the same: it is
// charged once, and its latency and its place in the order are taken like any other's.
func TestWrongMessages(t *testing.T) {
	wrongKind := func(d *Delivery) { d.Data, d.Kind = []byte(`"`+string(d.Data)+`"`), PayloadJSON }
	wrongUser := func(d *Delivery) { d.User = []byte("bob") }
	wrongMetadata := func(d *Delivery) { d.Metadata = []byte(`{"trace":"a2"}`) }
	inOrder := []int{0, 1, 2}
	for _, tt := range []struct {
		name    string
		wrong   func(d *Delivery)
		order   []int // which of three messages come, and when
		counted int   // latencies
		judged  int   // for order
		charged uint64
		remark  string
	}{
		{"nothing wrong", func(*Delivery) {}, inOrder, 3, 3, 0, ""},
		{"another type", wrongKind, inOrder, 3, 3, 3, ""},
		{"another sender", wrongUser, inOrder, 3, 3, 3, ""},
		{"other metadata", wrongMetadata, inOrder, 3, 3, 3, ""},
		{"damaged, so it may be any", func(d *Delivery) { d.Data[60] ^= 1 }, inOrder, 0, 0, 3, ""},
		{"another sender, out of order", wrongUser, []int{0, 2, 1}, 3, 3, 3, "1 of them came twice or out of order, too"},
		{"other metadata, twice", wrongMetadata, []int{0, 1, 1, 2, 2}, 3, 5, 5, "2 of them came twice or out of order, too"},
	} {
		for class, checks := range [2][]string{{"N1", "N2"}, {"R6", "R5"}} {
			t.Run(tt.name+"/"+checks[0], func(t *testing.T) {
				topo := worldTopology(class == 1)
				topo.Publishers[0].Metadata = NewMetadata(map[string]string{"trace": "a1"})
				topo.Named(0, []byte("ann"))
				w := worldOf(t, topo, Strict)
				for range inOrder {
					w.publish(0, 0, 1) // everybody else has nothing to complain of
				}
				counted := 0
				for _, i := range tt.order {
					d := w.delivery(1, 0, 0, uint64(i)+1)
					d.User, d.Named = []byte("ann"), true
					tt.wrong(&d)
					if w.c.Deliver(w.now, 1, &d).Counted {
						counted++
					}
				}
				if counted != tt.counted {
					t.Errorf("%d latencies, want %d", counted, tt.counted)
				}
				j := w.judge(JudgeOptions{})
				checkSums(t, j)
				want := map[string]uint64{}
				if tt.charged > 0 {
					want["X1"] = tt.charged
				}
				if got := j.violations(); !maps.Equal(got, want) {
					t.Errorf("violations: got %v, want %v", got, want)
				}
				if got := j.check("X1").Reason; got != tt.remark {
					t.Errorf("X1 remarks %q, want %q", got, tt.remark)
				}
				for _, id := range checks {
					if got := j.check(id).Checked; got != uint64(6+tt.judged) { // six at the others
						t.Errorf("%s checked %d, want %d", id, got, 6+tt.judged)
					}
				}
				if d := j.Totals.Deliveries; d.Delivered != 9 {
					t.Errorf("%d delivered, want 9", d.Delivered)
				}
			})
		}
	}
}
