package metrics

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Blocks of ten seconds do not see what lasts longer: of a level that wanders they show too
// little of the variance, and an interval made of them is too narrow. How much is missing
// follows from how alike neighbours are.

// autocorrelation is how alike values of a series are that are k apart: near·keeps^(k−1), as
// of a level that wanders and is seen through noise (an ARMA(1,1) process).
type autocorrelation struct{ near, keeps float64 }

const (
	// lagsSeen is how far apart values are compared.
	lagsSeen = 5
	// mostKept bounds keeps: of a level that wanders more slowly a run shows nothing.
	mostKept = 0.95
	// refinements of the fit, which needs the variance of the mean, which it tells.
	refinements = 3
)

// likeness fits near to a series; what it keeps is known.
func likeness(series []float64, keeps float64) autocorrelation {
	seen := correlations(series)
	fit := autocorrelation{near: seen[0], keeps: keeps}
	for i := 0; i < refinements && fit.near > 0; i++ {
		fit.near = fit.behind(seen, len(series))[0]
	}
	return fit
}

// keptBy fits keeps to a series: what is left of a correlation at the next lag, by least
// squares over the lags up to the first that shows none.
func keptBy(series []float64) float64 {
	seen := correlations(series)
	var fit autocorrelation
	for i, rho := 0, seen; i <= refinements; i++ {
		above, below := 0.0, 0.0
		for k := 0; k+1 < len(rho) && rho[k] > 0; k++ {
			above += rho[k] * rho[k+1]
			below += rho[k] * rho[k]
		}
		if below == 0 {
			return 0
		}
		fit = autocorrelation{near: rho[0], keeps: min(max(above/below, 0), mostKept)}
		rho = fit.behind(seen, len(series))
	}
	return fit.keeps
}

// behind are the correlations behind those seen of n values: about their own mean they look
// less alike than they are, by the variance of that mean.
func (a autocorrelation) behind(seen [lagsSeen]float64, n int) [lagsSeen]float64 {
	missing := a.ofMean(n)
	for k, rho := range seen {
		seen[k] = rho*(1-missing) + missing
	}
	return seen
}

// correlations are those of a series at the lags 1, 2 … lagsSeen; 0 of one that never varies.
func correlations(series []float64) (rho [lagsSeen]float64) {
	n := len(series)
	mean, variance := 0.0, 0.0
	for _, v := range series {
		mean += v / float64(n)
	}
	for _, v := range series {
		variance += (v - mean) * (v - mean) / float64(n)
	}
	for lag := 1; lag <= lagsSeen && lag < n && variance > 0; lag++ {
		for i := lag; i < n; i++ {
			rho[lag-1] += (series[i] - mean) * (series[i-lag] - mean) / (variance * float64(n-lag))
		}
	}
	return rho
}

// ofMean is the variance of the mean of n values in a row, as a share of that of one.
func (a autocorrelation) ofMean(n int) float64 {
	sum, rho := 1.0, a.near
	for k := 1; k < n; k++ {
		sum += 2 * (1 - float64(k)/float64(n)) * rho
		rho *= a.keeps
	}
	return sum / float64(n)
}

// missed is by how much the interval of the mean of n in a row is wider than blocks of them
// make it; 1 where neighbours are not alike. Blocks show the variance of a block less that
// of the whole. fitted is what the fit costs.
func (a autocorrelation) missed(n, block int, fitted float64) float64 {
	if a.near <= 0 {
		return 1
	}
	blocks := float64(n) / float64(block)
	shown := (a.ofMean(block) - a.ofMean(n)) / (blocks - 1)
	return fitted * math.Sqrt(max(1, a.ofMean(n)/shown))
}

// fitted is by how much an interval from so many blocks is wider for the degree of freedom
// that a fit takes.
func fitted(blocks float64) float64 {
	end := func(freedom float64) float64 { return distuv.StudentsT{Sigma: 1, Nu: freedom}.Quantile(0.975) }
	return end(blocks-2) / end(blocks-1)
}

// influence is what each stretch does to a quantile, but for a factor: by how many more of
// its values lie no higher than of all. at is the quantile, +∞ where it lies above all.
func (x *mixture) influence(q float64) (series []float64, at float64) {
	row := x.row(rankOf(q, x.total[x.n]), 0, []int{0}, x.n)
	series = make([]float64, x.n)
	if row == len(x.cells) {
		return series, math.Inf(1)
	}
	upTo := x.upTo[row*(x.n+1):]
	for i := range series {
		series[i] = float64(upTo[i+1]-upTo[i]) - q*float64(x.total[i+1]-x.total[i])
	}
	return series, float64(x.cells[row])
}

// grown is an interval about at that has become so many times as wide, as latencies vary:
// by ratios. It stays within what was measured.
func (x *mixture) grown(lo, hi, at, times float64) (float64, float64) {
	if times == 1 || at <= 0 || lo <= 0 {
		return lo, hi
	}
	end := func(v float64) float64 { return at * math.Pow(v/at, times) }
	last := x.cells[len(x.cells)-1]
	return min(lo, max(end(lo), float64(x.cells[0]))), max(hi, min(end(hi), float64(last+cellWidth(last)-1)))
}
