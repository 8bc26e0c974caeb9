package wire

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestRequestsOnTheWire(t *testing.T) {
	r := readyRig(t, reliable())
	send := func(p *Publish) { _, _ = r.s.Publish(r.now, p); r.pump() }
	send(&Publish{Group: "room", DataType: DataJSON, Data: []byte(`{"x":1}`), NoEcho: true, Ack: true})
	send(&Publish{Group: "room", DataType: DataBinary, Data: []byte{1, 2, 3}})
	send(&Publish{Group: "room", DataType: DataText, Data: []byte("bye"), Ack: true})
	_, _ = r.s.SendEvent(r.now, &UserEvent{Name: "order.placed", DataType: DataText, Data: []byte("42"), Ack: true, Tag: 9})
	_, _ = r.s.SendEvent(r.now, &UserEvent{Name: "x", DataType: DataText, Data: []byte("")})
	r.s.Leave(r.now, "room")
	r.pump()
	r.want(nil, list{
		`{"type":"sendToGroup","group":"room","dataType":"json","data":{"x":1},"noEcho":true,"ackId":1}`,
		`{"type":"sendToGroup","group":"room","dataType":"binary","data":"AQID"}`,
		`{"type":"sendToGroup","group":"room","dataType":"text","data":"bye","ackId":2}`,
		`{"type":"event","event":"order.placed","dataType":"text","data":"42","ackId":3}`,
		`{"type":"event","event":"x","dataType":"text","data":""}`,
		`{"type":"leaveGroup","group":"room","ackId":4}`,
	})
}

func TestAnswers(t *testing.T) {
	r := readyRig(t, reliable())
	for tag := range uint64(5) {
		r.publish("x", 100+tag)
	}
	r.reset()
	r.receive(ack(3), nack(1, "Forbidden"), nack(2, "InternalServerError"), nack(5, "Duplicate"))
	r.want(list{
		"acked 3 tag 102", "acked 1 tag 100 Forbidden",
		"acked 2 tag 101 InternalServerError", "acked 5 tag 104 duplicate",
	}, nil) // nothing is retried
	r.receive(ack(3), ack(0), ack(99))
	r.want(list{"unexpected ack 3", "unexpected ack 0", "unexpected ack 99"}, nil)
	if r.s.InFlight() != 1 {
		t.Errorf("in flight: %d, want 1", r.s.InFlight())
	}
}

func TestRequestTellsWhenItWasSent(t *testing.T) {
	r := readyRig(t, reliable())
	sent := r.now
	r.publish("x", 0)
	r.lost(errReset)
	r.s.Join(r.now, "room")
	r.pass(5 * time.Second)
	r.opened()
	opened := r.now
	r.on = func(ev *Event) {
		want := Request{Kind: SendToGroup, AckID: 1, SentAt: sent, Resends: 1}
		if ev.Request.Kind == JoinGroup { // kept while detached: first sent by the recovery
			want = Request{Kind: JoinGroup, AckID: 2, SentAt: opened, Group: "room"}
		}
		if *ev.Request != want {
			t.Errorf("got %+v, want %+v", *ev.Request, want)
		}
	}
	r.receive(ack(1), ack(2))
}

