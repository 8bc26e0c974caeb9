package report

import (
	"cmp"
	"fmt"
	"html/template"
	"maps"
	"math/bits"
	"slices"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report/svg"
)

// worstGroups is how many groups a table lists.
const worstGroups = 20

// fanoutSection answers: are big groups slower or incomplete?
type fanoutSection struct {
	Subscribers *table
	Chart       *figure
	Incomplete  *table
}

// newFanoutSection returns nil when every group was reached and has one subscriber.
func newFanoutSection(r *metrics.Run) *fanoutSection {
	s := &fanoutSection{Incomplete: incompleteGroups(r)}
	if f := r.Groups.Fanout; f != nil && len(f.Groups) > 0 {
		s.Subscribers, s.Chart = subscriberTable(f), fanoutChart(r)
	}
	if s.Subscribers == nil && s.Incomplete == nil {
		return nil
	}
	return s
}

func subscriberTable(f *metrics.Fanout) *table {
	t := &table{Caption: fmt.Sprintf("When a message reached the first, the median and the last of those who got it: %s of steady state, one in %s",
		htmlNumbers.counted(uint64(max(f.Publishes, 0)), "publish", "publishes"), htmlNumbers.count(f.OneIn)),
		Head: heads("subscriber", ">p50", ">p95", ">p99", ">max")}
	for _, row := range []struct {
		name string
		s    metrics.StageSummary
	}{{"first", f.First}, {"median", f.Median}, {"last", f.Last}} {
		t.add(textCell(row.name), microsCell(row.s.P50), microsCell(row.s.P95), microsCell(row.s.P99), microsCell(row.s.Max))
	}
	return t
}

func slowestGroups(r *metrics.Run) *table {
	f := r.Groups.Fanout
	t := &table{Caption: "Groups with the slowest last subscribers", Sortable: true, Head: heads("group", ">members", ">publishes", ">last p99")}
	for i, g := range f.Groups {
		if i == worstGroups {
			t.Note = moreRows(f.GroupCount - i)
			break
		}
		last := g.LastP99
		t.add(textCell(g.Name), intCell(g.Members), intCell(g.Publishes), microsCell(&last))
	}
	return t
}

// incompleteGroups lists the groups that publishes did not reach in full; nil when every
// group was reached.
func incompleteGroups(r *metrics.Run) *table {
	if len(r.Groups.Worst) == 0 {
		return nil
	}
	t := &table{Caption: "Incomplete groups", Sortable: true, Head: heads("group", ">members", ">expected", ">delivered", ">missing", ">reach")}
	for i, g := range r.Groups.Worst {
		if i == worstGroups {
			t.Note = moreRows(len(r.Groups.Worst) - i)
			break
		}
		missing := max(g.Expected, g.Delivered) - g.Delivered
		t.add(textCell(g.Name), intCell(g.Members), countCell(g.Expected), countCell(g.Delivered), countCell(missing), numCell(ratioOf(g.Delivered, g.Expected)))
	}
	return t
}

// sizeBand is groups of a like size, the fastest first.
type sizeBand struct {
	from, to int // members
	groups   []metrics.GroupFanout
}

// sizeBands takes groups of each size together, of many sizes those between two powers
// of two.
func sizeBands(groups []metrics.GroupFanout) []sizeBand {
	const most = 8
	sizes := map[int]bool{}
	for _, g := range groups {
		sizes[g.Members] = true
	}
	class := func(members int) int {
		if len(sizes) <= most {
			return members
		}
		return bits.Len(uint(max(members, 0)))
	}
	bands := map[int]*sizeBand{}
	for _, g := range groups {
		b := bands[class(g.Members)]
		if b == nil {
			b = &sizeBand{from: g.Members, to: g.Members}
			bands[class(g.Members)] = b
		}
		b.from, b.to = min(b.from, g.Members), max(b.to, g.Members)
		b.groups = append(b.groups, g)
	}
	var out []sizeBand
	for _, k := range slices.Sorted(maps.Keys(bands)) {
		slices.SortStableFunc(bands[k].groups, func(a, b metrics.GroupFanout) int { return cmp.Compare(a.LastP99, b.LastP99) })
		out = append(out, *bands[k])
	}
	return out
}

func (b *sizeBand) name() string {
	if b.from == b.to {
		return htmlNumbers.counted(uint64(max(b.to, 0)), "member", "members")
	}
	return fmt.Sprintf("%d to %d members", b.from, b.to)
}

// fanoutChart draws a dot per group: its size against its last subscribers. Groups of a
// like size stand side by side.
func fanoutChart(r *metrics.Run) *figure {
	groups := r.Groups.Fanout.Groups
	fast, slow := float64(groups[len(groups)-1].LastP99), float64(groups[0].LastP99)
	f := &figure{ID: "groups", Table: slowestGroups(r), Title: "Last subscriber by size of the group, p99 of the sampled publishes"}
	f.Finding = fmt.Sprintf("From %s to %s in %s; of fewer than 100 publishes it is the slowest.", micros(fast), micros(slow),
		htmlNumbers.counted(uint64(len(groups)), "group", "groups"))
	if hidden := r.Groups.Fanout.GroupCount - len(groups); hidden > 0 {
		f.Finding += " " + htmlNumbers.count(uint64(hidden)) + " faster ones are not shown."
	}
	incomplete := map[string]bool{}
	for _, g := range r.Groups.Worst {
		incomplete[g.Name] = true
	}
	if len(incomplete) > 0 {
		f.Finding += " Red rings mark groups that messages did not reach in full."
	}
	c := &canvas{top: 12, bottom: 96}
	c.doc = svg.New("svg-"+f.ID, chartWidth, int(c.bottom+footRoom), f.Title, f.Finding)
	y := svg.Log(fast, slow, c.bottom, c.top)
	c.valueAxis(y, axisMicros)
	bands := sizeBands(groups)
	slot := (plotRight - plotLeft) / float64(len(bands))
	var xs, ys []float64
	rings := ""
	for i, b := range bands {
		left, step := plotLeft+slot*float64(i), slot*0.9/float64(len(b.groups))
		c.doc.Text(left+slot/2, c.bottom+16, svg.Middle, svg.Muted, b.name())
		for k, g := range b.groups {
			x, at := left+slot*0.05+step*(float64(k)+0.5), y.At(float64(g.LastP99))
			xs, ys = append(xs, x), append(ys, at)
			if incomplete[g.Name] {
				rings += svg.Dot(x, at, 4.5)
			}
		}
	}
	c.doc.Path(svg.Dots(xs, ys), svg.Stroke(svg.Delivered, 5))
	c.doc.Path(rings, svg.Stroke(svg.Fail, 1.5))
	f.SVG = template.HTML(c.doc.String()) //nolint:gosec // written by package svg, which escapes every text
	return f
}
