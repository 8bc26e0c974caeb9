package metrics

import (
	"sort"
	"time"
)

// witness is what the connection of an offence saw around it: everything, and the
// messages of the publisher and group in question.
type witness struct {
	frames, arrivals           []frame // up to the offence, its own frame last
	framesAfter, arrivalsAfter []frame

	place uint64 // in the ring, of what comes after the offence
	open  bool   // more of that may come
}

// seenBy is any frame of the connection.
func seenBy(connection int) func(*frame) bool {
	return func(f *frame) bool { return f.connection == uint32(connection) }
}

// arrivalOf is a message of the offence's publisher and group at its connection.
func arrivalOf(o *offence) func(*frame) bool {
	return func(f *frame) bool {
		return f.connection == uint32(o.connection) && (f.kind == frameData || f.kind == frameReplay) &&
			int64(f.publisher) == o.publisher && int64(f.group) == o.group
	}
}

// witness is that of an offence of which the last frame is the present one: what
// comes after it, look adds later.
func (r *ring) witness(o *offence) witness {
	return r.witnessAt(r.added, o)
}

// around is the witness of an instant in the past. Of one before the oldest frame
// nothing is known but how things stood at the end.
func (r *ring) around(at time.Duration, o *offence) witness {
	oldest := r.oldest()
	n := sort.Search(len(r.frames), func(i int) bool { return r.at(oldest+uint64(i)).at > at })
	if n == 0 {
		return r.witness(o)
	}
	return r.pastWitness(oldest+uint64(n), o)
}

// pastWitness is the witness of a place before the end, with what came after it.
func (r *ring) pastWitness(place uint64, o *offence) witness {
	w := r.witnessAt(place, o)
	w.look(r, o)
	return w
}

// arrival is the place of the message that the offence is about, unless forgotten.
func (r *ring) arrival(o *offence) (place uint64, ok bool) {
	same := arrivalOf(o)
	for i := r.added; i > r.oldest(); i-- {
		if f := r.at(i - 1); f.message == o.got && same(f) {
			return i - 1, true
		}
	}
	return 0, false
}

func (r *ring) witnessAt(place uint64, o *offence) witness {
	return witness{
		frames: r.before(place, seenBy(o.connection)), arrivals: r.before(place, arrivalOf(o)), place: place, open: true,
	}
}

// look takes from the ring what came after the offence. Called each time that half
// of the ring is new, it misses nothing; after the second time there is no more to see.
func (w *witness) look(r *ring, o *offence) {
	w.framesAfter = r.from(w.place, seenBy(o.connection))
	w.arrivalsAfter = r.from(w.place, arrivalOf(o))
	w.open = len(w.arrivalsAfter) < contextAfter && r.added-w.place < ringFrames/2
}

// saw adds a frame to the ring.
func (c *Checker) saw(f frame) {
	c.ring.add(f)
	if c.ring.added%(ringFrames/2) == 0 {
		c.lookAfter()
	}
}

// lookAfter adds to the examples what came after them.
func (c *Checker) lookAfter() {
	for which := range c.offences {
		for i := range c.offences[which] {
			if o := &c.offences[which][i]; o.open {
				o.look(&c.ring, o)
			}
		}
	}
	for i := range min(len(c.suspects), maxExamples) {
		if o := &c.suspects[i].offence; o.open {
			o.look(&c.ring, o)
		}
	}
}
