package wire

import (
	"errors"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

type list = []string

func TestSessionConnectsAndJoins(t *testing.T) {
	r := newRig(t, reliable())
	r.s.Join(r.now, "room")
	r.s.Join(r.now, "lobby")
	r.s.Join(r.now, "room") // once is enough
	r.start()
	r.want(list{"dialing"}, list{"dial"})
	if _, _, ok := r.s.Recovery(); ok {
		t.Error("a first dial is no recovery")
	}
	r.on = func(ev *Event) {
		if ev.Epoch != 1 || ev.Trace == nil || ev.Trace.Upgraded != r.now {
			t.Errorf("opened as epoch %d with trace %v", ev.Epoch, ev.Trace)
		}
	}
	r.opened()
	r.on = nil
	r.want(list{"opened"}, nil)
	r.receive(helloOne)
	r.want(list{"connected one"}, list{
		`{"type":"joinGroup","group":"room","ackId":1}`,
		`{"type":"joinGroup","group":"lobby","ackId":2}`,
	})
	if r.s.Ready() || !r.s.Attached() || r.s.InFlight() != 2 {
		t.Errorf("while joining: ready %t, attached %t, in flight %d", r.s.Ready(), r.s.Attached(), r.s.InFlight())
	}
	if _, err := r.s.Publish(r.now, &Publish{Group: "room"}); !errors.Is(err, ErrDetached) {
		t.Errorf("publish while joining: %v, want ErrDetached", err)
	}
	r.receive(ack(2))
	r.want(list{"acked join 2"}, nil)
	r.receive(ack(1))
	r.want(list{"acked join 1", "ready"}, nil)
	if !r.s.Ready() || r.s.ConnectionID() != "one" {
		t.Errorf("ready %t, connection %q", r.s.Ready(), r.s.ConnectionID())
	}
}

func TestSessionWithoutGroupsIsReadyAtConnected(t *testing.T) {
	r := newRig(t, reliable())
	r.start()
	r.opened()
	r.reset()
	r.receive(helloOne)
	r.want(list{"connected one", "ready"}, nil)
}

func TestRefusedJoinIsToldByReady(t *testing.T) {
	r := newRig(t, reliable())
	r.s.Join(r.now, "a")
	r.s.Join(r.now, "b")
	r.start()
	r.opened()
	r.receive(helloOne)
	r.reset()
	r.receive(nack(1, "Forbidden"), ack(2))
	r.want(list{"acked join 1 Forbidden", "acked join 2", "ready refused"}, nil)
	// The refusal is not carried over to the next connection.
	r.interrupt(1000)
	r.closed(1000, "")
	r.due()
	r.opened()
	r.receive(helloTwo)
	r.reset()
	r.receive(ack(3), ack(4))
	r.want(list{"acked join 3", "acked join 4", "ready"}, nil)
}

func TestJoinDuringConnectingAndJoining(t *testing.T) {
	r := newRig(t, reliable())
	r.start()
	r.opened()
	r.s.Join(r.now, "a") // nothing may be sent before `connected`
	r.s.Join(r.now, "b")
	r.s.Leave(r.now, "b")
	r.pump()
	r.reset()
	r.on = func(ev *Event) {
		if ev.Kind == EventConnected {
			r.s.Join(r.now, "c")
		}
	}
	r.receive(helloOne)
	r.want(list{"connected one"}, list{
		`{"type":"joinGroup","group":"a","ackId":1}`,
		`{"type":"joinGroup","group":"c","ackId":2}`,
	})
	r.receive(ack(1))
	r.want(list{"acked join 1"}, nil)
	r.receive(ack(2))
	r.want(list{"acked join 2", "ready"}, nil)
}

func TestConnectedTimeout(t *testing.T) {
	for name, timeout := range map[string]time.Duration{"default": 0, "configured": 3 * time.Second} {
		cfg := reliable()
		cfg.ConnectedTimeout = timeout
		if timeout == 0 {
			timeout = 10 * time.Second
		}
		r := newRig(t, cfg)
		r.start()
		r.opened()
		r.reset()
		r.pass(timeout - 1)
		r.want(nil, nil)
		r.pass(1)
		r.want(list{"dropped"}, list{"abort"})
		if !errors.Is(r.lastErr, ErrNoConnected) {
			t.Errorf("%s: error %v, want ErrNoConnected", name, r.lastErr)
		}
		r.pass(2 * time.Second)
		r.want(list{"dialing"}, list{"dial"})
	}
}

// A message for a group of the token may overtake `connected` (protocol.md 1.3.12).
func TestMessageBeforeConnectedIsDelivered(t *testing.T) {
	cfg := reliable()
	cfg.SequenceAck.EveryMessages = 1
	r := newRig(t, cfg)
	r.start()
	r.opened()
	r.reset()
	var connection []uint32
	r.on = func(ev *Event) { connection = append(connection, ev.Connection) }
	r.receive(groupMessage("early", 1))
	r.want(list{"message early"}, nil) // no sequenceAck before `connected`
	r.receive(helloOne, groupMessage("early", 1))
	r.want(list{"connected one", "ready", "message early again"}, list{
		`{"type":"sequenceAck","sequenceId":1}`,
		`{"type":"sequenceAck","sequenceId":1}`,
	})
	for _, c := range connection {
		if c != 1 {
			t.Errorf("connection numbers %v, want all 1", connection)
		}
	}
}

func TestBackoff(t *testing.T) {
	r := newRig(t, reliable()) // 2 s doubling up to 10 s
	r.start()
	r.reset()
	refused := errors.New("connection refused")
	for _, want := range []time.Duration{2, 4, 8, 10, 10} {
		r.dialFailed(refused)
		r.want(list{"dial failed"}, nil)
		r.pass(want*time.Second - 1)
		r.want(nil, nil)
		r.pass(1)
		r.want(list{"dialing"}, list{"dial"})
	}
	// A connection that is made starts the doubling over; a mere socket does not.
	r.opened()
	r.lost(errReset)
	r.pass(10*time.Second - 1)
	r.want(list{"opened", "dropped"}, nil)
	r.pass(1)
	r.opened()
	r.receive(helloOne)
	r.closed(1008, "")
	r.reset()
	r.pass(2 * time.Second)
	r.want(list{"dialing"}, list{"dial"})
}

func TestBackoffDefaults(t *testing.T) {
	s := NewSession(&SessionConfig{}, nil, 1)
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
		if got := s.backoff(); got != want*time.Second {
			t.Errorf("pause %v, want %v", got, want*time.Second)
		}
	}
	s = NewSession(&SessionConfig{Reconnect: Backoff{Base: time.Minute, Max: time.Second}}, nil, 1)
	if got := s.backoff(); got != time.Second {
		t.Errorf("base above max: pause %v, want the max", got)
	}
	s = NewSession(&SessionConfig{Reconnect: Backoff{Base: 3, Max: 1<<63 - 1}}, nil, 1)
	for range 100 {
		if got := s.backoff(); got <= 0 {
			t.Fatalf("pause overflows to %v", got)
		}
	}
}

