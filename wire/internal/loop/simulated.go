package loop

import (
	"io"
	"net"
	"time"
)

// kernelBytes is how much one direction takes whatever its reader does: what the
// buffers of two kernels have room for.
const kernelBytes = 256 << 10

// simulated is the stream of a Conn in a World: one end of a connection.
type simulated struct {
	world  *World
	number uint64 // of the ends of that world
	conn   *Conn
	peer   *simulated

	connected func(now time.Duration) // see Loop.Connect; nil once it is
	cut       *Timer                  // of the end that dialed; nil: it is never cut

	underWay []segment // from the peer to here, in order
	arrived  int       // how many of underWay have
	bytes    int       // of those that have not
	arrival  *Timer    // of the first
	deaf     bool      // nothing more gets here: it is cut, or its end is under way
	severed  bool      // nothing that is under way arrives, nor is it taken for arrived
}

// segment is what was written at once, or the end of what is.
type segment struct {
	at   time.Duration // when it arrives
	data []byte
	end  error
}

func (w *World) newEnd(l *Loop) *simulated {
	w.ends++
	s := &simulated{world: w, number: w.ends}
	s.conn = &Conn{loop: l, stream: s}
	s.arrival = l.NewTimer(s.arrive)
	return s
}

func (s *simulated) flush() {
	c := s.conn
	if s.connected != nil {
		return
	}
	if len(c.out) > 0 {
		s.peer.put(segment{data: c.out})
		c.out = nil
	}
	if c.state == connClosing {
		s.peer.put(segment{end: io.EOF})
		c.shut(nil)
	}
}

// put lets a segment travel to here.
func (s *simulated) put(g segment) {
	if s.deaf || s.conn.state == connClosed {
		s.peer.conn.loop.spare.put(g.data)
		return
	}
	g.at = s.world.arrival()
	if s.arrived < len(s.underWay) {
		g.at = max(g.at, s.underWay[len(s.underWay)-1].at)
	} else {
		s.arrival.Set(g.at)
	}
	// There is room in front. If it is little, it is not worth moving all the rest for each
	// segment that has arrived.
	if s.arrived > 0 && 2*s.arrived >= len(s.underWay) && len(s.underWay) == cap(s.underWay) {
		n := copy(s.underWay, s.underWay[s.arrived:])
		clear(s.underWay[n:])
		s.underWay, s.arrived = s.underWay[:n], 0
	}
	s.underWay = append(s.underWay, g)
	s.bytes += len(g.data)
	s.deaf = g.end != nil
}

// arrive hands out what has arrived.
func (s *simulated) arrive(now time.Duration) {
	c := s.conn
	for s.arrived < len(s.underWay) && c.reading() && !s.severed {
		g := s.underWay[s.arrived]
		if g.at > now {
			s.arrival.Set(g.at)
			return
		}
		s.underWay[s.arrived] = segment{}
		if s.arrived++; s.arrived == len(s.underWay) {
			s.underWay, s.arrived = s.underWay[:0], 0
		}
		s.bytes -= len(g.data)
		if g.end != nil {
			c.inputEnded(now, g.end)
			return
		}
		c.received(now, g.data)
		c.loop.spare.put(g.data)
	}
}

// snap cuts the connection: what is under way ends at any byte, and what is written
// from here on is lost. Each end hears of it, or nothing at all.
func (s *simulated) snap(time.Duration) {
	if s.connected != nil {
		s.put(segment{end: errReset})
		return
	}
	for _, end := range []*simulated{s, s.peer} {
		if end.deaf || end.conn.state == connClosed {
			continue
		}
		end.truncate()
		if s.world.random.Float64() >= s.world.link.Silent {
			end.put(segment{end: errReset})
		}
		end.deaf = true
	}
}

// truncate lets what is under way end at any byte.
func (s *simulated) truncate() {
	left := s.world.random.IntN(s.bytes + 1)
	s.bytes = left
	for i := s.arrived; i < len(s.underWay); i++ {
		g := &s.underWay[i]
		if left < len(g.data) {
			g.data = g.data[:left]
			clear(s.underWay[i+1:])
			s.underWay = s.underWay[:i+1]
			return
		}
		left -= len(g.data)
	}
}

func (s *simulated) sever() error {
	s.severed = true
	s.arrival.Stop()
	return nil
}

func (s *simulated) inFlight() int { return max(0, s.peer.bytes-kernelBytes) }

func (s *simulated) begin(time.Duration) { s.reads() }

func (s *simulated) reads() {
	if s.conn.reading() && s.arrived < len(s.underWay) && !s.severed {
		s.arrival.Set(max(s.underWay[s.arrived].at, s.world.now))
	}
}

// close lets the peer see the end after what was written; with reset the end comes in
// place of some of that.
func (s *simulated) close(reset bool) {
	s.arrival.Stop()
	s.underWay, s.arrived, s.bytes = nil, 0, 0
	if s.connected != nil {
		return
	}
	if reset && !s.peer.deaf {
		s.peer.truncate()
		s.peer.put(segment{end: errReset})
		return
	}
	s.peer.put(segment{end: io.EOF})
}

func (s *simulated) over() bool { return true }

// accepted is the end that was dialed, as long as a handshake wants a net.Conn: what is
// written to it is sent, and Attach takes it over. It is not read: what comes goes to
// its Conn's Handler.
type accepted simulated

// Read implements net.Conn.
func (*accepted) Read([]byte) (int, error) { return 0, simulatedError("read", errNotSimulated) }

// Write implements net.Conn.
func (a *accepted) Write(b []byte) (int, error) {
	a.conn.Write(b)
	return len(b), nil
}

// Close implements net.Conn: what is written comes first.
func (a *accepted) Close() error {
	a.conn.CloseAfterWrite()
	return nil
}

// LocalAddr implements net.Conn.
func (*accepted) LocalAddr() net.Addr { return &net.TCPAddr{} }

// RemoteAddr implements net.Conn.
func (*accepted) RemoteAddr() net.Addr { return &net.TCPAddr{} }

// SetDeadline implements net.Conn: nothing waits.
func (*accepted) SetDeadline(time.Time) error { return nil }

// SetReadDeadline implements net.Conn.
func (*accepted) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline implements net.Conn.
func (*accepted) SetWriteDeadline(time.Time) error { return nil }

// takeOver is Attach of what was accepted.
func (a *accepted) takeOver(buffered []byte, h Handler) *Conn {
	c := a.conn
	c.handler = h
	if len(buffered) > 0 && c.state != connClosed {
		c.held = true
		c.loop.queue.push(event{kind: eventReceived, conn: c, at: c.loop.now(), data: buffered})
	}
	return c
}
