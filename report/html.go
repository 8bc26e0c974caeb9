package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page's assets are files of their own
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"sync"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report/compare"
	"github.com/wpsbench/wpsbench/report/svg"
)

//go:embed assets/report.css
var pageCSS string

//go:embed assets/app.js
var pageJS string

//go:embed assets/report.tmpl.html
var pageTemplate string

var parsedPage = template.Must(template.New("page").Parse(pageTemplate))

// pagePolicy allows our style and our script, by their hashes, and nothing else: no
// request of any kind, no inline attribute.
var pagePolicy = fmt.Sprintf("default-src 'none'; script-src 'sha256-%s'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'",
	sourceHash(pageJS), sourceHash(pageCSS))

func sourceHash(source string) string {
	sum := sha256.Sum256([]byte(source))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// maxPageBytes is above what any page may weigh; one that would be larger loses the
// record it carries.
const maxPageBytes = 1 << 20

// pageBudget is what the page of a run of that length should weigh: 250 kB up to five
// and a half minutes, 400 kB at half an hour, so that it can be sent by mail and opened
// on a telephone.
func pageBudget(durationS float64) int {
	const short, long = 330, 1800
	return int(min(250_000+max(0, durationS-short)/(long-short)*150_000, maxPageBytes))
}

// detail is how finely a page draws.
type detail struct {
	points  int // of a line, at most
	columns int // of a heatmap, at most
}

var fine, coarse = detail{points: 600, columns: 180}, detail{points: 300, columns: 90}

// WriteHTML writes the record as one page that makes no request of any kind. It is
// whole without script, readable without style, and carries the record itself, which
// ReadRun reads back.
func WriteHTML(w io.Writer, r *metrics.Run) error { return writePage(w, r, nil) }

// writePage writes the page of a record, and what a comparison with another says. It draws
// coarsely only where that is what keeps the page within a limit.
func writePage(w io.Writer, r *metrics.Run, c *compare.Result) error {
	// Packing the record takes as long as all else, and it stands at the end of the page.
	var packing sync.WaitGroup
	var packed template.HTML
	var packErr error
	packing.Go(func() { packed, packErr = recordBlock(r) })
	defer packing.Wait()
	whole := func() (template.HTML, error) {
		packing.Wait()
		return packed, packErr
	}
	without := func() (template.HTML, error) { return "", nil }
	shown := plain{}.copyRun(r)
	shown.Scenario.Text = plain{}.visible(r.Scenario.Text, maxScenarioRunes, true)
	if c != nil {
		c = plain{}.copyComparison(c)
	}
	budget := pageBudget(r.Info.DurationS)
	var page []byte
	var err error
	for _, try := range []struct {
		record func() (template.HTML, error)
		detail detail
		limit  int
	}{{whole, fine, budget}, {whole, coarse, budget}, {whole, fine, maxPageBytes}, {whole, coarse, maxPageBytes}, {without, fine, maxPageBytes}, {without, coarse, maxPageBytes}} {
		if page, err = renderPage(shown, c, try.record, try.detail); err != nil || len(page) <= try.limit {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("render HTML report: %w", err)
	}
	if _, err := w.Write(page); err != nil {
		return fmt.Errorf("write HTML report: %w", err)
	}
	return nil
}

// recordBlock is the element of the page that holds the record.
func recordBlock(r *metrics.Run) (template.HTML, error) {
	doc, err := marshalRun(r)
	if err != nil {
		return "", err
	}
	packed, err := packRecord(doc)
	if err != nil {
		return "", err
	}
	return template.HTML(blockStart + packed + blockEnd), nil //nolint:gosec // base64 between our own tags
}

func renderPage(shown *metrics.Run, c *compare.Result, record func() (template.HTML, error), d detail) ([]byte, error) {
	p := newPage(shown, c, d)
	p.record = record
	p.Policy, p.Coarse = pagePolicy, d == coarse
	p.CSS, p.JS = template.CSS(pageCSS), template.JS(pageJS) //nolint:gosec // our own embedded files
	p.Shapes = template.HTML(svg.Shapes())                   //nolint:gosec // holds no text
	var b bytes.Buffer
	if err := parsedPage.Execute(&b, p); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
