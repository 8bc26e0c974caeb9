package runner

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/scenario"
)

const (
	plainProtocol    = "protocol=json.webpubsub.azure.v1"
	reliableProtocol = "protocol=json.reliable.webpubsub.azure.v1"
	backSoon         = "populations.members.client={reconnect: {base: 100ms, max: 1s, jitter: none}}"
	hitThree         = "faults=[{name: F1, at: 300ms, population: members, hit: 3, kind: rst}]"
)

// Every target gets the verdict it has earned: the liars are accused of their lie
// and of nothing else, the honest, however clumsy, of nothing at all.
func TestTargets(t *testing.T) {
	t.Parallel()
	type answers map[string]string // of the checks that are not ok
	for _, row := range []struct {
		name   string
		set    []string
		script script
		exit   int
		checks answers
		more   func(t *testing.T, rec *metrics.Run, f *fake)
	}{
		{
			name: "honest, reliable, reset", set: []string{reliableProtocol, backSoon, hitThree},
			more: func(t *testing.T, rec *metrics.Run, _ *fake) {
				wantDeliveries(t, rec, metrics.Deliveries{Expected: 576, Delivered: 576})
				wantOutcomes(t, rec, metrics.IncidentOutcomes{Resumed: 3})
			},
		},
		{
			name: "honest, plain, reset", set: []string{plainProtocol, backSoon, hitThree},
			more: func(t *testing.T, rec *metrics.Run, _ *fake) {
				wantOutcomes(t, rec, metrics.IncidentOutcomes{NewConnection: 3})
			},
		},
		{
			name: "refuses publishes to one room", set: []string{reliableProtocol, backSoon, hitThree}, script: script{forbid: "room-000"},
			exit: metrics.ExitFail, // failed publishes, no accusation
			more: func(t *testing.T, rec *metrics.Run, _ *fake) {
				if n := rec.Totals.Deliveries.Excused.Rejected; n != 192 {
					t.Errorf("%d copies excused as refused, want 192", n)
				}
			},
		},
		{
			name: "swallows, reliable", set: []string{reliableProtocol}, script: script{swallow: true},
			exit: metrics.ExitInconclusive, checks: answers{"P1": metrics.CheckUnknown, "R4": metrics.CheckUnknown},
			more: func(t *testing.T, rec *metrics.Run, _ *fake) {
				wantDeliveries(t, rec, metrics.Deliveries{Expected: 576, Undelivered: 576})
			},
		},
		{
			name: "swallows, plain", set: []string{plainProtocol}, script: script{swallow: true},
			exit: metrics.ExitInconclusive, checks: answers{"P1": metrics.CheckUnknown, "N3": metrics.CheckUnknown},
		},
		{
			name: "acknowledges only, reliable", set: []string{reliableProtocol}, script: script{withhold: true},
			exit: metrics.ExitViolated, checks: answers{"R4": metrics.CheckViolated},
			more: func(t *testing.T, rec *metrics.Run, _ *fake) {
				wantDeliveries(t, rec, metrics.Deliveries{Expected: 576, Lost: 576})
			},
		},
		{
			name: "swallows what asks for no ack", set: []string{plainProtocol, "populations.members.publish.ack=false"}, script: script{swallow: true},
			exit: metrics.ExitInconclusive, checks: answers{"N3": metrics.CheckUnknown},
		},
		{
			name: "sends what no server may send, inside a recovery", set: []string{reliableProtocol, backSoon, hitThree}, script: script{onOpen: garbleOnce(13)},
			exit: metrics.ExitFail,
			more: func(t *testing.T, rec *metrics.Run, _ *fake) {
				wantDeliveries(t, rec, metrics.Deliveries{Expected: 576, Delivered: 576})
				if n := rec.Connections.Funnel.ProtocolErrors; n != 1 || !strings.Contains(rec.Verdict.Headline, "protocol_errors count==0: 1") {
					t.Errorf("%d protocol errors: %s", n, rec.Verdict.Headline)
				}
			},
		},
		{
			name: "acknowledges only, plain", set: []string{plainProtocol}, script: script{withhold: true},
			exit: metrics.ExitViolated, checks: answers{"N3": metrics.CheckViolated},
		},
		{
			name: "deaf after a recovery", set: []string{reliableProtocol, backSoon, hitThree}, script: script{deaf: true},
			exit: metrics.ExitViolated, checks: answers{"R4": metrics.CheckViolated},
			more: wantOnlyHitAccused,
		},
		{
			name: "refuses recoveries", set: []string{reliableProtocol, backSoon, hitThree}, script: script{refuse: true},
			exit: metrics.ExitViolated, checks: answers{"C1": metrics.CheckViolated},
			more: func(t *testing.T, rec *metrics.Run, _ *fake) {
				wantOutcomes(t, rec, metrics.IncidentOutcomes{NewConnection: 3})
				if n := rec.Connections.Funnel.RefusedRecovery; n != 3 {
					t.Errorf("%d refused recoveries, want 3", n)
				}
			},
		},
		{
			name: "ack beside Duplicate", set: []string{reliableProtocol, backSoon}, script: script{breakAt: 60},
			exit: metrics.ExitFail, // a drop that nobody injected, no accusation
			more: func(t *testing.T, rec *metrics.Run, f *fake) {
				wantDeliveries(t, rec, metrics.Deliveries{Expected: 576, Delivered: 576})
				if f.duplicates == 0 {
					t.Error("nothing was answered Duplicate: the case is not what it is meant to be")
				}
			},
		},
		{
			name: "refuses the rejoin", set: []string{plainProtocol, backSoon, hitThree}, script: script{joins: 12},
			exit: metrics.ExitFail, // failed connects, no accusation
			more: func(t *testing.T, rec *metrics.Run, _ *fake) {
				if f := rec.Connections.Funnel; f.FailedJoins != 3 || f.Joined != 12 {
					t.Errorf("%d joins failed, %d sessions joined; want 3 and 12", f.FailedJoins, f.Joined)
				}
				if rec.Totals.Deliveries.Lost != 0 || rec.Totals.Deliveries.Excused.Total() == 0 {
					t.Errorf("deliveries %+v; want some excused, none lost", rec.Totals.Deliveries)
				}
			},
		},
		{
			name: "says goodbye in control characters", set: []string{reliableProtocol, backSoon},
			script: script{byeAt: 50, bye: "bye\n::error::\x1b[2J\x00"},
			exit:   metrics.ExitFail, // a drop that nobody injected, no accusation
			more: func(t *testing.T, rec *metrics.Run, _ *fake) {
				want := metrics.CloseReason{Side: "peer", Code: 1001, Text: "bye\n::error::\x1b[2J\x00", Count: 1}
				if !slices.Contains(rec.Connections.CloseReasons, want) {
					t.Errorf("close reasons %+v, want %+v among them", rec.Connections.CloseReasons, want)
				}
				wantDeliveries(t, rec, metrics.Deliveries{Expected: 576, Delivered: 576})
			},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, row.script)
			rec, err := Run(t.Context(), t.Context(), f.config(t, planOf(t, base, row.set...)))
			if err != nil {
				t.Fatal(err)
			}
			wantVerdict(t, rec, row.exit, row.checks)
			if row.more != nil {
				row.more(t, rec, f)
			}
		})
	}
}

