package loop

import (
	"errors"
	"io"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A loop that gets no descriptors says so, runs what was accepted and closes what
// that brings.
func TestRunWithoutDescriptors(t *testing.T) {
	l := New(func() time.Duration { return 0 }, Polled)
	ours, peer := tcpPair(t)
	ran := false
	l.Do(func(time.Duration) { ran = true; l.Attach(ours, nil, &script{}) })

	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Skip(err)
	}
	none := limit
	none.Cur = 0
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &none); err != nil {
		t.Skip(err)
	}
	err := l.Run()
	if restored := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); restored != nil {
		t.Fatal(restored)
	}
	if !errors.Is(err, unix.EMFILE) {
		t.Errorf("Run: %v, want EMFILE", err)
	}
	if !ran {
		t.Error("a function that was accepted did not run")
	}
	if l.Do(func(time.Duration) {}) {
		t.Error("Do accepted a function after Run")
	}
	if _, err := peer.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("peer read: %v, want EOF", err)
	}
}
