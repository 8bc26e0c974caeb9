package scenario

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// FuzzParse: nothing makes the parser panic, every problem is at a place that
// exists and can be shown, and what has no problem can be planned.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/bad/*.yaml", "../scenarios/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(src), "phases.steady=5s")
		}
	}
	f.Add(full, "groups.room={count: 5}")
	f.Add(minimal, "faults.0.at=\"x")
	f.Fuzz(func(t *testing.T, src, set string) {
		s, err := Parse("f.yaml", []byte(src), Options{Set: []string{set}})
		if err == nil {
			exercise(s)
			return
		}
		var problems Problems
		if !errors.As(err, &problems) || len(problems) == 0 {
			t.Fatalf("got %v, want problems", err)
		}
		if !utf8.ValidString(problems.Format([]byte(src))) && utf8.ValidString(src) {
			t.Error("the rendering is not UTF-8")
		}
		lines := splitLines([]byte(src))
		for _, p := range problems {
			checkPlace(t, p, lines)
		}
	})
}

func checkPlace(t *testing.T, p Problem, lines []string) {
	line := strings.TrimPrefix(p.File, "--set ")
	if p.Line > 0 {
		if p.Line > len(lines) {
			t.Fatalf("%v: the file has %d lines", p, len(lines))
		}
		line = lines[p.Line-1]
		if p.Column == 0 {
			t.Errorf("%v: a line without a column", p)
		}
	}
	if p.Message == "" || p.Line < 0 || p.Column < 0 || p.Column > utf8.RuneCountInString(line)+1 {
		t.Errorf("%+v: not a place of %q", p, line)
	}
}

// exercise runs the plan's arithmetic where it is small enough for a fuzzer.
func exercise(s *Scenario) {
	p := s.Plan()
	if p.Connections > 1000 || p.Groups > 1000 {
		return
	}
	p.Warnings(Limits{})
	for c := range min(p.Connections, 5) {
		p.Joins(nil, c)
		p.Worker(c, 3)
	}
	for publisher := range min(p.Publishers, 5) {
		p.Addresses(nil, publisher)
		sch := p.Schedule(publisher)
		for range 10 {
			sch.Next()
		}
		if float64(s.Populations[0].SenderRate())*p.PublishEnd().Seconds() < 1e4 {
			sch.DueBy(time.Second)
		}
	}
	for i := range s.Faults {
		x := p.Injections(i)
		for range 10 {
			x.Next()
		}
	}
}
