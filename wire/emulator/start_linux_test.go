package emulator

import (
	"errors"
	"net"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/internal/loop"
)

// TestStartWithoutDescriptors: a server whose loop cannot begin leaves nothing behind.
func TestStartWithoutDescriptors(t *testing.T) {
	before := goleak.IgnoreCurrent()
	s := &Server{opts: Options{}.withDefaults(), loop: loop.New(wire.Now, loop.Polled)}
	ln, err := net.Listen("tcp", s.opts.Addr)
	if err != nil {
		t.Fatal(err)
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Skip(err)
	}
	none := limit
	none.Cur = 0
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &none); err != nil {
		t.Skip(err)
	}
	_, err = s.listen(ln)
	if restored := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); restored != nil {
		t.Fatal(restored)
	}
	if !errors.Is(err, unix.EMFILE) {
		t.Errorf("got %v, want EMFILE", err)
	}
	goleak.VerifyNone(t, before)
}