func TestBackoffJitterIsUniformAndSeeded(t *testing.T) {
	cfg := &SessionConfig{Reconnect: Backoff{Base: time.Second, Max: time.Second, FullJitter: true}}
	a, b, c := NewSession(cfg, nil, 7), NewSession(cfg, nil, 7), NewSession(cfg, nil, 8)
	var quarters [4]int
	same := 0
	for range 4000 {
		p := a.backoff()
		if p < 0 || p > time.Second {
			t.Fatalf("pause %v outside [0, 1s]", p)
		}
		quarters[min(3, p*4/time.Second)]++
		if p != b.backoff() {
			t.Fatal("the same seed draws another pause")
		}
		if p == c.backoff() {
			same++
		}
	}
	for i, n := range quarters {
		if n < 850 || n > 1150 {
			t.Errorf("quarter %d holds %d of 4,000 draws", i, n)
		}
	}
	if same > 5 {
		t.Errorf("another seed draws the same pause %d times", same)
	}
}

func TestReconnectDisabledEndsTheSession(t *testing.T) {
	cfg := reliable()
	cfg.Subprotocol = JSON
	cfg.Reconnect.Disabled = true
	r := newRig(t, cfg)
	r.start()
	r.reset()
	r.dialFailed(errors.New("refused"))
	r.want(list{"dial failed", "closed"}, nil)

	r = readyRig(t, cfg)
	r.publish("x", 0)
	r.reset()
	r.lost(errReset)
	r.want(list{"dropped", "unanswered 1", "ended one dropped", "closed"}, nil)
	r.pass(time.Hour)
	r.want(nil, nil)
}

func TestSimpleSubprotocolIsRaw(t *testing.T) {
	cfg := reliable()
	cfg.Subprotocol = Simple
	cfg.Ping = 5 * time.Second
	r := newRig(t, cfg)
	r.s.Join(r.now, "room")
	r.start()
	r.reset()
	r.opened()
	r.want(list{"opened", "connected ", "ready"}, nil)
	for _, p := range []Publish{
		{Group: "room", DataType: DataText, Data: []byte("hi"), Ack: true},
		{DataType: DataJSON, Data: []byte(`{"x":1}`)},
		{DataType: DataBinary, Data: []byte{1, 2}},
	} {
		if id, err := r.s.Publish(r.now, &p); id != 0 || err != nil {
			t.Errorf("publish: %d, %v", id, err)
		}
		r.pump()
	}
	r.want(nil, list{"hi", `{"x":1}`, "binary 0102"})
	r.frames(ws.NewTextFrame([]byte(helloOne)), ws.NewBinaryFrame([]byte{3}))
	r.want(list{"message " + helloOne, "message \x03"}, nil)
	r.pass(5 * time.Second)
	r.want(nil, list{"PING "})
	r.lost(errReset)
	r.want(list{"dropped", "ended  dropped"}, nil)

	// A publish without the role is answered with 1008 (protocol.md 6).
	r.pass(2 * time.Second)
	r.opened()
	r.reset()
	r.closed(1008, "")
	r.want(list{"dropped 1008 by peer", "ended  by peer"}, list{"CLOSE 1008", "close"})

	r.on = func(ev *Event) {
		if ev.Kind == EventOpened {
			r.s.Close(r.now, 1000)
		}
	}
	r.pass(time.Minute)
	r.reset()
	r.opened()
	r.want(list{"opened"}, list{"CLOSE 1000"})
}
