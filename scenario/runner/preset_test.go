package runner

import (
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// What the scenario's presets say of the official clients is what wire's do.
func TestPresetsAgree(t *testing.T) {
	for _, name := range []string{"sdk-js", "sdk-python", "sdk-dotnet", "sdk-java"} {
		want, ok := wire.Preset(name)
		if !ok {
			t.Fatalf("wire knows no preset %s", name)
		}
		if got := sessionConfig(planOf(t, base, "populations.members.client="+name), 0); got != want {
			t.Errorf("%s: got %+v\nwant %+v", name, got, want)
		}
		changed := sessionConfig(planOf(t, base,
			"populations.members.client={sequence_ack: {every_messages: 50}, preset: "+name+", reconnect: {max: 7s}}"), 0)
		if changed.SequenceAck.EveryMessages != 50 || changed.SequenceAck.Every != want.SequenceAck.Every ||
			changed.Reconnect.Max != 7*time.Second || changed.Reconnect.Base != want.Reconnect.Base || changed.Retry != want.Retry {
			t.Errorf("%s with other keys: got %+v", name, changed)
		}
	}
	if got := sessionConfig(planOf(t, base), 0); got.Retry != (wire.RetryPolicy{}) || got.SequenceAck.EveryMessages != 64 {
		t.Errorf("the default is not bench: %+v", got)
	}
}

// An official client gives its requests up with the transport and sends them again
// under new ack ids, so receivers get some twice. That is no fault of the target.
func TestClientRetriesAccuseNobody(t *testing.T) {
	fault := []string{
		"faults=[{name: F1, at: 500ms, kind: rst, population: members, hit: 50%}]", "populations.members.publish.rate=40/s",
	}
	late := emulator.Options{AckDelay: 100 * time.Millisecond} // what is cut off has been brokered
	rec, stats := execute(t, planOf(t, base, append(fault, "populations.members.client=sdk-js")...), late)
	wantAddsUp(t, rec)
	d := rec.Totals.Deliveries
	if d.ClientRetry == 0 || stats.Publishes <= rec.Totals.Publishes.Sent {
		t.Errorf("%d client retries; the target counts %d publishes of %d: nothing was retried", d.ClientRetry, stats.Publishes, rec.Totals.Publishes.Sent)
	}
	if d.Duplicated+d.Reordered+d.Lost+d.Unexpected > 0 || d.Delivered != d.Expected {
		t.Errorf("deliveries %+v, want all of them and no offence", d)
	}
	for _, c := range rec.Checks {
		if c.Result == metrics.CheckViolated || c.Result == metrics.CheckUnknown {
			t.Errorf("%s is %s: %s", c.ID, c.Result, c.Reason)
		}
	}
	rec, _ = execute(t, planOf(t, base, fault...), late)
	if d := rec.Totals.Deliveries; d.ClientRetry != 0 || d.Delivered != d.Expected {
		t.Errorf("bench: deliveries %+v, want all of them and no client retries", d)
	}
}

// A lying target is found out all the same.
func TestSwapIsFoundBehindClientRetries(t *testing.T) {
	rec, stats := execute(t, planOf(t, base, "populations.members.client=sdk-js", "populations.members.publish.rate=40/s"),
		emulator.Options{Lies: emulator.Lies{emulator.LieSwap: {N: 1, Of: 50}}})
	if got, told := rec.Totals.Deliveries.Reordered, stats.Lies["swap"]; told == 0 || got != told {
		t.Errorf("%d reordered, %d swaps told", got, told)
	}
}
