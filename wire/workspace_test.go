package wire

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// meddler publishes and closes on another Session while it is told of a message.
type meddler struct {
	other  *Session
	events []string
}

func (m *meddler) Event(now time.Duration, ev *Event) {
	if ev.Kind != EventMessage {
		m.events = append(m.events, ev.ConnectionID)
		return
	}
	if m.other != nil {
		if _, err := m.other.Publish(now, &Publish{Group: "elsewhere", DataType: DataText, Data: []byte("y")}); err != nil {
			m.events = append(m.events, err.Error())
		}
		m.other.Close(now, 1000)
		m.other.Close(now, 1000)
	}
	m.events = append(m.events, string(ev.Message.Group)+" "+string(ev.Message.Data)+" "+ev.ConnectionID)
}

// Sessions of one workspace do not see each other's messages, events or output,
// even if one's Handler uses the other.
func TestSessionsShareAWorkspace(t *testing.T) {
	w := newWorkspace()
	handlers := [2]meddler{}
	var rigs [2]steady
	for i, name := range []string{"one", "two"} {
		rigs[i] = steady{s: new(Session)}
		rigs[i].s.init(&SessionConfig{Subprotocol: JSONReliable}, &handlers[i], uint64(i), w)
		rigs[i].s.Start(0)
		rigs[i].s.Command()
		rigs[i].s.Opened(0, nil)
		rigs[i].frame(&Downstream{Kind: Connected, ConnectionID: []byte(name)})
		rigs[i].s.Received(0, rigs[i].in)
	}
	a, b := &rigs[0], &rigs[1]
	if _, err := a.s.Publish(0, &Publish{Group: "here", DataType: DataText, Data: []byte(strings.Repeat("x", 50))}); err != nil {
		t.Fatal(err)
	}
	handlers[0].other, handlers[0].events = b.s, nil
	a.in = a.in[:0]
	a.frame(&Downstream{Kind: GroupMessage, Group: []byte("g"), DataType: DataText, Data: []byte("hi"), SequenceID: 1})
	a.s.Received(0, a.in)
	if got := strings.Join(handlers[0].events, ","); got != "g hi one" {
		t.Errorf("the message was told as %q, want %q", got, "g hi one")
	}
	first, second := a.s.Output(), b.s.Output()
	if len(first) != 6+len(`{"type":"sendToGroup","group":"here","dataType":"text","data":""}`)+50 {
		t.Errorf("output of %d bytes on the first Session", len(first))
	}
	if len(second) == 0 || &first[0] == &second[0] {
		t.Error("the second Session wrote nothing, or over the output of the first")
	}
}

// What a burst has left is given up, and a Session goes on without it.
func TestWorkspaceGivesUp(t *testing.T) {
	w := newWorkspace()
	var told meddler
	r := steady{s: new(Session)}
	r.s.init(&SessionConfig{Subprotocol: JSONReliable}, &told, 1, w)
	r.s.Start(0)
	r.s.Command()
	r.s.Opened(0, nil)
	r.frame(&Downstream{Kind: Connected, ConnectionID: []byte("one")})
	r.s.Received(0, r.in)
	burst := func(messages int) (owed int) {
		r.in = r.in[:0]
		for range messages {
			id, err := r.s.Publish(0, &Publish{Group: "g", DataType: DataText, Data: []byte("x"), Ack: true})
			if err != nil {
				t.Fatal(err)
			}
			r.frame(&Downstream{Kind: Ack, AckID: id, Success: true})
		}
		r.s.Output()
		owed = r.s.InFlight()
		r.s.Received(0, r.in)
		return owed
	}
	burst(100)
	if len(w.requests) != 100 {
		t.Fatalf("%d requests are spare after a burst of 100", len(w.requests))
	}
	w.giveUp()
	if n := len(w.requests) + len(w.outputs) + len(w.lists) + len(w.parsers); n != 0 {
		t.Errorf("%d things are spare after giving up", n)
	}
	if owed := burst(2); owed != 2 || r.s.InFlight() != 0 {
		t.Errorf("afterwards %d answers are owed of 2, and %d in the end", owed, r.s.InFlight())
	}
}

// What a socket leaves half received is given back with the socket, and not when there is
// another: there may be none.
func TestNothingIsKeptOfAMessageThatNeverEnds(t *testing.T) {
	half := ws.MustCompileFrame(ws.NewTextFrame(make([]byte, 1<<16)))[:1<<15]
	for _, tt := range []struct {
		name string
		end  func(r *rig)
	}{
		{"lost", func(r *rig) { r.lost(io.EOF) }},
		{"idle", func(r *rig) { r.pass(time.Minute) }},
		{"closed by the peer between two fragments", func(r *rig) { r.closed(1001, "") }},
		{"what no server may send between two fragments", func(r *rig) { r.s.Received(r.now, []byte{0xf1, 0}) }},
	} {
		r := readyRig(t, &SessionConfig{Subprotocol: JSON, IdleTimeout: time.Minute})
		begun := half
		if strings.HasSuffix(tt.name, "between two fragments") {
			begun = ws.MustCompileFrame(ws.NewFrame(ws.OpText, false, make([]byte, 1<<15)))
		}
		r.s.Received(r.now, bytes.Clone(begun))
		if r.s.parser == nil {
			t.Fatalf("%s: nothing is incomplete", tt.name)
		}
		if tt.end(r); r.s.parser != nil {
			t.Errorf("%s: the parser is kept", tt.name)
		}
	}
}
