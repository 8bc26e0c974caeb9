package report

import (
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report/compare"
)

// How much of a long list the page shows; the record holds the rest.
const (
	maxOffences  = 200
	maxMarkers   = 40
	maxIncidents = 60
	maxEvents    = 200
	maxRows      = 500
)

// page is what the template renders: every text in it is final. A nil part is left
// out.
type page struct {
	Policy string // Content-Security-Policy
	CSS    template.CSS
	JS     template.JS
	Shapes template.HTML // of the icons
	record func() (template.HTML, error)
	Coarse bool // drawn with half of the points

	Title    string
	Name     string
	Emulator bool
	Lies     string
	Note     string
	Facts    []string
	Tags     []string

	Verdict     banner
	Load        string
	Diagnostics bool // the measurement is invalid: figures are diagnostics
	Figures     []card
	Thresholds  *table
	Timeline    *timelineSection
	Latency     *latencySection
	Delivery    *deliverySection
	Recovery    *recoverySection
	Connections *connectionsSection
	Fanout      *fanoutSection
	Compare     *compareSection
	Measurement *measurementSection
	Provenance  *provenanceSection
}

// Record is the packed record; empty when the page would have grown too large. The template
// asks for it last: until then it may still be packed.
func (p *page) Record() (template.HTML, error) { return p.record() }

// newPage builds the page from a record, and a comparison with another if there is one,
// whose texts are safe to show.
func newPage(r *metrics.Run, c *compare.Result, d detail) *page {
	p := &page{
		Title:       verdictWord(r) + ": " + r.Info.Name,
		Name:        r.Info.Name,
		Emulator:    r.Environment.Target.Kind == "emulator",
		Lies:        lies(r),
		Note:        r.Info.Note,
		Facts:       facts(r),
		Verdict:     newBanner(r),
		Load:        strings.Join(loadParts(htmlNumbers, r), " · "),
		Diagnostics: r.Verdict.Result == "invalid_run",
		Figures:     cards(r),
		Thresholds:  thresholdTable(r),
		Timeline:    newTimelineSection(r, d),
		Latency:     newLatencySection(r, baselineOf(c)),
		Delivery:    newDeliverySection(r),
		Recovery:    newRecoverySection(r),
		Connections: newConnectionsSection(r),
		Fanout:      newFanoutSection(r),
		Compare:     newCompareSection(c, d),
		Measurement: newMeasurementSection(r),
		Provenance:  newProvenanceSection(r),
	}
	if c != nil {
		p.Verdict.compared(r, c)
		p.Title = p.Verdict.Word + ": " + r.Info.Name
	}
	for _, k := range slices.Sorted(maps.Keys(r.Info.Tags)) {
		p.Tags = append(p.Tags, k+"="+r.Info.Tags[k])
	}
	return p
}

func facts(r *metrics.Run) []string {
	all := []string{
		r.Info.StartedAt.UTC().Format(time.RFC3339),
		length(r.Info.DurationS),
		r.Environment.Target.Endpoint,
		r.Environment.Target.Subprotocol,
		fmt.Sprintf("seed %d", r.Info.Seed),
	}
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}

// lies says what an embedded emulator did wrong on purpose.
func lies(r *metrics.Run) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(r.Environment.Target.Lies)) {
		if n := r.Environment.Target.Lies[k]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s × %d", words(k), n))
		}
	}
	return strings.Join(parts, ", ")
}

// banner is the verdict at the head of the page.
type banner struct {
	Icon     template.HTML
	Class    string
	Word     string
	Sentence string
	Href     string // to where the sentence is proven
	Reasons  []link // further ones
	Lines    []fact // who and what can be believed, by a word
	Advice   string // what helps against an invalid measurement
	Part     string // how far a run came that did not reach its end
}

// bannerIcon is the size of the verdict's shape, in pixels.
const bannerIcon = 30

type link struct{ Href, Text string }

