// Package compare tells whether one version is slower than another, from stored runs.
//
// The unit of replication is the run, not the message: samples within a run share its
// machine, its layout and its neighbours, so any test on them finds differences between
// equals. Each run gives one number per metric; sides are compared on the logarithms of
// those, in pairs where the runs of both sides were made by turns, which takes drift of the
// machine out (design.md 5).
package compare

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/wpsbench/wpsbench/metrics"
)

// SchemaVersion is that of a Result: minor adds keys, major removes.
const SchemaVersion = "1.0"

const (
	// lookAlpha is the error allowed at each look: pairs may be added at 6, 9 and 12.
	lookAlpha = 0.02
	// Confidence is that of every interval.
	Confidence = 1 - lookAlpha
	// MinRuns is how many runs a side a verdict needs: fewer pairs cannot reach p < 0.05 in
	// the sign-flip test.
	MinRuns = 6

	// DefaultMargin is the change that matters, when nobody says another.
	DefaultMargin = 0.05
	// unknownNoiseMargin is the least margin while the noise of the machine is not known.
	unknownNoiseMargin = 0.10
)

// Options of a comparison.
type Options struct {
	Margin float64        // the smallest change that matters, as a share; 0 = DefaultMargin
	Noise  []*metrics.Run // repetitions of one version, for the noise floor; nil = not known
}

// Verdicts of one metric.
const (
	Regressed    = "regressed"
	Improved     = "improved"
	Equivalent   = "equivalent"
	Shifted      = "shifted"
	Inconclusive = "inconclusive"
	NotCompared  = "not_compared"
)

// Result is a comparison of B, the candidate, with A, the baseline.
type Result struct {
	Kind          string       `json:"kind"` // "wpsbench.compare"
	SchemaVersion string       `json:"schema_version"`
	Verdict       Verdict      `json:"verdict"`
	A             Side         `json:"a"`
	B             Side         `json:"b"`
	Paired        bool         `json:"paired"`
	Pairs         int          `json:"pairs"` // 0 when unpaired
	ExcludedPairs int          `json:"excluded_pairs"`
	Confidence    float64      `json:"confidence_ratio"`
	NoiseKnown    bool         `json:"noise_known"`
	Metrics       []Metric     `json:"metrics"`
	Differs       []Difference `json:"differs"`
	Quantiles     []Quantile   `json:"quantiles"` // of end-to-end latency
}

// Verdict is that of the comparison, in the words and exit statuses of a run.
type Verdict struct {
	Result   string `json:"result"` // violated, invalid_run, fail, inconclusive, pass
	ExitCode int    `json:"exit_code"`
	Headline string `json:"headline"`
}

// Side is one of the two.
type Side struct {
	Name     string     `json:"name"`
	Runs     int        `json:"runs"` // that were compared
	Excluded []Excluded `json:"excluded"`
	Violated int        `json:"violated"` // runs in which a delivery promise was broken
	// RunID is that of Run, which stands for the side where only one can be shown: the one
	// in the middle by end-to-end p99. It belongs to the caller of Compare.
	RunID string       `json:"run_id"`
	Run   *metrics.Run `json:"-"`
}

// Excluded is a run that was left out.
type Excluded struct {
	RunID  string `json:"run_id"`
	Reason string `json:"reason"`
}

// Metric is one figure of both sides. Values are geometric means over the runs.
type Metric struct {
	Name        string    `json:"name"`
	Unit        string    `json:"unit"` // us, per_s
	Primary     bool      `json:"primary"`
	A           *float64  `json:"a"`
	B           *float64  `json:"b"`
	ChangeRatio *float64  `json:"change_ratio"` // B/A - 1
	Interval    []float64 `json:"interval_ratio"`
	P           *float64  `json:"p"`           // of a change beyond the margin, adjusted for the number of primary metrics
	SignFlipP   *float64  `json:"sign_flip_p"` // of any change, without assuming a distribution
	MarginRatio float64   `json:"margin_ratio"`
	Verdict     string    `json:"verdict"`
	Reason      string    `json:"reason,omitempty"`

	def      definition
	estimate estimate
	judged   bool
}

// Difference is a key that not all runs share.
type Difference struct {
	Key string `json:"key"`
	A   string `json:"a"`
	B   string `json:"b"`
}

