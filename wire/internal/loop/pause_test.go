package loop

import (
	"net"
	"testing"
	"testing/synctest"
	"time"
)

func TestPause(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(c *Conn)
		want int // bytes received in the end
	}{
		{"resume", (*Conn).Resume, 3*bufferBytes + 5},
		{"abort", (*Conn).Abort, bufferBytes},
		{"close after write", (*Conn).CloseAfterWrite, bufferBytes},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := New(func() time.Duration { return 0 }, Goroutines)
				ours, peer := net.Pipe()
				var got int
				var c *Conn
				c = l.Attach(ours, nil, &script{received: func(_ time.Duration, data []byte) {
					if got += len(data); got == bufferBytes {
						c.Pause()
					}
				}})
				go func() { _, _ = peer.Write(make([]byte, 3*bufferBytes+5)); _ = peer.Close() }()
				synctest.Wait()
				l.handleBatch()
				synctest.Wait()
				if n := l.queueLen(); n != 0 || got != bufferBytes {
					t.Fatalf("paused after %d bytes, %d events since; want %d and none", got, n, bufferBytes)
				}
				tt.end(c)
				l.flush()
				for range 5 {
					synctest.Wait()
					l.handleBatch()
					l.flush()
				}
				if got != tt.want || !c.inputEnd {
					t.Errorf("%d bytes received, want %d; reader ended: %v", got, tt.want, c.inputEnd)
				}
				l.goroutines.Wait()
			})
		})
	}
}
