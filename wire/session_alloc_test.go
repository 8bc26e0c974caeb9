package wire

import (
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/gobwas/ws"
)

type counter struct{ events [EventRetried + 1]int }

func (c *counter) Event(_ time.Duration, ev *Event) { c.events[ev.Kind]++ }

// steady is a session in steady state: one round publishes with an ack and
// without, and receives a message of the group, the ack and a ping.
type steady struct {
	s       *Session
	h       counter
	p       Publish
	now     time.Duration
	seq, id uint64
	in      []byte

	room, hi []byte
}

func newSteady(p Subprotocol) *steady {
	st := &steady{room: []byte("room"), hi: []byte("hi"), p: Publish{Group: "room", DataType: DataText, Data: []byte(strings.Repeat("x", 128))}}
	st.s = NewSession(&SessionConfig{
		Subprotocol: p,
		SequenceAck: AckPolicy{EveryMessages: 3, Every: time.Second},
		Ping:        20 * time.Second,
	}, &st.h, 1)
	st.s.Start(0)
	st.s.Command()
	st.s.Opened(0, nil)
	st.frame(&Downstream{Kind: Connected, ConnectionID: []byte("one"), ReconnectionToken: []byte("tok1")})
	st.s.Received(0, st.in)
	return st
}

func (st *steady) prepare() {
	st.seq++
	st.id++
	st.in = st.in[:0]
	st.frame(&Downstream{Kind: GroupMessage, Group: st.room, DataType: DataText, Data: st.hi, SequenceID: st.seq})
	st.frame(&Downstream{Kind: Ack, AckID: st.id, Success: true})
	st.in = append(st.in, 0x80|byte(ws.OpPing), 2, 'p', '1')
}

// frame appends a message in a frame of at most 125 bytes.
func (st *steady) frame(m *Downstream) {
	e := st.s.encoding
	st.in = append(st.in, byte(e.OpCode())|0x80, 0)
	start := len(st.in)
	st.in = e.AppendDownstream(st.in, m)
	st.in[start-1] = byte(len(st.in) - start)
}

func (st *steady) round(t testing.TB) {
	st.now += time.Millisecond
	for _, st.p.Ack = range []bool{true, false} {
		if _, err := st.s.Publish(st.now, &st.p); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := st.s.SendEvent(st.now, &UserEvent{Name: "event", DataType: DataBinary, Data: st.p.Data}); err != nil {
		t.Fatal(err)
	}
	half := len(st.in) / 2 // in two reads, the first of which ends inside a frame
	st.s.Received(st.now, st.in[:half])
	st.s.Received(st.now, st.in[half:])
	if at, ok := st.s.Deadline(); ok && at <= st.now {
		st.s.Tick(st.now)
	}
	st.s.Output()
	st.s.Command()
}

func TestSessionDoesNotAllocateInSteadyState(t *testing.T) {
	for _, p := range []Subprotocol{JSONReliable, ProtobufReliable} {
		t.Run(string(p), func(t *testing.T) { testSteady(t, newSteady(p)) })
	}
}

func testSteady(t *testing.T, st *steady) {
	round := func() { st.prepare(); st.round(t) }
	for range 10 {
		round()
	}
	const rounds = 200
	if got := testing.AllocsPerRun(rounds, round); got != 0 && !raceEnabled {
		t.Errorf("%v allocations a round, want 0", got)
	}
	want := 10 + rounds + 1
	if st.h.events[EventMessage] != want || st.h.events[EventAcked] != want || st.h.events[EventProtocolError] > 0 {
		t.Errorf("events %v, want %d messages and acks", st.h.events, want)
	}
}

func BenchmarkSessionRound(b *testing.B) {
	st := newSteady(JSONReliable)
	b.ReportAllocs()
	for b.Loop() {
		st.prepare()
		st.round(b)
	}
}

// Sessions of one Loop share what a message needs: one of them costs no more than
// this, the strings of its connection aside.
func TestIdleSessionIsSmall(t *testing.T) {
	if got := unsafe.Sizeof(Client{}); got > 520 {
		t.Errorf("a Client with its Session takes %d bytes, want at most 520", got)
	}
}
