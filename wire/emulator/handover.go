package emulator

import (
	"net"
	"sync"
)

// handover is the listener of net/http where the loop accepts: what comes out of it is
// what the loop hands over.
type handover struct {
	addr   net.Addr
	conns  chan *handedOver
	closed chan struct{}
	once   sync.Once
}

func newHandover(addr net.Addr, limit int) *handover {
	return &handover{addr: addr, conns: make(chan *handedOver, limit), closed: make(chan struct{})}
}

// put never waits; false means that nobody will take h.
func (o *handover) put(h *handedOver) bool {
	select {
	case <-o.closed:
		return false
	default:
	}
	select {
	case o.conns <- h:
		return true
	default:
		return false
	}
}

// drain closes what nobody has taken. Neither put nor Accept follows.
func (o *handover) drain() {
	for len(o.conns) > 0 {
		_ = (<-o.conns).Close()
	}
}

// Accept implements net.Listener.
func (o *handover) Accept() (net.Conn, error) {
	select {
	case h := <-o.conns:
		return h, nil
	case <-o.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (o *handover) Close() error {
	o.once.Do(func() { close(o.closed) })
	return nil
}

// Addr implements net.Listener.
func (o *handover) Addr() net.Addr { return o.addr }

// handedOver is a connection of which the loop has read the first bytes. It is counted
// among those that have sent no header yet.
type handedOver struct {
	net.Conn
	head []byte // which is read first
}

// Read implements net.Conn.
func (h *handedOver) Read(b []byte) (int, error) {
	if len(h.head) == 0 {
		return h.Conn.Read(b)
	}
	n := copy(b, h.head)
	if h.head = h.head[n:]; len(h.head) == 0 {
		h.head = nil
	}
	return n, nil
}

// CloseWrite ends our side, which net/http does before it leaves a client that is still
// writing.
func (h *handedOver) CloseWrite() error { return h.Conn.(*net.TCPConn).CloseWrite() }
