package wire

import (
	"fmt"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

func sequenceAck(id int) string { return fmt.Sprintf(`{"type":"sequenceAck","sequenceId":%d}`, id) }

func published(data string, ackID int) string {
	return fmt.Sprintf(`{"type":"sendToGroup","group":"room","dataType":"text","data":%q,"ackId":%d}`, data, ackID)
}

func TestSequenceAckByCount(t *testing.T) {
	cfg := reliable()
	cfg.SequenceAck = AckPolicy{EveryMessages: 3}
	r := readyRig(t, cfg)
	r.receive(groupMessage("a", 1), groupMessage("b", 2))
	r.want(list{"message a", "message b"}, nil)
	if n := r.s.UnackedSequence(); n != 2 {
		t.Errorf("unacknowledged: %d, want 2", n)
	}
	if at, ok := r.s.Deadline(); ok {
		t.Errorf("a deadline at %v without an interval", at)
	}
	r.receive(groupMessage("c", 3))
	r.want(list{"message c"}, list{sequenceAck(3)})
	// What has no sequence id does not count.
	r.receive(groupMessage("d", 4), groupMessage("e", 5), ack(9), `{"type":"pong"}`)
	r.want(list{"message d", "message e", "unexpected ack 9"}, nil)
	if n := r.s.Stats().SequenceAcks; n != 1 || r.s.UnackedSequence() != 2 {
		t.Errorf("%d sequenceAcks, %d unacknowledged; want 1, 2", n, r.s.UnackedSequence())
	}
}

func TestSequenceAckByTime(t *testing.T) {
	cfg := reliable()
	cfg.SequenceAck = AckPolicy{Every: 250 * time.Millisecond}
	r := readyRig(t, cfg)
	r.pass(time.Hour)
	r.want(nil, nil)
	r.receive(groupMessage("a", 1))
	r.pass(200 * time.Millisecond)
	r.receive(groupMessage("b", 2)) // counted from the first
	r.pass(50*time.Millisecond - 1)
	r.want(list{"message a", "message b"}, nil)
	r.pass(1)
	r.want(nil, list{sequenceAck(2)})
	r.pass(time.Hour)
	r.want(nil, nil)
}

// What has waited long enough leaves with the next publish, and not once more by itself.
func TestSequenceAckAlong(t *testing.T) {
	const every, along = 250 * time.Millisecond, 125 * time.Millisecond
	tests := []struct {
		name   string
		policy AckPolicy
		wait   time.Duration
		held   bool
		want   list // after the publish
		later  list // when Every is over
	}{
		{"long enough", AckPolicy{Every: every, Along: along}, along, false, list{sequenceAck(1)}, nil},
		{"too early", AckPolicy{Every: every, Along: along}, along - 1, false, nil, list{sequenceAck(1)}},
		{"not asked for", AckPolicy{Every: every}, every - 1, false, nil, list{sequenceAck(1)}},
		{"without an interval", AckPolicy{EveryMessages: 9, Along: along}, along, false, list{sequenceAck(1)}, nil},
		{"held", AckPolicy{Every: every, Along: along}, along, true, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := reliable()
			cfg.SequenceAck = tt.policy
			r := readyRig(t, cfg)
			r.publish("idle", 0) // there is nothing to take along
			r.receive(groupMessage("a", 1), ack(1))
			if tt.held {
				r.s.HoldSequenceAcks(r.now, true)
			}
			r.reset()
			r.pass(tt.wait)
			r.publish("x", 0)
			r.want(nil, append(list{published("x", 2)}, tt.want...))
			r.pass(every - tt.wait)
			r.want(nil, tt.later)
			r.publish("y", 0)
			r.want(nil, list{published("y", 3)})
		})
	}
}

func TestSequenceAckPicksTheEarlier(t *testing.T) {
	cfg := reliable()
	cfg.SequenceAck = AckPolicy{EveryMessages: 2, Every: time.Second}
	r := readyRig(t, cfg)
	r.receive(groupMessage("a", 1), groupMessage("b", 2))
	r.want(list{"message a", "message b"}, list{sequenceAck(2)})
	r.pass(900 * time.Millisecond)
	r.receive(groupMessage("c", 3))
	r.pass(time.Second - 1)
	r.want(list{"message c"}, nil) // the count has restarted the interval
	r.pass(1)
	r.want(nil, list{sequenceAck(3)})
}

// A repetition is not fresh, and it shows that the service has not seen our
// sequenceAck: it is sent again, with the largest id (protocol.md 9).
func TestRepeatedSequenceIDs(t *testing.T) {
	cfg := reliable()
	cfg.SequenceAck = AckPolicy{Every: time.Second}
	r := readyRig(t, cfg)
	r.receive(groupMessage("a", 5), groupMessage("a", 5), groupMessage("old", 4), groupMessage("b", 9))
	r.want(list{"message a", "message a again", "message old again", "message b"}, nil)
	r.pass(time.Second)
	r.want(nil, list{sequenceAck(9)})
	r.receive(groupMessage("a", 5))
	r.pass(time.Second)
	r.want(list{"message a again"}, list{sequenceAck(9)})
}

