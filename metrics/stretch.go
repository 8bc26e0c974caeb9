package metrics

import "time"

// maxStretches is into how many stretches of time steady state is cut at most, so that
// what is kept does not grow with the run (design.md 4.3).
const maxStretches = 60

// stretches keep what a metric measured in steady state by equal stretches of time. Those
// of no length keep nothing.
type stretches struct {
	first, tick time.Duration // when the first one begins, since tick 0; the length of a tick
	ticks       int           // that each stretch holds
	all         []distribution
}

// newStretches cuts what begins at first, since tick 0, and lasts for length.
func newStretches(first, length, tick time.Duration) stretches {
	n := int((length + tick - 1) / tick)
	s := stretches{first: first, tick: tick, ticks: max(1, (n+maxStretches-1)/maxStretches)}
	s.all = make([]distribution, (n+s.ticks-1)/s.ticks)
	return s
}

// add adds what came in a tick. Ticks and stretches need not begin together: the middle of
// a tick says where it is.
func (s *stretches) add(tick int, d *distribution) {
	if len(s.all) > 0 {
		s.at(time.Duration(tick)*s.tick + s.tick/2).add(d)
	}
}

// censor counts n values that never came.
func (s *stretches) censor(due time.Duration, n uint64) {
	if len(s.all) > 0 {
		s.at(due).censored += n
	}
}

// at is the stretch that holds an instant since tick 0: the last one for what was due in
// steady state and came later.
func (s *stretches) at(at time.Duration) *distribution {
	i := int((at - s.first) / (s.tick * time.Duration(s.ticks)))
	return &s.all[min(max(i, 0), len(s.all)-1)]
}
