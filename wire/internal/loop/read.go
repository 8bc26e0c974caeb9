package loop

import (
	"errors"
	"io"
)

// runReader reads until the socket fails, one buffer at a time.
func (c *Conn) runReader() {
	for {
		buf, n, err := c.read()
		at := c.loop.now()
		if n > 0 {
			c.loop.queue.push(event{kind: eventReceived, conn: c, at: at, buf: buf, data: buf[:n]})
			<-c.released
		} else if buf != nil {
			buffers.Put(buf)
		}
		if err != nil {
			c.loop.queue.push(event{kind: eventEnded, conn: c, at: at, err: err})
			return
		}
	}
}

// read waits for bytes: on a plain socket first for them and then for a buffer,
// elsewhere with the buffer in hand.
func (c *Conn) read() (*buffer, int, error) {
	if c.direct != nil {
		buf, n, err := c.direct.read()
		if err != nil && !errors.Is(err, io.EOF) {
			err = c.netError("read", err)
		}
		return buf, n, err
	}
	buf := buffers.Get().(*buffer)
	n, err := c.nc.Read(buf[:])
	return buf, n, err
}