func TestRequestLimits(t *testing.T) {
	cfg := reliable()
	cfg.MaxInFlight = 2
	cfg.MaxMessageBytes = 120
	r := readyRig(t, cfg)
	publish := func(n int, ack bool) error {
		_, err := r.s.Publish(r.now, &Publish{Group: "g", DataType: DataText, Data: []byte(strings.Repeat("x", n)), Ack: ack})
		return err
	}
	// {"type":"sendToGroup","group":"g","dataType":"text","data":"","ackId":1} has 72 bytes.
	for _, tt := range []struct {
		name  string
		bytes int
		ack   bool
		want  error
	}{
		{"payload alone above the limit", 121, true, ErrTooLarge},
		{"with its envelope above the limit", 49, true, ErrTooLarge},
		{"at the limit", 48, true, nil},
		{"above the limit without an ack", 59, false, ErrTooLarge},
		{"second in flight", 1, true, nil},
		{"third in flight", 1, true, ErrInFlight},
		{"not in flight", 1, false, nil},
	} {
		if err := publish(tt.bytes, tt.ack); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
		if free := len(r.s.work.requests); r.s.work.upstream.Data != nil || tt.want != nil && tt.bytes < 120 && free != 1 && r.s.InFlight() < 2 {
			t.Errorf("%s: the payload is kept, or %d spare requests instead of 1", tt.name, free)
		}
	}
	if _, err := r.s.SendEvent(r.now, &UserEvent{Name: "e", DataType: DataText, Ack: true}); !errors.Is(err, ErrInFlight) {
		t.Errorf("event: got %v, want ErrInFlight", err)
	}
	r.s.Join(r.now, "never refused")
	r.pump()
	if n := len(r.sent); n != 4 || r.s.InFlight() != 3 {
		t.Errorf("sent %d, in flight %d; want 4, 3: a refused request leaves nothing", n, r.s.InFlight())
	}
	r.receive(ack(1), ack(2), ack(3)) // a refused one has used up no ack id
	r.want(list{"acked 1", "acked 2", "acked join 3"}, r.sent)
}

// In a closed model the answer to one request sends the next.
func TestPublishInsideAcked(t *testing.T) {
	cfg := reliable()
	cfg.MaxInFlight = 1
	r := readyRig(t, cfg)
	r.on = func(ev *Event) {
		if ev.Kind == EventAcked && ev.Request.AckID < 3 {
			r.publish("next", 10+ev.Request.AckID)
			if want := ev.Message.AckID; ev.Request.AckID != want {
				t.Errorf("request %d was overwritten by %d", want, ev.Request.AckID)
			}
		}
	}
	r.publish("first", 10)
	r.receive(ack(1), ack(2), ack(3))
	if want := (list{"acked 1 tag 10", "acked 2 tag 11", "acked 3 tag 12"}); !slices.Equal(r.events, want) {
		t.Errorf("got %q, want %q", r.events, want)
	}
}

// pendingRequests against a map, which is what it would be if order and
// allocations did not matter.
func TestPendingRequests(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var p pendingRequests
	w := newWorkspace()
	model := map[uint64]*pendingRequest{}
	next := uint64(1)
	for range 20_000 {
		switch {
		case random.IntN(100) < 52 && len(model) < 300:
			r := w.request()
			if len(r.encoded) != 0 || r.sent || r.Request != (Request{}) {
				t.Fatalf("a spare request is not empty: %+v", r)
			}
			r.AckID, r.encoded, r.sent = next, fmt.Append(r.encoded, next), true
			p.push(w, r)
			model[next] = r
			next++
		default: // mostly near the oldest, sometimes anywhere, sometimes not there
			id := next - min(next, 1+random.Uint64N(uint64(len(model))+3))
			if p.len() > 0 && random.IntN(4) > 0 {
				id = p.all()[random.IntN(min(p.len(), 3))].AckID
			}
			r := p.take(w, id)
			if r != model[id] {
				t.Fatalf("take(%d) = %v, want %v", id, r, model[id])
			}
			delete(model, id)
			if r != nil {
				w.recycle(r)
			}
		}
		if p.len() != len(model) || !slices.IsSortedFunc(p.all(), func(a, b *pendingRequest) int { return int(a.AckID) - int(b.AckID) }) {
			t.Fatalf("%d requests in order, want %d", p.len(), len(model))
		}
	}
	if n := cap(p.list); n > 4*300 {
		t.Errorf("the list has grown to %d for at most 300 requests", n)
	}
	if n := len(w.requests) + p.len(); n > 300 {
		t.Errorf("%d requests were made for at most 300 at once", n)
	}
}