// Compare judges the runs of B against those of A. Each side needs one run at least; the
// records stay as they are.
func Compare(nameA string, a []*metrics.Run, nameB string, b []*metrics.Run, o Options) (*Result, error) {
	if len(a) == 0 || len(b) == 0 {
		return nil, errors.New("each side needs a run")
	}
	if o.Margin == 0 {
		o.Margin = DefaultMargin
	}
	o.Noise = repetitions(o.Noise)
	r := &Result{Kind: "wpsbench.compare", SchemaVersion: SchemaVersion, Confidence: Confidence, NoiseKnown: len(o.Noise) >= minNoise, Metrics: []Metric{}, Differs: differences(a, b)}
	d := arrange(a, b)
	r.A, r.B = newSide(nameA, a), newSide(nameB, b)
	r.A.Runs, r.B.Runs = len(d.a), len(d.b)
	r.Paired, r.ExcludedPairs = d.paired, d.excluded
	if d.paired {
		r.Pairs = len(d.a)
	}
	for _, def := range definitions {
		if m, ok := measure(def, d, o); ok {
			r.Metrics = append(r.Metrics, m)
		}
	}
	r.judge()
	r.Quantiles = shift(d)
	excluded := len(r.A.Excluded) + len(r.B.Excluded)
	if d.paired { // a pair goes as a whole
		excluded = 2 * d.excluded
	}
	r.decide(len(a)+len(b), excluded)
	return r, nil
}

func newSide(name string, runs []*metrics.Run) Side {
	s := Side{Name: name, Excluded: []Excluded{}}
	for _, r := range runs {
		if why := unusable(r); why != "" {
			s.Excluded = append(s.Excluded, Excluded{r.Info.ID, why})
		}
		if r.Verdict.Result == metrics.ResultViolated {
			s.Violated++
		}
	}
	s.Run = middle(runs)
	s.RunID = s.Run.Info.ID
	return s
}

// middle is the usable run whose end-to-end p99 is the median of all, the lower of two;
// the first run where none is usable.
func middle(runs []*metrics.Run) *metrics.Run {
	usable := slices.DeleteFunc(slices.Clone(runs), func(r *metrics.Run) bool { return unusable(r) != "" })
	if len(usable) == 0 {
		return runs[0]
	}
	def := &definitions[0]
	slices.SortStableFunc(usable, func(x, y *metrics.Run) int {
		vx, _ := def.value(x)
		vy, _ := def.value(y)
		return cmp.Compare(vx, vy)
	})
	return usable[(len(usable)-1)/2]
}

// unusable says why the figures of a run are no measurement.
func unusable(r *metrics.Run) string {
	switch {
	case r.Health.Result == "invalid", r.Verdict.Result == metrics.ResultInvalid:
		return "generator limited"
	case r.Verdict.Result == metrics.ResultDegraded:
		return "part of the generator was lost"
	case r.Verdict.Result == metrics.ResultNotRun:
		return "not run"
	case r.Info.Status != "completed":
		return r.Info.Status
	}
	return ""
}

// design is what is compared: the usable runs, in pairs where they were made by turns.
type design struct {
	a, b     []*metrics.Run
	paired   bool
	excluded int // pairs
}

// arrange pairs runs by their start: only where each two that follow each other are one
// of A and one of B. A pair is left out when one of its runs is.
func arrange(a, b []*metrics.Run) design {
	type start struct {
		run *metrics.Run
		ofB bool
	}
	var all []start
	for _, r := range a {
		all = append(all, start{r, false})
	}
	for _, r := range b {
		all = append(all, start{r, true})
	}
	slices.SortStableFunc(all, func(x, y start) int { return x.run.Info.StartedAt.Compare(y.run.Info.StartedAt) })
	d := design{paired: len(a) == len(b) && len(a) > 1}
	for i := 0; d.paired && i < len(all); i += 2 {
		d.paired = all[i].ofB != all[i+1].ofB
	}
	if d.paired {
		for i := 0; i < len(all); i += 2 {
			x, y := all[i].run, all[i+1].run
			if all[i].ofB {
				x, y = y, x
			}
			if unusable(x) != "" || unusable(y) != "" {
				d.excluded++
				continue
			}
			d.a, d.b = append(d.a, x), append(d.b, y)
		}
		return d
	}
	for _, s := range all {
		switch {
		case unusable(s.run) != "":
		case s.ofB:
			d.b = append(d.b, s.run)
		default:
			d.a = append(d.a, s.run)
		}
	}
	return d
}

