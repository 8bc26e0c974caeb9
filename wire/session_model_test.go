package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/wpsbench/wpsbench/wire/internal/frame"
)

// A small model of the service and of the network, in simulated time. Sockets
// deliver in order, late and in pieces; they are cut at any byte; dials fail; the
// service refuses, forgets and errs. Its rules are those of protocol.md 3.4, 4.2
// to 4.7: requests are executed one at a time, an ack id that has succeeded is
// not executed again, data messages are numbered, kept until acknowledged and
// replayed by a recovery.

// modelConn is a logical connection at the service.
type modelConn struct {
	name     string
	done     map[uint64]bool // ack ids that succeeded
	executed []uint64        // in order, repetitions included
	errors   map[uint64]bool // ack ids that were ever answered with an error
	sequence uint64
	unacked  []string
	socket   *modelSocket
	expires  time.Duration // while detached
	over     bool
}

type chunk struct {
	at   time.Duration
	data []byte
	end  error // the stream ends here
}

// modelSocket is one WebSocket: two directions, each a queue of what is under way.
type modelSocket struct {
	up, down []chunk
	conn     *modelConn
	parser   frame.Parser
	gone     bool            // the service is through with it
	left     bool            // the client is
	seen     map[uint64]bool // ack ids that came over it
}

type model struct {
	t       *testing.T
	random  *rand.Rand
	now     time.Duration
	s       *Session
	faults  bool
	dialAt  time.Duration // 0 = no dial pending
	dialFor string        // the connection to recover; "" = a new one
	token   string
	sockets []*modelSocket
	conns   []*modelConn // named by their index

	state     map[uint64]string // outcome by ack id
	current   string            // connection between EventConnected and EventEnded
	number    uint32            // Event.Connection
	delivered uint64            // fresh messages of it
	dialing   bool
	open      bool
	closed    bool
	publishes int
	resumed   int
}

func newModel(t *testing.T, seed uint64) *model {
	m := &model{
		t: t, random: rand.New(rand.NewPCG(seed, 0)), now: time.Hour, faults: true,
		state: map[uint64]string{},
	}
	m.s = NewSession(&SessionConfig{
		Subprotocol: JSONReliable,
		SequenceAck: AckPolicy{EveryMessages: 1 + m.random.IntN(8), Every: 50 * time.Millisecond},
		Recovery:    RecoveryPolicy{Window: 2 * time.Second, Pause: 100 * time.Millisecond},
		Reconnect:   Backoff{Base: 50 * time.Millisecond, Max: time.Second, FullJitter: true},
		Ping:        300 * time.Millisecond, ConnectedTimeout: 500 * time.Millisecond, MaxInFlight: 20,
	}, m, seed)
	m.s.Join(m.now, "room")
	m.s.Start(m.now)
	m.pump()
	return m
}

func (m *model) conn(name string) *modelConn {
	i, err := strconv.Atoi(name)
	if err != nil || i >= len(m.conns) {
		m.t.Fatalf("at %v: there is no connection %q", m.now, name)
	}
	return m.conns[i]
}

func (m *model) chance(percent int) bool { return m.random.IntN(100) < percent }

func (m *model) upTo(d time.Duration) time.Duration {
	return time.Duration(m.random.Int64N(int64(d) + 1))
}

// send puts data under way, in pieces.
func (m *model) send(queue *[]chunk, data []byte, end error) {
	at := m.now
	if n := len(*queue); n > 0 {
		if (*queue)[n-1].end != nil {
			return
		}
		at = max(at, (*queue)[n-1].at)
	}
	for len(data) > 0 {
		n := 1 + m.random.IntN(len(data))
		at += m.upTo(5 * time.Millisecond)
		*queue = append(*queue, chunk{at: at, data: bytes.Clone(data[:n])})
		data = data[n:]
	}
	if end != nil {
		*queue = append(*queue, chunk{at: at, end: end})
	}
}

// cut ends both directions of a socket after some of what is under way.
func (m *model) cut(k *modelSocket) {
	for _, queue := range []*[]chunk{&k.up, &k.down} {
		*queue = (*queue)[:m.random.IntN(len(*queue)+1)]
		if n := len(*queue); n > 0 && m.chance(50) && (*queue)[n-1].end == nil {
			last := &(*queue)[n-1]
			last.data = last.data[:m.random.IntN(len(last.data)+1)]
		}
		m.send(queue, nil, io.ErrUnexpectedEOF)
	}
}

