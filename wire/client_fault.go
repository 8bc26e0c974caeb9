package wire

import (
	"errors"
	"time"

	"github.com/wpsbench/wpsbench/wire/internal/loop"
)

// Event.Err of the drops that a Client has made on purpose.
var (
	ErrReset    = errors.New("connection reset on purpose")
	ErrHungUp   = errors.New("connection ended on purpose, without a close frame")
	ErrForsaken = errors.New("connection left open and silent on purpose")
)

// The methods below are faults made on purpose (design.md 7.6). The Session hears at
// once of a drop; without a socket they do nothing. They are not for the Client's own
// Handler: what it would still be told of belongs to the socket that is gone.

// Reset resets the socket: the peer sees an RST.
func (c *Client) Reset(now time.Duration) { c.drop(now, (*loop.Conn).Reset, ErrReset) }

// HangUp closes the socket without a close frame: the peer sees an end of stream, or
// a reset if it has sent what was not read yet.
func (c *Client) HangUp(now time.Duration) { c.drop(now, (*loop.Conn).Abort, ErrHungUp) }

// Forsake leaves the socket open, neither reading nor writing any more: the peer has a
// client that says nothing and takes nothing until its socket is full. It lasts until
// the Client is closed, forsakes another one, or the Loop ends.
func (c *Client) Forsake(now time.Duration) {
	if c.conn == nil {
		return
	}
	c.forsake()
	c.lost(now, ErrForsaken)
}

// forsake leaves the socket to itself.
func (c *Client) forsake() {
	c.abandonForsaken()
	c.forsaken = c.conn
	c.conn.Forsake()
}

// CanBlackhole says whether Blackhole works on this system, otherwise why it does not. In a
// Simulation it always does.
func CanBlackhole() error {
	if loop.Severs {
		return nil
	}
	return loop.ErrNoSever
}

// Blackhole makes the connection half-open: from here on nothing of the peer's gets through,
// not even to our kernel, which acknowledges none of it, and nothing of ours leaves. Neither
// side is told, and no reset comes back. What finds out is the patience of each: the Session's
// IdleTimeout or Probe here, pings that nobody answers there. The socket is then left as it is,
// as with Forsake.
func (c *Client) Blackhole() error {
	if c.conn == nil {
		return nil
	}
	return c.conn.Sever()
}

func (c *Client) drop(now time.Duration, how func(*loop.Conn), err error) {
	if c.conn == nil {
		return
	}
	how(c.conn)
	c.lost(now, err)
}

func (c *Client) abandonForsaken() {
	if c.forsaken != nil {
		c.forsaken.Abort()
		c.forsaken = nil
	}
}

// HoldSequenceAcks is Session.HoldSequenceAcks. It works without a socket too.
func (c *Client) HoldSequenceAcks(now time.Duration, held bool) {
	outer := c.begin()
	c.session.HoldSequenceAcks(now, held)
	c.end(outer)
}

// StopReading reads nothing of the socket any more until ReadAgain, or until it is
// another one: what the peer sends stays with the kernel, then with the peer. The end of
// the connection is not noticed either.
func (c *Client) StopReading(now time.Duration) {
	if c.conn != nil {
		c.conn.Pause()
		c.session.HoldInput(now, true)
	}
}

// ReadAgain ends StopReading.
func (c *Client) ReadAgain(now time.Duration) {
	if c.conn != nil {
		c.conn.Resume()
		c.session.HoldInput(now, false)
	}
}
