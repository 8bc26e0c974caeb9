package wire

import (
	"errors"
	"testing"
	"time"
)

func send(data string, ackID string) string {
	return `{"type":"sendToGroup","group":"room","dataType":"text","data":"` + data + `","ackId":` + ackID + `}`
}

// Without NewAckID an error that may pass is retried with the same ack id.
func TestRetryKeepsAckID(t *testing.T) {
	cfg := reliable()
	cfg.Retry = RetryPolicy{Attempts: 2, Base: time.Second}
	r := readyRig(t, cfg)
	r.publish("a", 1)
	r.publish("b", 2)
	r.reset()
	r.receive(nack(1, "InternalServerError"))
	r.pass(time.Second - 1)
	r.want(nil, nil)
	if got := r.s.InFlight(); got != 2 {
		t.Errorf("in flight %d, want 2", got)
	}
	r.pass(1)
	r.want(nil, list{send("a", "1")})
	r.receive(ack(1), ack(2)) // in order again: the retry went back to its place
	r.want(list{"acked 1 tag 1 resent 1", "acked 2 tag 2"}, nil)

	r.publish("c", 3)
	r.reset()
	for range 2 {
		r.receive(nack(3, "Timeout"))
		r.pass(time.Second)
	}
	r.want(nil, list{send("c", "3"), send("c", "3")})
	r.receive(nack(3, "Timeout"))
	r.want(list{"acked 3 tag 3 resent 2 Timeout"}, nil)

	for _, final := range []string{"Forbidden", "BadRequest"} {
		id := int(r.publish("d", 4))
		r.reset()
		r.receive(nack(id, final))
		if len(r.events) != 1 || r.s.InFlight() != 0 {
			t.Errorf("%s: events %q, %d in flight; want it to be final", final, r.events, r.s.InFlight())
		}
	}
}

// A retry that comes due without a socket waits for the recovery, and ends with its connection.
func TestRetryKeepingAckIDWaitsForItsConnection(t *testing.T) {
	cfg := reliable()
	cfg.Retry = RetryPolicy{Attempts: 1, Base: time.Second}
	r := readyRig(t, cfg)
	r.publish("a", 1)
	r.receive(nack(1, "InternalServerError"))
	r.lost(errReset)
	r.pass(5 * time.Second)
	r.reset()
	r.opened()
	r.pass(time.Second)
	r.want(list{"opened recovering"}, list{send("a", "1")})

	r.publish("b", 2)
	r.receive(nack(2, "InternalServerError"))
	r.reset()
	r.closed(1008, "")
	r.want(list{"dropped 1008 by peer", "unanswered 1 tag 1 resent 1", "unanswered 2 tag 2", "ended one by peer"},
		list{"CLOSE 1008", "close"})
}

// The official clients give a request up with its transport and retry it under a new
// ack id, over connections too (protocol.md 9).
func TestRetryWithNewAckID(t *testing.T) {
	cfg := reliable()
	cfg.Retry = RetryPolicy{Attempts: 3, Base: time.Second, NewAckID: true}
	r := readyRig(t, cfg, "room")
	r.publish("a", 7)
	r.reset()
	r.lost(errReset)
	r.due()
	r.opened()
	r.want(list{"dropped", "dialing recovering", "opened recovering"}, list{"dial"}) // nothing is resent by the recovery
	r.publish("b", 8)
	r.reset()
	r.pass(time.Second)
	r.want(list{"retried 4 tag 7"}, list{send("a", "4")})
	r.receive(nack(4, "Forbidden"))
	r.pass(time.Second)
	r.want(list{"retried 5 tag 7"}, list{send("a", "5")})
	r.on = func(ev *Event) {
		if ev.Kind == EventAcked && ev.Request.Tag == 7 && ev.Request.Renumbered != 2 {
			t.Errorf("renumbered %d times, want 2", ev.Request.Renumbered)
		}
	}
	r.receive(ack(5), ack(3))
	r.want(list{"acked 5 tag 7", "acked 3 tag 8"}, nil)

	r.publish("c", 9)
	r.reset()
	r.closed(1008, "")
	r.pass(2 * time.Second)
	r.opened()
	r.receive(helloTwo)
	r.reset()
	r.receive(ack(7)) // the join
	r.pass(time.Second)
	r.want(list{"acked join 7", "ready", "retried 8 tag 9"}, list{send("c", "8")})
}

