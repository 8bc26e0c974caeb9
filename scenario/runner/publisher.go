package runner

import (
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/wire"
)

const (
	// maxBacklog bounds the messages of one publisher that are due while its session
	// cannot take them; what comes due beyond it is skipped and counted.
	maxBacklog = 1000
	// maxUnsentBytes is how far the kernel may fall behind before a session counts as unable to send.
	maxUnsentBytes = 1 << 20
)

// publisher sends the planned messages of one connection. Message k of the plan
// (from 0) goes to address k mod n as that address's message k/n + 1, so a number
// says when it was due and nothing needs to be logged.
type publisher struct {
	m        *member
	id       int
	info     *metrics.Publisher
	groups   []string // wire names by slot
	event    string   // of the user event that carries the messages; "" = they go to groups
	schedule *scenario.Schedule
	body     []byte // behind the header; nil = seeded padding

	next     time.Duration   // when message k is due, since T0
	k        uint64          // the next message to come due
	lastSent time.Duration   // when the newest message left
	backlog  []time.Duration // due instants of the messages before k that have not been sent
}

func newPublisher(m *member, id int) *publisher {
	topology := m.w.run.topology
	p := &publisher{m: m, id: id, info: &topology.Publishers[id], schedule: m.w.run.plan.Schedule(id)}
	p.event = m.w.run.plan.Scenario.Populations[m.population].Publish.Event
	for _, g := range p.info.Addresses {
		p.groups = append(p.groups, topology.Groups[g])
	}
	if bodies := m.w.run.cfg.Bodies; m.population < len(bodies) {
		p.body = bodies[m.population]
	}
	return p
}

// advance moves to the next planned message; false when the schedule is over.
func (p *publisher) advance() bool {
	p.next = p.schedule.Next()
	return p.next != scenario.Never
}

// fire is called when message k is due: it goes out, or joins the backlog.
func (p *publisher) fire() {
	c := &p.m.w.counts
	c.scheduled++
	k := p.k
	p.k++
	if len(p.backlog) == 0 && p.send(k, p.next) {
		// Only a message that its session could take when it was due tells how late the
		// generator itself is; the wait of the others is the target's doing, and shows in
		// their response time.
		lag := p.lastSent - p.m.w.t0 - p.next
		p.m.w.recorder.Record(metrics.ScheduleLag, p.next, p.info.Population, lag)
		return
	}
	if len(p.backlog) >= maxBacklog {
		p.skip(k)
		return
	}
	p.backlog = append(p.backlog, p.next)
	c.backlog++
}

// flush sends the backlog, oldest first, as far as the session takes it.
func (p *publisher) flush() {
	sent := 0
	for _, due := range p.backlog {
		if !p.send(p.k-uint64(len(p.backlog)-sent), due) {
			break
		}
		sent++
	}
	p.m.w.counts.backlog -= sent
	p.backlog = p.backlog[:copy(p.backlog, p.backlog[sent:])]
}

// discard gives up the backlog: those messages were never sent.
func (p *publisher) discard() {
	for i := range p.backlog {
		p.skip(p.k - uint64(len(p.backlog)-i))
	}
	p.m.w.counts.backlog -= len(p.backlog)
	p.backlog = p.backlog[:0]
}

func (p *publisher) skip(k uint64) {
	slots := uint64(len(p.info.Addresses))
	p.m.w.counts.skipped++
	p.m.w.checker.Skipped(p.id, int(k%slots), k/slots+1)
}

// send publishes message k; false when the session cannot take it now.
func (p *publisher) send(k uint64, due time.Duration) bool {
	m, w := p.m, p.m.w
	if !m.client.Ready() || m.client.Buffered() > maxUnsentBytes {
		return false
	}
	slots := uint64(len(p.info.Addresses))
	slot, number := int(k%slots), k/slots+1
	now := w.loop.Now()
	lag := now - w.t0 - due
	header := metrics.Header{
		Session:   uint8(m.connections),
		RunID:     w.run.topology.RunID,
		Publisher: uint32(p.id),
		Address:   p.info.Addresses[slot],
		Message:   number,
		Intended:  due,
		Lag:       lag,
	}
	if p.body != nil {
		w.payload = metrics.AppendPayloadBody(w.payload[:0], p.info.Kind, header, p.body)
	} else {
		w.payload = metrics.AppendPayload(w.payload[:0], p.info.Kind, header, p.info.PayloadBytes, w.run.plan.Scenario.Seed)
	}
	if p.write(now, slot, tagOf(slot, number)) != nil {
		return false
	}
	w.counts.sent++
	w.counts.payloadSent += uint64(p.info.PayloadBytes)
	if p.info.Acked {
		w.counts.outstanding++
	}
	w.checker.Sent(p.id, slot, number, lag)
	w.recorder.Interval().Sent++
	p.lastSent = now
	if w.run.steady(due) {
		w.counts.steadySent++
	}
	return true
}

// write sends the payload at hand.
func (p *publisher) write(now time.Duration, slot int, tag uint64) error {
	kind, payload := dataTypeOf(p.info.Kind), p.m.w.payload
	if p.event != "" {
		_, err := p.m.client.SendEvent(now, p.event, kind, payload, p.info.Acked, tag)
		return err
	}
	_, err := p.m.client.Publish(now, &wire.Publish{
		Group:    p.groups[slot],
		DataType: kind,
		Data:     payload,
		NoEcho:   p.info.NoEcho,
		Ack:      p.info.Acked,
		Tag:      tag,
	})
	return err
}

// answered files the outcome of a publish.
func (p *publisher) answered(tag uint64, o metrics.Outcome) {
	slot, number := untag(tag)
	p.m.w.counts.outstanding--
	p.m.w.checker.Outcome(p.id, slot, number, o)
}

// A tag carries slot and message number through a request: 16 bits of slot are
// 65,536 addresses per publisher, 48 bits of number nine years at 1 million/s.
const tagSlotBits = 16

func tagOf(slot int, number uint64) uint64 { return number<<tagSlotBits | uint64(slot) }
func untag(tag uint64) (slot int, n uint64) {
	return int(tag & (1<<tagSlotBits - 1)), tag >> tagSlotBits
}
