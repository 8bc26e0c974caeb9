package runner

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/wire"
)

// script is what a fake does other than an honest target would. Hooks run on the
// goroutine of a socket's reader; only onPublish holds up the whole target.
type script struct {
	swallow  bool   // publishes are neither delivered nor answered
	withhold bool   // publishes are acknowledged, not delivered
	deaf     bool   // nothing is delivered any more once a session has recovered
	forbid   string // publishes to this group are refused
	refuse   bool   // a recovery is answered with 101, then 1008 (protocol.md 4.5)
	joins    int    // joins after so many are refused; 0 = none
	breakAt  int    // this publish is delivered, its socket breaks, its ack follows the recovery; 0 = none
	byeAt    int    // after this publish its socket is closed with 1001 and bye; 0 = none
	bye      string // a close reason

	onOpen    func(n int, conn net.Conn)     // before the n-th socket, from 1, is told anything
	onJoin    func()                         // before a join is answered
	onPublish func(n int, publish fakeFrame) // before the n-th publish, from 1, is looked at
	onRead    func(socket, n int)            // before the n-th publish of a socket, from 1, waits for its turn
}

// fake is a target made of literal frames: it shares neither codec nor session
// with the harness. Unless its script says otherwise it keeps every promise of
// json.webpubsub.azure.v1 and json.reliable.webpubsub.azure.v1 that the tests need.
type fake struct {
	script
	url string

	mu         sync.Mutex
	sockets    int
	sessions   map[string]*fakeSession
	published  int
	joined     int
	duplicates int // resends that were answered Duplicate
}

// fakeSession is one connectionId.
type fakeSession struct {
	id       string
	reliable bool
	deaf     bool
	conn     net.Conn // nil: detached
	groups   []string
	sequence uint64
	unacked  []fakeSent
	done     map[uint64]bool // ack ids of processed publishes
	owed     []uint64        // of those, not acknowledged yet
}

type fakeSent struct {
	sequence uint64
	text     string
}

// fakeFrame is what a client sends.
type fakeFrame struct {
	Type, Group, DataType string
	Data                  json.RawMessage
	AckID, SequenceID     uint64
	TTLSeconds            *int
	Metadata              map[string]string
}

func newFake(t *testing.T, s script) *fake {
	t.Helper()
	f := &fake{script: s, sessions: map[string]*fakeSession{}}
	server := httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(server.Close)
	f.url = "ws" + strings.TrimPrefix(server.URL, "http") + "/client/hubs/bench"
	return f
}

func (f *fake) config(t *testing.T, plan *scenario.Plan) Config {
	t.Helper()
	target, err := URLTarget(f.url, "")
	if err != nil {
		t.Fatal(err)
	}
	return Config{Plan: plan, Target: target, Dialer: &wire.Dialer{}, Workers: 2, RunID: 1, Profile: metrics.Strict}
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	upgrader := ws.HTTPUpgrader{Protocol: func(string) bool { return true }}
	conn, _, shake, err := upgrader.Upgrade(r, w)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	f.mu.Lock()
	f.sockets++
	socket := f.sockets
	f.mu.Unlock()
	if f.onOpen != nil {
		f.onOpen(socket, conn)
	}
	s := f.open(socket, conn, shake.Protocol, r.URL.Query().Get("awps_connection_id"))
	for n := 0; ; {
		text, _, err := wsutil.ReadClientData(conn)
		if err != nil {
			f.lost(s, conn, err)
			return
		}
		if s == nil {
			continue // what the client sends before it reads the close
		}
		var m fakeFrame
		if json.Unmarshal(text, &m) != nil {
			return
		}
		switch {
		case m.Type == "joinGroup" && f.onJoin != nil:
			f.onJoin()
		case m.Type == "sendToGroup" && f.onRead != nil:
			n++
			f.onRead(socket, n)
		}
		f.mu.Lock()
		f.received(s, &m)
		f.mu.Unlock()
	}
}

