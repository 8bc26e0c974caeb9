package metrics

import (
	"testing"
)

// A message has to name the user that its publisher was told to be, and is judged only
// where both are known.
func TestSender(t *testing.T) {
	for _, tt := range []struct {
		name  string
		told  []string // to the publisher, by its connections
		named bool     // the delivery names its sender
		user  string
		want  uint64 // violations of X1
	}{
		{"as told", []string{"ann"}, true, "ann", 0},
		{"another", []string{"ann"}, true, "bob", 1},
		{"nobody for somebody", []string{"ann"}, true, "", 1},
		{"somebody for nobody", []string{""}, true, "ann", 1},
		{"nobody", []string{""}, true, "", 0},
		{"a part of the name", []string{"ann"}, true, "an", 1},
		{"told nothing", nil, true, "bob", 0},
		{"told the same again", []string{"ann", "ann"}, true, "bob", 1},
		{"of two names", []string{"ann", "bob"}, true, "ann", 0},
		{"of two names and back", []string{"ann", "bob", "ann"}, true, "carl", 0},
		{"by a subprotocol that does not say", []string{"ann"}, false, "", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, true, Spec)
			for _, user := range tt.told {
				w.topo.Named(0, []byte(user))
			}
			m := w.send(0, 0)
			w.ok(0, 0, m)
			for c := range 3 {
				d := w.delivery(c, 0, 0, m)
				d.User, d.Named = []byte("ann"), len(tt.told) > 0 && tt.told[0] == "ann"
				if c == 1 {
					d.User, d.Named = []byte(tt.user), tt.named
				}
				w.c.Deliver(w.now, c, &d)
			}
			j := w.judge(JudgeOptions{})
			for _, c := range j.Checks {
				want := uint64(0)
				if c.ID == "X1" {
					want = tt.want
				}
				if c.Violations != want {
					t.Errorf("%s has %d violations, want %d", c.ID, c.Violations, want)
				}
			}
			checkSums(t, j)
			if got := w.c.progress.Delivered; got != 3 {
				t.Errorf("%d delivered, want 3: the message is there, whoever it is said to be of", got)
			}
		})
	}
}