// pump takes the outputs of the Session.
func (m *model) pump() {
	var k *modelSocket
	if n := len(m.sockets); n > 0 {
		k = m.sockets[n-1]
	}
	if out := m.s.Output(); len(out) > 0 {
		if k == nil || k.left {
			m.t.Fatalf("%d bytes written without a socket", len(out))
		}
		m.send(&k.up, out, nil)
	}
	switch m.s.Command() {
	case CommandDial:
		m.dialAt = m.now + m.upTo(50*time.Millisecond)
		m.dialFor, m.token, _ = m.s.Recovery()
	case CommandClose:
		k.left = true
		m.send(&k.up, nil, io.EOF)
	case CommandAbort:
		if m.dialAt > 0 {
			m.dialAt = 0
		} else {
			k.left = true
			m.cut(k)
		}
	case CommandNone:
	}
}

// Event implements Handler: it checks the order of events and keeps the outcomes.
func (m *model) Event(_ time.Duration, ev *Event) {
	check := func(ok bool, format string, args ...any) {
		if !ok {
			m.t.Errorf("at %v, event %d: %s", m.now, ev.Kind, fmt.Sprintf(format, args...))
		}
	}
	check(!m.closed, "after EventClosed")
	if ev.Connection != m.number {
		check(ev.Connection > m.number && m.current == "", "number %d inside connection %q", ev.Connection, m.current)
		m.number, m.delivered = ev.Connection, 0
	}
	switch ev.Kind {
	case EventDialing:
		check(!m.dialing && !m.open, "dialing %t, open %t", m.dialing, m.open)
		m.dialing = true
	case EventDialFailed, EventOpened:
		check(m.dialing && !m.open, "dialing %t, open %t", m.dialing, m.open)
		m.dialing, m.open = false, ev.Kind == EventOpened
		if m.open {
			check(int(ev.Epoch) == len(m.sockets), "epoch %d, want %d", ev.Epoch, len(m.sockets))
		}
		if ev.Kind == EventOpened && ev.Recovering {
			m.resumed++
			m.publish()
		}
	case EventDropped:
		check(m.open, "not open")
		m.open = false
	case EventConnected:
		check(m.current == "" && m.open, "inside connection %q", m.current)
		m.current = ev.ConnectionID
	case EventEnded:
		check(m.current == ev.ConnectionID, "inside connection %q", m.current)
		m.current = ""
	case EventMessage:
		if ev.Fresh {
			m.delivered++
			check(ev.Message.SequenceID == m.delivered, "message %d, want %d", ev.Message.SequenceID, m.delivered)
		} else {
			check(ev.Message.SequenceID <= m.delivered, "message %d is said to be old after %d", ev.Message.SequenceID, m.delivered)
		}
	case EventAcked, EventUnanswered:
		m.outcome(ev)
	case EventUnexpectedAck:
		check(m.state[ev.Message.AckID] != "", "ack %d for nothing", ev.Message.AckID)
	case EventClosed:
		m.closed = true
	case EventProtocolError:
		check(false, "%v", ev.Err)
	default:
	}
}

func (m *model) outcome(ev *Event) {
	id := ev.Request.AckID
	if was := m.state[id]; was != "" {
		m.t.Errorf("request %d ends twice: %s, then event %d", id, was, ev.Kind)
	}
	conn := m.conn(m.current)
	executed := 0
	for _, e := range conn.executed {
		if e == id {
			executed++
		}
	}
	switch {
	case ev.Kind == EventUnanswered:
		m.state[id] = "unanswered"
		if executed > 1 {
			m.t.Errorf("request %d, unanswered, was executed %d times", id, executed)
		}
	case ev.Success:
		m.state[id] = "done"
		if executed != 1 {
			m.t.Errorf("request %d, acknowledged, was executed %d times", id, executed)
		}
	default:
		m.state[id] = "failed"
		if executed != 0 || !conn.errors[id] {
			m.t.Errorf("request %d, failed, was executed %d times", id, executed)
		}
	}
	if m.chance(20) {
		m.publish() // a closed model publishes inside the answer
	}
}

func (m *model) publish() {
	_, err := m.s.Publish(m.now, &Publish{Group: "room", DataType: DataText, Data: []byte("x"), Ack: m.chance(80)})
	if err == nil {
		m.publishes++
	} else if m.s.Ready() && !errors.Is(err, ErrInFlight) {
		m.t.Errorf("publish while ready: %v", err)
	}
}

// serve handles bytes that reach the service.
func (m *model) serve(k *modelSocket, c chunk) {
	if k.gone {
		return
	}
	if c.end != nil {
		m.detach(k)
		return
	}
	err := k.parser.Feed(c.data, func(op ws.OpCode, payload []byte) error {
		switch {
		case k.gone:
		case op == ws.OpClose:
			m.write(k, ws.OpClose, payload)
			if len(payload) >= 2 && string(payload[:2]) == "\x03\xe8" {
				k.conn.over = true
			}
			m.detach(k)
		case op == ws.OpText:
			m.request(k, payload)
		}
		return nil
	})
	if err != nil {
		m.t.Errorf("the session broke RFC 6455: %v", err)
	}
}