// measure compares one metric; ok is false where neither side has it.
func measure(def definition, d design, o Options) (m Metric, ok bool) {
	m = Metric{Name: def.name, Unit: def.unit, Primary: def.primary, def: def, MarginRatio: margin(def, o), Verdict: NotCompared}
	la, whyA := logs(def, d.a)
	lb, whyB := logs(def, d.b)
	if len(la) == 0 && len(lb) == 0 {
		return m, false
	}
	mean := func(l []float64) *float64 {
		if len(l) == 0 {
			return nil
		}
		sum := 0.0
		for _, v := range l {
			sum += v
		}
		return new(significant(math.Exp(sum / float64(len(l)))))
	}
	m.A, m.B = mean(la), mean(lb)
	if m.Reason = cmp.Or(whyA, whyB); m.Reason != "" || m.A == nil || m.B == nil {
		m.Reason = cmp.Or(m.Reason, "one side has no samples")
		return m, true
	}
	m.ChangeRatio = new(significant(*m.B / *m.A - 1))
	m.Verdict = Inconclusive
	if d.paired {
		diff := make([]float64, len(la))
		for i := range la {
			diff[i] = lb[i] - la[i]
		}
		m.estimate, m.judged = paired(diff)
		if p, ok := signFlip(diff); ok {
			m.SignFlipP = new(significant(p))
		}
	} else {
		m.estimate, m.judged = unpaired(la, lb)
	}
	if !m.judged {
		m.Reason = "one run cannot tell a change from noise"
		return m, true
	}
	m.Interval = ratios(m.estimate)
	if n := min(len(la), len(lb)); n < MinRuns {
		m.judged = false
		m.Reason = fmt.Sprintf("needs %d runs a side, has %d", MinRuns, n)
	}
	return m, true
}

// logs are the logarithms of a metric, one per run, or why it cannot be compared.
func logs(def definition, runs []*metrics.Run) (l []float64, why string) {
	missing := 0
	for _, r := range runs {
		v, short := def.value(r)
		switch {
		case v <= 0:
			missing++
			continue
		case short != "" && why == "":
			why = short
		}
		l = append(l, math.Log(v))
	}
	if missing > 0 && why == "" {
		why = fmt.Sprintf("%d of %d runs have no value", missing, len(runs))
	}
	return l, why
}

// minNoise is how many repetitions tell how much a machine varies: two differences.
const minNoise = 4

// repetitions are the usable runs, in the order in which they were made.
func repetitions(runs []*metrics.Run) []*metrics.Run {
	runs = slices.DeleteFunc(slices.Clone(runs), func(r *metrics.Run) bool { return unusable(r) != "" })
	slices.SortStableFunc(runs, func(x, y *metrics.Run) int { return x.Info.StartedAt.Compare(y.Info.StartedAt) })
	return runs
}

// margin is what the user calls a change that matters, or twice the noise of the machine
// where that is more. Each two repetitions that follow each other give one difference.
func margin(def definition, o Options) float64 {
	var d []float64
	for i := 0; i+1 < len(o.Noise); i += 2 {
		x, _ := def.value(o.Noise[i])
		y, _ := def.value(o.Noise[i+1])
		if x > 0 && y > 0 {
			d = append(d, math.Log(y/x))
		}
	}
	if len(d) < minNoise/2 {
		return max(o.Margin, unknownNoiseMargin)
	}
	return max(o.Margin, math.Expm1(2*noiseFloor(d)))
}

func differences(a, b []*metrics.Run) []Difference {
	values := func(runs []*metrics.Run) (keys []string, of map[string]string) {
		of = map[string]string{}
		for _, r := range runs {
			for _, x := range r.Residue {
				old, seen := of[x.Key]
				switch {
				case !seen:
					keys = append(keys, x.Key)
					of[x.Key] = x.Value
				case old != x.Value:
					of[x.Key] = "(several)"
				}
			}
		}
		return keys, of
	}
	keysA, ofA := values(a)
	keysB, ofB := values(b)
	out := []Difference{}
	for _, k := range append(keysA, keysB...) {
		same := ofA[k] == ofB[k] && ofA[k] != "(several)"
		if !same && !slices.ContainsFunc(out, func(d Difference) bool { return d.Key == k }) {
			out = append(out, Difference{k, ofA[k], ofB[k]})
		}
	}
	return out
}
