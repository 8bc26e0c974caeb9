package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
)

// HistogramLog writes an HdrHistogram log, version 1.3, which the tools of
// hdrhistogram.org read: one line per histogram, tagged with its metric. Values are
// nanoseconds; the column of the largest one is in milliseconds, as is the custom.
type HistogramLog struct {
	w      io.Writer
	offset float64 // of the start from the log's own one
	err    error
}

// NewHistogramLog writes the head of a log of what starts at an instant. The log itself
// starts at the whole second before: there are tools that read no more of it.
func NewHistogramLog(w io.Writer, start time.Time) *HistogramLog {
	base := start.UTC().Truncate(time.Second)
	l := &HistogramLog{w: w, offset: start.Sub(base).Seconds()}
	start = base
	l.printf("#[Logged with wpsbench]\n#[Histogram log format version 1.3]\n#[StartTime: %s (seconds since epoch), %s]\n%s\n",
		decimals(float64(start.UnixMilli())/1e3), start.Format(time.ANSIC), `"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"`)
	return l
}

// Add writes what was measured from one second to another, both since the start; nothing
// without samples. Errors are kept, and returned by Err.
func (l *HistogramLog) Add(metric string, from, to float64, s *metrics.MetricSummary) {
	if s == nil || s.Histogram == nil || s.Max == nil {
		return
	}
	tag := strings.Map(func(r rune) rune {
		if r == '_' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, metric)
	l.printf("Tag=%s,%s,%s,%s,%s\n", tag, decimals(l.offset+from), decimals(to-from), decimals(float64(*s.Max)/1e3), base64Only(s.Histogram.Data))
}

// Err is the first error of writing.
func (l *HistogramLog) Err() error { return l.err }

func (l *HistogramLog) printf(format string, args ...any) {
	if l.err == nil {
		_, l.err = fmt.Fprintf(l.w, format, args...)
	}
}

func decimals(v float64) string { return strconv.FormatFloat(v, 'f', 3, 64) }

// base64Only keeps a stored record from adding lines of its own.
func base64Only(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '+' || r == '/' || r == '=' {
			return r
		}
		return -1
	}, s)
}

// WriteHistogramLog writes the histograms of a stored run: one per metric and phase, or
// per metric where the record keeps no more. A log of every second can only be written
// during the run.
func WriteHistogramLog(w io.Writer, r *metrics.Run) error {
	l := NewHistogramLog(w, r.Info.StartedAt)
	for _, name := range metricNames {
		byPhase := false
		for _, p := range r.Phases {
			if s := p.Metrics[name.key]; s != nil && s.Histogram != nil {
				l.Add(name.key, p.StartS, p.EndS, s)
				byPhase = true
			}
		}
		if byPhase {
			continue
		}
		from, to := 0.0, r.Info.DurationS
		if s := r.Metrics[name.key]; s != nil && s.Phase == "steady" {
			from, to = steadySpan(r)
		}
		l.Add(name.key, from, to, r.Metrics[name.key])
	}
	if err := l.Err(); err != nil {
		return fmt.Errorf("write histogram log: %w", err)
	}
	return nil
}

// steadySpan is steady state in seconds since the start of the run; the whole run
// without one.
func steadySpan(r *metrics.Run) (from, to float64) {
	to = r.Info.DurationS
	found := false
	for _, p := range r.Phases {
		if p.Steady && !found {
			from, found = p.StartS, true
		}
		if p.Steady {
			to = p.EndS
		}
	}
	return from, to
}
