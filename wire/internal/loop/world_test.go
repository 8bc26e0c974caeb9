package loop

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// TestEqualWorldsEndAlike: what a loop that is removed leaves to its peers is decided by
// the seed alone.
func TestEqualWorldsEndAlike(t *testing.T) {
	live := func() (ends []string) {
		w := NewWorld(Link{Delay: time.Millisecond, Jitter: time.Second}, 1)
		near, far := w.NewLoop(), w.NewLoop()
		number := 0
		addr := w.Listen(far, func(net.Conn, *Conn) Handler {
			number++
			me := number
			return &script{lost: func(now time.Duration, err error) { ends = append(ends, fmt.Sprint(me, now, err)) }}
		})
		to := addr.(*net.TCPAddr).AddrPort()
		near.Do(func(time.Duration) {
			for range 16 {
				if _, err := near.Connect(to, netip.AddrPort{}, func(time.Duration) {}, &script{}); err != nil {
					t.Error(err)
				}
			}
		})
		w.Run(w.Now()+time.Minute, nil)
		w.Remove(near)
		w.Run(w.Now()+time.Minute, nil)
		return ends
	}
	first := live()
	for range 3 {
		if again := live(); len(first) != 16 || !slices.Equal(again, first) {
			t.Fatalf("ended\n%q, then\n%q", first, again)
		}
	}
}
