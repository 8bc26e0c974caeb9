//go:build unix

package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// The log that streams during a run holds every value of its record, second by second.
func TestHistogramLogStreams(t *testing.T) {
	dir := writeScenario(t, strings.Replace(chat, "steady: 60s", "steady: 3s", 1))
	p := start(t, dir, "run", "chat.yaml", "--dir", "out", "--out", "hlog=run.hlog", "-q", "--soft", "invalid") // the machine may be busy
	if code, out := p.wait(t); code != 0 {
		t.Fatalf("exit status %d\n%s", code, out)
	}
	run := readRecord(t, filepath.Join(dir, "out", "run.json"))
	counts, lines := readHlog(t, filepath.Join(dir, "run.hlog"))
	for name, m := range run.Metrics {
		want := m.Count
		if m.Phase == "steady" { // the log knows no phases
			want = 0
			for _, phase := range run.Phases {
				if s := phase.Metrics[name]; s != nil {
					want += s.Count
				}
			}
		}
		got := uint64(counts[name])
		if name == "receive_delay" { // of reads, also of those that lie in no phase
			if got == 0 || got < want {
				t.Errorf("%s: %d values in the log, %d in the phases of the record", name, got, want)
			}
			continue
		}
		if got != want {
			t.Errorf("%s: %d values in the log, %d in the record", name, got, want)
		}
	}
	if n := lines["e2e_latency"]; n < 3 || n > 6 {
		t.Errorf("%d intervals of end-to-end latency in 3 s", n)
	}
	if jar := os.Getenv("WPSBENCH_HDR_JAR"); jar != "" {
		byJava(t, jar, filepath.Join(dir, "run.hlog"), filepath.Join(dir, "out", "run.json"))
	}
}

// readHlog counts values and lines by tag, with the library's reader.
func readHlog(t *testing.T, file string) (counts, lines map[string]int64) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	counts, lines = map[string]int64{}, map[string]int64{}
	reader := hdr.NewHistogramLogReader(f)
	for {
		h, err := reader.NextIntervalHistogram()
		if err != nil {
			t.Fatal(err)
		}
		if h == nil {
			return counts, lines
		}
		if length := h.EndTimeMs() - h.StartTimeMs(); length != 1000 {
			t.Errorf("an interval of %s is %d ms long", h.Tag(), length)
		}
		counts[h.Tag()] += h.TotalCount()
		lines[h.Tag()]++
	}
}

// byJava compares with HdrHistogram's own reader: the jar of Debian's libhdrhistogram-java,
// by WPSBENCH_HDR_JAR. Both take the ceiling rank; a histogram tells values of three
// digits apart, the record rounds to microseconds.
func byJava(t *testing.T, jar, log, record string) {
	t.Helper()
	out, err := exec.Command("java", "-cp", jar, "testdata/hlog/Sums.java", log).Output()
	if err != nil {
		t.Fatal(err)
	}
	run := readRecord(t, record)
	compared := 0
	lines := bufio.NewScanner(strings.NewReader(string(out)))
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		m := run.Metrics[fields[0]]
		if m == nil || strconv.FormatUint(m.Count, 10) != fields[2] {
			t.Logf("not the same values, so not compared: %s", lines.Text())
			continue
		}
		for i, key := range []string{"p50", "p90", "p99", "p99_9"} {
			v, err := strconv.ParseFloat(fields[3+i], 64)
			if err != nil {
				t.Fatal(err)
			}
			if want := m.Percentiles[key]; want != nil && (v/1e3 < float64(*want)*0.999-1 || v/1e3 > float64(*want)*1.001+1) {
				t.Errorf("%s %s: Java says %.1f µs, the record %d µs", fields[0], key, v/1e3, *want)
			}
		}
		compared++
	}
	if t.Logf("Java says:\n%s", out); compared < 2 {
		t.Errorf("only %d metrics compared", compared)
	}
}
