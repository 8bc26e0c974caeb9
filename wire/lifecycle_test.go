package wire

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

// told is a Lifecycle that writes its callbacks down.
func told(lines *[]string) *Lifecycle {
	tell := func(format string, args ...any) { *lines = append(*lines, fmt.Sprintf(format, args...)) }
	return &Lifecycle{
		Connected:     func(_ time.Duration, id, user string) { tell("connected %s %s", id, user) },
		Disconnected:  func(_ time.Duration, id, message string) { tell("disconnected %s %q", id, message) },
		Stopped:       func(time.Duration) { tell("stopped") },
		ServerMessage: func(_ time.Duration, m *Downstream) { tell("server-message %s", m.Data) },
		GroupMessage:  func(_ time.Duration, m *Downstream) { tell("group-message %s %s", m.Group, m.Data) },
		RejoinGroupFailed: func(_ time.Duration, group string, err error) {
			tell("rejoin-group-failed %s %v", group, err)
		},
	}
}

// The rows are the official clients' behaviour (protocol.md 9).
func TestLifecycle(t *testing.T) {
	const server = `{"type":"message","from":"server","dataType":"text","data":"hi","sequenceId":2}`
	const bye = `{"type":"system","event":"disconnected","message":"maintenance"}`
	connect := func(r *rig) {
		r.s.Join(r.now, "room")
		r.start()
		r.opened()
		r.receive(helloOne)
		r.receive(ack(1))
	}
	refused := func(r *rig) { // the recovery: 101, then 1008
		r.lost(errReset)
		r.due()
		r.opened()
		r.closed(1008, "no")
		r.pass(2 * time.Second)
		r.opened()
		r.receive(helloTwo)
	}
	for _, row := range []struct {
		name string
		play func(r *rig)
		want list
	}{
		{"connected comes after the joins", func(r *rig) {
			r.s.Join(r.now, "room")
			r.start()
			r.opened()
			r.receive(helloOne)
		}, nil},
		{"messages", func(r *rig) {
			connect(r)
			r.receive(groupMessage("a", 1))
			r.receive(server)
			r.receive(groupMessage("a", 1)) // again
		}, list{"connected one alice", "group-message room a", "server-message hi"}},
		{"a recovery does not show", func(r *rig) {
			connect(r)
			r.lost(errReset)
			r.due()
			r.opened()
			r.receive(groupMessage("a", 1))
		}, list{"connected one alice", "group-message room a"}},
		{"refused recovery, new connection, rejoin", func(r *rig) {
			connect(r)
			refused(r)
			r.receive(ack(2))
		}, list{"connected one alice", `disconnected one ""`, "connected two alice"}},
		{"refused rejoin", func(r *rig) {
			connect(r)
			refused(r)
			r.receive(nack(2, "Forbidden"))
		}, list{"connected one alice", `disconnected one ""`, "rejoin-group-failed room Forbidden: m", "connected two alice"}},
		{"a refused join of the caller's is no rejoin", func(r *rig) {
			connect(r)
			r.s.Join(r.now, "other")
			r.pump()
			r.receive(nack(2, "Forbidden"))
		}, list{"connected one alice"}},
		{"the service's last words", func(r *rig) {
			connect(r)
			r.receive(bye)
			r.closed(1008, "")
		}, list{"connected one alice", `disconnected one "maintenance"`}},
		{"stop", func(r *rig) {
			connect(r)
			r.s.Close(r.now, 0)
			r.pump()
			r.closed(0, "")
		}, list{"connected one alice", `disconnected one ""`, "stopped"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := newRig(t, reliable())
			var got list
			events := 0
			life := told(&got)
			life.Next = r
			r.on = func(*Event) { events++ }
			r.s.handler = life
			row.play(r)
			if !slices.Equal(got, row.want) {
				t.Errorf("got  %q\nwant %q", got, row.want)
			}
			if events == 0 {
				t.Error("the next handler got nothing")
			}
		})
	}
}

func TestLifecycleOfALostRejoin(t *testing.T) {
	cfg := reliable()
	cfg.Subprotocol = JSON
	r := newRig(t, cfg)
	var got error
	r.s.handler = &Lifecycle{RejoinGroupFailed: func(_ time.Duration, _ string, err error) { got = err }}
	r.s.Join(r.now, "room")
	r.start()
	r.opened()
	r.receive(helloOne)
	r.lost(errReset)
	if !errors.Is(got, ErrUnanswered) {
		t.Errorf("got %v, want %v", got, ErrUnanswered)
	}
}

func TestNoRejoin(t *testing.T) {
	cfg := reliable()
	cfg.Subprotocol, cfg.NoRejoin = JSON, true
	r := readyRig(t, cfg, "room")
	r.lost(errReset)
	r.pass(2 * time.Second)
	r.opened()
	r.receive(helloTwo)
	r.want(list{"dropped", "ended one dropped", "dialing", "opened", "connected two", "ready"}, list{"dial"})
}
