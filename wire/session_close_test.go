package wire

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

func TestPeerCloseIsAnswered(t *testing.T) {
	tests := []struct {
		name   string
		code   ws.StatusCode
		reason string
		want   string
		sent   string
	}{
		{"normal", 1000, "", "dropped 1000 by peer", "CLOSE 1000"},
		{"with a reason", 1001, "going away", `dropped 1001 "going away" by peer`, "CLOSE 1001"},
		{"service restart", 1012, "", "dropped 1012 by peer", "CLOSE 1012"},
		{"without a code", 0, "", "dropped 1005 by peer", "CLOSE"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := readyRig(t, reliable())
			r.closed(tt.code, tt.reason)
			r.want(list{tt.want}, list{tt.sent, "close"})
			r.due() // only 1008 rules a recovery out (protocol.md 9)
			r.want(list{"dialing recovering"}, list{"dial"})
		})
	}
}

func TestNothingIsReadAfterACloseFrame(t *testing.T) {
	r := readyRig(t, reliable())
	late := ws.MustCompileFrame(ws.NewTextFrame([]byte(groupMessage("late", 1))))
	r.s.Received(r.now, append(ws.MustCompileFrame(ws.NewCloseFrame(nil)), late...))
	r.pump()
	r.s.Received(r.now, late)
	r.lost(errReset)
	r.want(list{"dropped 1005 by peer"}, list{"CLOSE", "close"})
}

func TestClose(t *testing.T) {
	r := readyRig(t, reliable())
	r.publish("a", 0)
	r.publish("b", 0)
	r.reset()
	r.close(1000)
	r.want(nil, list{"CLOSE 1000"})
	if r.s.Ready() || r.s.Attached() {
		t.Error("ready or attached while closing")
	}
	// What the peer had under way still counts, but nothing is sent any more.
	r.receive(ack(1), groupMessage("m", 1))
	r.frames(ws.NewPingFrame([]byte("x")))
	if _, err := r.s.Publish(r.now, &Publish{}); !errors.Is(err, ErrDetached) {
		t.Errorf("publish while closing: %v, want ErrDetached", err)
	}
	r.close(1000)
	r.want(list{"acked 1", "message m"}, nil)
	r.closed(1000, "")
	r.want(list{"dropped 1000", "unanswered 2", "ended one by us", "closed"}, list{"close"})
	r.close(1000)
	r.start()
	r.pass(time.Hour)
	r.want(nil, nil)
}

func TestCloseTimesOut(t *testing.T) {
	r := readyRig(t, reliable())
	r.close(1000)
	r.pass(10*time.Second - 1)
	r.want(nil, list{"CLOSE 1000"})
	r.on = func(ev *Event) {
		if ev.Kind == EventDropped && !errors.Is(ev.Err, ErrNoCloseFrame) {
			t.Errorf("dropped with %v, want ErrNoCloseFrame", ev.Err)
		}
	}
	r.pass(1)
	r.want(list{"dropped", "ended one by us", "closed"}, list{"abort"})
}

func TestCloseWithoutASocket(t *testing.T) {
	tests := []struct {
		name string
		to   func(r *rig)
		want list
		sent list
	}{
		{"before start", func(*rig) {}, list{"closed"}, nil},
		{"while dialing", func(r *rig) { r.start() }, list{"closed"}, list{"abort"}},
		{"in a pause", func(r *rig) { r.start(); r.dialFailed(errReset) }, list{"closed"}, nil},
		{"between recoveries", func(r *rig) { r.start(); r.opened(); r.receive(helloOne); r.publish("a", 0); r.lost(errReset) },
			list{"unanswered 1", "ended one by us", "closed"}, nil},
		{"while recovering", func(r *rig) { r.start(); r.opened(); r.receive(helloOne); r.lost(errReset); r.due() },
			list{"ended one by us", "closed"}, list{"abort"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, reliable())
			tt.to(r)
			r.reset()
			r.close(1000)
			r.want(tt.want, tt.sent)
			// What comes too late changes nothing.
			r.opened()
			r.dialFailed(errReset)
			r.receive(helloOne)
			r.pass(time.Hour)
			r.want(nil, nil)
		})
	}
}

