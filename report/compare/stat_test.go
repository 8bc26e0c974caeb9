package compare

import (
	"math"
	"math/rand/v2"
	"testing"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if math.Abs(got-want) > tolerance {
		t.Errorf("%s: got %.7g, want %.7g", what, got, want)
	}
}

// Critical values of the t distribution, NIST/SEMATECH e-Handbook 1.3.6.7.2.
func TestIntervalsAgainstTables(t *testing.T) {
	for _, row := range []struct{ confidence, df, want float64 }{
		{0.95, 5, 2.571}, {0.98, 5, 3.365}, {0.98, 8, 2.896}, {0.98, 11, 2.718}, {0.95, 1, 12.706},
	} {
		_, hi := estimate{0, 1, row.df}.interval(row.confidence)
		near(t, "critical value", hi, row.want, 6e-4)
	}
}

// Darwin's Zea mays, for which Fisher counted the sign patterns by hand (The Design of
// Experiments, 1935, 21): 863 of 32,768 reach the sum observed, on one side.
func TestSignFlipAgainstFisher(t *testing.T) {
	d := []float64{49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48}
	p, ok := signFlip(d)
	if !ok {
		t.Fatal("15 pairs are refused")
	}
	near(t, "p", p, 2*863.0/32768, 1e-12)
	p, _ = signFlip([]float64{1, 2, 3, 4, 5, 6})
	near(t, "smallest p of six", p, 0.03125, 0)
	if _, ok := signFlip(make([]float64, maxFlips+1)); ok {
		t.Error("too many pairs are not refused")
	}
}

// An AR(1) series with coefficient φ repeats itself by (1+φ)/(1-φ).
func TestInflationOfAutoregressions(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	for _, phi := range []float64{0, 0.5, 0.8} {
		series := make([]float64, 20_000)
		for i := 1; i < len(series); i++ {
			series[i] = phi*series[i-1] + chance.NormFloat64()
		}
		want := (1 + phi) / (1 - phi)
		near(t, "inflation", inflation(series), want, 0.15*want)
	}
	if got := inflation([]float64{3, 3, 3, 3, 3}); got != 1 {
		t.Errorf("of a constant: %g", got)
	}
}

// Monte Carlo, after the simulation of design.md 5.1: runs differ by 3 %, the machine
// drifts by 2 % a step. By turns the interval covers the truth as often as it says; one
// side after the other it does not, which is why such runs are called unpaired.
func TestCoverage(t *testing.T) {
	const trials, n, truth = 4000, 6, 0.05
	chance := rand.New(rand.NewPCG(3, 4))
	byTurns, inBlocks := 0, 0
	for range trials {
		drift := 0.0
		step := func(effect float64) float64 {
			drift += 0.02 * chance.NormFloat64()
			return drift + effect + 0.03*chance.NormFloat64()
		}
		d := make([]float64, n)
		for i := range d {
			a := step(0)
			d[i] = step(truth) - a
		}
		e, _ := paired(d)
		if lo, hi := e.interval(Confidence); lo <= truth && truth <= hi {
			byTurns++
		}
		a, b := make([]float64, n), make([]float64, n)
		for i := range a {
			a[i] = step(0)
		}
		for i := range b {
			b[i] = step(truth)
		}
		e, _ = unpaired(a, b)
		if lo, hi := e.interval(Confidence); lo <= truth && truth <= hi {
			inBlocks++
		}
	}
	// Four standard errors of a share of 0.98 in 4,000 are 0.009.
	near(t, "coverage by turns", float64(byTurns)/trials, Confidence, 0.009)
	if got := float64(inBlocks) / trials; got > 0.96 {
		t.Errorf("coverage in blocks is %.3f: the drift does no harm, so this test shows nothing", got)
	}
}
