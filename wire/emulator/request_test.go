package emulator

import (
	"fmt"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/wpsbench/wpsbench/wire"
)

func TestConnectedIsTheFirstFrame(t *testing.T) {
	tests := []struct {
		name        string
		subprotocol wire.Subprotocol
		user        string
		want        []string
	}{
		{"reliable", wire.JSONReliable, "alice",
			[]string{`{"type":"system","event":"connected","userId":"alice","connectionId":"c1","reconnectionToken":"TOK"}`}},
		{"plain", wire.JSON, "alice", []string{`{"type":"system","event":"connected","userId":"alice","connectionId":"c1"}`}},
		{"anonymous", wire.JSON, "", []string{`{"type":"system","event":"connected","userId":null,"connectionId":"c1"}`}},
		{"simple", wire.Simple, "alice", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, Options{})
			c := w.socket()
			a := &admission{hub: "chat", subprotocol: tt.subprotocol, id: "c1", user: tt.user, groups: []string{"room"}}
			if tt.subprotocol.Reliable() {
				a.token = "TOK"
			}
			w.core.open(w.now, c.k, a)
			c.want(tt.want...)
		})
	}
}

func TestRequests(t *testing.T) {
	none := []string{}
	tests := []struct {
		name  string
		roles []string
		send  []string
		want  []string
	}{
		{"join and leave", allRoles,
			[]string{
				`{"type":"joinGroup","group":"room","ackId":1}`,
				`{"type":"joinGroup","group":"room","ackId":2}`,
				`{"type":"leaveGroup","group":"room","ackId":3}`,
				`{"type":"leaveGroup","group":"room","ackId":4}`,
			},
			[]string{
				`{"type":"ack","ackId":1,"success":true}`,
				`{"type":"ack","ackId":2,"success":true}`,
				`{"type":"ack","ackId":3,"success":true}`,
				`{"type":"ack","ackId":4,"success":true}`,
			}},
		{"own echo before the ack", allRoles,
			[]string{
				`{"type":"joinGroup","group":"room"}`,
				`{"type":"sendToGroup","group":"room","dataType":"text","data":"hi","ackId":2}`,
			},
			[]string{
				`{"type":"message","from":"group","group":"room","fromUserId":"alice","dataType":"text","data":"hi"}`,
				`{"type":"ack","ackId":2,"success":true}`,
			}},
		{"no echo", allRoles,
			[]string{
				`{"type":"joinGroup","group":"room"}`,
				`{"type":"sendToGroup","group":"room","dataType":"text","data":"hi","ackId":2,"noEcho":true}`,
			},
			[]string{`{"type":"ack","ackId":2,"success":true}`}},
		{"a group of nobody", allRoles,
			[]string{`{"type":"sendToGroup","group":"void","data":1,"ackId":0}`},
			[]string{`{"type":"ack","ackId":0,"success":true}`}},
		{"silent success", allRoles, []string{`{"type":"sendToGroup","group":"void","data":1}`}, nil},
		{"forbidden", none,
			[]string{
				`{"type":"joinGroup","group":"room","ackId":1}`,
				`{"type":"leaveGroup","group":"room","ackId":2}`,
				`{"type":"sendToGroup","group":"room","dataType":"text","data":"hi","ackId":3}`,
			},
			[]string{
				`{"type":"ack","ackId":1,"success":false,"error":{"name":"Forbidden","message":"The client does not have permission to join group 'room'."}}`,
				`{"type":"ack","ackId":2,"success":false,"error":{"name":"Forbidden","message":"The client does not have permission to leave group 'room'."}}`,
				`{"type":"ack","ackId":3,"success":false,"error":{"name":"Forbidden","message":"The client does not have permission to send to group 'room'."}}`,
			}},
		{"silent failure", none, []string{`{"type":"joinGroup","group":"room"}`}, nil},
		{"a duplicate of another type is not executed", allRoles,
			[]string{
				`{"type":"joinGroup","group":"room","ackId":1}`,
				`{"type":"leaveGroup","group":"room","ackId":1}`,
				`{"type":"sendToGroup","group":"room","dataType":"text","data":"hi"}`,
			},
			[]string{
				`{"type":"ack","ackId":1,"success":true}`,
				`{"type":"ack","ackId":1,"success":false,"error":{"name":"Duplicate","message":"Message with ack-id: 1 has been processed"}}`,
				`{"type":"message","from":"group","group":"room","fromUserId":"alice","dataType":"text","data":"hi"}`,
			}},
		{"a failure is not remembered", []string{"webpubsub.joinLeaveGroup.room"},
			[]string{
				`{"type":"joinGroup","group":"hall","ackId":1}`,
				`{"type":"joinGroup","group":"room","ackId":1}`,
			},
			[]string{
				`{"type":"ack","ackId":1,"success":false,"error":{"name":"Forbidden","message":"The client does not have permission to join group 'hall'."}}`,
				`{"type":"ack","ackId":1,"success":true}`,
			}},
		{"an event without a handler", allRoles,
			[]string{
				`{"type":"event","event":"order.placed","dataType":"text","data":"42","ackId":5}`,
				`{"type":"event","event":"order.placed","dataType":"text","data":"42"}`,
			},
			[]string{`{"type":"ack","ackId":5,"success":false,"error":{"name":"InternalServerError","message":"Internal server error"}}`}},
		{"ping", none, []string{`{"type":"ping"}`, ` {"ackId":1,"type":"PING"}`}, []string{`{"type":"pong"}`, `{"type":"pong"}`}},
		{"a plain client's sequenceAck", none, []string{`{"type":"sequenceAck","sequenceId":17}`}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, Options{})
			c := w.open(wire.JSON, withUser("alice"), withRoles(tt.roles...))
			c.send(tt.send...)
			c.want(tt.want...)
			c.wantEnd("")
		})
	}
}

