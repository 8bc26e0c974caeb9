package bare

import (
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/wire"
)

// The memory of a run is looked at after a minute of steady state and after ten.
const (
	soakEarly = time.Minute
	soakLate  = 10 * time.Minute
	// soakLooks are seconds, of which the mean counts: as many as lie between two
	// checkpoints, for memory goes up and down by a quarter with each.
	soakLooks = 60
	// soakGrowth is what the two may differ by.
	soakGrowth = 0.05
)

// BenchmarkMemory is the bar that memory does not grow with the length of a run: every
// check, histogram and series is on. It takes twelve minutes and little of the machine.
func BenchmarkMemory(b *testing.B) {
	l := load{
		Protocol: wire.JSONReliable, Connections: 1000, Groups: 100, PerConnection: 1,
		Warmup: time.Second, Steady: soakLate + (soakLooks+10)*time.Second,
	}
	_, target := serve(b)
	p, path := runWpsbench(b, l, target, "")
	p.await("steady")
	began := time.Now()
	early := p.resident(began.Add(soakEarly))
	late := p.resident(began.Add(soakLate))
	_ = p.end() // a verdict of the gates is no failure here
	if r := readRecord(b, path); r.missing() != 0 {
		b.Errorf("%g messages did not come exactly once and in order: %s", r.missing(), r.Verdict.Headline)
	}
	growth := max(late.rss/early.rss, late.pss/early.pss) - 1
	if growth > soakGrowth {
		b.Errorf("after %v the run takes %.0f KiB (Pss %.0f), after %v %.0f (%.0f)", soakEarly, early.rss, early.pss, soakLate, late.rss, late.pss)
	}
	report(b, map[string]float64{
		"1min-KiB":          early.rss,
		"10min-KiB":         late.rss,
		"1min-pss-KiB":      early.pss,
		"10min-pss-KiB":     late.pss,
		"growth-percent":    growth * 100,
		"KiB/session-10min": late.rss / float64(l.Connections),
	})
}

// resident is the mean of the memory over some seconds from an instant on.
func (p *process) resident(from time.Time) use {
	p.b.Helper()
	time.Sleep(time.Until(from))
	var sum use
	for range soakLooks {
		u := p.use()
		sum.rss += u.rss / soakLooks
		sum.pss += u.pss / soakLooks
		time.Sleep(time.Second)
	}
	return sum
}
