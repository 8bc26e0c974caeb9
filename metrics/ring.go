package metrics

import (
	"fmt"
	"slices"
	"time"
)

// frameKind says what a frame summary is about.
type frameKind uint8

const (
	frameData frameKind = iota
	frameReplay
	frameForeign
	frameCorrupt
	frameOpened
	frameResumed
	frameJoined
	frameDropped
	frameEnded
	frameOther
)

var frameWords = [...]string{
	frameData: "data", frameReplay: "replay", frameForeign: "foreign data", frameCorrupt: "corrupt data",
	frameOpened: "opened", frameResumed: "resumed", frameJoined: "joined", frameDropped: "dropped", frameEnded: "session ended",
	frameOther: "other message",
}

// frame is one thing that happened at a connection: ids and time, no payload.
type frame struct {
	at         time.Duration
	message    uint64
	sequence   uint64
	connection uint32
	publisher  uint32
	group      uint32
	kind       frameKind
}

// line writes the frame for a reader.
func (f *frame) line(t *Topology, start time.Duration) string {
	s := fmt.Sprintf("t%+.6f s  %s", (f.at - start).Seconds(), frameWords[f.kind])
	if f.kind == frameData || f.kind == frameReplay {
		s += fmt.Sprintf("  %s  publisher %d  message %d", t.groupName(int64(f.group)), f.publisher, f.message)
	}
	if f.sequence != 0 {
		s += fmt.Sprintf("  sequence id %d", f.sequence)
	}
	return s
}

// groupName is the wire name, or empty for an id that the plan does not have.
func (t *Topology) groupName(group int64) string {
	if group < 0 || group >= int64(len(t.Groups)) {
		return ""
	}
	return t.Groups[group]
}

// ringFrames is how many frames a worker remembers; a power of two.
const ringFrames = 4096

// ring holds the worker's last frames.
type ring struct {
	frames []frame
	added  uint64 // ever
}

func (r *ring) add(f frame) {
	if len(r.frames) < ringFrames {
		if r.frames == nil {
			r.frames = make([]frame, 0, ringFrames)
		}
		r.frames = append(r.frames, f)
	} else {
		r.frames[r.added%ringFrames] = f
	}
	r.added++
}

// at is the frame with that place among all there ever were, from oldest on.
func (r *ring) at(i uint64) *frame { return &r.frames[i%ringFrames] }

// oldest is the place of the first frame that is still known.
func (r *ring) oldest() uint64 { return r.added - uint64(len(r.frames)) }

// before is the last frames that satisfy want and lie before a place, oldest first.
func (r *ring) before(place uint64, want func(*frame) bool) []frame {
	var found []frame
	for i := place; i > r.oldest() && len(found) < contextLines; i-- {
		if f := r.at(i - 1); want(f) {
			found = append(found, *f)
		}
	}
	slices.Reverse(found)
	return found
}

// from is the first frames that satisfy want from a place on.
func (r *ring) from(place uint64, want func(*frame) bool) []frame {
	var found []frame
	for i := max(place, r.oldest()); i < r.added && len(found) < contextAfter; i++ {
		if f := r.at(i); want(f) {
			found = append(found, *f)
		}
	}
	return found
}