func newBanner(r *metrics.Run) banner {
	s := styleOf(r.Verdict.Result)
	b := banner{
		Icon:     icon(s.shape, s.token, bannerIcon),
		Class:    string(s.token),
		Word:     verdictWord(r),
		Sentence: verdictSentence(r),
		Lines:    []fact{{"Generator", healthLine(htmlNumbers, r)}},
	}
	if parts := accountParts(htmlNumbers, r); len(parts) > 0 {
		b.Lines = append(b.Lines, fact{"Delivery", strings.Join(parts, " · ")})
	}
	if parts := ruleParts(r); len(parts) > 0 {
		b.Lines = append(b.Lines, fact{"Rules", strings.Join(parts, " · ")})
	}
	if parts := coverageParts(r); len(parts) > 0 {
		b.Lines = append(b.Lines, fact{"Coverage", strings.Join(parts, " · ")})
	}
	if r.Verdict.Result == "invalid_run" {
		b.Advice = advice(r)
	}
	for i, reason := range r.Verdict.Reasons {
		if i == 3 {
			break
		}
		if reason.Code == "advice" {
			continue // it has a line of its own
		}
		at := link{sectionOf(reason.Ref), reason.Text}
		if i == 0 && strings.HasPrefix(b.Sentence, at.Text) {
			b.Href = at.Href // said already
			continue
		}
		b.Reasons = append(b.Reasons, at)
	}
	if r.Info.Status != "completed" {
		b.Part = fmt.Sprintf("The run was %s after %s: totals are of the part that ran, and limits are not judged.", r.Info.Status, length(r.Info.DurationS))
	}
	return b
}

// advice is what helps against the first gate that made the measurement invalid.
func advice(r *metrics.Run) string {
	for _, g := range r.Health.Gates {
		if g.Result == "invalid" && g.Advice != "" {
			return words(g.ID) + ": " + g.Advice
		}
	}
	return ""
}

// accountParts accounts for every copy that was expected, none for a run without
// publishes.
func accountParts(n numbers, r *metrics.Run) []string {
	d := r.Totals.Deliveries
	if d.Expected == 0 {
		return nil
	}
	parts := []string{
		n.count(d.Expected) + " expected", n.count(d.Delivered) + " delivered", n.count(d.Lost) + " lost",
		n.count(d.Undelivered) + " late: not there at the end", n.count(d.Excused.Total()) + " excused",
	}
	var why []string
	for _, e := range excuses(d.Excused) {
		why = append(why, e.name+" "+n.count(e.n))
	}
	if len(why) > 0 {
		parts[len(parts)-1] += " (" + strings.Join(why, ", ") + ")"
	}
	if of := coverageOf(r); of != "" {
		parts = append(parts, of)
	}
	return parts
}

// ruleParts says which rules were judged, by their ids, and which had no opportunity
// to be broken.
func ruleParts(r *metrics.Run) []string {
	var parts []string
	for _, result := range []string{"violated", "unknown", "ok", "not_exercised"} {
		var ids []string
		for _, c := range r.Checks {
			if c.Result == result {
				ids = append(ids, c.ID)
			}
		}
		if len(ids) > 0 {
			parts = append(parts, answerOf(result).word+" "+strings.Join(ids, " "))
		}
	}
	return parts
}

// coverageParts says of what share of the pairs of publisher and subscriber rules were
// judged message by message, where that is not all of them. Of a rule that is unknown, for
// want of any of them, the answer says it already.
func coverageParts(r *metrics.Run) []string {
	var shares []string
	ids := map[string]string{}
	for _, c := range r.Checks {
		if c.CoverageRatio >= 1 || c.Result == "not_exercised" || c.Result == "unknown" && c.CoverageRatio <= 0 {
			continue
		}
		share := percent(c.CoverageRatio)
		if ids[share] == "" {
			shares = append(shares, share)
		}
		ids[share] += " " + c.ID
	}
	var parts []string
	for _, share := range shares {
		parts = append(parts, share+" of the pairs for"+ids[share])
	}
	return parts
}

// sectionOf returns the place on the page that shows what a JSON pointer names.
func sectionOf(ref string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(ref, "/"), "/")
	switch first {
	case "thresholds":
		return "#thresholds"
	case "checks", "totals", "populations":
		return "#delivery"
	case "groups":
		return "#fanout"
	case "metrics", "phases":
		return "#latency"
	case "incidents":
		return "#recovery"
	case "connections":
		return "#connections"
	case "series", "events":
		return "#timeline"
	case "health":
		return "#health"
	case "environment", "scenario", "residue":
		return "#env"
	}
	return "#verdict"
}

