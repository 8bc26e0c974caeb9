package wire

import (
	"errors"
	"io"
	"testing"
	"time"
)

func TestRecoveryResendsAndSkipsTheReplay(t *testing.T) {
	cfg := reliable()
	cfg.SequenceAck = AckPolicy{EveryMessages: 100}
	r := readyRig(t, cfg, "room")
	r.publish("a", 7)
	r.publish("b", 8)
	r.receive(groupMessage("m1", 1), groupMessage("m2", 2))
	r.reset()

	r.lost(io.EOF)
	r.want(list{"dropped by peer"}, nil)
	r.due() // the first attempt is made at once
	r.want(list{"dialing recovering"}, list{"dial"})
	if id, token, ok := r.s.Recovery(); id != "one" || token != "tok1" || !ok {
		t.Errorf("recovery of %q with %q, %t", id, token, ok)
	}
	if r.s.Ready() || r.s.Attached() {
		t.Error("ready or attached without a socket")
	}
	if _, err := r.s.Publish(r.now, &Publish{Group: "room"}); !errors.Is(err, ErrDetached) {
		t.Errorf("publish while detached: %v, want ErrDetached", err)
	}

	// What the handler publishes at EventOpened comes after what is resent.
	r.on = func(ev *Event) {
		if ev.Kind == EventOpened {
			if _, err := r.s.Publish(r.now, &Publish{Group: "room", DataType: DataText, Data: []byte("c"), Ack: true}); err != nil {
				t.Errorf("publish at EventOpened: %v", err)
			}
		}
	}
	r.opened()
	r.on = nil
	r.want(list{"opened recovering"}, list{
		`{"type":"sequenceAck","sequenceId":2}`,
		`{"type":"sendToGroup","group":"room","dataType":"text","data":"a","ackId":2}`,
		`{"type":"sendToGroup","group":"room","dataType":"text","data":"b","ackId":3}`,
		`{"type":"sendToGroup","group":"room","dataType":"text","data":"c","ackId":4}`,
	})

	// The replay overlaps; the first request had been executed, its ack was lost.
	r.receive(groupMessage("m2", 2), groupMessage("m3", 3), nack(2, "Duplicate"), ack(3), ack(4))
	r.want(list{
		"message m2 again", "message m3",
		"acked 2 tag 7 resent 1 duplicate", "acked 3 tag 8 resent 1", "acked 4",
	}, nil)
	if r.s.InFlight() != 0 {
		t.Errorf("in flight: %d, want 0", r.s.InFlight())
	}
}

func TestRecoveryKeepsTrying(t *testing.T) {
	r := readyRig(t, reliable())
	r.lost(errReset)
	r.due()
	r.want(list{"dropped", "dialing recovering"}, list{"dial"})
	for _, err := range []string{"connection refused", "http 503", "timeout", "http 404"} {
		r.pass(100 * time.Millisecond)
		r.dialFailed(errors.New(err))
		r.want(list{"dial failed recovering"}, nil)
		r.pass(time.Second - 1)
		r.want(nil, nil)
		r.pass(1)
		r.want(list{"dialing recovering"}, list{"dial"})
	}
	r.opened()
	r.want(list{"opened recovering"}, nil)
	r.receive(groupMessage("m1", 1))
	r.want(list{"message m1"}, nil)
}

func TestRecoveryRefusedWithCode1008(t *testing.T) {
	cfg := reliable()
	cfg.SequenceAck = AckPolicy{EveryMessages: 1}
	r := readyRig(t, cfg, "room")
	r.receive(groupMessage("m1", 41))
	r.publish("a", 0)
	r.publish("b", 0)
	r.lost(errReset)
	r.due()
	r.reset()
	r.opened()
	r.want(list{"opened recovering"}, list{
		`{"type":"sequenceAck","sequenceId":41}`,
		`{"type":"sendToGroup","group":"room","dataType":"text","data":"a","ackId":2}`,
		`{"type":"sendToGroup","group":"room","dataType":"text","data":"b","ackId":3}`,
	})
	r.closed(1008, "The connection could not be recovered.")
	r.want(list{
		`dropped 1008 "The connection could not be recovered." by peer`,
		"unanswered 2 resent 1", "unanswered 3 resent 1", "ended one refused",
	}, list{"CLOSE 1008", "close"})
	r.pass(2*time.Second - 1)
	r.want(nil, nil)
	r.pass(1)
	r.want(list{"dialing"}, list{"dial"})
	if _, _, ok := r.s.Recovery(); ok {
		t.Error("the dial after a refusal is a recovery")
	}
	if r.s.ConnectionID() != "" || r.s.UnackedSequence() != 0 {
		t.Error("the old connection's state is still there")
	}
	r.opened()
	r.receive(helloTwo)
	r.want(list{"opened", "connected two"}, list{`{"type":"joinGroup","group":"room","ackId":4}`})
	// Sequence ids begin again.
	r.receive(ack(4), groupMessage("n1", 1))
	r.want(list{"acked join 4", "ready", "message n1"}, list{`{"type":"sequenceAck","sequenceId":1}`})
}