func (m *model) request(k *modelSocket, payload []byte) {
	var msg struct {
		Type       string
		AckID      *uint64
		SequenceID uint64
	}
	if err := json.Unmarshal(payload, &msg); err != nil {
		m.t.Fatalf("the session sent %q: %v", payload, err)
	}
	conn := k.conn
	switch msg.Type {
	case "ping":
		m.text(k, `{"type":"pong"}`)
	case "sequenceAck":
		if msg.SequenceID > conn.sequence {
			m.t.Errorf("sequenceAck %d of %d sent", msg.SequenceID, conn.sequence)
		}
		if keep := int(conn.sequence - msg.SequenceID); keep < len(conn.unacked) {
			conn.unacked = conn.unacked[len(conn.unacked)-keep:]
		}
	default:
		if msg.AckID == nil {
			return
		}
		id := *msg.AckID
		if k.seen[id] {
			m.t.Errorf("request %d came twice over one socket", id)
		}
		k.seen[id] = true
		switch {
		case conn.done[id]:
			m.text(k, nack(int(id), "Duplicate"))
		case m.chance(5):
			conn.errors[id] = true
			m.text(k, nack(int(id), "InternalServerError"))
		default:
			conn.executed = append(conn.executed, id)
			conn.done[id] = true
			m.text(k, ack(int(id)))
		}
	}
}

func (m *model) text(k *modelSocket, text string) { m.write(k, ws.OpText, []byte(text)) }

func (m *model) write(k *modelSocket, op ws.OpCode, payload []byte) {
	m.send(&k.down, ws.MustCompileFrame(ws.NewFrame(op, true, payload)), nil)
}

// detach ends a socket at the service's end.
func (m *model) detach(k *modelSocket) {
	k.gone = true
	if k.conn != nil && k.conn.socket == k {
		k.conn.socket, k.conn.expires = nil, m.now+2*time.Second
	}
	m.send(&k.down, nil, io.EOF)
}

// accept answers the pending dial.
func (m *model) accept() {
	m.dialAt = 0
	if m.faults && m.chance(20) {
		m.s.DialFailed(m.now, errors.New("http 503"))
		m.pump()
		return
	}
	k := &modelSocket{seen: map[uint64]bool{}}
	k.parser.Reset(frame.Config{Server: true, Text: true, MaxMessageBytes: 1 << 20})
	m.sockets = append(m.sockets, k)
	if m.dialFor == "" {
		name := fmt.Sprint(len(m.conns))
		k.conn = &modelConn{name: name, socket: k, done: map[uint64]bool{}, errors: map[uint64]bool{}}
		m.conns = append(m.conns, k.conn)
		if m.chance(20) {
			m.broadcast(k.conn) // overtakes `connected`
		}
		m.text(k, fmt.Sprintf(`{"type":"system","event":"connected","connectionId":%q,"reconnectionToken":"t-%s"}`, name, name))
	} else {
		m.recover(k)
	}
	m.s.Opened(m.now, nil)
	m.pump()
}

func (m *model) recover(k *modelSocket) {
	conn := m.conn(m.dialFor)
	if m.token != "t-"+m.dialFor {
		m.t.Errorf("recovery of %s with token %q", m.dialFor, m.token)
	}
	if conn.over || conn.socket == nil && m.now > conn.expires {
		m.write(k, ws.OpClose, ws.NewCloseFrameBody(1008, "The connection could not be recovered."))
		k.gone = true
		return
	}
	if conn.socket != nil { // takeover of one that is still attached
		conn.socket.gone = true
	}
	k.conn, conn.socket = conn, k
	for _, text := range conn.unacked {
		m.text(k, text)
	}
}

// broadcast sends a data message to one connection, attached or not.
func (m *model) broadcast(conn *modelConn) {
	conn.sequence++
	text := groupMessage("m", int(conn.sequence))
	conn.unacked = append(conn.unacked, text)
	if conn.socket != nil {
		m.text(conn.socket, text)
	}
}

// act lets something happen: traffic, and faults while there are any.
func (m *model) act() {
	var k *modelSocket
	if n := len(m.sockets); n > 0 {
		k = m.sockets[n-1]
	}
	switch n := m.random.IntN(100); {
	case n < 45:
		m.publish()
	case n < 80:
		for _, conn := range m.conns {
			if !conn.over {
				m.broadcast(conn)
			}
		}
	case n < 84:
		m.s.Join(m.now, fmt.Sprint("g", m.random.IntN(3)))
	case n < 86:
		m.s.Leave(m.now, fmt.Sprint("g", m.random.IntN(3)))
	case !m.faults || k == nil || k.gone || k.left:
	case n < 93:
		m.cut(k)
	case n < 95: // a fault of ours
		m.s.Interrupt(m.now, []uint16{1000, 1001, 0}[m.random.IntN(3)])
	case n < 96: // the service ends the connection
		k.conn.over = true
		m.write(k, ws.OpClose, ws.NewCloseFrameBody([]ws.StatusCode{1000, 1008, 1012}[m.random.IntN(3)], "end"))
		m.detach(k)
	case n < 97: // an abrupt restart
		for _, conn := range m.conns {
			conn.over = true
		}
		m.cut(k)
	case n < 98: // the service goes dumb for longer than a window
		k.gone = true
	}
	m.pump()
}