// garbleOnce breaks the protocol on the n-th socket.
func garbleOnce(n int) func(int, net.Conn) {
	return func(socket int, conn net.Conn) {
		if socket == n {
			_, _ = conn.Write(ws.MustCompileFrame(ws.NewTextFrame([]byte(`{"type":"message","from":"group","group":7}`))))
		}
	}
}

// wantVerdict compares the exit status and every check that is not ok.
func wantVerdict(t *testing.T, rec *metrics.Run, exit int, checks map[string]string) {
	t.Helper()
	wantAddsUp(t, rec)
	if rec.Verdict.ExitCode != exit {
		t.Errorf("exit %d, want %d: %s", rec.Verdict.ExitCode, exit, rec.Verdict.Headline)
	}
	for _, c := range rec.Checks {
		got := c.Result
		if got == metrics.CheckOK || got == metrics.CheckNotExercised {
			got = ""
		}
		if got != checks[c.ID] {
			t.Errorf("check %s is %q, want %q: %d violations, %s", c.ID, got, checks[c.ID], c.Violations, c.Reason)
		}
	}
}

// wantDeliveries compares what every copy came to; the causes of the excused are not compared.
func wantDeliveries(t *testing.T, rec *metrics.Run, want metrics.Deliveries) {
	t.Helper()
	d := rec.Totals.Deliveries
	got := metrics.Deliveries{Expected: d.Expected, Delivered: d.Delivered, Lost: d.Lost, Undelivered: d.Undelivered}
	if got != want {
		t.Errorf("deliveries %+v, want %+v", got, want)
	}
}

func wantOutcomes(t *testing.T, rec *metrics.Run, want metrics.IncidentOutcomes) {
	t.Helper()
	if len(rec.Incidents) != 1 || rec.Incidents[0].Outcomes != want {
		t.Errorf("incidents %+v, want one with %+v", rec.Incidents, want)
	}
}

// wantOnlyHitAccused: only the sessions that the fault hit miss anything.
func wantOnlyHitAccused(t *testing.T, rec *metrics.Run, _ *fake) {
	t.Helper()
	hit := victimsOf(planOf(t, base, reliableProtocol, backSoon, hitThree))
	if d := rec.Totals.Deliveries; d.Lost == 0 || d.Undelivered != 0 {
		t.Errorf("%d lost, %d undelivered; want some and none", d.Lost, d.Undelivered)
	}
	for _, c := range rec.Checks {
		for _, e := range c.Examples {
			if !slices.Contains(hit, e.Subscriber) {
				t.Errorf("%s accuses session %d, which was not hit (%v were)", c.ID, e.Subscriber, hit)
			}
		}
	}
}

