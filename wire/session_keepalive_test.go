package wire

import (
	"errors"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// TestIdle: a transport is given up when the peer is silent for too long, and not when
// the silence is ours.
func TestIdle(t *testing.T) {
	const ping, limit = 20 * time.Second, 45 * time.Second
	type step func(r *rig)
	pass := func(d time.Duration) step { return func(r *rig) { r.pass(d) } }
	pong := func(r *rig) { r.receive(`{"type":"pong"}`) }
	hold := func(held bool) step { return func(r *rig) { r.s.HoldInput(r.now, held) } }
	// stall lets time pass without a Tick: the process stands still.
	stall := func(d time.Duration) step { return func(r *rig) { r.now += d } }
	for _, row := range []struct {
		name  string
		steps []step
		given bool // up
	}{
		{"not a moment too soon", []step{pass(limit - 1)}, false},
		{"silence", []step{pass(limit)}, true},
		{"answers", []step{pass(ping), pong, pass(ping), pong, pass(limit - 1)}, false},
		{"silence after answers", []step{pass(ping), pong, pass(limit)}, true},
		{"the peer pings", []step{pass(limit - 1), func(r *rig) { r.frames(ws.NewPingFrame(nil)) }, pass(limit - 1)}, false},
		{"we did not read", []step{hold(true), pass(10 * limit)}, false},
		{"nor for long enough since", []step{hold(true), pass(limit), hold(false), pass(limit - 1)}, false},
		{"but now do", []step{hold(true), pass(limit), hold(false), pass(limit)}, true},
		{"we stood still and read then", []step{stall(time.Minute), pass(0), pong, pass(limit - 1)}, false},
		{"we stood still and nothing came", []step{stall(time.Minute), pass(heldUp)}, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			cfg := reliable()
			cfg.Ping, cfg.IdleTimeout = ping, limit
			r := readyRig(t, cfg)
			var given error
			r.on = func(ev *Event) {
				if ev.Kind == EventDropped {
					given = ev.Err
				}
			}
			for _, s := range row.steps {
				s(r)
			}
			if row.given != errors.Is(given, ErrIdle) {
				t.Errorf("dropped by %v, events %q", given, r.events)
			}
		})
	}
}

// TestPingsAskWhoIsHeard: a client that only sends would never hear of a service that
// has nothing to tell it.
func TestPingsAskWhoIsHeard(t *testing.T) {
	for _, limit := range []time.Duration{0, 45 * time.Second} {
		cfg := reliable()
		cfg.Ping, cfg.IdleTimeout = 20*time.Second, limit
		r := readyRig(t, cfg)
		for range 4 {
			r.pass(10 * time.Second)
			r.publish("x", 0)
		}
		if pings := r.s.Stats().Pings; (pings > 0) != (limit > 0) {
			t.Errorf("idle timeout %v: %d pings", limit, pings)
		}
	}
}

// TestProbe: whoever does not answer the ping in time is given up.
func TestProbe(t *testing.T) {
	const patience = ProbePatience
	pong := func(probe byte) func(r *rig) {
		return func(r *rig) { r.frames(ws.NewPongFrame([]byte{0, 0, 0, probe})) }
	}
	hold := func(held bool) func(r *rig) { return func(r *rig) { r.s.HoldInput(r.now, held) } }
	for _, row := range []struct {
		name    string
		answer  func(r *rig)
		probing bool // after patience-1
		given   bool // up, after patience
	}{
		{"nothing", func(*rig) {}, true, true},
		{"a pong", pong(2), false, false},
		{"a pong to an earlier one", pong(1), true, true},
		{"a pong to nothing", func(r *rig) { r.frames(ws.NewPongFrame(nil)) }, true, true},
		{"what was under way", func(r *rig) { r.receive(groupMessage("a", 1)) }, true, true},
		{"it is busy", func(r *rig) { r.pass(patience - 1); r.receive(groupMessage("a", 1)) }, true, true},
		{"the end of it", func(r *rig) { r.lost(errReset) }, false, false},
		{"we did not read", hold(true), true, false},
		{"nor until now", func(r *rig) { hold(true)(r); r.pass(3*patience - 1); hold(false)(r) }, true, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := readyRig(t, reliable())
			r.s.Probe(r.now)
			pong(1)(r)
			if r.s.Probing() {
				t.Error("the first is answered, and still awaited")
			}
			r.s.Probe(r.now)
			var given error
			r.on = func(ev *Event) {
				if ev.Kind == EventDropped {
					given = ev.Err
				}
			}
			row.answer(r)
			r.pass(patience - 1)
			if r.s.Probing() != row.probing || errors.Is(given, ErrIdle) {
				t.Errorf("before the time is up: probing %v, dropped by %v", r.s.Probing(), given)
			}
			if r.pass(1); errors.Is(given, ErrIdle) != row.given || r.s.Probing() != (row.probing && !row.given) {
				t.Errorf("then: probing %v, dropped by %v", r.s.Probing(), given)
			}
		})
	}
	r := newRig(t, reliable())
	r.start()
	if r.s.Probe(r.now); r.s.Probing() {
		t.Error("there is nothing to probe")
	}
}

// Not to look is no sign of life: what came last is as old as it was, until something
// comes again.
func TestHeldInputIsNotHeard(t *testing.T) {
	r := newRig(t, &SessionConfig{Subprotocol: JSON, IdleTimeout: time.Minute})
	r.start()
	r.opened()
	r.receive(`{"type":"system","event":"connected","connectionId":"one"}`)
	heard := r.now
	for _, held := range []bool{true, false} {
		r.pass(5 * time.Second)
		r.s.HoldInput(r.now, held)
		if got := r.s.LastRead(); got != heard {
			t.Errorf("held %t: heard last at %v, want %v", held, got, heard)
		}
	}
	r.pass(5 * time.Second)
	r.receive(`{"type":"pong"}`)
	if got := r.s.LastRead(); got != r.now {
		t.Errorf("heard last at %v, want %v", got, r.now)
	}
}
