package loop

import "time"

// Timer calls a function on the loop's goroutine at a set instant. It may be set
// again, from its own function too. Loop goroutine only.
type Timer struct {
	loop *Loop
	fn   func(now time.Duration)

	at    time.Duration
	index int // in the heap, or one of the two below
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
	t.at = at
	l.timers.set(timerEntry{at, l.timerOrder, t})
}

// Stop unsets the timer: its function is not called until it is set again.
func (t *Timer) Stop() {
	if t.index >= 0 {
		t.loop.timers.remove(t.index)
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
		t := l.timers[0].timer
		l.timers.remove(0)
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

// timerEntry is a timer that is set. It repeats the instant, so that to compare two is not
// to visit both.
type timerEntry struct {
	at    time.Duration
	order uint64 // of Set calls: equal instants fire in the order they were set
	timer *Timer
}

func (a *timerEntry) before(b *timerEntry) bool {
	return a.at < b.at || a.at == b.at && a.order < b.order
}

// timerHeap has the earliest first. It is container/heap without the calls through an
// interface, of which each message costs a dozen.
type timerHeap []timerEntry

// set puts a timer where it belongs, whether or not it is in the heap.
func (h *timerHeap) set(s timerEntry) {
	i := s.timer.index
	if i < 0 {
		i = len(*h)
		*h = append(*h, s)
	}
	h.place(i, s)
}

// remove takes out the timer at i.
func (h *timerHeap) remove(i int) {
	last := len(*h) - 1
	moved := (*h)[last]
	(*h)[i].timer.index = timerIdle
	(*h)[last] = timerEntry{}
	if *h = (*h)[:last]; i < last {
		h.place(i, moved)
	}
}

// place puts s at i, whose entry is to be overwritten, and from there up or down to
// where it belongs.
func (h timerHeap) place(i int, s timerEntry) {
	for i > 0 {
		parent := (i - 1) / 2
		if !s.before(&h[parent]) {
			break
		}
		h.put(i, h[parent])
		i = parent
	}
	for {
		child := 2*i + 1
		if right := child + 1; right < len(h) && h[right].before(&h[child]) {
			child = right
		}
		if child >= len(h) || !h[child].before(&s) {
			break
		}
		h.put(i, h[child])
		i = child
	}
	h.put(i, s)
}

func (h timerHeap) put(i int, s timerEntry) {
	h[i] = s
	s.timer.index = i
}
