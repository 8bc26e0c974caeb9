package runner

import (
	"encoding/json"
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

// outlet is what a publisher sends through: a session, or the REST API.
type outlet interface {
	// state says whether a message would be taken now.
	state() outletState
	// epoch is the session under way, from 1, modulo 256.
	epoch() uint8
	// publish takes a message; it and its data are borrowed. The answer comes as a call of
	// publisher.answered if it was asked for.
	publish(now time.Duration, p *wire.Publish) error
}

// outletState is whether an outlet takes a message, and if not, whose doing that is.
type outletState uint8

const (
	outletReady  outletState = iota
	outletAway               // its session is detached, or not back in its groups
	outletPushed             // attached, but the peer does not read, or owes too many answers
)

// pending is message k of the plan, which waits for its outlet.
type pending struct {
	k   uint64
	due time.Duration
}

// publisher sends the planned messages of one connection. Message k of the plan
// (from 0) goes to address k mod n as that address's message k/n + 1, so a number
// says when it was due and nothing needs to be logged.
type publisher struct {
	w        *worker
	out      outlet
	id       int
	info     *metrics.Publisher
	groups   []string // wire names by slot
	event    string   // the user event that carries the messages; "" = they go to groups
	schedule *scenario.Schedule
	body     []byte // behind the header; nil = seeded padding

	ttlSeconds uint32 // of every message, see wire.Publish
	metadata   []byte

	next     time.Duration // when message k is due, since T0
	k        uint64        // the next message to come due
	lastSent time.Duration // when the newest message left
	// awaited is the message whose ack a client that waits for it would be waiting for.
	awaited  uint64
	awaiting bool
	absent   bool      // its session is away on purpose: what is due is nobody's to send
	backlog  []pending // due, not sent yet; between them messages may be missing that were skipped
}

func newPublisher(w *worker, out outlet, id int) *publisher {
	topology := w.run.topology
	p := &publisher{w: w, out: out, id: id, info: &topology.Publishers[id], schedule: w.run.plan.Schedule(id)}
	publish := w.run.plan.Scenario.Populations[p.info.Population].Publish
	p.event = publish.Event
	p.ttlSeconds = uint32(publish.TTL / time.Second)
	if len(publish.Metadata) > 0 {
		p.metadata, _ = json.Marshal(publish.Metadata) // texts always encode
	}
	for _, g := range p.info.Addresses {
		p.groups = append(p.groups, topology.Groups[g])
	}
	if bodies := w.run.cfg.Bodies; p.info.Population < len(bodies) {
		p.body = bodies[p.info.Population]
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
	if p.absent {
		p.miss()
		return
	}
	c := &p.w.counts
	k := p.k
	p.k++
	if len(p.backlog) > 0 {
		p.flush() // without acks nothing else may tell that the session takes messages again
	}
	window := p.w.sendWindow(p.next)
	window.due++
	if len(p.backlog) == 0 && p.send(k, p.next) {
		// Only a message that its session could take when it was due tells how late the
		// generator itself is; the wait of the others is the target's doing, and shows in
		// their response time.
		lag := p.lastSent - p.w.t0 - p.next
		if lag > lateAfter {
			window.late++
		}
		p.w.recorder.Record(metrics.ScheduleLag, p.next, p.info.Population, lag)
		return
	}
	away := p.out.state() == outletAway
	if away {
		window.away++
	} else {
		window.pushed++
	}
	if len(p.backlog) >= maxBacklog {
		p.skip(k)
		return
	}
	p.backlog = append(p.backlog, pending{k, p.next})
	c.backlog++
	if away {
		p.queued(k)
	}
}

// flush sends the backlog, oldest first, as far as the outlet takes it.
func (p *publisher) flush() {
	sent := 0
	for _, m := range p.backlog {
		if !p.send(m.k, m.due) {
			break
		}
		sent++
	}
	p.w.counts.backlog -= sent
	p.backlog = p.backlog[:copy(p.backlog, p.backlog[sent:])]
}

// queued tells that message k waits for its session: nobody can owe it to a subscriber.
func (p *publisher) queued(k uint64) {
	slots := uint64(len(p.info.Addresses))
	p.w.checker.Queued(p.id, int(k%slots), k/slots+1)
}

// sendTravel is how long a message that has left may be on its way to the service.
const sendTravel = 5 * time.Second

// doubt tells that the session's transport is gone, which last brought something at an
// instant: what has left and is not answered may never have reached the service. Without
// acks that is what has left since then, or shortly before. With Poisson arrivals it
// takes time in proportion to the messages so far.
func (p *publisher) doubt(heard time.Duration) {
	slots := uint64(len(p.info.Addresses))
	had := uint64(0)
	if !p.info.Acked {
		had = p.w.run.plan.Schedule(p.id).DueBy(p.w.sinceT0(heard - sendTravel))
	}
	for slot := range slots {
		p.w.checker.Doubt(p.id, int(slot), (had+slots-1-slot)/slots+1)
	}
	for _, m := range p.backlog {
		p.queued(m.k)
	}
}

// discard gives up the backlog: those messages were never sent.
func (p *publisher) discard() {
	for _, m := range p.backlog {
		p.skip(m.k)
	}
	p.w.counts.backlog -= len(p.backlog)
	p.backlog = p.backlog[:0]
}

// miss gives up the next message: it came due, and its session was away on purpose, or
// the generator never got to it.
func (p *publisher) miss() {
	if p.absent {
		p.w.counts.absent[p.info.Population]++
	} else {
		window := p.w.sendWindow(p.next)
		window.due++
		window.late++
		p.w.counts.unsent++
	}
	p.skip(p.k)
	p.k++
}

func (p *publisher) skip(k uint64) {
	slots := uint64(len(p.info.Addresses))
	p.w.checker.Skipped(p.id, int(k%slots), k/slots+1)
}

// send publishes message k; false when the outlet cannot take it now.
func (p *publisher) send(k uint64, due time.Duration) bool {
	w := p.w
	if p.out.state() != outletReady {
		return false
	}
	slots := uint64(len(p.info.Addresses))
	slot, number := int(k%slots), k/slots+1
	now := w.loop.Now()
	lag := now - w.t0 - due
	header := metrics.Header{
		Session:   p.out.epoch(),
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
	w.message = wire.Publish{
		Group:      p.groups[slot],
		DataType:   dataTypeOf(p.info.Kind),
		Data:       w.payload,
		NoEcho:     p.info.NoEcho,
		Ack:        p.info.Acked,
		Tag:        k,
		Due:        due,
		TTLSeconds: p.ttlSeconds,
		Metadata:   p.metadata,
	}
	if p.out.publish(now, &w.message) != nil {
		return false
	}
	w.counts.payloadSent[p.info.Population] += uint64(p.info.PayloadBytes)
	if p.info.Acked {
		w.counts.outstanding++
		if !p.awaiting {
			p.awaiting, p.awaited = true, k
		}
	}
	w.checker.Sent(p.id, slot, number, lag)
	w.recorder.Interval().Sent++
	p.lastSent = now
	if w.run.steady(due) {
		w.counts.steadySent++
	}
	return true
}

// acked records how long an ack took which came at now, of message k due at an instant
// since T0 and sent at one of the clock's: since both, and, of the publishes that a
// client would have made which waits for each, in the closed view.
func (p *publisher) acked(k uint64, due, sent, now time.Duration) {
	rtt := now - sent
	p.w.recorder.Record(metrics.AckLatency, due, p.info.Population, now-p.w.t0-due)
	p.w.recorder.Record(metrics.AckRTT, due, p.info.Population, rtt)
	if p.awaiting && p.awaited == k {
		p.w.recorder.Record(metrics.AckClosed, due, p.info.Population, rtt)
	}
	p.w.recorder.Interval().Acked++
}

// answered files the outcome of a publish.
func (p *publisher) answered(k uint64, o metrics.Outcome) {
	if p.awaited == k {
		p.awaiting = false
	}
	slots := uint64(len(p.info.Addresses))
	p.w.counts.outstanding--
	p.w.checker.Outcome(p.id, int(k%slots), k/slots+1, o)
}

// resent notes that message k, due at an instant since T0, was sent again with its ack id,
// some time before now.
func (p *publisher) resent(k uint64, due, now time.Duration) {
	slots := uint64(len(p.info.Addresses))
	p.w.checker.Resent(p.id, int(k%slots), k/slots+1, now-p.w.t0-due)
}

// retried notes that the service may take message k for two, the second sent now.
func (p *publisher) retried(k uint64, due, now time.Duration) {
	slots := uint64(len(p.info.Addresses))
	p.w.checker.Retried(p.id, int(k%slots), k/slots+1, now-p.w.t0-due)
}
