package svg

import "math"

// Scale maps values to coordinates, linearly or by their logarithm. Its zero
// value maps everything to 0.
type Scale struct {
	lo, hi   float64
	from, to float64
	log      bool
}

// Linear maps lo…hi to from…to. An empty or infinite range is widened to one that
// can be drawn.
func Linear(lo, hi, from, to float64) Scale {
	lo, hi = finite(lo), finite(hi)
	if hi <= lo {
		hi = lo + max(1, math.Abs(lo)*0.01)
	}
	return Scale{lo: lo, hi: hi, from: from, to: to}
}

// Log maps lo…hi to from…to by the logarithm, both ends widened to 1, 2 or 5 times a
// power of ten. A lo below 1 counts as 1.
func Log(lo, hi, from, to float64) Scale {
	lo, hi = max(finite(lo), 1), max(finite(hi), 1)
	return LogExact(roundDown(lo), roundUp(hi), from, to)
}

// LogExact maps lo…hi as they are.
func LogExact(lo, hi, from, to float64) Scale {
	lo, hi = max(finite(lo), 1), finite(hi)
	if hi <= lo {
		hi = lo * 10
	}
	return Scale{lo: lo, hi: hi, from: from, to: to, log: true}
}

func roundDown(v float64) float64 {
	power := math.Pow10(int(math.Floor(math.Log10(v))))
	for _, m := range []float64{5, 2} {
		if v >= m*power {
			return m * power
		}
	}
	return power
}

func roundUp(v float64) float64 {
	power := math.Pow10(int(math.Floor(math.Log10(v))))
	for _, m := range []float64{1, 2, 5} {
		if v <= m*power {
			return m * power
		}
	}
	return 10 * power
}

func finite(v float64) float64 {
	const limit = 1e300
	if math.IsNaN(v) {
		return 0
	}
	return min(max(v, -limit), limit)
}

// At returns the coordinate of v; values outside the range land on its ends, NaN
// stays NaN so that a line breaks there.
func (s Scale) At(v float64) float64 {
	if math.IsNaN(v) {
		return v
	}
	v = min(max(v, s.lo), s.hi)
	if s.hi == s.lo {
		return s.from
	}
	var share float64
	if s.log {
		share = math.Log(v/s.lo) / math.Log(s.hi/s.lo)
	} else {
		// Halved, so that the difference of two huge values stays finite.
		share = (v/2 - s.lo/2) / (s.hi/2 - s.lo/2)
	}
	return s.from + share*(s.to-s.from)
}

// Range returns the ends of the scale.
func (s Scale) Range() (lo, hi float64) { return s.lo, s.hi }

// Ticks returns at most about n round values within the scale: 1, 2 or 5 times a
// power of ten.
func (s Scale) Ticks(n int) []float64 {
	if s.log {
		return s.logTicks(n)
	}
	rough := (s.hi/2 - s.lo/2) / float64(max(n, 1)) * 2
	power := math.Pow(10, math.Floor(math.Log10(rough)))
	step := 10 * power
	for _, m := range []float64{1, 2, 5} {
		if m*power >= rough*0.999 {
			step = m * power
			break
		}
	}
	return every(s.lo, s.hi, step, n)
}

// TimeTicks returns at most about n values in seconds on whole minutes, hours or
// decimal steps.
func (s Scale) TimeTicks(n int) []float64 {
	span := s.hi - s.lo
	for _, step := range []float64{0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400} {
		if span/step <= float64(n) {
			return every(s.lo, s.hi, step, n)
		}
	}
	return s.Ticks(n)
}

func every(lo, hi, step float64, n int) []float64 {
	if step <= 0 || math.IsInf(step, 0) || math.IsNaN(step) {
		return nil
	}
	first := math.Ceil(lo/step - 1e-9)
	var ticks []float64
	// Counted, not compared: at huge values adding a step may change nothing.
	for i := range 2*n + 4 {
		v := (first + float64(i)) * step
		if v > hi+step*1e-9 {
			break
		}
		ticks = append(ticks, v)
	}
	return ticks
}

func (s Scale) logTicks(n int) []float64 {
	first, last := int(math.Floor(math.Log10(s.lo))), int(math.Ceil(math.Log10(s.hi)))
	for _, mantissas := range [][]float64{{1, 2, 5}, {1}} {
		var ticks []float64
		for e := first; e <= last; e++ {
			for _, m := range mantissas {
				if v := m * math.Pow10(e); v >= s.lo*0.999 && v <= s.hi*1.001 {
					ticks = append(ticks, v)
				}
			}
		}
		if len(ticks) <= n {
			return ticks
		}
	}
	stride := (last-first)/max(n, 1) + 1
	var ticks []float64
	for e := first; e <= last; e += stride {
		if v := math.Pow10(e); v >= s.lo*0.999 && v <= s.hi*1.001 {
			ticks = append(ticks, v)
		}
	}
	return ticks
}
