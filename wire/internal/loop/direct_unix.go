//go:build unix

package loop

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// direct reads and writes a plain TCP socket by system calls of its own, which is
// what package net cannot do: write without waiting, and wait for bytes without
// holding the buffer they will go to. One reader and one writer at a time.
type direct struct {
	conn syscall.RawConn

	// One call's arguments and results, and the function that makes it, kept so
	// that a call does not allocate. The reader goroutine's:
	tryRead func(fd uintptr) bool
	buf     *buffer
	readN   int
	readErr error
	// The loop's:
	tryWrite func(fd uintptr) bool
	data     []byte
	writeN   int
	writeErr error
}

// newDirect returns nil for what is not a TCP socket.
func newDirect(nc net.Conn) *direct {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return nil
	}
	conn, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	d := &direct{conn: conn}
	d.tryRead, d.tryWrite = d.readOnce, d.writeOnce
	return d
}

// read waits for bytes and returns the buffer that holds them, or io.EOF, or a
// bare error.
func (d *direct) read() (*buffer, int, error) {
	d.buf, d.readN, d.readErr = nil, 0, nil
	if err := d.conn.Read(d.tryRead); err != nil {
		return nil, 0, bare(err)
	}
	return d.buf, d.readN, d.readErr
}

// readOnce makes one call; false asks the poller to wait for the socket.
func (d *direct) readOnce(fd uintptr) bool {
	buf := buffers.Get().(*buffer)
	n, err := retry(int(fd), buf[:], syscall.Read)
	if err == nil && n > 0 {
		d.buf, d.readN = buf, n
		return true
	}
	buffers.Put(buf)
	switch {
	case errors.Is(err, syscall.EAGAIN):
		return false
	case err == nil:
		d.readErr = io.EOF
	default:
		d.readErr = os.NewSyscallError("read", err)
	}
	return true
}

// write gives the kernel as much of b as it takes at once.
func (d *direct) write(b []byte) (int, error) {
	d.data, d.writeN, d.writeErr = b, 0, nil
	err := d.conn.Write(d.tryWrite)
	d.data = nil
	if err != nil {
		return 0, bare(err)
	}
	return d.writeN, d.writeErr
}

// writeOnce makes one call and never asks to wait.
func (d *direct) writeOnce(fd uintptr) bool {
	n, err := retry(int(fd), d.data, syscall.Write)
	switch {
	case err == nil:
		d.writeN = n
	case !errors.Is(err, syscall.EAGAIN):
		d.writeErr = os.NewSyscallError("write", err)
	}
	return true
}

// retry repeats a call that a signal has interrupted.
func retry(fd int, b []byte, call func(int, []byte) (int, error)) (int, error) {
	for {
		n, err := call(fd, b)
		if !errors.Is(err, syscall.EINTR) {
			return n, err
		}
	}
}

// bare takes off what package net puts around an error: the caller does that.
func bare(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}
