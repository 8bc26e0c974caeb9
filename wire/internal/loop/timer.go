package loop

import (
	"container/heap"
	"time"
)

// Timer calls a function on the loop's goroutine at a set instant. It may be set
// again, from its own function too. Loop goroutine only.
type Timer struct {
	loop *Loop
	fn   func(now time.Duration)

	at    time.Duration
	order uint64 // of Set calls: equal instants fire in the order they were set
	index int    // in the heap, or one of the two below
}

const (
	timerIdle = -1 // neither set nor due
	timerDue  = -2 // taken off the heap, about to fire in this pass
)

// NewTimer returns a timer that is not set. fn gets the instant of the call,
// which is never before the one set.
func (l *Loop) NewTimer(fn func(now time.Duration)) *Timer {
	return &Timer{loop: l, fn: fn, index: timerIdle}
}

// Set lets the timer fire once, at the instant at or as soon as possible after,
// and forgets an instant set before. An instant in the past is due at once, yet
// never within the pass that is firing: a timer that always sets itself to now
// cannot starve the sockets.
func (t *Timer) Set(at time.Duration) {
	if t.index >= 0 && t.at == at {
		return
	}
	l := t.loop
	l.timerOrder++
	t.at, t.order = at, l.timerOrder
	if t.index >= 0 {
		heap.Fix(&l.timers, t.index)
		return
	}
	heap.Push(&l.timers, t)
}

// Stop unsets the timer: its function is not called until it is set again.
func (t *Timer) Stop() {
	if t.index >= 0 {
		heap.Remove(&t.loop.timers, t.index)
	}
	t.index = timerIdle
}

// fireTimers calls what is due, earliest first, each timer at most once.
func (l *Loop) fireTimers() {
	if len(l.timers) == 0 {
		return
	}
	now := l.now()
	for len(l.timers) > 0 && l.timers[0].at <= now {
		t := heap.Pop(&l.timers).(*Timer)
		t.index = timerDue
		l.due = append(l.due, t)
	}
	for _, t := range l.due {
		if t.index != timerDue { // an earlier one stopped it or set it anew
			continue
		}
		t.index = timerIdle
		t.fn(l.now())
	}
	clear(l.due)
	l.due = l.due[:0]
}

// timerHeap orders timers by instant, see container/heap.
type timerHeap []*Timer

func (h timerHeap) Len() int { return len(h) }

func (h timerHeap) Less(i, j int) bool {
	if h[i].at != h[j].at {
		return h[i].at < h[j].at
	}
	return h[i].order < h[j].order
}

func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push appends x, see heap.Interface.
func (h *timerHeap) Push(x any) {
	t := x.(*Timer)
	t.index = len(*h)
	*h = append(*h, t)
}

// Pop removes the last one, see heap.Interface.
func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	t.index = timerIdle
	return t
}
