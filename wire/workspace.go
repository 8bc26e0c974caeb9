package wire

import (
	"time"

	"github.com/gobwas/ws"

	"github.com/wpsbench/wpsbench/wire/internal/frame"
)

// Stats returns the counts of all Clients that were opened with cfg. It is for the
// Loop's goroutine, or for anyone once Run has returned.
func (l *Loop) Stats(cfg *SessionConfig) SessionStats { return *l.work.statsOf(cfg) }

// workspace is what the Sessions of one goroutine use in turn: what an input needs
// while it is at work, and the buffers of requests and of output. A message so costs
// no allocation, and an idle Session holds none of it.
type workspace struct {
	decoder    Decoder
	downstream Downstream
	upstream   Upstream
	event      Event
	emitting   bool // event is in use

	frames  frame.Scratch
	parsers []*frame.Parser               // spare
	reading *Session                      // whose bytes are being parsed
	onFrame func(ws.OpCode, []byte) error // reading.frame

	outputs  [][]byte            // spare
	lent     []byte              // what Session.Output returned last
	requests []*pendingRequest   // spare
	lists    [][]*pendingRequest // spare

	stats map[*SessionConfig]*SessionStats

	traced *Session // see Client.Trace; nil: none
	trace  func(now time.Duration, f Frame)
}

// Limits of what a workspace keeps for later use: the largest buffer, and how many.
const (
	maxKeptBytes = 16 << 10
	maxKept      = 4096
)

func newWorkspace() *workspace {
	w := &workspace{}
	w.onFrame = func(op ws.OpCode, payload []byte) error { return w.reading.frame(op, payload) }
	return w
}

// giveUp leaves what is spare to the garbage collector: a burst may have needed much of it.
func (w *workspace) giveUp() { w.parsers, w.outputs, w.requests, w.lists = nil, nil, nil, nil }

// statsOf returns where the Sessions of that configuration count.
func (w *workspace) statsOf(cfg *SessionConfig) *SessionStats {
	stats := w.stats[cfg]
	if stats == nil {
		stats = new(SessionStats)
		if w.stats == nil {
			w.stats = make(map[*SessionConfig]*SessionStats)
		}
		w.stats[cfg] = stats
	}
	return stats
}

// feed parses what s has received, by a parser that s keeps only while a message is
// incomplete and there is a socket to bring the rest: not beyond an error, which ends it.
// It is never called within itself: a Handler may call methods of any Session but Received.
func (w *workspace) feed(s *Session, data []byte) error {
	p := s.parser
	if p == nil {
		p = w.parser()
		p.Reset(frame.Config{
			Text:            s.encoding == EncodingJSON,
			Binary:          s.encoding == EncodingProtobuf,
			MaxMessageBytes: s.cfg.maxMessageBytes(),
			Scratch:         &w.frames,
		})
		s.parser = p
	}
	w.reading = s
	err := p.Feed(data, w.onFrame)
	w.reading = nil
	if err != nil || p.Between() || !s.open() {
		w.dropParser(s)
	}
	return err
}

func (w *workspace) parser() *frame.Parser {
	last := len(w.parsers) - 1
	if last < 0 {
		return new(frame.Parser)
	}
	p := w.parsers[last]
	w.parsers = w.parsers[:last]
	return p
}

// dropParser takes the parser of s back, and with it what is incomplete.
func (w *workspace) dropParser(s *Session) {
	if p := s.parser; p != nil && len(w.parsers) < maxKept {
		p.Reset(frame.Config{Scratch: &w.frames})
		w.parsers = append(w.parsers, p)
	}
	s.parser = nil
}

// output returns an empty buffer.
func (w *workspace) output() []byte {
	last := len(w.outputs) - 1
	if last < 0 {
		return make([]byte, 0, 512)
	}
	b := w.outputs[last]
	w.outputs = w.outputs[:last]
	return b
}

// lend passes a buffer to the caller of Session.Output, until the next time.
func (w *workspace) lend(b []byte) {
	w.recycleOutput(w.lent)
	w.lent = b
}

func (w *workspace) recycleOutput(b []byte) {
	if cap(b) > 0 && cap(b) <= maxKeptBytes && len(w.outputs) < maxKept {
		w.outputs = append(w.outputs, b[:0])
	}
}

// request returns an empty request, which goes back by recycle.
func (w *workspace) request() *pendingRequest {
	last := len(w.requests) - 1
	if last < 0 {
		return new(pendingRequest)
	}
	r := w.requests[last]
	w.requests = w.requests[:last]
	return r
}

func (w *workspace) recycle(r *pendingRequest) {
	encoded := r.encoded[:0]
	if cap(encoded) > maxKeptBytes {
		encoded = nil
	}
	*r = pendingRequest{encoded: encoded}
	if len(w.requests) < maxKept {
		w.requests = append(w.requests, r)
	}
}

// list returns an empty list of requests, which goes back by recycleList.
func (w *workspace) list() []*pendingRequest {
	last := len(w.lists) - 1
	if last < 0 {
		return make([]*pendingRequest, 0, 4)
	}
	l := w.lists[last]
	w.lists = w.lists[:last]
	return l
}

func (w *workspace) recycleList(l []*pendingRequest) {
	if cap(l) > 0 && cap(l) <= maxKept && len(w.lists) < maxKept {
		w.lists = append(w.lists, l[:0])
	}
}