func TestCloseWhileClosing(t *testing.T) {
	r := readyRig(t, reliable())
	r.interrupt(1001)
	r.close(1000)
	r.lost(io.EOF)
	r.want(list{"dropped", "ended one by us", "closed"}, list{"CLOSE 1001"})

	r = readyRig(t, reliable())
	r.close(1000)
	r.receive(`{`)
	r.want(list{"protocol error", "dropped", "ended one by us", "closed"}, list{"CLOSE 1000", "close"})
}

// What was written for a socket that is gone must not reach the next one.
func TestOutputOfALostSocketIsDropped(t *testing.T) {
	r := readyRig(t, reliable())
	_, _ = r.s.Publish(r.now, &Publish{Group: "room", DataType: DataText})
	r.lost(errReset)
	r.want(list{"dropped"}, nil)

	r = readyRig(t, reliable())
	r.s.Close(r.now, 1000)
	r.tickAt(r.now + 10*time.Second)
	r.want(list{"dropped", "ended one by us", "closed"}, list{"abort"})
}

func TestInterruptNormal(t *testing.T) {
	r := readyRig(t, reliable(), "room")
	r.publish("a", 0)
	r.reset()
	r.interrupt(1000)
	r.interrupt(1000) // there is only one close frame
	r.want(nil, list{"CLOSE 1000"})
	r.closed(1000, "")
	r.want(list{"dropped 1000", "unanswered 2", "ended one by us"}, list{"close"})
	r.due()
	r.want(list{"dialing"}, list{"dial"}) // at once
	r.opened()
	r.receive(helloTwo)
	r.want(list{"opened", "connected two"}, list{`{"type":"joinGroup","group":"room","ackId":3}`})

	r.receive(ack(3))
	r.interrupt(1000)
	r.reset()
	r.pass(10 * time.Second) // the peer does not answer
	r.want(list{"dropped", "ended two by us", "dialing"}, list{"abort", "dial"})

	r.opened()
	r.receive(helloThree, ack(4))
	r.reset()
	r.lost(errReset) // no fault of ours any more
	r.due()
	r.want(list{"dropped", "dialing recovering"}, list{"dial"})
}

func TestInterruptRecoverable(t *testing.T) {
	r := readyRig(t, reliable(), "room")
	r.interrupt(1001)
	r.s.Join(r.now, "new") // kept for the recovery
	r.closed(1001, "")
	r.due()
	r.want(list{"dropped 1001", "dialing recovering"}, list{"CLOSE 1001", "close", "dial"})
	r.opened()
	r.want(list{"opened recovering"}, list{`{"type":"joinGroup","group":"new","ackId":2}`})

	cfg := reliable()
	cfg.Subprotocol = JSON
	r = readyRig(t, cfg)
	r.interrupt(1001)
	r.closed(1001, "")
	r.want(list{"dropped 1001", "ended one dropped"}, list{"CLOSE 1001", "close"})
}

// Whatever stands in the way of the joins' answers, EventReady comes.
func TestInterruptAtConnectedKeepsTheJoins(t *testing.T) {
	r := newRig(t, reliable())
	r.s.Join(r.now, "room")
	r.start()
	r.opened()
	r.reset()
	r.on = func(ev *Event) {
		if ev.Kind == EventConnected {
			r.s.Interrupt(r.now, 1001)
		}
	}
	r.receive(helloOne, ack(1))
	r.want(list{"connected one", "acked join 1"}, list{`{"type":"joinGroup","group":"room","ackId":1}`, "CLOSE 1001"})
	r.closed(1001, "")
	r.due()
	r.reset()
	r.opened()
	r.want(list{"opened recovering", "ready"}, nil)
}

func TestInterruptBeforeConnected(t *testing.T) {
	r := newRig(t, reliable())
	r.start()
	r.opened()
	r.interrupt(1001)
	r.reset()
	r.receive(helloOne) // too late: never announced
	r.closed(1001, "")
	r.want(list{"dropped 1001"}, list{"close"})
	r.pass(2 * time.Second)
	r.want(list{"dialing"}, list{"dial"})
}

