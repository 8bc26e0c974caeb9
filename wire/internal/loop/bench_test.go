package loop

import (
	"io"
	"net"
	"runtime"
	"slices"
	"testing"
	"time"
)

// roundTrip sends a message to an echoing connection and reads it back.
func roundTrip(t testing.TB, peer net.Conn, b []byte) {
	if _, err := peer.Write(b); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(peer, b); err != nil {
		t.Fatal(err)
	}
}

// A batch received, a batch written, and the timer that goes with it allocate nothing.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	eachTransport(t, func(t *testing.T, tr Transport) {
		if runtime.GOOS == "windows" {
			t.Skip("sockets go through package net there")
		}
		l := startLoop(t, tr)
		ours, peer := tcpPair(t)
		var c *Conn
		timer := l.NewTimer(func(time.Duration) {})
		call(t, l, func() {
			c = l.Attach(ours, nil, &script{received: func(now time.Duration, data []byte) {
				c.Write(data)
				timer.Set(now + time.Microsecond)
			}})
		})
		b := make([]byte, 256)
		if got := testing.AllocsPerRun(2000, func() { roundTrip(t, peer, b) }); got != 0 {
			t.Errorf("%v allocations per round trip, want 0", got)
		}
	})
}

// Neither does the way of sockets that cannot be written directly: the flusher's.
func TestFlusherAllocatesNothing(t *testing.T) {
	eachTransport(t, func(t *testing.T, tr Transport) {
		l := startLoop(t, tr)
		ours, peer := tcpPair(t)
		attachEcho(t, l, struct{ net.Conn }{ours})
		b := make([]byte, 256)
		if got := testing.AllocsPerRun(2000, func() { roundTrip(t, peer, b) }); got != 0 {
			t.Errorf("%v allocations per round trip, want 0", got)
		}
	})
}

func BenchmarkEcho(b *testing.B) {
	for _, tr := range ways {
		b.Run(tr.name, func(b *testing.B) {
			l := startLoop(b, tr.transport)
			ours, peer := tr.pair(b)
			attachEcho(b, l, ours)
			buf := make([]byte, 256)
			b.ReportAllocs()
			for b.Loop() {
				roundTrip(b, peer, buf)
			}
		})
	}
}

func BenchmarkDo(b *testing.B) {
	for _, tr := range transports {
		b.Run(string(tr), func(b *testing.B) {
			l := startLoop(b, tr)
			b.ReportAllocs()
			fn := func(time.Duration) {}
			for b.Loop() {
				l.Do(fn)
			}
		})
	}
}

func BenchmarkTimerSet(b *testing.B) {
	f := newTimers()
	timers := make([]*Timer, 10_000)
	for i := range timers {
		timers[i] = f.named("")
		timers[i].Set(time.Duration(i))
	}
	b.ReportAllocs()
	at := time.Duration(len(timers))
	for b.Loop() {
		at++
		timers[at%time.Duration(len(timers))].Set(at)
	}
}

// BenchmarkTimerLateness says how late a timer due every millisecond fires on an
// idle loop.
func BenchmarkTimerLateness(b *testing.B) {
	for _, tr := range transports {
		b.Run(string(tr), func(b *testing.B) { timerLateness(b, startLoop(b, tr)) })
	}
}

func timerLateness(b *testing.B, l *Loop) {
	var late []time.Duration
	done := make(chan struct{})
	var timer *Timer
	due := time.Duration(0)
	timer = l.NewTimer(func(now time.Duration) {
		late = append(late, now-due)
		if len(late) == 500 {
			close(done)
			return
		}
		due += time.Millisecond
		timer.Set(due)
	})
	l.Do(func(now time.Duration) { due = now + time.Millisecond; timer.Set(due) })
	wait(b, done)
	slices.Sort(late)
	b.ReportMetric(float64(late[len(late)/2].Nanoseconds())/1e3, "p50-µs")
	b.ReportMetric(float64(late[len(late)*99/100].Nanoseconds())/1e3, "p99-µs")
	b.ReportMetric(0, "ns/op")
}
