package metrics

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"

	"gonum.org/v1/gonum/stat/distuv"
)

// The moving-block bootstrap (Künsch 1989; design.md 5.3): neighbouring seconds resemble
// each other, so what is drawn again are blocks of them in a row; persistence.go adds what
// such blocks do not show.
const (
	blockTicks = 10
	minBlocks  = 6 // that steady state must hold, for an interval that covers what it says
	resamples  = 1999
)

// intervals are the 95 % intervals of a metric's percentiles, in nanoseconds, by their
// keys. There are none where steady state is too short, and a percentile has none where
// the upper end lies among what never came.
func (s *stretches) intervals(seed uint64) map[string][2]int64 {
	all := s.all
	for len(all) > 0 && all[len(all)-1].ranks() == 0 { // steady state ended early
		all = all[:len(all)-1]
	}
	if len(all) == 0 {
		return nil
	}
	block := (blockTicks + s.ticks - 1) / s.ticks
	blocks := len(all) / block
	if blocks < minBlocks {
		return nil
	}
	x := newMixture(all)
	drawn := x.resample(block, rand.New(rand.NewPCG(seed, 0)))
	median, _ := x.influence(0.5)
	keeps := keptBy(median) // of the level, which wanders for all percentiles alike
	share, fitted := tail(blocks), fitted(float64(x.n)/float64(block))
	out := map[string][2]int64{}
	for i, p := range percentiles {
		if lo, hi := middle(drawn[i], share); !math.IsInf(hi, 1) {
			series, at := x.influence(p.q)
			lo, hi = x.grown(lo, hi, at, likeness(series, keeps).missed(x.n, block, fitted))
			out[p.key] = [2]int64{int64(lo), int64(hi)}
		}
	}
	return out
}

// tail is the share to leave out at each end for an interval of 95 % from so many blocks:
// that of the expanded percentile interval (Hesterberg 2015), which makes up for how
// much less few blocks vary than what they are drawn from.
func tail(blocks int) float64 {
	n := float64(blocks)
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: n - 1}.Quantile(0.975)
	return distuv.UnitNormal.CDF(-t * math.Sqrt(n/(n-1)))
}

// middle is what is left of values without a share at each end, rounded to the outside.
func middle(values []float64, share float64) (lo, hi float64) {
	slices.Sort(values)
	rank := max(1, int(share*float64(len(values)+1)))
	return values[rank-1], values[len(values)-rank]
}

// mixture is what stretches hold as one table, to ask for the quantiles of blocks of them.
type mixture struct {
	n     int      // stretches
	cells []int64  // that hold values, ascending: the smallest value of each
	upTo  []uint64 // by cell: how many of the first 0, 1 … n stretches lie no higher
	total []uint64 // of the first 0, 1 … n stretches, with those above all values
}

func newMixture(all []stretch) *mixture {
	x := &mixture{n: len(all), total: make([]uint64, len(all)+1)}
	var used [histogramCells]bool
	for i := range all {
		for v := range all[i].cells() {
			used[cellAt(v)] = true
		}
	}
	for cell := range used {
		if used[cell] {
			x.cells = append(x.cells, cellValue(cell))
		}
	}
	x.upTo = make([]uint64, len(x.cells)*(x.n+1))
	for i := range all {
		row, sum := 0, uint64(0)
		fill := func(until int64) {
			for ; row < len(x.cells) && x.cells[row] < until; row++ {
				first := x.upTo[row*(x.n+1):]
				first[i+1] = first[i] + sum
			}
		}
		for v, n := range all[i].cells() {
			fill(v)
			sum += uint64(n)
		}
		fill(math.MaxInt64)
		x.total[i+1] = x.total[i] + all[i].ranks()
	}
	return x
}

// resample draws blocks of so many stretches in a row, from anywhere, until they are as
// many as before, again and again: the values of each percentile.
func (x *mixture) resample(block int, chance *rand.Rand) [][]float64 {
	drawn := make([][]float64, len(percentiles))
	usual := make([]int, len(percentiles))
	for i, p := range percentiles {
		drawn[i] = make([]float64, resamples)
		usual[i] = x.row(rankOf(p.q, x.total[x.n]), 0, []int{0}, x.n)
	}
	from := make([]int, (x.n+block-1)/block)
	for k := range resamples {
		for i := range from {
			from[i] = chance.IntN(x.n - block + 1)
		}
		for i, p := range percentiles {
			drawn[i][k] = x.quantile(p.q, usual[i], from, block)
		}
	}
	return drawn
}

// quantile is that of the blocks that begin there: the value of the ceiling rank, as
// everywhere, +∞ where that lies above all values. It is found soonest near a row.
func (x *mixture) quantile(q float64, near int, from []int, block int) float64 {
	n := x.sum(x.total, from, block)
	row := x.row(rankOf(q, n), near, from, block)
	if n == 0 || row == len(x.cells) {
		return math.Inf(1)
	}
	return float64(x.cells[row] + cellWidth(x.cells[row]) - 1)
}

// row is the first one that no fewer values of the blocks than rank lie in or below, or
// len(x.cells). It goes away from near in steps that double, until it lies between two.
func (x *mixture) row(rank uint64, near int, from []int, block int) int {
	reached := func(row int) bool { return x.sum(x.upTo[row*(x.n+1):], from, block) >= rank }
	low, high := near, near // the first row to look at, and the first that needs no look
	for step := 1; low > 0 && reached(low-1); step *= 2 {
		low, high = max(0, low-step), low-1
	}
	if low == near {
		for step := 1; high < len(x.cells) && !reached(high); step *= 2 {
			low, high = high+1, min(len(x.cells), high+step)
		}
	}
	return low + sort.Search(high-low, func(i int) bool { return reached(low + i) })
}

// sum adds up blocks of what is given as the sum of the first 0, 1 … n stretches. The
// last block is cut where they are as many as before.
func (x *mixture) sum(first []uint64, from []int, block int) uint64 {
	last := len(from) - 1
	sum := first[from[last]+x.n-last*block] - first[from[last]]
	for _, f := range from[:last] {
		sum += first[f+block] - first[f]
	}
	return sum
}
