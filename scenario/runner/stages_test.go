package runner

import (
	"fmt"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire"
)

// stagesOf are the durations of all stages of a single recovery, in milliseconds.
func stagesOf(s *incidentShard) string {
	text := ""
	for i := range s.stages {
		if sum := metrics.SummarizeStage(&s.stages[i]); sum != nil {
			text += fmt.Sprintf("%s=%d ", stageNames[i], (*sum.Max+500)/1000)
		}
	}
	return text
}

// A recovery's stages lie between its instants as design.md 7.7 has them; those it did not
// reach, or that are no part of it, are left out. Every gap between two instants is a
// different number of milliseconds.
func TestStagesOfOneRecovery(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	at := func(n int) time.Duration { return time.Hour + time.Duration(n)*ms }
	// Hit at 0, noticed at 1; the first attempt is made at 3 and fails, the second at 7.
	// Of that one the dialer begins at 15, has a URL at 31, TCP at 63, TLS at 127 and the
	// upgrade at 255, which the session hears of at 300. It is named at 310, has joined at
	// 330, gets data at 370 and everything at 450.
	whole := func() *recovery {
		r := &recovery{fault: at(0)}
		r.detect(at(1))
		r.detect(at(2)) // it was noticed before
		r.attempt(at(3))
		r.attempt(at(7))
		r.open(at(300), &wire.Event{Recovering: true, Trace: &wire.DialTrace{Begun: at(15), Start: at(31), TCP: at(63), TLS: at(127), Upgraded: at(255)}})
		r.announced(at(310))
		r.announced(at(311)) // again
		r.data(at(370), &metrics.DeliveryResult{})
		r.data(at(380), &metrics.DeliveryResult{})
		return r
	}
	for _, row := range []struct {
		name string
		edit func(r *recovery)
		want string
	}{
		{"resumed", func(*recovery) {}, "detect=1 backoff=2 queued=8 tcp=32 tls=64 upgrade=128 connected=10 first_data=70 catch_up=150 recovery=449 outage=450 "},
		{
			"a new connection", func(r *recovery) { r.renewed = true; r.joined(at(330)) },
			"detect=1 backoff=2 queued=8 negotiate=16 tcp=32 tls=64 upgrade=128 connected=10 rejoin=30 first_data=70 catch_up=150 recovery=449 outage=450 ",
		},
		{
			"without TLS", func(r *recovery) { r.trace.TLS = 0 },
			"detect=1 backoff=2 queued=8 tcp=32 upgrade=192 connected=10 first_data=70 catch_up=150 recovery=449 outage=450 ",
		},
		{
			"nothing was due", func(r *recovery) { r.namedAt, r.firstData = 0, 0 },
			"detect=1 backoff=2 queued=8 tcp=32 tls=64 upgrade=128 catch_up=150 recovery=449 outage=450 ",
		},
		{
			"nobody followed the dial", func(r *recovery) { r.trace = wire.DialTrace{} },
			"detect=1 backoff=2 connected=10 first_data=70 catch_up=150 recovery=449 outage=450 ",
		},
		{"held", func(r *recovery) { r.outcome = outcomeHeld }, "catch_up=150 "},
		{
			"the first socket came to nothing", func(r *recovery) {
				r.attempt(at(400))
				r.open(at(440), &wire.Event{Recovering: true, Trace: &wire.DialTrace{Begun: at(403), Start: at(403), TCP: at(408), Upgraded: at(419)}})
				r.data(at(444), &metrics.DeliveryResult{})
			},
			"detect=1 backoff=2 queued=3 tcp=5 upgrade=11 first_data=4 catch_up=10 recovery=449 outage=450 ",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := whole()
			row.edit(r)
			s := new(incidentShard)
			s.finish(r, at(450))
			if got := stagesOf(s); got != row.want {
				t.Errorf("got  %s\nwant %s", got, row.want)
			}
			if s.last != at(450) || s.outcomes[r.outcome] != 1 || s.attempts != r.attempts {
				t.Errorf("over at %v, outcomes %v, %d attempts", s.last, s.outcomes, s.attempts)
			}
			early := &recovery{fault: at(0), detected: at(0), outcome: r.outcome}
			if s.finish(early, at(400)); s.last != at(450) {
				t.Error("one that was back earlier moved the end of the incident")
			}
		})
	}
}

// What a session went through last is not always what became of it: the queue that ran over
// is named, and the client that gave up, even if a new connection was lost after it.
func TestOutcomeOfEnds(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		ends []metrics.SessionEnd
		want recoveryOutcome
	}{
		{"none", nil, outcomeResumed},
		{"refused", []metrics.SessionEnd{metrics.EndRefused}, outcomeNewConnection},
		{"the client's patience ended", []metrics.SessionEnd{metrics.EndExpired}, outcomeGaveUp},
		{"gave up, then lost a nameless connection", []metrics.SessionEnd{metrics.EndExpired, metrics.EndDropped}, outcomeGaveUp},
		{"overflow, then a new connection", []metrics.SessionEnd{metrics.EndOverflow, metrics.EndDropped}, outcomeOverflow},
		{"a new connection that overflows", []metrics.SessionEnd{metrics.EndByPeer, metrics.EndOverflow}, outcomeOverflow},
	} {
		r := &recovery{}
		for _, why := range row.ends {
			r.end(why)
		}
		if r.outcome != row.want {
			t.Errorf("%s: %s, want %s", row.name, outcomeNames[r.outcome], outcomeNames[row.want])
		}
	}
}

// Data that come before the socket opened are not its first data; what was replayed counts
// wherever it comes.
func TestDataOfARecovery(t *testing.T) {
	t.Parallel()
	r := &recovery{fault: 1}
	r.data(5, &metrics.DeliveryResult{Replayed: true})
	r.open(10, &wire.Event{Recovering: true})
	r.data(12, &metrics.DeliveryResult{Replayed: true, Redundant: true})
	r.data(13, &metrics.DeliveryResult{})
	if r.firstData != 12 || r.replayed != 2 || r.redundant != 1 || r.renewed {
		t.Errorf("%+v; want the first data at 12, 2 replayed, 1 of them redundant", r)
	}
}
