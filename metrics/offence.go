package metrics

import (
	"slices"
	"time"
)

// Bounds of what is kept as evidence.
const (
	maxExamples  = 20 // per check
	contextLines = 12 // per example, up to the offence
	contextAfter = 4  // frames after it
)

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
	e.Context = o.context(t, j.Start)
	e.Arrivals = appendArrivals(nil, o.arrivals, j.Start)
	e.Arrivals = appendArrivals(e.Arrivals, o.arrivalsAfter, j.Start)
	return e
}

// OffenceMark stands in Example.Context between what came up to the offence and what
// came after it.
const OffenceMark = "-- after the offence:"

// context tells what the connection saw: up to the offence, and after it.
func (o *offence) context(t *Topology, start time.Duration) []string {
	var lines []string
	before := o.frames
	if o.text != "" {
		lines = append(lines, o.text)
		before = before[max(0, len(before)-contextLines+1):]
	}
	for i := range before {
		lines = append(lines, before[i].line(t, start))
	}
	if len(o.framesAfter) > 0 {
		lines = append(lines, OffenceMark)
	}
	for i := range o.framesAfter {
		lines = append(lines, o.framesAfter[i].line(t, start))
	}
	return lines
}

func appendArrivals(to []Arrival, frames []frame, start time.Duration) []Arrival {
	for i := range frames {
		f := &frames[i]
		to = append(to, Arrival{TS: (f.at - start).Seconds(), Message: f.message, SequenceID: f.sequence, Replayed: f.kind == frameReplay})
	}
	return to
}
