package wire

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"
)

// A Client that asks at once has its URL before Start returns, and then goes the way that
// its transport and the URL ask for.
func TestAskAtOnce(t *testing.T) {
	eachTransport(t, func(t *testing.T, tr Transport) {
		for _, secured := range []bool{false, true} {
			t.Run(map[bool]string{false: "ws", true: "wss"}[secured], func(t *testing.T) {
				s := newService(t, secured)
				d := &Dialer{}
				if secured {
					d.TLS = roots(s.Server)
				}
				l, _ := runLoop(t, tr, d)
				r := newRecorder()
				var calls atomic.Int32
				c := l.Open(prompt(), asking(s, &calls), r, 1)
				onLoop(t, l, func(now time.Duration) {
					c.AskAtOnce()
					c.Start(now)
					if got := calls.Load(); got != 1 {
						t.Errorf("asked %d times when Start returned, want once", got)
					}
					if gone := c.dial.cancel == nil; gone != (!secured && tr == TransportLoop) {
						t.Errorf("dialed without a goroutine: %t", gone)
					}
				})
				r.expect(t, "dialing", "opened")
				wait(t, s.open).hello("one")
				r.expect(t, "connected", "ready")
			})
		}
	})
}

// What fails at once is told after Start, like any other failure.
func TestAskAtOnceFails(t *testing.T) {

	tests := []struct {
		name string
		url  URLFunc
	}{
		{"no URL", func(context.Context) (string, error) { return "", errors.New("no") }},
		{"URL that is none", FixedURL("http://127.0.0.1/")},
		{"refused", FixedURL("ws://127.0.0.1:1")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			eachTransport(t, func(t *testing.T, tr Transport) {
				l, _ := runLoop(t, tr, &Dialer{})
				cfg := *prompt()
				cfg.Reconnect.Disabled = true
				r := newRecorder()
				c := l.Open(&cfg, tt.url, r, 1)
				onLoop(t, l, func(now time.Duration) {
					c.AskAtOnce()
					c.Start(now)
					r.expect(t, "dialing")
					if c.dial == nil {
						t.Error("the dial had ended when Start returned")
					}
				})
				r.expect(t, "dial failed", "closed")
			})
		})
	}
}