func TestWithoutSequenceIDs(t *testing.T) {
	plain := `{"type":"message","from":"server","dataType":"text","data":"x"}`
	cfg := reliable()
	cfg.SequenceAck = AckPolicy{EveryMessages: 1}
	r := readyRig(t, cfg)
	r.receive(plain, plain)
	r.want(list{"message x", "message x"}, nil)
	// On the plain subprotocol an id means nothing.
	cfg.Subprotocol = JSON
	r = readyRig(t, cfg)
	r.receive(groupMessage("y", 1), groupMessage("y", 1))
	r.want(list{"message y", "message y"}, nil)
}

func TestNoPolicyNoSequenceAck(t *testing.T) {
	r := readyRig(t, reliable())
	r.receive(groupMessage("a", 1))
	r.pass(time.Hour)
	r.lost(errReset)
	r.due()
	r.opened()
	r.pass(time.Minute)
	r.want(list{"message a", "dropped", "dialing recovering", "opened recovering"}, list{"dial"})
}

func TestKeepAlive(t *testing.T) {
	cfg := reliable()
	cfg.Ping = 20 * time.Second
	r := newRig(t, cfg)
	r.start()
	r.opened()
	r.pass(5 * time.Second) // none before `connected`
	r.receive(helloOne)
	r.reset()
	r.pass(15*time.Second - 1)
	r.want(nil, nil)
	r.pass(1)
	r.want(nil, list{`{"type":"ping"}`})
	r.receive(`{"type":"pong"}`)
	r.pass(15 * time.Second)
	r.publish("x", 0) // not silent: the ping moves on
	r.reset()
	r.pass(20*time.Second - 1)
	r.want(nil, nil)
	r.pass(1)
	r.want(nil, list{`{"type":"ping"}`})
	if st := r.s.Stats(); st.Pings != 2 || st.Pongs != 1 {
		t.Errorf("%d pings, %d pongs; want 2, 1", st.Pings, st.Pongs)
	}
	r.lost(errReset)
	r.due()
	r.reset()
	r.pass(10 * time.Second)
	r.opened()
	r.pass(20*time.Second - 1)
	r.want(list{"opened recovering"}, list{`{"type":"sendToGroup","group":"room","dataType":"text","data":"x","ackId":1}`})
	r.pass(1)
	r.want(nil, list{`{"type":"ping"}`})
}

func TestPingsOfThePeerAreAnswered(t *testing.T) {
	r := newRig(t, reliable())
	r.start()
	r.opened()
	r.reset()
	r.frames(ws.NewPingFrame([]byte("early")))
	r.receive(helloOne)
	r.frames(ws.NewPingFrame([]byte("abc")), ws.NewPongFrame([]byte("unasked")), ws.NewPingFrame(nil))
	r.want(list{"connected one", "ready"}, list{"PONG early", "PONG abc", "PONG "})
}

func TestNoticesAndUnknownMessages(t *testing.T) {
	r := readyRig(t, reliable())
	before := r.s.Stats().BytesIn
	r.receive(
		`{"type":"system","event":"disconnected","message":"maintenance"}`,
		`{"type":"streamAck","streamId":"s1","expectedSequenceId":1}`,
		`{}`,
	)
	r.want(list{"notice maintenance"}, nil)
	st := r.s.Stats()
	if st.Unknown != 2 {
		t.Errorf("unknown messages: %d, want 2", st.Unknown)
	}
	if got := st.BytesIn - before; got != 64+2+59+2+2+2 {
		t.Errorf("bytes in: %d, want %d", got, 64+2+59+2+2+2)
	}
}

// Group state is nothing to us, but the service counts it among the numbered
// messages (protocol.md 4.2): what it numbers is acknowledged like data.
func TestGroupStateIsAcknowledged(t *testing.T) {
	cfg := reliable()
	cfg.SequenceAck = AckPolicy{EveryMessages: 3}
	r := readyRig(t, cfg, "room")
	r.receive(
		groupMessage("a", 1),
		`{"type":"groupStateUpdate","group":"room","items":[],"sequenceId":2}`,
		groupMessage("b", 3),
		`{"type":"groupStateUpdate","group":"room","items":[],"sequenceId":2}`,
	)
	r.want(list{"message a", "numbered", "message b", "numbered again"}, list{`{"type":"sequenceAck","sequenceId":3}`})
	if st := r.s.Stats(); st.Unknown != 2 {
		t.Errorf("unknown messages: %d, want 2", st.Unknown)
	}
}