func TestAckHistoryForgetsTheOldest(t *testing.T) {
	w := newWorld(t, Options{})
	c := w.open(wire.JSON)
	ok := `{"type":"ack","ackId":%d,"success":true}`
	repeated := `{"type":"ack","ackId":%d,"success":false,"error":{"name":"Duplicate","message":"Message with ack-id: %[1]d has been processed"}}`
	request := func(id int, answer string) {
		t.Helper()
		c.send(fmt.Sprintf(`{"type":"sendToGroup","group":"void","data":1,"ackId":%d}`, id))
		c.want(fmt.Sprintf(answer, id))
	}
	for id := 1; id <= 1000; id++ {
		request(id, ok)
	}
	request(1, repeated)
	request(1001, ok) // forgets 1
	request(2, repeated)
	request(1, ok) // forgets 2
	request(2, ok)
	request(1001, repeated)
	request(1000, repeated)
}

func TestNoEchoIsPerConnection(t *testing.T) {
	w := newWorld(t, Options{})
	sender := w.open(wire.JSON, withUser("alice"), withGroups("room"))
	sibling := w.open(wire.JSON, withUser("alice"), withGroups("room"))
	sender.send(`{"type":"sendToGroup","group":"room","dataType":"text","data":"hi","noEcho":true}`)
	sender.want()
	sibling.want(`{"type":"message","from":"group","group":"room","fromUserId":"alice","dataType":"text","data":"hi"}`)
}

func TestHubsAreSeparate(t *testing.T) {
	w := newWorld(t, Options{})
	here := w.open(wire.JSON, withGroups("room"))
	there := w.open(wire.JSON, withGroups("room"), func(a *admission) { a.hub = "other" })
	here.send(`{"type":"sendToGroup","group":"room","data":1}`)
	there.want()
}

func TestFanOutFormats(t *testing.T) {
	tests := []struct {
		name                    string
		publish                 ws.Frame
		simple                  bool // published by a simple client
		plain, reliable, toRaws string
	}{
		{"text", ws.NewTextFrame([]byte(`{"type":"sendToGroup","group":"room","dataType":"text","data":"h\u00e9 \"x\""}`)), false,
			`{"type":"message","from":"group","group":"room","fromUserId":null,"dataType":"text","data":"hé \"x\""}`,
			`{"type":"message","from":"group","group":"room","fromUserId":null,"dataType":"text","data":"hé \"x\"","sequenceId":1}`,
			`hé "x"`},
		{"json", ws.NewTextFrame([]byte(`{"type":"sendToGroup","group":"room","data":{"x": [1]}}`)), false,
			`{"type":"message","from":"group","group":"room","fromUserId":null,"dataType":"json","data":{"x": [1]}}`,
			`{"type":"message","from":"group","group":"room","fromUserId":null,"dataType":"json","data":{"x": [1]},"sequenceId":1}`,
			`{"x": [1]}`},
		{"json string", ws.NewTextFrame([]byte(`{"type":"sendToGroup","group":"room","data":"s"}`)), false,
			`{"type":"message","from":"group","group":"room","fromUserId":null,"dataType":"json","data":"s"}`,
			`{"type":"message","from":"group","group":"room","fromUserId":null,"dataType":"json","data":"s","sequenceId":1}`,
			`"s"`},
		{"binary", ws.NewTextFrame([]byte(`{"type":"sendToGroup","group":"room","dataType":"binary","data":"AQID"}`)), false,
			`{"type":"message","from":"group","group":"room","fromUserId":null,"dataType":"binary","data":"AQID"}`,
			`{"type":"message","from":"group","group":"room","fromUserId":null,"dataType":"binary","data":"AQID","sequenceId":1}`,
			`binary 010203`},
		{"metadata", ws.NewTextFrame([]byte(`{"type":"sendToGroup","group":"room","dataType":"text","data":"bye","ttlSeconds":30,"metadata":{"trace-id":"a1"}}`)), false,
			`{"type":"message","from":"group","group":"room","fromUserId":null,"dataType":"text","data":"bye","metadata":{"trace-id":"a1"}}`,
			`{"type":"message","from":"group","group":"room","fromUserId":null,"dataType":"text","data":"bye","metadata":{"trace-id":"a1"},"sequenceId":1}`,
			`bye`},
		{"metadata alone", ws.NewTextFrame([]byte(`{"type":"sendToGroup","group":"room","metadata":{"a":"b"}}`)), false,
			`{"type":"message","from":"group","group":"room","fromUserId":null,"dataType":"text","data":"","metadata":{"a":"b"}}`,
			`{"type":"message","from":"group","group":"room","fromUserId":null,"dataType":"text","data":"","metadata":{"a":"b"},"sequenceId":1}`,
			``},
		{"raw text", ws.NewTextFrame([]byte("hi")), true,
			`{"type":"message","from":"group","group":"room","fromUserId":null,"dataType":"text","data":"hi"}`,
			`{"type":"message","from":"group","group":"room","fromUserId":null,"dataType":"text","data":"hi","sequenceId":1}`,
			`hi`},
		{"raw binary", ws.NewBinaryFrame([]byte{0xff}), true,
			`{"type":"message","from":"group","group":"room","fromUserId":null,"dataType":"binary","data":"/w=="}`,
			`{"type":"message","from":"group","group":"room","fromUserId":null,"dataType":"binary","data":"/w==","sequenceId":1}`,
			`binary ff`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, Options{})
			plain := w.open(wire.JSON, withGroups("room"))
			reliable := w.open(wire.JSONReliable, withGroups("room"))
			simple := w.open(wire.Simple, withGroups("room"))
			publisher := w.open(wire.JSON)
			if tt.simple {
				publisher = w.open(wire.Simple, withRaw("room", false))
			}
			publisher.frame(tt.publish)
			plain.want(tt.plain)
			reliable.want(tt.reliable)
			simple.want(tt.toRaws)
			publisher.want()
		})
	}
}

