package metrics

import "strings"

// SeriesPoints is how many intervals the series of a record has at most.
const SeriesPoints = 3600

// Coalesced returns s with so many intervals at most, of which each takes the place of
// several neighbours; s itself if it has no more. A rate is that of all of them, so that
// rate times length still adds up to what was counted. Of everything else, percentiles
// and what stands for a state, the largest counts: a second that stands out still does,
// and the whole is not trusted where one of them was not.
func (s Series) Coalesced(most int) Series {
	n := len(s.Columns["t_s"])
	if n <= most {
		return s
	}
	of := (n + most - 1) / most
	out := Series{IntervalS: s.IntervalS * float64(of), Columns: make(map[string][]*float64, len(s.Columns))}
	for name, values := range s.Columns {
		merge := largest
		switch {
		case name == "t_s":
			merge = first
		case strings.HasSuffix(name, "_per_s"):
			merge = mean
		}
		merged := make([]*float64, 0, (n+of-1)/of)
		for from := 0; from < len(values); from += of {
			merged = append(merged, merge(values[from:min(from+of, len(values))], of))
		}
		out.Columns[name] = merged
	}
	if s.Heatmap != nil {
		cells := make([]heatCell, 0, len(s.Heatmap.Cells))
		s.Heatmap.Each(func(column, row, count int64) {
			cells = append(cells, heatCell{uint32(column) / uint32(of), uint32(row), uint32(count)})
		})
		out.Heatmap = heatmap(cells)
	}
	return out
}

func first(values []*float64, _ int) *float64 { return values[0] }

// mean is over so many, those without a value included; nil if none has one.
func mean(values []*float64, of int) *float64 {
	var sum float64
	var some bool
	for _, v := range values {
		if v != nil {
			sum, some = sum+*v, true
		}
	}
	if !some {
		return nil
	}
	return new(sum / float64(of))
}

func largest(values []*float64, _ int) *float64 {
	var most *float64
	for _, v := range values {
		if v != nil && (most == nil || *v > *most) {
			most = v
		}
	}
	return most
}
