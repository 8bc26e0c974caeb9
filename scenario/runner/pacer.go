package runner

import (
	"container/heap"
	"time"
)

// sendsPerWake bounds what is encoded before the loop writes it and reads again.
const sendsPerWake = 64

// pacer wakes the worker at the instant of its next planned send. The plan's
// instants are absolute, so a late wake-up never moves the ones after it.
type pacer struct {
	w       *worker
	due     publisherHeap
	timer   alarm
	stopped bool
}

// alarm calls wake at or soon after the instant set last: a wire.Timer.
type alarm interface {
	Set(at time.Duration)
	Stop()
}

func (p *pacer) init(w *worker) {
	p.w = w
	p.timer = w.loop.NewTimer(p.wake)
}

// add schedules a publisher from its first message on.
func (p *pacer) add(pub *publisher) {
	if pub.advance() {
		heap.Push(&p.due, pub)
	}
}

// wake lets everything go out that is due, then sets the timer for what is next.
func (p *pacer) wake(now time.Duration) {
	if p.stopped {
		return
	}
	for sent := 0; len(p.due) > 0; sent++ {
		pub := p.due[0]
		at := p.w.t0 + pub.next
		if sent == sendsPerWake {
			p.timer.Set(at) // due: fires after this turn's reads and writes
			return
		}
		if at > now {
			// One more look at the clock: sending took time, and what has come due
			// meanwhile should not wait for another wake-up.
			if now = p.w.loop.Now(); at > now {
				p.timer.Set(at)
				return
			}
		}
		pub.fire()
		if pub.advance() {
			heap.Fix(&p.due, 0)
		} else {
			heap.Pop(&p.due)
		}
	}
}

// finish lets everything go out that is due by an instant, and ends there.
func (p *pacer) finish(end time.Duration) {
	for _, pub := range p.due {
		for more := true; more && p.w.t0+pub.next <= end; more = pub.advance() {
			pub.fire()
		}
	}
	p.stop()
}

// abandon gives up what has come due and was not looked at: the generator is that far
// behind.
func (p *pacer) abandon(now time.Duration) {
	for _, pub := range p.due {
		for more := true; more && p.w.t0+pub.next <= now; more = pub.advance() {
			pub.miss()
		}
	}
	p.stop()
}

func (p *pacer) stop() {
	p.stopped = true
	p.due = nil
	p.timer.Stop()
}

// publisherHeap orders publishers by the instant of their next message.
type publisherHeap []*publisher

func (h publisherHeap) Len() int           { return len(h) }
func (h publisherHeap) Less(i, j int) bool { return h[i].next < h[j].next }
func (h publisherHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push and Pop serve container/heap only.
func (h *publisherHeap) Push(x any) { *h = append(*h, x.(*publisher)) }

// Pop removes the last element.
func (h *publisherHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return last
}