func TestCode1008OutsideARecoveryRulesOneOut(t *testing.T) {
	r := readyRig(t, reliable())
	r.closed(1008, "The reliable message buffer is full.")
	r.want(list{`dropped 1008 "The reliable message buffer is full." by peer`, "ended one by peer"}, list{"CLOSE 1008", "close"})
	r.pass(2 * time.Second)
	r.want(list{"dialing"}, list{"dial"})
}

func TestRecoveryWindowExpires(t *testing.T) {
	tests := []struct {
		name    string
		pending bool // whether an attempt is pending then
		want    list
		sent    list
	}{
		{"between attempts", false, list{"unanswered 1", "ended one expired"}, nil},
		{"during an attempt", true, list{"dial failed recovering", "unanswered 1", "ended one expired"}, list{"abort"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := reliable()
			cfg.Recovery.Pause = 40 * time.Second
			r := readyRig(t, cfg)
			r.publish("a", 0)
			r.lost(errReset)
			r.due()
			if !tt.pending {
				r.dialFailed(errors.New("refused"))
			}
			r.reset()
			r.pass(30*time.Second - 1)
			r.want(nil, nil)
			r.on = func(ev *Event) {
				if ev.Kind == EventDialFailed && !errors.Is(ev.Err, ErrWindow) {
					t.Errorf("the attempt failed with %v, want ErrWindow", ev.Err)
				}
			}
			r.pass(1)
			r.want(tt.want, tt.sent)
			r.pass(2*time.Second - 1)
			r.want(nil, nil)
			r.pass(1)
			r.want(list{"dialing"}, list{"dial"})
		})
	}
}

// A socket that opens and drops without a word proves nothing: the window runs on
// from the first drop, and attempts keep their pause.
func TestWindowRestartsOnlyWhenSomethingWasReceived(t *testing.T) {
	r := readyRig(t, reliable())
	drop := r.now
	r.lost(errReset)
	r.due()
	r.opened()
	r.lost(errReset)
	r.want(list{"dropped", "dialing recovering", "opened recovering", "dropped"}, list{"dial"})
	r.pass(time.Second - 1)
	r.want(nil, nil)
	r.pass(1)
	r.want(list{"dialing recovering"}, list{"dial"})
	r.pass(drop + 30*time.Second - r.now)
	r.want(list{"dial failed recovering", "ended one expired"}, list{"abort"})

	for _, proof := range []struct {
		name  string
		bring func(*rig)
	}{
		{"a message", func(r *rig) { r.receive(groupMessage("m", 1)) }},
		{"an unknown message", func(r *rig) { r.receive(`{"type":"new"}`) }},
		{"a window of silence", func(r *rig) { r.pass(30 * time.Second) }},
	} {
		t.Run(proof.name, func(t *testing.T) {
			r := readyRig(t, reliable())
			r.lost(errReset)
			r.due()
			r.pass(20 * time.Second)
			r.opened()
			proof.bring(r)
			r.lost(errReset)
			r.reset()
			r.due()
			r.want(list{"dialing recovering"}, list{"dial"}) // at once
			r.pass(30*time.Second - 1)
			r.want(nil, nil)
			r.pass(1)
			r.want(list{"dial failed recovering", "ended one expired"}, list{"abort"})
		})
	}
}

func TestConnectedAfterRecovery(t *testing.T) {
	r := readyRig(t, reliable(), "room")
	r.publish("a", 0)
	r.lost(errReset)
	r.due()
	r.opened()
	r.reset()
	// The same connection: a new token.
	r.receive(`{"type":"system","event":"connected","connectionId":"one","reconnectionToken":"fresh"}`)
	r.want(list{"confirmed"}, nil)
	r.lost(errReset)
	r.due()
	if _, token, _ := r.s.Recovery(); token != "fresh" {
		t.Errorf("token %q, want the fresh one", token)
	}
	r.opened()
	r.reset()
	// Without a token the old one stays.
	r.receive(`{"type":"system","event":"connected","connectionId":"one"}`)
	r.want(list{"confirmed"}, nil)
	if _, token := r.s.connectionID, r.s.token; token != "fresh" {
		t.Errorf("token %q, want the old one", token)
	}
	// Another connection: the old one is over.
	r.receive(helloTwo)
	r.want(list{"unanswered 2 resent 2", "ended one refused", "connected two"},
		list{`{"type":"joinGroup","group":"room","ackId":3}`})
	r.receive(ack(2), ack(3)) // the first answers what this socket carried before it said whose it is
	r.want(list{"acked join 3", "ready"}, nil)
	if late := r.s.Stats().LateAcks; late != 1 {
		t.Errorf("%d late acks, want 1", late)
	}

	// Closed at the end of the old one, the new one is not announced.
	r.on = func(ev *Event) {
		if ev.Kind == EventEnded {
			r.s.Close(r.now, 1000)
		}
	}
	r.receive(helloOne)
	r.want(list{"ended two refused"}, list{"CLOSE 1000"})
	r.closed(1000, "")
	r.want(list{"dropped 1000", "closed"}, list{"close"})
}

