package metrics

import (
	"math"
	"math/rand/v2"
	"testing"
)

// testdata/persistence.R says what R computes, and how its answers were made.
func TestAutocorrelationAgainstR(t *testing.T) {
	said := oracleLines(t, "testdata/persistence.tsv")
	for _, v := range said["missed"] {
		a, n := autocorrelation{near: v[0], keeps: v[1]}, int(v[2])
		if got := a.ofMean(n); math.Abs(got-v[3]) > 1e-12 {
			t.Errorf("%+v: the mean of %d varies by %v, R says %v", a, n, got, v[3])
		}
		if got := a.missed(n, 10, fitted(float64(n)/10)); math.Abs(got-v[4]) > 1e-9 {
			t.Errorf("%+v: blocks of 10 of %d miss %v, R says %v", a, n, got, v[4])
		}
	}
	got := correlations(said["series"][0])
	for k, want := range said["correlations"][0] {
		if math.Abs(got[k]-want) > 1e-12 {
			t.Errorf("the correlation at lag %d is %v, R says %v", k+1, got[k], want)
		}
	}
	made, long := said["made"][0], said["long"][0]
	keeps := keptBy(long)
	if near := likeness(long, keeps).near; math.Abs(near-made[0]) > 0.05 || math.Abs(keeps-made[1]) > 0.05 {
		t.Errorf("a series of near %.3f and keeps %.3f is taken for %.3f and %.3f", made[0], made[1], near, keeps)
	}
}

// Of what does not resemble its neighbours, or never varies, blocks miss next to nothing.
func TestNothingIsMissed(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	noise := make([]float64, 2000)
	for i := range noise {
		noise[i] = chance.NormFloat64()
	}
	swings := make([]float64, 60) // neighbours are opposites
	for i := range swings {
		swings[i] = float64(i % 2)
	}
	for _, row := range []struct {
		name   string
		series []float64
		most   float64
	}{
		{"noise", noise, 1.02}, {"swings", swings, 1}, {"a constant", make([]float64, 60), 1}, {"too short", []float64{1, 2}, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			keeps := keptBy(row.series)
			if got := likeness(row.series, keeps).missed(len(row.series), 10, 1); !(got >= 1 && got <= row.most) {
				t.Errorf("missed %v, want from 1 to %v", got, row.most)
			}
		})
	}
}
