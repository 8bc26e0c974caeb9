//go:build !unix

package loop

import (
	"errors"
	"net"
)

// direct is not to be had here: sockets are read with the buffer in hand and
// written by the flusher.
type direct struct{}

func newDirect(net.Conn) *direct { return nil }

func (*direct) read() (*buffer, int, error) { return nil, 0, errors.ErrUnsupported }

func (*direct) write([]byte) (int, error) { return 0, errors.ErrUnsupported }
