package loop

import (
	"crypto/tls"
	"errors"
	"time"
)

// secured is the TLS of a polled stream. crypto/tls runs on the loop: it is given
// what was read and asked for plaintext until it has no more.
//
// A goroutine that reads each connection takes 1.5 to nearly twice the CPU per message
// and nearly twice the memory, see BenchmarkTLS of wire/internal/bare.
type secured struct {
	conn *tls.Conn
	on   *underlay
	out  []byte // ciphertext to be written
	shut bool   // close_notify is in out, or has left
}

// seal takes ciphertext from crypto/tls.
func (p *polled) seal(b []byte) {
	s := p.secured
	if s.out == nil {
		s.out = p.conn.loop.spare.get()
	}
	s.out = append(s.out, b...)
}

// unseal hands out what the ciphertext in data, and what came before, amounts to. end
// is what comes after it, if that is known.
func (p *polled) unseal(at time.Duration, data []byte, end error) {
	c, s := p.conn, p.secured
	s.on.pending, s.on.end = data, end
	plain := c.loop.poll.plain
	for c.state != connClosed && !c.inputEnd {
		n, err := s.conn.Read(plain)
		if n > 0 {
			c.received(at, plain[:n])
		}
		if err != nil {
			if !errors.Is(err, errWouldBlock) && c.state != connClosed {
				c.inputEnded(at, err)
			}
			break
		}
	}
	s.on.pending = nil // of a connection that has ended
	if len(s.out) > 0 && c.state != connClosed {
		c.markDirty() // crypto/tls answers some of what it reads
	}
}

// encrypt turns what the connection has to write into ciphertext, and its end into
// close_notify.
func (p *polled) encrypt() error {
	c, s := p.conn, p.secured
	if len(c.out) > 0 {
		_, err := s.conn.Write(c.out)
		c.discard()
		if err != nil {
			return err
		}
	}
	if c.state == connClosing && !s.shut {
		s.shut = true
		return s.conn.CloseWrite()
	}
	return nil
}
