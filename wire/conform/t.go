package conform

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"
)

// T is one case under way: its connections, its transcript, and what it found. A
// case uses it from one goroutine.
type T struct {
	ctx    context.Context
	target *target
	strict bool // what differs is a failure
	soft   bool // every failure is a difference
	log    transcript
	unique string // in the names of groups and users

	hub   string // whose events come to inbox
	inbox *inbox // nil without an event handler

	failures []string
	differs  []string
	skipped  string

	conns   []*conn
	readers sync.WaitGroup
}

func newT(ctx context.Context, tgt *target, c *Case) *T {
	t := &T{
		ctx: ctx, target: tgt, strict: tgt.Strict, soft: c.Level == Emulator,
		log: transcript{start: time.Now()}, unique: randomHex(4),
	}
	t.log.secret(tgt.EntraToken)
	t.hub = tgt.EventHub
	if tgt.handler != nil {
		t.inbox = newInbox(&t.log, t.hub)
	}
	return t
}

// do runs fn to its end, or to the Fatalf or Skipf that cuts it short.
func (t *T) do(fn func(*T)) {
	if t.inbox != nil {
		t.target.handler.begin(t.inbox)
		defer t.target.handler.begin(nil)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer t.cleanup()
		fn(t)
	}()
	<-done
}

// cleanup ends every connection and waits for their readers. Sessions are closed
// for good: they must not linger through a recovery window.
func (t *T) cleanup() {
	for _, c := range t.conns {
		c.farewell()
	}
	t.readers.Wait()
}

func (t *T) outcome() (Outcome, []string) {
	reasons := append(append([]string(nil), t.failures...), t.differs...)
	switch {
	case len(t.failures) > 0 && (!t.soft || t.strict), len(t.differs) > 0 && t.strict:
		return Fail, reasons
	case len(reasons) > 0:
		return Differs, reasons
	case t.skipped != "":
		return Skipped, []string{t.skipped}
	default:
		return Pass, nil
	}
}

// Errorf notes that the rule is broken; the case goes on.
func (t *T) Errorf(format string, args ...any) {
	t.failures = append(t.failures, t.finding(format, args...))
}

// Fatalf notes that the rule is broken and ends the case.
func (t *T) Fatalf(format string, args ...any) {
	t.Errorf(format, args...)
	runtime.Goexit()
}

// Differf notes that the target does not behave as the emulator does, where
// nothing else is promised.
func (t *T) Differf(format string, args ...any) {
	t.differs = append(t.differs, t.finding(format, args...))
}

// Skipf ends the case: it does not apply.
func (t *T) Skipf(format string, args ...any) {
	t.skipped = t.finding(format, args...)
	runtime.Goexit()
}

func (t *T) finding(format string, args ...any) string {
	return t.log.line(fmt.Sprintf(format, args...))
}

// check notes that the rule is broken unless ok.
func (t *T) check(ok bool, format string, args ...any) {
	if !ok {
		t.Errorf(format, args...)
	}
}

// group, user and name return names that no other case uses.
func (t *T) group(name string) string { return name + "-" + t.unique }

func (t *T) user(name string) string { return name + "-" + t.unique }

// pause lets time pass, which only the rules about time need.
func (t *T) pause(d time.Duration) {
	t.log.add("-", "-", fmt.Sprintf("(%v pass)", d))
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.ctx.Done():
		t.Fatalf("interrupted")
	}
}