func TestProtocolErrors(t *testing.T) {
	text := func(s string) []byte { return ws.MustCompileFrame(ws.NewTextFrame([]byte(s))) }
	big := strings.Repeat("x", 200)
	tests := []struct {
		name  string
		bytes []byte
		sent  string
	}{
		{"not JSON", text(`{"type":`), "CLOSE 1007"},
		{"not an object", text(`[]`), "CLOSE 1007"},
		{"quoted ack id", text(`{"type":"ack","ackId":"1","success":true}`), "CLOSE 1007"},
		{"connected without id", text(`{"type":"system","event":"connected","connectionId":""}`), "CLOSE 1007"},
		{"not UTF-8", text("\"\xff\""), "CLOSE 1007"},
		{"binary", ws.MustCompileFrame(ws.NewBinaryFrame([]byte("{}"))), "CLOSE 1003"},
		{"masked", ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte("{}")))), "CLOSE 1002"},
		{"too large", text(groupMessage(big, 1))[:4], "CLOSE 1009"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := reliable()
			cfg.MaxMessageBytes = 128
			r := readyRig(t, cfg)
			r.s.Received(r.now, tt.bytes)
			r.pump()
			r.want(list{"protocol error", "dropped"}, list{tt.sent, "close"})
			if r.lastErr == nil {
				t.Error("dropped without the error")
			}
			// A replay may bring it again: no attempt without a pause.
			r.pass(time.Second - 1)
			r.want(nil, nil)
			r.pass(1)
			r.want(list{"dialing recovering"}, list{"dial"})
		})
	}
}

// A handler may close the Session inside any event: each request is still
// answered or not exactly once, and nothing follows EventClosed.
func TestCloseInsideEveryEvent(t *testing.T) {
	run := func(at int) (events list, n int) {
		cfg := reliable()
		r := newRig(t, cfg)
		r.s.Join(r.now, "room")
		r.on = func(ev *Event) {
			if n++; n == at {
				kind := ev.Kind
				r.s.Close(r.now, 1000)
				if ev.Kind != kind {
					t.Errorf("event %d was overwritten while its handler ran", at)
				}
			}
		}
		r.start()
		r.opened()
		r.receive(helloOne, groupMessage("m", 1), ack(1))
		_, _ = r.s.Publish(r.now, &Publish{Ack: true})
		_, _ = r.s.Publish(r.now, &Publish{Ack: true})
		r.receive(ack(2), `{"type":"system","event":"disconnected","message":"bye"}`)
		r.lost(errReset)
		r.due()
		r.dialFailed(errReset)
		r.pass(time.Second)
		r.opened()
		r.closed(1008, "")
		r.pass(2 * time.Second)
		r.opened()
		r.receive(helloTwo, helloThree, `{`)
		r.pass(time.Hour)
		return r.events, n
	}
	all, total := run(0)
	for at := 1; at <= total; at++ {
		events, _ := run(at)
		last := events[len(events)-1]
		counts := map[string]int{}
		for _, e := range events {
			counts[e]++
		}
		if last != "closed" || counts["closed"] != 1 {
			t.Errorf("closed inside %q: %q", all[at-1], events)
		}
		for _, id := range []string{"one", "two", "three"} {
			ended := 0
			for e, n := range counts {
				if strings.HasPrefix(e, "ended "+id) {
					ended += n
				}
			}
			if ended != counts["connected "+id] {
				t.Errorf("closed inside %q: connection %s ended %d times: %q", all[at-1], id, ended, events)
			}
		}
	}
}

// A reset is the peer's as much as an end of stream is, unless it was made on purpose.
func TestWhoEndedTheSocket(t *testing.T) {
	for _, row := range []struct {
		name string
		err  error
		want string
	}{
		{"end of stream", io.EOF, "dropped by peer"},
		{"reset", &net.OpError{Op: "read", Err: os.NewSyscallError("read", resets[0])}, "dropped by peer"},
		{"reset on purpose", ErrReset, "dropped"},
		{"nothing came back", syscall.ETIMEDOUT, "dropped"},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := readyRig(t, reliable())
			r.lost(row.err)
			r.want(list{row.want}, nil)
		})
	}
}
