package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page's assets are files of their own
	"encoding/base64"
	"fmt"
	"html/template"
	"io"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report/compare"
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

// maxPageBytes is above what any page may weigh; one that would be larger first
// loses the record it carries, then half of the points of its lines.
const maxPageBytes = 1 << 20

// linePoints is how many points a line of a chart keeps at most.
const linePoints = 600

// WriteHTML writes the record as one page that makes no request of any kind. It is
// whole without script, readable without style, and carries the record itself, which
// ReadRun reads back.
func WriteHTML(w io.Writer, r *metrics.Run) error { return writePage(w, r, nil) }

// writePage writes the page of a record, and what a comparison with another says.
func writePage(w io.Writer, r *metrics.Run, c *compare.Result) error {
	doc, err := marshalRun(r)
	if err != nil {
		return err
	}
	packed, err := packRecord(doc)
	if err != nil {
		return err
	}
	shown := plain{}.copyRun(r)
	shown.Scenario.Text = plain{}.visible(r.Scenario.Text, maxScenarioRunes, true)
	if c != nil {
		c = plain{}.copyComparison(c)
	}
	page, err := renderPage(shown, c, packed, linePoints)
	if err == nil && len(page) > maxPageBytes {
		page, err = renderPage(shown, c, "", linePoints)
	}
	if err == nil && len(page) > maxPageBytes {
		page, err = renderPage(shown, c, "", linePoints/2)
	}
	if err != nil {
		return fmt.Errorf("render HTML report: %w", err)
	}
	if _, err := w.Write(page); err != nil {
		return fmt.Errorf("write HTML report: %w", err)
	}
	return nil
}

func renderPage(shown *metrics.Run, c *compare.Result, packed string, points int) ([]byte, error) {
	p := newPage(shown, c, points)
	p.Policy = pagePolicy
	p.CSS, p.JS = template.CSS(pageCSS), template.JS(pageJS) //nolint:gosec // our own embedded files
	if packed != "" {
		p.Record = template.HTML(blockStart + packed + blockEnd) //nolint:gosec // base64 between our own tags
	}
	var b bytes.Buffer
	if err := parsedPage.Execute(&b, p); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