// An attempt without a connection counts; after the last one the request is given up.
func TestRetriesRunOutWithoutAConnection(t *testing.T) {
	cfg := reliable()
	cfg.Retry = RetryPolicy{Attempts: 3, Base: time.Second, Max: 30 * time.Second, NewAckID: true}
	r := readyRig(t, cfg)
	r.publish("a", 7)
	r.reset()
	r.lost(errReset)
	r.due()
	r.reset()
	r.pass(7*time.Second - 1) // 1 s, 2 s, 4 s
	r.want(nil, nil)
	r.pass(1)
	r.want(list{"unanswered 1 tag 7"}, nil)
	if got := r.s.InFlight(); got != 0 {
		t.Errorf("in flight %d, want 0", got)
	}
}

func TestCloseEndsRetries(t *testing.T) {
	for name, renumber := range map[string]bool{"same ack id": false, "new ack id": true} {
		cfg := reliable()
		cfg.Retry = RetryPolicy{Attempts: 3, NewAckID: renumber}
		r := readyRig(t, cfg)
		r.publish("a", 1)
		r.publish("b", 2)
		r.receive(nack(1, "InternalServerError"))
		r.close(1000)
		r.reset()
		r.closed(1000, "")
		if r.s.InFlight() != 0 {
			t.Errorf("%s: %d in flight after the end", name, r.s.InFlight())
		}
		r.want(list{"dropped 1000", "unanswered 2 tag 2", "unanswered 1 tag 1", "ended one by us", "closed"}, list{"close"})
		r.pass(time.Minute)
		r.want(nil, nil)
	}
}

// The handler may close the Session while retries are being given up.
func TestCloseInsideGivingUp(t *testing.T) {
	cfg := reliable()
	cfg.Retry = RetryPolicy{NewAckID: true} // the first failure is the last
	r := readyRig(t, cfg)
	r.publish("a", 1)
	r.publish("b", 2)
	r.reset()
	r.on = func(ev *Event) {
		if ev.Kind == EventUnanswered {
			r.s.Close(r.now, 1000)
		}
	}
	r.lost(errReset)
	r.pass(time.Minute)
	r.want(list{"dropped", "unanswered 1 tag 1", "unanswered 2 tag 2", "ended one by us", "closed"}, nil)
}

func TestRetriesCountAsInFlight(t *testing.T) {
	cfg := reliable()
	cfg.MaxInFlight = 1
	cfg.Retry = RetryPolicy{Attempts: 1}
	r := readyRig(t, cfg)
	r.publish("a", 1)
	r.receive(nack(1, "InternalServerError"))
	if _, err := r.s.Publish(r.now, &Publish{Group: "room", Ack: true}); !errors.Is(err, ErrInFlight) {
		t.Errorf("publish beside a waiting retry: %v, want ErrInFlight", err)
	}
}

func TestRetryPauses(t *testing.T) {
	fixed := RetryPolicy{Base: time.Second}
	doubling := RetryPolicy{Base: 800 * time.Millisecond, Max: 5 * time.Second}
	for i, want := range []time.Duration{800, 1600, 3200, 5000, 5000} {
		if got := doubling.pause(i); got != want*time.Millisecond {
			t.Errorf("pause %d is %v, want %v", i, got, want*time.Millisecond)
		}
		if got := fixed.pause(i); got != time.Second {
			t.Errorf("fixed pause %d is %v, want 1s", i, got)
		}
	}
}