// healthLine states whether the generator can be believed.
func healthLine(n numbers, r *metrics.Run) string {
	return strings.Join(healthParts(n, r), " · ")
}

func healthParts(n numbers, r *metrics.Run) []string {
	word := answerOf(r.Health.Result).word
	if r.Health.Result == "warn" { // believed all the same; the gates that warn follow
		word = answerOf("valid").word
	}
	measured := slices.ContainsFunc(r.Health.Gates, func(g metrics.Gate) bool { return g.Result != "not_measured" })
	if !measured && (len(r.Health.Gates) > 0 || r.Health.Windows == 0) {
		word = "not known, no gate was judged"
	}
	parts := []string{word}
	if r.Health.Windows > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d bad seconds", r.Health.BadWindows, r.Health.Windows))
	}
	lag, e2e := percentile(r, "schedule_lag", "p99"), percentile(r, "e2e_latency", "p99")
	shareTold := slices.ContainsFunc(r.Health.Gates, func(g metrics.Gate) bool { // by its gate, below
		return g.ID == "schedule_lag_share" && g.Value != nil && (g.Result == "invalid" || g.Result == "warn")
	})
	switch {
	case lag != nil && e2e != nil && *e2e > 0 && !shareTold:
		parts = append(parts, "lag p99 "+percent(float64(*lag)/float64(*e2e))+" of e2e p99")
	case lag != nil:
		parts = append(parts, "lag p99 "+microsOf(lag))
	}
	for _, result := range []string{"invalid", "warn"} {
		for _, g := range r.Health.Gates {
			if g.Result != result {
				continue
			}
			text := words(g.ID) + " " + gateText(n, &g, r.Health.Windows)
			if result == "warn" {
				text = "warns: " + text
			}
			parts = append(parts, text)
		}
	}
	if p := r.Health.PushBack; p.Held > 0 {
		parts = append(parts, pushBackText(n, p))
	}
	return parts
}

// gateText is what a gate measured over the run, or where it is judged by the second only,
// how many of the seconds of steady state were bad.
func gateText(n numbers, g *metrics.Gate, seconds int) string {
	if g.Value == nil && g.BadWindows > 0 {
		return fmt.Sprintf("bad in %d of %d s", g.BadWindows, seconds)
	}
	return n.measuredOf(g.Value, g.Unit)
}

// pushBackText says how long the target, not the generator, held publishes back.
func pushBackText(n numbers, p metrics.PushBack) string {
	return fmt.Sprintf("the target pushed back in %s: %s waited", n.counted(uint64(max(p.Windows, 0)), "second", "seconds"),
		n.counted(p.Held, "publish", "publishes"))
}

// loadParts says in words what load was reached, and asked for; none for a run that
// never had a plan.
func loadParts(n numbers, r *metrics.Run) []string {
	l := r.Info.Load
	if l.Connections == 0 {
		return nil
	}
	parts := []string{
		n.count(uint64(max(r.Connections.Funnel.Connected, 0))) + " of " + n.counted(uint64(max(l.Connections, 0)), "connection", "connections"),
		n.counted(uint64(max(l.Groups, 0)), "group", "groups"),
	}
	if c := r.Totals.Coverage; c != nil && c.LostConnections > 0 {
		parts[0] += ", " + n.count(uint64(c.LostConnections)) + " of them lost later"
	}
	if l.PayloadBytes > 0 {
		parts = append(parts, bytesText(uint64(l.PayloadBytes)))
	}
	return append(parts, fmt.Sprintf("%s publishes/s → %s deliveries/s (asked %s)", n.float(l.PublishedPerS), n.float(l.DeliveredPerS), n.float(l.DeliveriesPerS)))
}

// percentile returns a percentile of a steady-state metric in microseconds, nil
// without one.
func percentile(r *metrics.Run, metric, key string) *int64 {
	if m := r.Metrics[metric]; m != nil {
		return m.Percentiles[key]
	}
	return nil
}