func TestDropWhileJoiningIsRecovered(t *testing.T) {
	r := newRig(t, reliable())
	r.s.Join(r.now, "a")
	r.s.Join(r.now, "b")
	r.start()
	r.opened()
	r.receive(helloOne, ack(1))
	r.lost(errReset)
	r.due()
	r.reset()
	r.opened()
	r.want(list{"opened recovering"}, list{`{"type":"joinGroup","group":"b","ackId":2}`})
	if r.s.Ready() {
		t.Error("ready before the joins are answered")
	}
	r.receive(nack(2, "Duplicate"))
	r.want(list{"acked join 2 resent 1 duplicate", "ready"}, nil)

	// That the first connection was ready says nothing about the next one.
	r.interrupt(1000)
	r.closed(1000, "")
	r.due()
	r.opened()
	r.receive(helloTwo, ack(3))
	r.lost(errReset)
	r.due()
	r.opened()
	if r.s.Ready() {
		t.Error("ready before the joins of the new connection are answered")
	}
}

// Memberships asked for while detached travel with the recovery, in their order.
func TestJoinAndLeaveWhileDetached(t *testing.T) {
	r := readyRig(t, reliable(), "room")
	r.lost(errReset)
	r.s.Join(r.now, "new")
	r.due()
	r.s.Leave(r.now, "room")
	r.reset()
	r.opened()
	r.want(list{"opened recovering"}, list{
		`{"type":"joinGroup","group":"new","ackId":2}`,
		`{"type":"leaveGroup","group":"room","ackId":3}`,
	})
	r.receive(ack(2), ack(3))
	r.want(list{"acked join 2", "acked leave 3"}, nil)
	r.interrupt(1000)
	r.closed(1000, "")
	r.due()
	r.opened()
	r.reset()
	r.receive(helloTwo)
	r.want(list{"connected two"}, list{`{"type":"joinGroup","group":"new","ackId":4}`})
}

func TestNoRecovery(t *testing.T) {
	tests := []struct {
		name  string
		cfg   func(*SessionConfig)
		hello string
	}{
		{"plain subprotocol", func(c *SessionConfig) { c.Subprotocol = JSON }, helloOne},
		{"no window", func(c *SessionConfig) { c.Recovery.Window = 0 }, helloOne},
		{"no token", func(*SessionConfig) {}, `{"type":"system","event":"connected","connectionId":"one"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := reliable()
			tt.cfg(cfg)
			r := newRig(t, cfg)
			r.s.Join(r.now, "room")
			r.start()
			r.opened()
			r.receive(tt.hello, ack(1))
			r.publish("a", 0)
			r.reset()
			r.lost(errReset)
			r.want(list{"dropped", "unanswered 2", "ended one dropped"}, nil)
			r.pass(2 * time.Second)
			r.opened()
			r.receive(helloTwo)
			r.want(list{"dialing", "opened", "connected two"},
				list{"dial", `{"type":"joinGroup","group":"room","ackId":3}`})
		})
	}
}

func TestAppendRecovery(t *testing.T) {
	tests := []struct{ name, url, id, token, want string }{
		{"no query", "wss://h/client/hubs/chat", "5f", "eyJ",
			"wss://h/client/hubs/chat?awps_connection_id=5f&awps_reconnection_token=eyJ"},
		{"access token stays", "ws://h/client/hubs/chat?access_token=t", "5f", "eyJ",
			"ws://h/client/hubs/chat?access_token=t&awps_connection_id=5f&awps_reconnection_token=eyJ"},
		{"escaped", "ws://h/c", "a b", "x+/=&", "ws://h/c?awps_connection_id=a+b&awps_reconnection_token=x%2B%2F%3D%26"},
		{"fragment dropped", "ws://h/c#f", "1", "2", "ws://h/c?awps_connection_id=1&awps_reconnection_token=2"},
	}
	for _, tt := range tests {
		if got := AppendRecovery(tt.url, tt.id, tt.token); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}
