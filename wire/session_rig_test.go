package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// rig drives one Session by hand: a fake clock, a server that says what the test
// tells it to, and a record of what the Session reported and did.
type rig struct {
	t       *testing.T
	s       *Session
	now     time.Duration
	events  []string
	sent    []string // frames and commands, as they left
	on      func(ev *Event)
	lastErr error
}

// reliable is the configuration of most tests.
func reliable() *SessionConfig {
	return &SessionConfig{
		Subprotocol: JSONReliable,
		Recovery:    RecoveryPolicy{Window: 30 * time.Second, Pause: time.Second},
		Reconnect:   Backoff{Base: 2 * time.Second, Max: 10 * time.Second},
	}
}

func newRig(t *testing.T, cfg *SessionConfig) *rig {
	r := &rig{t: t, now: 1000 * time.Second}
	r.s = NewSession(cfg, r, 1)
	return r
}

const (
	helloOne   = `{"type":"system","event":"connected","userId":"alice","connectionId":"one","reconnectionToken":"tok1"}`
	helloTwo   = `{"type":"system","event":"connected","userId":"alice","connectionId":"two","reconnectionToken":"tok2"}`
	helloThree = `{"type":"system","event":"connected","connectionId":"three","reconnectionToken":"tok3"}`
)

// ready returns a rig with the connection "one" whose groups are joined.
func readyRig(t *testing.T, cfg *SessionConfig, groups ...string) *rig {
	r := newRig(t, cfg)
	for _, g := range groups {
		r.s.Join(r.now, g)
	}
	r.start()
	r.opened()
	r.receive(helloOne)
	for i := range groups {
		r.receive(ack(i + 1))
	}
	if !r.s.Ready() {
		t.Fatalf("not ready: %v", r.events)
	}
	r.reset()
	return r
}

func ack(id int) string { return fmt.Sprintf(`{"type":"ack","ackId":%d,"success":true}`, id) }

func nack(id int, name string) string {
	return fmt.Sprintf(`{"type":"ack","ackId":%d,"success":false,"error":{"name":%q,"message":"m"}}`, id, name)
}

func groupMessage(data string, seq int) string {
	return fmt.Sprintf(`{"type":"message","from":"group","group":"room","fromUserId":null,"dataType":"text","data":%q,"sequenceId":%d}`, data, seq)
}

// Event implements Handler: it writes the event down in a few words.
func (r *rig) Event(now time.Duration, ev *Event) {
	if now != r.now {
		r.t.Errorf("event %d at %v, want %v", ev.Kind, now, r.now)
	}
	r.events = append(r.events, describe(ev))
	r.lastErr = ev.Err
	if r.on != nil {
		r.on(ev)
	}
}

func describe(ev *Event) string {
	words := []string{map[EventKind]string{
		EventDialing: "dialing", EventDialFailed: "dial failed", EventOpened: "opened",
		EventConnected: "connected", EventReady: "ready", EventMessage: "message",
		EventAcked: "acked", EventUnexpectedAck: "unexpected ack", EventNotice: "notice",
		EventDropped: "dropped", EventUnanswered: "unanswered", EventEnded: "ended",
		EventClosed: "closed", EventProtocolError: "protocol error",
		EventRetried: "retried", EventNumbered: "numbered", EventConfirmed: "confirmed",
	}[ev.Kind]}
	add := func(ok bool, format string, args ...any) {
		if ok {
			words = append(words, fmt.Sprintf(format, args...))
		}
	}
	m, req := ev.Message, ev.Request
	add(ev.Kind == EventConnected, "%s", ev.ConnectionID)
	add(ev.Kind == EventReady && !ev.Success, "refused")
	add(ev.Kind == EventMessage, "%s", dataOf(m))
	add((ev.Kind == EventMessage || ev.Kind == EventNumbered) && !ev.Fresh, "again")
	add(req != nil && req.Kind == JoinGroup, "join")
	add(req != nil && req.Kind == LeaveGroup, "leave")
	if req != nil {
		add(true, "%d", req.AckID)
		add(req.Tag != 0, "tag %d", req.Tag)
		add(req.Resends > 0, "resent %d", req.Resends)
	}
	add(ev.Kind == EventUnexpectedAck, "%d", ackOf(m))
	add(ev.Kind == EventAcked && ev.Duplicate, "duplicate")
	add(ev.Kind == EventAcked && !ev.Success && m != nil, "%s", errorOf(m))
	add(ev.Kind == EventNotice, "%s", reasonOf(m))
	add(ev.CloseCode != 0, "%d", ev.CloseCode)
	add(ev.CloseReason != "", "%q", ev.CloseReason)
	add(ev.ByPeer, "by peer")
	add(ev.Kind == EventEnded, "%s %s", ev.ConnectionID, [...]string{
		"unknown", "dropped", "refused", "expired", "by peer", "by us"}[ev.Reason])
	add(ev.Recovering, "recovering")
	return strings.Join(words, " ")
}

