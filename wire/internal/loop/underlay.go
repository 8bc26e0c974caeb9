package loop

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"time"
)

// underlay is what a TLS connection is made on so that a loop can poll its socket. At
// first it is the socket, for a handshake that waits. Once a polled stream has taken
// over, a Read gets what that has read, or errWouldBlock, which crypto/tls takes for
// a passing trouble and can be called again after; a Write goes to the stream's buffer.
type underlay struct {
	net.Conn
	polled  *polled
	pending []byte // read, not taken by crypto/tls
	end     error  // what comes after pending
}

// Underlay returns what to make a TLS connection on that is to be attached to a loop.
func Underlay(nc net.Conn) net.Conn {
	if !polling {
		return nc
	}
	return &underlay{Conn: nc}
}

// errWouldBlock is temporary (net.Error), or crypto/tls would remember it.
var errWouldBlock error = wouldBlock{}

type wouldBlock struct{}

func (wouldBlock) Error() string   { return "nothing to read at present" }
func (wouldBlock) Timeout() bool   { return true }
func (wouldBlock) Temporary() bool { return true }
func (wouldBlock) Unwrap() error   { return os.ErrDeadlineExceeded }

// Read implements net.Conn.
func (u *underlay) Read(b []byte) (int, error) {
	switch {
	case u.polled == nil:
		return u.Conn.Read(b)
	case len(u.pending) > 0:
		n := copy(b, u.pending)
		u.pending = u.pending[n:]
		return n, nil
	case u.end != nil:
		return 0, u.end
	default:
		return 0, errWouldBlock
	}
}

// Write implements net.Conn.
func (u *underlay) Write(b []byte) (int, error) {
	if u.polled == nil {
		return u.Conn.Write(b)
	}
	u.polled.seal(b)
	return len(b), nil
}

// SetDeadline implements net.Conn.
func (u *underlay) SetDeadline(t time.Time) error {
	return errors.Join(u.SetReadDeadline(t), u.SetWriteDeadline(t))
}

// SetReadDeadline implements net.Conn.
func (u *underlay) SetReadDeadline(t time.Time) error {
	if u.polled != nil {
		return nil
	}
	return u.Conn.SetReadDeadline(t)
}

// SetWriteDeadline implements net.Conn.
func (u *underlay) SetWriteDeadline(t time.Time) error {
	if u.polled != nil {
		return nil
	}
	return u.Conn.SetWriteDeadline(t)
}

// below returns what lies below the TLS of nc, or nc itself.
func below(nc net.Conn) net.Conn {
	if secured, ok := nc.(*tls.Conn); ok {
		nc = secured.NetConn()
	}
	if u, ok := nc.(*underlay); ok {
		nc = u.Conn
	}
	return nc
}