// open starts a connection, or resumes the one of that id; nil = refused.
func (f *fake) open(socket int, conn net.Conn, protocol, id string) *fakeSession {
	f.mu.Lock()
	defer f.mu.Unlock()
	if id == "" {
		s := &fakeSession{
			id:       fmt.Sprintf("c%d", socket),
			reliable: protocol == "json.reliable.webpubsub.azure.v1",
			conn:     conn,
			done:     map[uint64]bool{},
		}
		f.sessions[s.id] = s
		token := ""
		if s.reliable {
			token = `,"reconnectionToken":"token"`
		}
		s.write(fmt.Sprintf(`{"type":"system","event":"connected","connectionId":"%s"%s}`, s.id, token))
		return s
	}
	s := f.sessions[id]
	if s == nil || f.refuse {
		delete(f.sessions, id)
		closeSocket(conn, ws.StatusPolicyViolation, "The connection could not be recovered.")
		return nil
	}
	s.conn, s.deaf = conn, f.deaf
	for _, ackID := range s.owed {
		s.ack(ackID)
	}
	s.owed = nil
	for _, sent := range s.unacked {
		if !s.deaf {
			s.write(sent.text)
		}
	}
	return s
}

// lost ends what the protocol does not keep: a reliable session survives
// everything but a close by its client.
func (f *fake) lost(s *fakeSession, conn net.Conn, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s == nil || s.conn != conn {
		return
	}
	s.conn = nil
	var closed wsutil.ClosedError
	if !s.reliable || errors.As(err, &closed) && closed.Code == ws.StatusNormalClosure {
		delete(f.sessions, s.id)
	}
}

func (f *fake) received(s *fakeSession, m *fakeFrame) {
	switch m.Type {
	case "ping":
		s.write(`{"type":"pong"}`)
	case "sequenceAck":
		s.unacked = slices.DeleteFunc(s.unacked, func(x fakeSent) bool { return x.sequence <= m.SequenceID })
	case "joinGroup":
		if f.joined++; f.joins > 0 && f.joined > f.joins {
			s.write(fmt.Sprintf(`{"type":"ack","ackId":%d,"success":false,"error":{"name":"InternalServerError","message":"Internal server error"}}`, m.AckID))
			return
		}
		s.groups = append(s.groups, m.Group)
		s.ack(m.AckID)
	case "sendToGroup":
		f.publish(s, m)
	}
}

func (f *fake) publish(s *fakeSession, m *fakeFrame) {
	if m.AckID != 0 && s.done[m.AckID] {
		f.duplicates++
		s.write(fmt.Sprintf(`{"type":"ack","ackId":%d,"success":false,"error":{"name":"Duplicate","message":"Message with ack-id: %d has been processed"}}`, m.AckID, m.AckID))
		return
	}
	f.published++
	if f.onPublish != nil {
		f.onPublish(f.published, *m)
	}
	if f.swallow {
		return
	}
	if f.forbid == m.Group {
		s.write(fmt.Sprintf(`{"type":"ack","ackId":%d,"success":false,"error":{"name":"Forbidden","message":"The client does not have permission to send to group '%s'."}}`, m.AckID, m.Group))
		return
	}
	s.done[m.AckID] = true
	if !f.withhold {
		f.deliver(m)
	}
	if f.published == f.breakAt {
		s.owed = append(s.owed, m.AckID)
		_ = s.conn.Close()
		return
	}
	if m.AckID != 0 {
		s.ack(m.AckID)
	}
	if f.published == f.byeAt {
		closeSocket(s.conn, ws.StatusGoingAway, f.bye)
	}
}

func (f *fake) deliver(m *fakeFrame) {
	for _, s := range f.sessions {
		if !slices.Contains(s.groups, m.Group) {
			continue
		}
		number := ""
		if s.reliable {
			s.sequence++
			number = fmt.Sprintf(`,"sequenceId":%d`, s.sequence)
		}
		text := fmt.Sprintf(`{"type":"message","from":"group","group":"%s","dataType":"%s","data":%s%s}`, m.Group, m.DataType, m.Data, number)
		if s.reliable {
			s.unacked = append(s.unacked, fakeSent{s.sequence, text})
		}
		if !s.deaf {
			s.write(text)
		}
	}
}

func (s *fakeSession) ack(ackID uint64) {
	s.write(fmt.Sprintf(`{"type":"ack","ackId":%d,"success":true}`, ackID))
}

// write drops the frame of a detached session: what must not be lost is replayed.
func (s *fakeSession) write(text string) {
	if s.conn != nil {
		_, _ = s.conn.Write(ws.MustCompileFrame(ws.NewTextFrame([]byte(text))))
	}
}

func closeSocket(conn net.Conn, code ws.StatusCode, reason string) {
	_, _ = conn.Write(ws.MustCompileFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(code, reason))))
}
