package report

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

func TestReadRunRefuses(t *testing.T) {
	pack := func(doc string) string {
		packed, err := packRecord([]byte(doc))
		must(t, err)
		return "<!doctype html>" + blockStart + packed + blockEnd
	}
	var bomb bytes.Buffer
	z, err := gzip.NewWriterLevel(&bomb, gzip.BestSpeed)
	must(t, err)
	_, err = io.CopyN(z, zeros{}, maxRecordBytes+10)
	must(t, err)
	must(t, z.Close())

	tests := []struct {
		name, doc, want string
		notRun          bool
	}{
		{"another kind", `{"kind":"wpsbench.compare","schema_version":"1.0"}`, `kind "wpsbench.compare"`, true},
		{"no kind", `{}`, `kind ""`, true},
		{"an unknown major version", `{"kind":"wpsbench.run","schema_version":"2.0"}`, `schema version "2.0"`, true},
		{"no version", `{"kind":"wpsbench.run"}`, `schema version ""`, true},
		{"another kind in a page", pack(`{"kind":"x"}`), `kind "x"`, true},
		{"a page without a record", "<html><body>nothing</body></html>", "holds no record", true},
		{"a page cut off", "<html>" + blockStart + "H4sI", "cut off", false},
		{"a page with a damaged record", "<html>" + blockStart + "!!!!" + blockEnd, "HTML report", false},
		{"a page that unpacks to too much", "<html>" + blockStart + base64.StdEncoding.EncodeToString(bomb.Bytes()) + blockEnd, "larger than 64 MiB", false},
		{"no JSON", "kind: run", "invalid character", false},
		{"empty", "", "unexpected end", false},
		{"a key of another type", `{"kind":"wpsbench.run","schema_version":"1.0","checks":{}}`, "checks is a JSON object, which it cannot be", true},
		{"an array", `[{}]`, "it is a JSON array, want an object", true},
		{"a kind that is no text", `{"kind":3}`, "kind is a JSON number, which it cannot be", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, err := ReadRun(strings.NewReader(test.doc))
			if err == nil || r != nil {
				t.Fatalf("got %v, error %v, want an error", r, err)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q does not say %q", err, test.want)
			}
			if errors.Is(err, ErrNotRun) != test.notRun {
				t.Errorf("error %q is ErrNotRun: %v, want %v", err, !test.notRun, test.notRun)
			}
		})
	}
}

// zeros is an endless source.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestReadRunIsBounded(t *testing.T) {
	source := &countingReader{r: io.MultiReader(strings.NewReader("{"), spaces{})}
	if _, err := ReadRun(source); err == nil || !strings.Contains(err.Error(), "larger than 64 MiB") {
		t.Errorf("an endless document: error %v", err)
	}
	if source.n > maxRecordBytes+1<<20 {
		t.Errorf("%d bytes were read of an endless document", source.n)
	}
}

type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

type countingReader struct {
	r io.Reader
	n int
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}

func TestReadRunIgnoresUnknownKeys(t *testing.T) {
	doc := `{"kind":"wpsbench.run","schema_version":"1.7","later":{"x":1},"run":{"name":"a","later":[1]}}`
	r, err := ReadRun(strings.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	if r.Info.Name != "a" {
		t.Errorf("name %q, want a", r.Info.Name)
	}
}

// Whatever can be read can be rendered, and what is rendered as JSON can be read again.
func FuzzReadRun(f *testing.F) {
	for _, name := range []string{"empty", "failed"} { // the small ones: most time would go into minimizing the others
		doc, err := os.ReadFile("testdata/" + name + ".json")
		must(f, err)
		f.Add(doc)
	}
	f.Add([]byte(`{"kind":"wpsbench.run","schema_version":"1.0","run":{"duration_s":1e300},"series":{"interval_s":1e308,"columns":{"t_s":[-1e308,1e308,null],"open":[1e308],"e2e_p99_us":[-5,null,1e308]},"heatmap":{"rows_per_octave":1,"cells":[[0,0,9223372036854775807],[2,199,1]]}}}`))
	f.Add([]byte(`{"kind":"wpsbench.run","schema_version":"1.0","run":{"duration_s":9},"metrics":{"e2e_latency":null},"phases":[{"start_s":5,"end_s":-5,"metrics":{"e2e_latency":null}}],"incidents":[{"stages":{"outage":null},"start_s":-1e308}],"series":{"columns":{"t_s":[0,1]}},"thresholds":[{"metric":"e2e_latency","unit":"us","limit":1e-300}]}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		r, err := ReadRun(bytes.NewReader(doc))
		if err != nil {
			return
		}
		var b bytes.Buffer
		must(t, WriteJSON(&b, r))
		if _, err := ReadRun(&b); err != nil {
			t.Errorf("our own JSON cannot be read: %v", err)
		}
		must(t, WriteHTML(io.Discard, r))
		must(t, WriteText(io.Discard, r, TextOptions{UTF8: true}))
	})
}
