package compare

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
)

// History is what runs of one scenario measured, in the order they were made, for tools
// that look for the change in a long row of them (design.md 5.3, Apache Otava).
type History struct {
	Header   []string // time, commit, run, and the columns of the figures
	Rows     [][]string
	Excluded []Excluded
	Missing  []string // columns that some run has no value for: such a tool takes no gaps
}

// NewHistory takes from every run that can be believed the numbers that Compare takes. The
// commit is the run's tag of that name, and without one that of wpsbench.
func NewHistory(runs []*metrics.Run) *History {
	runs = slices.Clone(runs)
	slices.SortStableFunc(runs, func(a, b *metrics.Run) int { return a.Info.StartedAt.Compare(b.Info.StartedAt) })
	h := &History{Header: []string{"time", "commit", "run"}}
	usable := runs[:0]
	for _, r := range runs {
		if why := unusable(r); why != "" {
			h.Excluded = append(h.Excluded, Excluded{RunID: r.Info.ID, Reason: why})
			continue
		}
		usable = append(usable, r)
		commit := r.Info.Tags["commit"]
		if commit == "" {
			commit = r.Environment.Tool.Commit
		}
		h.Rows = append(h.Rows, []string{r.Info.StartedAt.UTC().Format(time.RFC3339), commit, r.Info.ID})
	}
	for i := range definitions {
		h.column(&definitions[i], usable)
	}
	return h
}

// column adds a figure that all runs have.
func (h *History) column(def *definition, runs []*metrics.Run) {
	name := strings.NewReplacer(" ", "_", ".", "_").Replace(def.name) + "_" + def.unit
	values := make([]string, len(runs))
	missing := 0
	for i, r := range runs {
		v, why := def.value(r)
		if v <= 0 || why != "" {
			missing++
		}
		values[i] = strconv.FormatFloat(v, 'g', -1, 64)
	}
	switch {
	case missing == len(runs):
	case missing > 0:
		h.Missing = append(h.Missing, name)
	default:
		h.Header = append(h.Header, name)
		for i, v := range values {
			h.Rows[i] = append(h.Rows[i], v)
		}
	}
}
