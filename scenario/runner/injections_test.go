package runner

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// TestEveryInjectionIsExplained: each line of the log says what was done to whom, how the
// client saw its connection end, and what came of it.
func TestEveryInjectionIsExplained(t *testing.T) {
	small := emulator.Options{ReplayMessages: 100}
	for _, row := range []struct {
		fault   string
		options emulator.Options
		want    string
		// Until it was detected: of misbehaviour, since the service dropped the client.
		least, most time.Duration
	}{
		{fault: "kind: rst", want: "resumed, us 0 connection reset on purpose"},
		{fault: "kind: fin", want: "resumed, us 0 connection ended on purpose, without a close frame"},
		{fault: "kind: close", want: "new_connection, us 1000 ", most: time.Second},
		{fault: "kind: close, code: 1001", want: "resumed, us 1001 ", most: time.Second},
		{fault: "kind: close, code: 4000", want: "resumed, us 4000 ", most: time.Second},
		{fault: "kind: zombie", want: "resumed, us 0 connection left open and silent on purpose"},
		{
			fault: "kind: blackhole", want: "resumed, us 0 nothing received within the idle timeout",
			least: 44 * time.Second, most: 45 * time.Second, // members hear something all the time
		},
		{fault: "kind: restart, lasts: 2s", want: "new_connection, peer 1001 The service is restarting."},
		{fault: "kind: restart, lasts: 2s, keeps_sessions: true", want: "resumed, peer 1001 The service is restarting."},
		{fault: "kind: rest-close", want: "new_connection, peer 1000 ", most: time.Second},
		{fault: "kind: stop-acking, lasts: 200ms", want: "held, no close"},
		{fault: "kind: slow-reader, lasts: 200ms", want: "held, no close"},
		{
			fault: "kind: stop-acking, lasts: 3500ms", options: small, want: "overflow, peer 1008 The reliable message buffer is full.",
		},
		{
			fault: "kind: slow-reader, lasts: 3500ms", options: small, want: "overflow, peer 1008 The reliable message buffer is full.",
		},
	} {
		t.Run(row.fault, func(t *testing.T) {
			victims, hit := "population: members, hit: 3, ", 3
			if strings.Contains(row.fault, "restart") {
				victims, hit = "", 12 // everybody
			}
			text := base + "faults: [{name: F, at: 100ms, " + victims + row.fault + "}]\n"
			text = strings.Replace(text, "steady: 1s", "steady: 4s", 1)
			text = strings.Replace(text, "drain: 30s", "drain: 2m", 1)
			text = strings.Replace(text, "connect_rate", "client: {sequence_ack: {every_messages: 1}, reconnect: {base: 100ms, jitter: none}}\n    connect_rate", 1)
			w := world{seed: 1, text: text, link: wire.Link{Delay: 5 * time.Millisecond}, options: row.options}
			rec, _ := simulate(t, w)
			wantHonest(t, w, rec)
			if n := rec.Injections.Count; n != uint64(hit) || len(rec.Injections.Log) != hit {
				t.Fatalf("%d injections, logged %+v", n, rec.Injections.Log)
			}
			for _, in := range rec.Injections.Log {
				got := in.Effect + ", no close"
				if in.CloseSide != "" {
					got = fmt.Sprintf("%s, %s %d %s", in.Effect, in.CloseSide, in.CloseCode, in.CloseText)
				}
				if got != row.want || !strings.HasPrefix(row.fault, "kind: "+in.Kind) {
					t.Errorf("%s of session %d: %s; want %s", in.Kind, in.Session, got, row.want)
				}
				if (in.DetectMicros != nil) != (in.CloseSide != "") || (in.OutageMicros != nil) != (in.Effect != "held") {
					t.Errorf("detected after %v us, back after %v us", in.DetectMicros, in.OutageMicros)
				}
				if in.DetectMicros == nil {
					continue
				}
				detected := time.Duration(*in.DetectMicros) * time.Microsecond
				if detected < row.least || detected > row.most {
					t.Errorf("detected after %v, want %v to %v", detected, row.least, row.most)
				}
				if in.OutageMicros != nil && *in.OutageMicros <= *in.DetectMicros {
					t.Errorf("back after %d us, before it was detected", *in.OutageMicros)
				}
			}
			if in := rec.Incidents; len(in) != 1 || in[0].Outcomes.Total() != hit || rec.Connections.Funnel.UninjectedDrops != 0 {
				t.Errorf("incidents %+v, %d drops that nobody injected", in, rec.Connections.Funnel.UninjectedDrops)
			}
			if rec.Verdict.Result == metrics.ResultViolated {
				t.Errorf("the target is accused: %s", rec.Verdict.Headline)
			}
		})
	}
}