// next runs the earliest thing due, not later than until; false: there is none.
func (m *model) next(until time.Duration) bool {
	at, do := until, func() {}
	found := false
	offer := func(when time.Duration, fn func()) {
		if when = max(when, m.now); when < at || when == at && !found {
			at, do, found = when, fn, true
		}
	}
	for _, k := range m.sockets {
		if len(k.up) > 0 {
			offer(k.up[0].at, func() { c := k.up[0]; k.up = k.up[1:]; m.serve(k, c) })
		}
		if len(k.down) > 0 && !k.left {
			offer(k.down[0].at, func() {
				c := k.down[0]
				k.down = k.down[1:]
				if c.end != nil {
					k.left = true
					m.s.Lost(m.now, c.end)
				} else {
					m.s.Received(m.now, c.data)
				}
				m.pump()
			})
		}
	}
	if m.dialAt > 0 {
		offer(m.dialAt, m.accept)
	}
	if when, ok := m.s.Deadline(); ok {
		offer(when, func() { m.s.Tick(m.now); m.pump() })
	}
	m.now = at
	do()
	return found
}

func (m *model) run(until time.Duration) {
	for n := 0; m.next(until); n++ {
		if n > 1_000_000 {
			m.t.Fatalf("time stands still at %v", m.now)
		}
	}
}

func (m *model) play(actions int) {
	for range actions {
		m.act()
		m.run(m.now + m.upTo(40*time.Millisecond))
		if m.t.Failed() {
			return
		}
	}
	// Once the faults are over every request is answered and everything arrives.
	m.faults = false
	if n := len(m.sockets); n > 0 && m.sockets[n-1].gone {
		m.cut(m.sockets[n-1]) // a dumb service is found out by the transport
	}
	m.run(m.now + 30*time.Second)
	if !m.s.Ready() || m.s.InFlight() > 0 {
		m.t.Fatalf("after the faults: state %v, %d requests in flight", m.s.state, m.s.InFlight())
	}
	if conn := m.conn(m.current); m.delivered != conn.sequence || m.s.UnackedSequence() > 0 || len(conn.unacked) > 0 {
		m.t.Errorf("delivered %d of %d messages; %d not acknowledged", m.delivered, conn.sequence, len(conn.unacked))
	}
	for range 5 {
		m.publish()
	}
	m.s.Close(m.now, 1000)
	m.pump()
	m.run(m.now + time.Minute)
	if !m.closed || m.s.InFlight() > 0 {
		m.t.Errorf("closed %t with %d requests in flight", m.closed, m.s.InFlight())
	}
	for id := uint64(1); id <= m.s.lastAckID; id++ {
		if m.state[id] == "" {
			m.t.Errorf("request %d has no outcome", id)
		}
	}
	m.checkOrder()
}

// checkOrder checks that each connection executed the requests in the order of
// their ack ids. One that failed before may have been executed by a repetition.
func (m *model) checkOrder() {
	for _, conn := range m.conns {
		last := uint64(0)
		for _, id := range conn.executed {
			if conn.errors[id] {
				continue
			}
			if id <= last {
				m.t.Errorf("connection %s executed %d after %d", conn.name, id, last)
			}
			last = id
		}
	}
}

func TestSessionAgainstTheModel(t *testing.T) {
	outcomes := map[string]int{}
	resumed, connections := 0, 0
	for seed := range uint64(300) {
		m := newModel(t, seed)
		m.play(200)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
		for _, o := range m.state {
			outcomes[o]++
		}
		resumed += m.resumed
		connections += len(m.conns)
	}
	// The model must have exercised what it is for.
	for _, o := range []string{"done", "failed", "unanswered"} {
		if outcomes[o] < 100 {
			t.Errorf("only %d requests ended %s", outcomes[o], o)
		}
	}
	if resumed < 1000 || connections < 500 {
		t.Errorf("%d recoveries, %d connections", resumed, connections)
	}
	t.Log(outcomes, "recoveries", resumed, "connections", connections)
}

func FuzzSession(f *testing.F) {
	f.Add(uint64(1000), uint16(50))
	f.Fuzz(func(t *testing.T, seed uint64, actions uint16) {
		newModel(t, seed).play(int(actions % 500))
	})
}
