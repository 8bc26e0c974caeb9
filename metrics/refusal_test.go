package metrics

import (
	"strings"
	"testing"
	"time"
)

// Half a minute is the service's to keep (protocol.md 4.5), by its own clock: a refusal
// accuses it as long as no difference in transit can have used up the time, and the
// written protocol alone never does.
func TestRefusalAtTheEdge(t *testing.T) {
	const (
		leaves = "which the written protocol leaves open"
		decide = "which the service's clock decides"
	)
	for _, tt := range []struct {
		name    string
		profile Profile
		after   time.Duration
		want    uint64
		reason  string
	}{
		{"at once", Strict, 0, 1, ""},
		{"well inside", Strict, 15 * time.Second, 1, ""},
		{"the last that must be accepted", Strict, 29 * time.Second, 1, ""},
		{"the first that may be refused", Strict, 29*time.Second + 1, 0, decide},
		{"just inside by our clock", Strict, 29990 * time.Millisecond, 0, decide},
		{"the end of the window", Strict, 30 * time.Second, 0, decide},
		{"beyond", Strict, 30*time.Second + 1, 0, ""},
		{"at once, by the written protocol", Spec, 0, 0, leaves},
		{"at the edge, by the written protocol", Spec, 29990 * time.Millisecond, 0, leaves},
		{"beyond, by the written protocol", Spec, 30*time.Second + 1, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, true, tt.profile)
			w.round()
			w.drop(0)
			w.resume(0)
			w.now += tt.after
			w.drop(0)
			w.c.Ended(w.now, 0, EndRefused)
			w.rejoin(0)
			w.round()
			for _, c := range w.judge(JudgeOptions{}).Checks {
				switch {
				case c.ID != "C1" && c.Violations > 0, c.ID == "C1" && c.Violations != tt.want:
					t.Errorf("%s has %d violations", c.ID, c.Violations)
				case c.ID == "C1" && (!strings.HasSuffix(c.Reason, tt.reason) || (tt.reason == "") != (c.Reason == "")):
					t.Errorf("C1 says %q, want it to end in %q", c.Reason, tt.reason)
				}
			}
		})
	}
}
