package conform

import "time"

// Outcome is how a case ended.
type Outcome string

// The outcomes.
const (
	Pass    Outcome = "pass"
	Fail    Outcome = "fail"    // a rule is broken
	Differs Outcome = "differs" // not as the emulator does it, where nothing else is promised
	Skipped Outcome = "skipped" // not applicable, the reason says why
)

const reportFormat = "wpsbench.conform/1"

// Report is what Run found out. It holds no secrets.
type Report struct {
	Format    string          `json:"format"`
	Target    string          `json:"target"`
	Hub       string          `json:"hub,omitempty"`
	Strict    bool            `json:"strict"`
	StartedAt time.Time       `json:"started_at"`
	Seconds   float64         `json:"seconds"`
	Totals    map[Outcome]int `json:"totals"`
	Cases     []Result        `json:"cases"`
}

// Result is one case that was tried or skipped.
type Result struct {
	ID      string   `json:"id"`
	Rule    string   `json:"rule"` // section of protocol.md
	Title   string   `json:"title"`
	Level   Level    `json:"level"`
	Outcome Outcome  `json:"outcome"`
	Seconds float64  `json:"seconds"`
	Reasons []string `json:"reasons,omitempty"`
	// Frames is the exchange that led to anything but a pass, a line each.
	Frames []string `json:"frames,omitempty"`
}

func (r *Report) add(result Result) {
	r.Cases = append(r.Cases, result)
	r.Totals[result.Outcome]++
}

// Broken says whether a rule was broken.
func (r *Report) Broken() bool { return r.Totals[Fail] > 0 }
