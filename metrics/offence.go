package metrics

import (
	"fmt"
	"slices"
	"time"
)

// Bounds of what is kept as evidence.
const (
	maxExamples  = 20   // per check
	contextLines = 12   // per example
	ringFrames   = 4096 // per worker
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

// ring holds the worker's last frames.
type ring struct {
	frames []frame
	next   int
}

func (r *ring) add(f frame) {
	if len(r.frames) < ringFrames {
		if r.frames == nil {
			r.frames = make([]frame, 0, ringFrames)
		}
		r.frames = append(r.frames, f)
		return
	}
	r.frames[r.next] = f
	r.next = (r.next + 1) % ringFrames
}

// tail is the connection's last frames, oldest first.
func (r *ring) tail(connection int) []frame {
	var tail []frame
	n := len(r.frames)
	for i := 1; i <= n && len(tail) < contextLines; i++ {
		if f := r.frames[(r.next-i+n)%n]; f.connection == uint32(connection) {
			tail = append(tail, f)
		}
	}
	slices.Reverse(tail)
	return tail
}

// arrivals are the last messages of a publisher in a group that the connection got,
// in the order in which they came.
func (r *ring) arrivals(connection int, publisher, group int64) []frame {
	var last []frame
	n := len(r.frames)
	for i := 1; i <= n && len(last) < contextLines; i++ {
		f := r.frames[(r.next-i+n)%n]
		if f.connection == uint32(connection) && (f.kind == frameData || f.kind == frameReplay) &&
			int64(f.publisher) == publisher && int64(f.group) == group {
			last = append(last, f)
		}
	}
	slices.Reverse(last)
	return last
}

// witness is what the connection saw before an offence: everything, and the messages
// of the publisher and group in question.
type witness struct{ frames, arrivals []frame }

func (r *ring) witness(o *offence) witness {
	return witness{r.tail(o.connection), r.arrivals(o.connection, o.publisher, o.group)}
}

// offence is an example before it is told: numbers now, words for the reader
// only once the run is over. A jump's offence may still be taken back.
type offence struct {
	at         time.Duration
	connection int
	publisher  int64 // -1 = unknown
	group      int64 // -1 = unknown
	expected   uint64
	got        uint64
	sequence   uint64
	text       string
	witness

	from, to uint64 // the numbers left out: sequence ids of session, or message numbers
	session  uint32
}

// charge counts a violation and keeps it as an example while there is room.
func (c *Checker) charge(which check, n *conn, o offence) {
	c.counts[n.population].violations[which]++
	if c.progress.Violations++; c.progress.Violations == 1 {
		c.progress.First = checkInfos[which].id + ": " + checkInfos[which].noun
	}
	c.note(which, o)
}

// note keeps an example that is counted elsewhere.
func (c *Checker) note(which check, o offence) {
	if len(c.offences[which]) >= maxExamples {
		return
	}
	o.witness = c.ring.witness(&o)
	c.offences[which] = append(c.offences[which], o)
}

// unnote takes back the example of a jump of sequence ids that left this one out.
func (c *Checker) unnote(which check, connection int, session uint32, id uint64) {
	c.offences[which] = slices.DeleteFunc(c.offences[which], func(o offence) bool {
		return o.connection == connection && o.session == session && o.from <= id && id < o.to
	})
}

// example tells an offence.
func (o *offence) example(t *Topology, j *JudgeOptions) Example {
	e := Example{
		TS: (o.at - j.Start).Seconds(), Group: t.groupName(o.group), Publisher: int(o.publisher), Subscriber: o.connection,
		ExpectedMessage: o.expected, GotMessage: o.got, SequenceID: o.sequence,
	}
	if j.Incident != nil {
		e.Incident = j.Incident(o.at - j.T0)
	}
	if o.text != "" {
		e.Context = append(e.Context, o.text)
	}
	for i := range o.frames {
		if len(e.Context) == contextLines {
			break
		}
		e.Context = append(e.Context, o.frames[i].line(t, j.Start))
	}
	for i := range o.arrivals {
		f := &o.arrivals[i]
		e.Arrivals = append(e.Arrivals, Arrival{TS: (f.at - j.Start).Seconds(), Message: f.message, SequenceID: f.sequence, Replayed: f.kind == frameReplay})
	}
	return e
}
