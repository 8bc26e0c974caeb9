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

// Student's sleep data (Biometrika 6, 1908), as R ships them; the intervals are those
// that R 4 prints for t.test(extra ~ group), paired and not.
var (
	sleep1 = []float64{0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0}
	sleep2 = []float64{1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4}
)

func TestIntervalsAgainstR(t *testing.T) {
	d := make([]float64, len(sleep1))
	for i := range d {
		d[i] = sleep2[i] - sleep1[i]
	}
	e, _ := paired(d)
	lo, hi := e.interval(0.95)
	near(t, "paired mean", e.mean, 1.58, 1e-12)
	near(t, "paired low", lo, 0.7001142, 1e-6)
	near(t, "paired high", hi, 2.4598858, 1e-6)
	near(t, "paired p", e.above(0), 0.002833, 1e-6)
	e, _ = unpaired(sleep1, sleep2)
	lo, hi = e.interval(0.95)
	near(t, "Welch df", e.df, 17.776, 1e-3)
	near(t, "Welch low", lo, -0.2054832, 1e-6)
	near(t, "Welch high", hi, 3.3654832, 1e-6)
	near(t, "Welch p", e.above(0), 0.07939, 1e-5)
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

// R: p.adjust(c(.01, .02, .03, .04, .05), "holm") and the same in another order.
func TestHolmAgainstR(t *testing.T) {
	got := holm([]float64{0.03, 0.01, 0.05, 0.02, 0.04})
	for i, want := range []float64{0.09, 0.05, 0.09, 0.08, 0.09} {
		near(t, "adjusted p", got[i], want, 1e-12)
	}
}

// R: mad(c(1, 2, 3, 4, 100)) is 1.4826.
func TestNoiseFloorAgainstR(t *testing.T) {
	near(t, "floor", noiseFloor([]float64{100, 1, 2, 3, 4}), 1.4826, 1e-12)
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
