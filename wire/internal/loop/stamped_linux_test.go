package loop

import (
	"testing"
	"time"
)

// What lies in the kernel while the loop is busy is reported as delay of the sockets
// that are sampled, the first one among them, and of no other.
func TestReceiveDelay(t *testing.T) {
	const busy = 5 * time.Millisecond
	tests := []struct {
		name    string
		sockets int
		sampled int
	}{
		{"one socket", 1, 1},
		{"as many as share one sample", stampEvery, 1},
		{"one more", stampEvery + 1, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Now()
			l := New(func() time.Duration { return time.Since(start) }, Polled)
			delays := make(chan time.Duration, 2*stampEvery)
			l.OnReceiveDelay(func(_, delay time.Duration) { delays <- delay })
			done := run(t, l)
			defer func() { l.Stop(); wait(t, done) }()
			received := make(chan struct{}, 2*stampEvery)
			_, peers := polledPairs(t, l, tt.sockets, func(int) Handler {
				return &script{received: func(time.Duration, []byte) { received <- struct{}{} }}
			})
			// The kernel begins to stamp some time after it was asked to.
			for len(delays) < tt.sampled {
				for len(delays) > 0 {
					<-delays
				}
				call(t, l, func() {
					for _, peer := range peers {
						if _, err := peer.Write([]byte("x")); err != nil {
							t.Error(err)
						}
					}
					time.Sleep(busy)
				})
				for range peers {
					wait(t, received)
				}
				call(t, l, func() {}) // the turns that handled them are over
			}
			if got := len(delays); got != tt.sampled {
				t.Errorf("%d sockets of %d were sampled, want %d", got, tt.sockets, tt.sampled)
			}
			for len(delays) > 0 {
				if got := <-delays; got < busy || got > time.Since(start) {
					t.Errorf("a delay of %v was reported, want at least the %v for which the loop was busy", got, busy)
				}
			}
		})
	}
}
