package wire

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/wpsbench/wpsbench/wire/internal/loop"
)

// route says where a dial goes that needs no more than a TCP connection: from one
// address to one other, as plain ws, through no proxy.
type route struct{ to, from netip.AddrPort }

// route finds the route of a, looking its name up, on a goroutine of the dial. ok is
// false when there is none and Dial is to find its way: TLS and proxies take several
// round trips, and among several addresses package net knows how to choose.
func (a *attempt) route(ctx context.Context) (r route, ok bool) {
	if r, ok = a.literalRoute(); ok || !a.direct() {
		return r, ok
	}
	ctx, cancel := a.withTimeout(ctx)
	defer cancel()
	host, port, err := net.SplitHostPort(a.addr)
	if err != nil || strings.Contains(host, "%") { // in a zone
		return r, false
	}
	number, err := net.DefaultResolver.LookupPort(ctx, "tcp", port)
	if err != nil {
		return r, false
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil || len(ips) != 1 || ips[0].Zone() != "" {
		return r, false
	}
	return route{to: netip.AddrPortFrom(ips[0], uint16(number)), from: a.from}, true
}

// literalRoute finds the route of a where its URL has an address in numbers, so that
// nobody is to be asked.
func (a *attempt) literalRoute() (r route, ok bool) {
	to, err := netip.ParseAddrPort(a.addr)
	return route{to: to, from: a.from}, err == nil && to.Addr().Zone() == "" && a.direct()
}

// direct says that a takes no more than a TCP connection to where its URL says.
func (a *attempt) direct() bool {
	if a.url.Scheme != "ws" {
		return false
	}
	proxy, err := a.chooseProxy()
	return proxy == nil && err == nil
}

// loopDial is a dial that takes place on the Loop: no goroutine waits for it.
type loopDial struct {
	loop    *Loop
	pending *pendingDial
	result  *dialResult
	attempt *attempt
	shake   *handshake
	conn    *loop.Conn
	limit   *Timer
	stage   string
	body    bool // the body of a refusal is awaited, for refusalTimeout
}

// dialOnLoop goes on where prepare, or the goroutine of d, has left off.
func (l *Loop) dialOnLoop(now time.Duration, d *pendingDial, r *dialResult) {
	a := r.attempt
	s := &loopDial{
		loop: l, pending: d, result: r, attempt: a, stage: StageTCP,
		shake: newHandshake(a.url, a.dialer.Header, a.sub),
	}
	d.onLoop = s
	s.limit = l.NewTimer(s.expired)
	s.limit.Set(a.trace.Start + a.dialer.timeout())
	conn, err := l.loop.Connect(r.route.to, r.route.from, s.connected, s)
	if err != nil {
		s.fail(now, err)
		return
	}
	s.conn = conn
}

func (s *loopDial) connected(now time.Duration) {
	s.stage = StageUpgrade
	s.attempt.trace.TCP = now
	s.conn.Write(s.shake.request())
}

// Received takes bytes of the answer, and of the WebSocket if they follow at once.
func (s *loopDial) Received(now time.Duration, data []byte) {
	rest, done, err := s.shake.received(data)
	switch {
	case done && err != nil:
		s.fail(now, err)
	case done:
		s.attempt.trace.Upgraded = now
		s.result.conn, s.result.trace = s.conn, s.attempt.trace
		s.end(now)
		s.pending.client.receivedBehind(now, s.conn, rest)
	case s.shake.refusing() && !s.body:
		s.body = true
		s.limit.Set(now + refusalTimeout)
	}
}

// Lost takes the end of a socket that is no WebSocket yet.
func (s *loopDial) Lost(now time.Duration, err error) {
	if s.stage == StageUpgrade {
		err = s.shake.ended(err)
	}
	s.fail(now, err)
}

func (s *loopDial) expired(now time.Duration) {
	timeout := s.attempt.dialer.timeout()
	err := fmt.Errorf("not done within %v: %w", timeout, context.DeadlineExceeded)
	if s.body {
		err = s.shake.ended(err)
	}
	s.fail(now, err)
}

// cancel gives the dial up; nobody is told.
func (s *loopDial) cancel(now time.Duration) { s.fail(now, context.Canceled) }

func (s *loopDial) fail(now time.Duration, err error) {
	if s.conn != nil {
		s.conn.Abort()
	}
	s.result.err = s.attempt.failure(s.stage, err)
	s.end(now)
}

func (s *loopDial) end(now time.Duration) {
	s.limit.Stop()
	s.pending.onLoop = nil
	s.loop.dialEnded(now, s.pending, s.result)
}