func TestSimpleClients(t *testing.T) {
	t.Run("an event nobody handles closes", func(t *testing.T) {
		w := newWorld(t, Options{})
		c := w.open(wire.Simple)
		c.send("hello")
		c.want("close 1011 The event could not be processed.")
		c.wantSession(false)
	})
	t.Run("without the role it is closed at the first frame", func(t *testing.T) {
		w := newWorld(t, Options{})
		c := w.open(wire.Simple, withRaw("room", false), withRoles("webpubsub.sendToGroup.hall"))
		c.want()
		c.send("hello")
		c.want("close 1008 The connection is not authorized for raw sendToGroup mode.")
	})
	t.Run("a member gets its echo", func(t *testing.T) {
		w := newWorld(t, Options{})
		c := w.open(wire.Simple, withRaw("room", false), withGroups("room"))
		c.send("hello")
		c.want("hello")
	})
	t.Run("unless it does not want it", func(t *testing.T) {
		w := newWorld(t, Options{})
		c := w.open(wire.Simple, withRaw("room", true), withGroups("room"))
		other := w.open(wire.Simple, withGroups("room"))
		c.send("hello")
		c.want()
		other.want("hello")
	})
	t.Run("a lost one is gone", func(t *testing.T) {
		w := newWorld(t, Options{})
		c := w.open(wire.Simple)
		c.lost()
		c.wantSession(false)
	})
}

func TestAckDelay(t *testing.T) {
	w := newWorld(t, Options{AckDelay: 50 * time.Millisecond})
	c := w.open(wire.JSON, withGroups("room"))
	c.send(`{"type":"sendToGroup","group":"room","dataType":"text","data":"a","ackId":1}`)
	w.advance(20 * time.Millisecond)
	c.send(`{"type":"sendToGroup","group":"hall","dataType":"text","data":"b","ackId":2}`, `{"type":"ping"}`)
	c.want(`{"type":"message","from":"group","group":"room","fromUserId":null,"dataType":"text","data":"a"}`, `{"type":"pong"}`)
	w.advance(29 * time.Millisecond)
	c.want()
	w.advance(time.Millisecond)
	c.want(`{"type":"ack","ackId":1,"success":true}`)
	w.advance(20 * time.Millisecond)
	c.want(`{"type":"ack","ackId":2,"success":true}`)

	// An ack is lost with its transport.
	r := w.open(wire.JSONReliable)
	r.send(`{"type":"joinGroup","group":"room","ackId":1}`)
	r.lost()
	again := r.recover()
	w.advance(time.Second)
	r.want()
	again.want()
	again.send(`{"type":"joinGroup","group":"room","ackId":1}`)
	w.advance(time.Second)
	again.want(`{"type":"ack","ackId":1,"success":false,"error":{"name":"Duplicate","message":"Message with ack-id: 1 has been processed"}}`)
}
