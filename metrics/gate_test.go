package metrics

import (
	"math"
	"slices"
	"testing"
)

// gateOf finds a gate of a verdict.
func gateOf(t *testing.T, h *Health, id GateID) Gate {
	t.Helper()
	for _, g := range h.Gates {
		if g.ID == id.String() {
			return g
		}
	}
	t.Fatalf("no gate %v", id)
	return Gate{}
}

// The limits are those of design.md 3.4, on both sides of each.
func TestGateLimits(t *testing.T) {
	for _, tt := range []struct {
		gate              GateID
		fine, warns, over float64
	}{
		{GateSent, 0.999, 0.9989, 0.9949},
		{GateLag, 0.10, 0.101, 0.201},
		{GateReceive, 0.10, 0.101, 0.201},
		{GateCPU, 0.80, 0.801, 0.951},
		{GateRunQueue, 0.25, 0.251, 0.501},
		{GateScheduler, 1000, 1001, 5001},
		{GateSteal, 0.02, 0.021, 0.101},
		{GateThrottled, 0, math.NaN(), 1},
		{GateSwapIn, 0, math.NaN(), 1},
		{GateOverflow, 0, math.NaN(), 1},
		{GateExhausted, 0, math.NaN(), 1},
		{GateCeiling, 0.50, 0.501, 0.801},
	} {
		for _, v := range []struct {
			value float64
			want  string
		}{{tt.fine, "ok"}, {tt.warns, "warn"}, {tt.over, "invalid"}} {
			if math.IsNaN(v.value) {
				continue
			}
			// Three bad seconds of ten are one more than a run may have.
			windows := make([]GateReadings, 10)
			for i := range windows {
				windows[i][tt.gate] = Read(tt.fine)
			}
			for i := range 3 {
				windows[i][tt.gate] = Read(v.value)
			}
			var run GateReadings
			run[tt.gate] = Read(v.value)
			h := JudgeGates(5, windows, &run)
			if g := gateOf(t, &h, tt.gate); g.Result != v.want || *g.Value != v.value {
				t.Errorf("%v of %v: %s, want %s", tt.gate, v.value, g.Result, v.want)
			}
			wantRun := map[string]string{"ok": "valid", "warn": "warn", "invalid": "invalid"}[v.want]
			if h.Result != wantRun {
				t.Errorf("%v of %v: the run is %s, want %s", tt.gate, v.value, h.Result, wantRun)
			}
		}
	}
}

func TestJudgeGates(t *testing.T) {
	seconds := func(n int, gate GateID, fine float64, bad Reading, at ...int) []GateReadings {
		w := make([]GateReadings, n)
		for i := range w {
			w[i][gate] = Read(fine)
			if slices.Contains(at, i) {
				w[i][gate] = bad
			}
		}
		return w
	}
	late := Read(0.5)
	both := seconds(20, GateLag, 0.01, late, 3, 4)
	for _, i := range []int{4, 5} {
		both[i][GateCPU] = Read(0.99)
	}
	for _, tt := range []struct {
		name      string
		windows   []GateReadings
		run       GateReadings
		want      string
		bad       int
		untrusted []Span
	}{
		{name: "nothing measured", windows: make([]GateReadings, 5), want: "valid"},
		{name: "no steady state", want: "valid"},
		{name: "two bad seconds are tolerated", windows: seconds(20, GateLag, 0.01, late, 3, 9), want: "warn", bad: 2,
			untrusted: []Span{{10, 11}, {16, 17}}},
		{name: "three are not", windows: seconds(20, GateLag, 0.01, late, 3, 4, 5), want: "invalid", bad: 3, untrusted: []Span{{10, 13}}},
		{name: "2 % of a long run are tolerated", windows: seconds(200, GateSteal, 0, late, 1, 2, 3, 4), want: "warn", bad: 4,
			untrusted: []Span{{8, 12}}},
		{name: "2.5 % are not", windows: seconds(200, GateSteal, 0, late, 1, 2, 3, 4, 199), want: "invalid", bad: 5,
			untrusted: []Span{{8, 12}, {206, 207}}},
		{name: "bad seconds of several gates add up", windows: both, want: "invalid", bad: 3, untrusted: []Span{{10, 13}}},
		{name: "what decided nothing only warns", windows: seconds(20, GateLag, 0.01, Reading{Value: 0.5, Measured: true, Harmless: true}, 3, 4, 5),
			run: GateReadings{GateLag: {Value: 0.5, Measured: true, Harmless: true}}, want: "warn"},
		{name: "a mean beyond the limit alone warns", windows: seconds(20, GateCPU, 0.5, late), run: GateReadings{GateCPU: Read(0.96)}, want: "warn"},
		{name: "what was never sent counts over the run", windows: seconds(20, GateSent, 1, late), run: GateReadings{GateSent: Read(0.99)}, want: "invalid"},
		{name: "so does a socket that could not be had", run: GateReadings{GateExhausted: Read(1)}, want: "invalid"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := JudgeGates(7, tt.windows, &tt.run)
			if h.Result != tt.want || h.BadWindows != tt.bad || h.Windows != len(tt.windows) {
				t.Errorf("%s with %d bad of %d, want %s with %d of %d", h.Result, h.BadWindows, h.Windows, tt.want, tt.bad, len(tt.windows))
			}
			if !slices.Equal(h.Untrusted, tt.untrusted) {
				t.Errorf("untrusted %v, want %v", h.Untrusted, tt.untrusted)
			}
			if len(h.Gates) != int(gateCount) {
				t.Errorf("%d gates, want all %d", len(h.Gates), gateCount)
			}
		})
	}
}

// What nobody measured is never shown as ok.
func TestGateNotMeasured(t *testing.T) {
	h := JudgeGates(0, make([]GateReadings, 3), &GateReadings{})
	for _, g := range h.Gates {
		if g.Result != gateNotMeasured || g.Value != nil {
			t.Errorf("%s is %s, value %v", g.ID, g.Result, g.Value)
		}
		if g.Meaning == "" || g.Advice == "" {
			t.Errorf("%s says nothing of what it means or what helps", g.ID)
		}
	}
}
