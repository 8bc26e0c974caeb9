package emulator

import (
	"testing"

	"github.com/gobwas/ws"

	"github.com/wpsbench/wpsbench/wire"
)

// TestRestart: everybody is closed with 1001; who was reliable is resumed if sessions are
// kept, and everybody else is refused (protocol.md 4.6).
func TestRestart(t *testing.T) {
	const goodbye = "close 1001 The service is restarting."
	for _, keep := range []bool{false, true} {
		w := newWorld(t, Options{})
		reliable, plain, simple := w.open(wire.JSONReliable), w.open(wire.JSON), w.open(wire.Simple)
		away := w.open(wire.JSONReliable)
		away.lost()
		w.core.now = w.now
		if closed := w.core.restart(keep); closed != 3 {
			t.Errorf("keep %v: %d closed", keep, closed)
		}
		for _, c := range []*client{reliable, plain, simple} {
			c.want(goodbye)
			c.frame(ws.NewCloseFrame(ws.NewCloseFrameBody(1001, "")))
			c.wantEnd("closed")
		}
		plain.wantSession(false)
		simple.wantSession(false)
		for _, c := range []*client{reliable, away} {
			c.wantSession(keep)
			if keep {
				c.recover().want()
			} else {
				c.recover().want(refused)
			}
		}
		want := Stats{Sessions: 0, Detached: 0}
		if keep {
			want.Sessions = 2
		}
		if s := w.core.stats; s.Sessions != want.Sessions || s.Detached != want.Detached || s.Closes[1001] != 3 {
			t.Errorf("keep %v: stats %+v", keep, s)
		}
	}
}

// TestRestartReleasesOneTooMany: what a lie has held back goes out before the restart, and
// may be what the client's buffer has no room for: then there is no session to keep.
func TestRestartReleasesOneTooMany(t *testing.T) {
	w := newWorld(t, Options{ReplayMessages: 1, Lies: swapping(1)})
	c, publisher := w.open(wire.JSONReliable, withGroups("room")), w.open(wire.JSON)
	publisher.send(`{"type":"sendToGroup","group":"room","data":1}`)
	c.want() // it is held back
	w.core.publishServer([]*session{c.k.session}, &wire.Downstream{Kind: wire.ServerMessage, Data: []byte("2")})
	c.want(`{"type":"message","from":"server","dataType":"json","data":2,"sequenceId":1}`)
	if closed := w.core.restart(true); closed != 1 {
		t.Errorf("%d closed, want the publisher", closed)
	}
	c.want("close 1008 The reliable message buffer is full.")
	c.wantSession(false)
}
