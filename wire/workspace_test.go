package wire

import (
	"strings"
	"testing"
	"time"
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
