package report

import (
	"bytes"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

var goldenFiles = []File{{"report.html", 212_345}, {"run.json", 148_000}}

func TestGoldens(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(records)) {
		t.Run(name, func(t *testing.T) {
			r := records[name](t)
			for ext, write := range map[string]func(*bytes.Buffer) error{
				"json":      func(b *bytes.Buffer) error { return WriteJSON(b, r) },
				"html":      func(b *bytes.Buffer) error { return WriteHTML(b, r) },
				"txt":       func(b *bytes.Buffer) error { return WriteText(b, r, TextOptions{UTF8: true, Files: goldenFiles}) },
				"ascii.txt": func(b *bytes.Buffer) error { return WriteText(b, r, TextOptions{Files: goldenFiles}) },
			} {
				var got, again bytes.Buffer
				if err := write(&got); err != nil {
					t.Fatalf("%s: %v", ext, err)
				}
				if err := write(&again); err != nil || !bytes.Equal(got.Bytes(), again.Bytes()) {
					t.Errorf("%s: two renderings of one record differ (error %v)", ext, err)
				}
				if ext == "html" {
					golden(t, name+"."+ext, pageGolden(got.String()))
				} else {
					golden(t, name+"."+ext, got.Bytes())
				}
			}
		})
	}
}

var hashPattern = regexp.MustCompile(`sha256-[^=]*=&#39;`)

// pageGolden takes out of a page what has tests and files of its own: style, script and
// their hashes, and the packed record, whose bytes depend on the version of Go.
func pageGolden(page string) []byte {
	return hashPattern.ReplaceAll([]byte(markup(page)), []byte("sha256-(hash)&#39;"))
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(got, want) {
		return
	}
	gotLines, wantLines := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(gotLines), len(wantLines)) {
		g, w := "(end)", "(end)"
		if i < len(gotLines) {
			g = gotLines[i]
		}
		if i < len(wantLines) {
			w = wantLines[i]
		}
		if g != w {
			t.Fatalf("%s, line %d:\n got %.300q\nwant %.300q\n(-update writes the golden files)", name, i+1, g, w)
		}
	}
}

func TestRecordComesBack(t *testing.T) {
	for name, build := range records {
		t.Run(name, func(t *testing.T) {
			var doc, page, again bytes.Buffer
			r := build(t)
			must(t, WriteJSON(&doc, r))
			must(t, WriteHTML(&page, r))
			for source, in := range map[string][]byte{"JSON": doc.Bytes(), "HTML": page.Bytes()} {
				got, err := ReadRun(bytes.NewReader(in))
				if err != nil {
					t.Fatalf("from %s: %v", source, err)
				}
				again.Reset()
				must(t, WriteJSON(&again, got))
				if !bytes.Equal(again.Bytes(), doc.Bytes()) {
					t.Errorf("from %s: the record changed on its way", source)
				}
			}
		})
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Rendering must leave the record alone: a caller writes several outputs from one.
func TestRenderingKeepsTheRecord(t *testing.T) {
	r := hostileRun(t)
	var before, after bytes.Buffer
	must(t, WriteJSON(&before, r))
	must(t, WriteHTML(&bytes.Buffer{}, r))
	must(t, WriteText(&bytes.Buffer{}, r, TextOptions{}))
	must(t, WriteJSON(&after, r))
	if !bytes.Equal(before.Bytes(), after.Bytes()) {
		t.Error("a record changed while it was rendered")
	}
	if r.Checks[0].Examples != nil {
		t.Error("an empty list of the caller's record was replaced")
	}
}
