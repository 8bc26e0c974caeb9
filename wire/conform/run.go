package conform

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// UnreachableError says that no case could be tried: the target was not reached,
// or refused even a client with a good token. Its text holds no secret.
type UnreachableError struct {
	Target string
	Err    error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("target %s: %v", e.Target, e.Err)
}

// Unwrap returns the cause.
func (e *UnreachableError) Unwrap() error { return e.Err }

// Run tries the cases one after the other. When ctx ends it returns what has been
// found so far, and ctx's error; any other error comes without a report, an
// *UnreachableError when the target is not there.
func Run(ctx context.Context, c Config) (*Report, error) {
	if c.Events != nil {
		defer func() { _ = c.Events.Close() }() // once more, if it has been served
	}
	tgt, err := c.resolve()
	if err != nil {
		return nil, err
	}
	if c.Events != nil && c.hasKey() {
		tgt.handler = newHandler(c.Events, tgt.EventHub)
		defer tgt.handler.close()
	}
	if err := tgt.probe(ctx); err != nil {
		return nil, err
	}
	report := &Report{
		Format: reportFormat, Target: tgt.endpoint(), Hub: tgt.Hub, Strict: tgt.Strict,
		StartedAt: time.Now().UTC(), Totals: map[Outcome]int{},
	}
	chosen := tgt.chosen()
	for i, cs := range chosen {
		if tgt.Start != nil {
			tgt.Start(&cs, i, len(chosen))
		}
		result := tgt.try(ctx, &cs)
		if ctx.Err() != nil {
			break // what was under way has not been judged
		}
		report.add(result)
		if tgt.Done != nil {
			tgt.Done(&report.Cases[len(report.Cases)-1])
		}
	}
	report.Seconds = time.Since(report.StartedAt).Seconds()
	return report, ctx.Err()
}

// chosen returns the cases that are asked for.
func (c *Config) chosen() []Case {
	if c.Select == nil {
		return Cases()
	}
	return slices.DeleteFunc(Cases(), func(cs Case) bool { return !c.Select(&cs) })
}

// try runs one case, or says why it does not apply.
func (tgt *target) try(ctx context.Context, c *Case) Result {
	result := Result{ID: c.ID, Rule: c.Rule, Title: c.Title, Level: c.Level, Outcome: Skipped}
	for _, need := range c.Needs {
		if slices.Contains(tgt.lacks, need) {
			result.Reasons = []string{"needs: " + string(need)}
			return result
		}
		if !tgt.Slow && (need == NeedTime || need == NeedTraffic) {
			result.Reasons = []string{"needs " + string(need)}
			return result
		}
	}
	t := newT(ctx, tgt, c)
	start := time.Now()
	t.do(c.run)
	result.Seconds = time.Since(start).Seconds()
	result.Outcome, result.Reasons = t.outcome()
	if result.Outcome == Fail || result.Outcome == Differs {
		result.Frames = t.log.lines()
	}
	return result
}

// probe asks the target what it offers. An answer to a plain JSON client is all
// that must be there.
func (tgt *target) probe(ctx context.Context) error {
	asked := *tgt
	asked.Timeout = max(tgt.Timeout, defaultTimeout) // a first answer may be slow
	defer func() { tgt.lacks = asked.lacks }()
	t := newT(ctx, &asked, &Case{})
	var problem error
	t.do(func(t *T) {
		a, err := t.request(t.clientRequest(&client{proto: plain}))
		switch {
		case err != nil:
			problem = err
		case a.status != http.StatusSwitchingProtocols:
			problem = fmt.Errorf("a client is refused with HTTP %d %s", a.status, http.StatusText(a.status))
		default:
			t.probeOptions()
		}
	})
	if problem == nil && len(t.failures) > 0 {
		problem = fmt.Errorf("%s", t.failures[0])
	}
	if problem == nil {
		return nil
	}
	return &UnreachableError{Target: tgt.endpoint(), Err: fmt.Errorf("%s", t.log.clean(problem.Error()))}
}

func (t *T) probeOptions() {
	for _, spoken := range []struct {
		proto string
		need  Need
	}{{reliable, NeedReliable}, {protobuf, NeedProtobuf}, {protobufReliable, NeedProtobufReliable}} {
		if a, err := t.request(t.clientRequest(&client{proto: spoken.proto})); err != nil || a.protocol() != spoken.proto {
			t.target.lacks = append(t.target.lacks, spoken.need)
		}
	}
	if a, err := t.request(t.clientRequest(&client{})); err != nil || a.status != http.StatusSwitchingProtocols {
		t.target.lacks = append(t.target.lacks, NeedSimple)
	}
	if !t.target.hasKey() {
		return
	}
	t.probeEvents()
	if resp := t.call(restCall{method: http.MethodHead, path: "api/health", open: true}); resp.status == http.StatusNotFound {
		t.target.lacks = append(t.target.lacks, NeedREST)
	}
}

// probeEvents finds out whose events come to our handler. The client is refused for a
// while if the target has asked before we were there.
func (t *T) probeEvents() {
	if t.inbox == nil {
		t.target.lacks = append(t.target.lacks, NeedEvents)
		return
	}
	if t.inbox.first(kindConnect) != nil {
		t.target.lacks = append(t.target.lacks, NeedUnhandled)
	}
	for deadline := time.Now().Add(t.target.Timeout); ; t.pause(t.target.Timeout / 50) {
		a, err := t.request(t.clientRequest(&client{proto: plain, hub: t.hub}))
		for k := t.inbox.first(kindConnect); k != nil; k = t.inbox.first(kindConnect) {
			if k.names(t.hub) {
				return
			}
		}
		if err != nil || a.conn != nil || time.Now().After(deadline) {
			t.target.lacks = append(t.target.lacks, NeedEvents)
			return
		}
	}
}