func dataOf(m *Downstream) string {
	if m == nil {
		return ""
	}
	return string(m.Data)
}

func ackOf(m *Downstream) uint64 {
	if m == nil {
		return 0
	}
	return m.AckID
}

func errorOf(m *Downstream) string {
	if m == nil {
		return ""
	}
	return string(m.ErrorName)
}

func reasonOf(m *Downstream) string {
	if m == nil {
		return ""
	}
	return string(m.Reason)
}

// pump takes the outputs, reading the frames with gobwas/ws.
func (r *rig) pump() {
	r.t.Helper()
	for out := bytes.NewReader(bytes.Clone(r.s.Output())); out.Len() > 0; {
		h, err := ws.ReadHeader(out)
		if err == nil {
			err = ws.CheckHeader(h, ws.StateServerSide)
		}
		payload := make([]byte, h.Length)
		if _, short := io.ReadFull(out, payload); err != nil || short != nil {
			r.t.Fatalf("the session wrote a bad frame: %v, %v", err, short)
		}
		ws.Cipher(payload, h.Mask, 0)
		r.sent = append(r.sent, frameText(h.OpCode, payload))
	}
	if c := r.s.Command(); c != CommandNone {
		r.sent = append(r.sent, [...]string{"", "dial", "close", "abort"}[c])
	}
	if c := r.s.Command(); c != CommandNone {
		r.t.Fatalf("a second command: %d", c)
	}
}

func frameText(op ws.OpCode, payload []byte) string {
	switch op {
	case ws.OpText:
		return string(payload)
	case ws.OpBinary:
		return fmt.Sprintf("binary %x", payload)
	case ws.OpPing:
		return "PING " + string(payload)
	case ws.OpPong:
		return "PONG " + string(payload)
	case ws.OpClose:
		if len(payload) == 0 {
			return "CLOSE"
		}
		return fmt.Sprintf("CLOSE %d%s", binary.BigEndian.Uint16(payload), payload[2:])
	default:
		return fmt.Sprint("opcode ", op)
	}
}

func (r *rig) start()             { r.t.Helper(); r.s.Start(r.now); r.pump() }
func (r *rig) opened()            { r.t.Helper(); r.s.Opened(r.now, &DialTrace{Upgraded: r.now}); r.pump() }
func (r *rig) lost(err error)     { r.t.Helper(); r.s.Lost(r.now, err); r.pump() }
func (r *rig) close(code uint16)  { r.t.Helper(); r.s.Close(r.now, code); r.pump() }
func (r *rig) dialFailed(e error) { r.t.Helper(); r.s.DialFailed(r.now, e); r.pump() }

func (r *rig) interrupt(code uint16) { r.t.Helper(); r.s.Interrupt(r.now, code); r.pump() }

// receive brings text messages, each in a frame of its own.
func (r *rig) receive(texts ...string) {
	r.t.Helper()
	for _, text := range texts {
		r.frames(ws.NewTextFrame([]byte(text)))
	}
}

func (r *rig) frames(frames ...ws.Frame) {
	r.t.Helper()
	for _, f := range frames {
		r.s.Received(r.now, ws.MustCompileFrame(f))
		r.pump()
	}
}

// closed brings a close frame; code 0 = without one.
func (r *rig) closed(code ws.StatusCode, reason string) {
	r.t.Helper()
	var body []byte
	if code != 0 {
		body = ws.NewCloseFrameBody(code, reason)
	}
	r.frames(ws.NewCloseFrame(body))
}

// publish sends with an ack and fails the test if it cannot.
func (r *rig) publish(data string, tag uint64) uint64 {
	r.t.Helper()
	id, err := r.s.Publish(r.now, &Publish{Group: "room", DataType: DataText, Data: []byte(data), Ack: true, Tag: tag})
	if err != nil {
		r.t.Fatalf("publish: %v", err)
	}
	r.pump()
	return id
}

// pass lets time pass, calling Tick at every deadline on the way.
func (r *rig) pass(d time.Duration) {
	r.t.Helper()
	end := r.now + d
	for n := 0; ; n++ {
		at, ok := r.s.Deadline()
		if !ok || at > end {
			break
		}
		if n > 10_000 {
			r.t.Fatalf("the deadline does not move on from %v", at)
		}
		r.now = max(at, r.now)
		r.s.Tick(r.now)
		r.pump()
	}
	r.now = end
}

// due does what is due now.
func (r *rig) due() { r.t.Helper(); r.pass(0) }

func (r *rig) reset() { r.events, r.sent = nil, nil }

// want checks the events and what was sent since the last check.
func (r *rig) want(events, sent []string) {
	r.t.Helper()
	if !slices.Equal(r.events, events) {
		r.t.Errorf("events:\n got %q\nwant %q", r.events, events)
	}
	if !slices.Equal(r.sent, sent) {
		r.t.Errorf("sent:\n got %q\nwant %q", r.sent, sent)
	}
	r.reset()
}

var errReset = fmt.Errorf("read: %w", io.ErrUnexpectedEOF)
