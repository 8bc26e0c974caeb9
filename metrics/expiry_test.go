package metrics

import "testing"

// A message with a time to live may be dropped for a slow subscriber, and leaves a gap in
// its sequence ids: nobody can tell that from a loss (protocol.md 3.2, 12).
func TestExpiredMessages(t *testing.T) {
	for _, row := range []struct {
		name     string
		expires  bool
		reliable bool
		check    string
		want     string
	}{
		{"with a ttl, reliable", true, true, "R4", CheckUnknown},
		{"with a ttl, plain", true, false, "N3", CheckUnknown},
		{"without, reliable", false, true, "R4", CheckViolated},
		{"without, plain", false, false, "N3", CheckViolated},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, row.reliable, Strict)
			w.topo.Publishers[0].Expires = row.expires
			w.round()
			w.publish(0, 0, 2) // connection 2 gets no copy, and no sequence id for it
			w.round()
			j := w.judge(JudgeOptions{})
			checkSums(t, j)
			if got := j.check(row.check); got.Result != row.want {
				t.Errorf("%s is %s (%s), want %s", row.check, got.Result, got.Reason, row.want)
			}
			if d := j.Totals.Deliveries; row.expires != (d.Undelivered == 1) || row.expires == (d.Lost == 1) {
				t.Errorf("deliveries %+v", d)
			}
		})
	}
	t.Run("its gap", func(t *testing.T) {
		w := newWorld(t, true, Strict)
		w.topo.Publishers[0].Expires = true
		w.round()
		w.publish(0, 0, 2)
		w.ids[2]++
		w.round()
		j := w.judge(JudgeOptions{})
		if got := j.check("R1s"); got.Result != CheckOK || got.Reason == "" {
			t.Errorf("R1s is %s with reason %q, want ok with one", got.Result, got.Reason)
		}
	})
}
