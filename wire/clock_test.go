package wire

import (
	"testing"
	"time"
)

func TestNowAscends(t *testing.T) {
	last := Now()
	for range 10_000 {
		now := Now()
		if now < last {
			t.Fatalf("Now went back from %v to %v", last, now)
		}
		last = now
	}
	start := Now()
	for begun := time.Now(); time.Since(begun) < time.Millisecond; {
		continue
	}
	if got := Now() - start; got < time.Millisecond {
		t.Errorf("Now went on by %v while a millisecond passed", got)
	}
}

func BenchmarkNow(b *testing.B) {
	for b.Loop() {
		Now()
	}
}