// A target that stands still until the drain, then goes on, has lost nothing.
func TestFrozenTarget(t *testing.T) {
	t.Parallel()
	for _, protocol := range []string{reliableProtocol, plainProtocol} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			draining := make(chan struct{})
			over := sync.OnceFunc(func() { close(draining) })
			f := newFake(t, script{onPublish: func(n int, _ fakeFrame) {
				if n == 40 {
					<-draining
				}
			}})
			cfg := f.config(t, planOf(t, base, protocol))
			cfg.Progress = func(p Progress) {
				if p.Phase == phaseDrain {
					over()
				}
			}
			rec, err := Run(t.Context(), t.Context(), cfg)
			over()
			if err != nil {
				t.Fatal(err)
			}
			wantVerdict(t, rec, metrics.ExitPass, nil)
			wantDeliveries(t, rec, metrics.Deliveries{Expected: 576, Delivered: 576})
		})
	}
}

// Sessions that come back long after the last delivery start the quiet time anew:
// what they held back is waited for, though the target needs a while for it.
func TestDrainWaitsForReturn(t *testing.T) {
	t.Parallel()
	f := newFake(t, script{onRead: func(socket, n int) {
		if socket > 12 && n == 1 {
			time.Sleep(150 * time.Millisecond) // the target's answering time
		}
	}})
	rec, err := Run(t.Context(), t.Context(), f.config(t, planOf(t, base, plainProtocol, "phases.warmup=0s", "phases.steady=500ms",
		"populations.members.client={reconnect: {base: 6s, max: 6s, jitter: none}}",
		"faults=[{name: F1, at: 200ms, population: members, hit: 100%, kind: rst}]")))
	if err != nil {
		t.Fatal(err)
	}
	wantVerdict(t, rec, metrics.ExitPass, nil)
	if p := rec.Totals.Publishes; p.Sent != 60 || p.Dropped != 0 {
		t.Errorf("publishes %+v, want 60 sent", p)
	}
}

// A stop before the load begins leaves either nothing, or a record that says so.
func TestStoppedBeforeLoad(t *testing.T) {
	t.Parallel()
	t.Run("before the first session", func(t *testing.T) {
		t.Parallel()
		stop, end := context.WithCancel(t.Context())
		end()
		stopped := make(chan struct{})
		f := newFake(t, script{onOpen: func(int, net.Conn) { <-stopped }})
		rec, err := Run(stop, t.Context(), f.config(t, planOf(t, base)))
		close(stopped)
		if rec != nil || err != nil {
			t.Errorf("record %v, error %v; want neither", rec, err)
		}
	})
	t.Run("before the last join", func(t *testing.T) {
		t.Parallel()
		stop, end := context.WithCancel(t.Context())
		defer end()
		f := newFake(t, script{onJoin: end})
		rec, err := Run(stop, t.Context(), f.config(t, planOf(t, base, "populations.members.connect_rate=1/s")))
		if err != nil {
			t.Fatal(err)
		}
		wantVerdict(t, rec, metrics.ExitInterrupted, nil)
		if rec.Verdict.Result != metrics.ResultNotRun || rec.Info.Status != metrics.RunInterrupted || rec.Totals.Publishes.Scheduled != 0 {
			t.Errorf("result %s, status %s, %d publishes; want not_run, interrupted, none",
				rec.Verdict.Result, rec.Info.Status, rec.Totals.Publishes.Scheduled)
		}
	})
}

// Who is let in and closed at once need not wait for the end of the connect phase: the
// run says why nobody got in.
func TestClosedAtOnce(t *testing.T) {
	t.Parallel()
	f := newFake(t, script{onOpen: func(_ int, conn net.Conn) { closeSocket(conn, ws.StatusPolicyViolation, "not today") }})
	rec, err := Run(t.Context(), t.Context(), f.config(t, planOf(t, base, backSoon)))
	var setup *SetupError
	if rec != nil || !errors.As(err, &setup) || !strings.Contains(err.Error(), "close 1008 not today") {
		t.Errorf("record %v, error %v; want none and a SetupError that names the close", rec, err)
	}
}

// A connection that is lost before the service has named it was a new one all the same.
func TestLostBeforeConnected(t *testing.T) {
	t.Parallel()
	f := newFake(t, script{onOpen: func(n int, conn net.Conn) {
		if n == 13 {
			_ = conn.Close()
		}
	}})
	rec, err := Run(t.Context(), t.Context(), f.config(t, planOf(t, base, plainProtocol, backSoon, hitThree)))
	if err != nil {
		t.Fatal(err)
	}
	wantOutcomes(t, rec, metrics.IncidentOutcomes{NewConnection: 3})
}

// victimsOf lists the connections that the first fault of a plan hits.
func victimsOf(plan *scenario.Plan) (hit []int) {
	x := plan.Injections(0)
	for in, ok := x.Next(); ok; in, ok = x.Next() {
		hit = append(hit, in.Connection)
	}
	return hit
}
