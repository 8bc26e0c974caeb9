package compare

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// estimate is a mean difference of logarithms with what is known of its error.
type estimate struct {
	mean, se, df float64
}

// paired estimates from one difference per pair, with n-1 degrees of freedom. It needs
// two.
func paired(d []float64) (estimate, bool) {
	if len(d) < 2 {
		return estimate{}, false
	}
	mean, sd := stat.MeanStdDev(d, nil)
	n := float64(len(d))
	return estimate{mean, sd / math.Sqrt(n), n - 1}, true
}

// unpaired estimates b - a from two sides that have nothing in common (Welch, with the
// degrees of freedom of Satterthwaite). It needs two of each.
func unpaired(a, b []float64) (estimate, bool) {
	if len(a) < 2 || len(b) < 2 {
		return estimate{}, false
	}
	meanA, varA := stat.MeanVariance(a, nil)
	meanB, varB := stat.MeanVariance(b, nil)
	qa, qb := varA/float64(len(a)), varB/float64(len(b))
	df := float64(len(a) + len(b) - 2)
	if qa+qb > 0 {
		df = (qa + qb) * (qa + qb) / (qa*qa/float64(len(a)-1) + qb*qb/float64(len(b)-1))
	}
	return estimate{meanB - meanA, math.Sqrt(qa + qb), df}, true
}

// interval is the t-interval at that confidence.
func (e estimate) interval(confidence float64) (lo, hi float64) {
	if e.se == 0 {
		return e.mean, e.mean
	}
	half := e.se * distuv.StudentsT{Mu: 0, Sigma: 1, Nu: e.df}.Quantile(1-(1-confidence)/2)
	return e.mean - half, e.mean + half
}

// above is the two-sided p of the mean lying above limit: twice the share of the t
// distribution beyond it, so that it is below α where the interval of 1-α clears limit.
func (e estimate) above(limit float64) float64 {
	if e.se == 0 {
		if e.mean > limit {
			return 0
		}
		return 1
	}
	return min(1, 2*distuv.StudentsT{Mu: 0, Sigma: 1, Nu: e.df}.Survival((e.mean-limit)/e.se))
}

// maxFlips bounds the exact test: 2^20 sign patterns take some milliseconds.
const maxFlips = 20

// signFlip is the exact two-sided p of the sign-flip permutation test: the share of all
// patterns of signs whose mean is at least as far from zero. It assumes no distribution,
// and of six pairs the smallest it can return is 2/64. ok is false above maxFlips pairs.
func signFlip(d []float64) (p float64, ok bool) {
	if len(d) == 0 || len(d) > maxFlips {
		return 0, false
	}
	observed := 0.0
	for _, v := range d {
		observed += v
	}
	observed = math.Abs(observed) * (1 - 1e-12) // the pattern observed counts whatever the rounding
	extreme := 0
	for pattern := range 1 << len(d) {
		sum := 0.0
		for i, v := range d {
			if pattern>>i&1 == 1 {
				v = -v
			}
			sum += v
		}
		if math.Abs(sum) >= observed {
			extreme++
		}
	}
	return float64(extreme) / float64(int(1)<<len(d)), true
}

// holm adjusts p-values of one family (Holm 1979); the order stays.
func holm(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case p[a] < p[b]:
			return -1
		case p[a] > p[b]:
			return 1
		}
		return 0
	})
	adjusted := make([]float64, len(p))
	largest := 0.0
	for rank, i := range order {
		largest = max(largest, min(1, float64(len(p)-rank)*p[i]))
		adjusted[i] = largest
	}
	return adjusted
}

// noiseFloor is 1.4826 times the median absolute deviation of d: the standard deviation,
// where most of d is normal and some of it is not.
func noiseFloor(d []float64) float64 {
	if len(d) == 0 {
		return 0
	}
	center := median(d)
	deviations := make([]float64, len(d))
	for i, v := range d {
		deviations[i] = math.Abs(v - center)
	}
	return 1.4826 * median(deviations)
}

func median(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	if n%2 == 1 {
		return v[n/2]
	}
	return (v[n/2-1] + v[n/2]) / 2
}

// inflation is 1 + 2Σρ, the autocorrelations of a series up to the first that is not
// positive: by how much neighbouring intervals repeat each other. It is at least 1.
func inflation(series []float64) float64 {
	n := len(series)
	if n < 4 {
		return 1
	}
	mean, variance := stat.PopMeanVariance(series, nil)
	if variance == 0 {
		return 1
	}
	factor := 1.0
	for lag := 1; lag < n/2; lag++ {
		sum := 0.0
		for i := range n - lag {
			sum += (series[i] - mean) * (series[i+lag] - mean)
		}
		rho := sum / float64(n) / variance
		if rho <= 0 {
			break
		}
		factor += 2 * rho
	}
	return factor
}
