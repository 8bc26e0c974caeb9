package runner

import (
	"bytes"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/wire"
)

// frames counts what a trace writes.
type frames int

func (n *frames) Write(b []byte) (int, error) {
	*n += frames(bytes.Count(b, []byte("\n")))
	return len(b), nil
}

// BenchmarkTraceFrames sends 2,000 messages to one connection of two, which another one of
// its worker shares, with nobody's frames traced, the other's few, and its own.
func BenchmarkTraceFrames(b *testing.B) {
	for _, bm := range []struct {
		name   string
		of     int // -1: of nobody
		atMost frames
	}{
		{"off", -1, 0},
		{"another", 1, 100},
		{"on", 0, 1 << 20},
	} {
		b.Run(bm.name, func(b *testing.B) {
			var told frames
			w := world{seed: 1, link: wire.Link{Delay: time.Millisecond}, text: `name: trace
groups: {room: {count: 1}}
populations:
  speaker: {connections: 1, join: {room: 1}, publish: {to: room, rate: 100/s, size: 128}}
  idler: {connections: 1}
phases: {steady: 20s, drain: 30s}
`}
			if bm.of >= 0 {
				w.trace = &FrameTrace{Connection: bm.of, To: &told}
			}
			b.ReportAllocs()
			for b.Loop() {
				told = 0
				if rec, _ := simulate(b, w); rec.Totals.Deliveries.Delivered < 2000 {
					b.Fatalf("%d delivered", rec.Totals.Deliveries.Delivered)
				}
			}
			if bm.of >= 0 && (told == 0 || told > bm.atMost) {
				b.Errorf("%d frames were traced, want 1 to %d", told, bm.atMost)
			}
		})
	}
}
