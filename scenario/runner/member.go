package runner

import (
	"context"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire"
)

// member is one session of a population: it turns the events of its wire.Client
// into observations.
type member struct {
	w          *worker
	id         int // connection id of the plan
	population int
	encoding   wire.Encoding
	client     *wire.Client
	publisher  *publisher // nil: only listens
	churn      *churner   // nil: stays
	tracer     *tracer    // nil: nobody follows its frames

	connections int       // connectionIds so far
	fresh       freshAcks // of the latest socket
	dialing     time.Duration
	attached    bool
	everOpened  bool
	everReady   bool
	closing     bool
	closed      bool
	ending      *metrics.SessionEnd // of the connection whose end the client is telling; nil = not found out
	overflowed  bool                // the last close reason spoke of a full buffer
	// atRisk is how many messages the service may still have kept when the transport was
	// lost whose loss began the outage.
	atRisk uint64
	// spent: when the service ended the transport whose loss began the outage, or a later one
	// that had begun to replay, it may have had more to keep than it can.
	spent bool
	// closedByPeer: the service has closed the WebSocket whose loss began the outage.
	closedByPeer bool
	// askedToClose: we have asked the service to close the connection, its user's or a group's
	// over REST, and it has not refused to. The client need not have seen that it did.
	askedToClose bool
	closedBy     time.Duration // whoever is heard of then was not closed; 0 = that says nothing
	doom         *doom         // nil: no close of its user or a group is under way
	away         bool          // from a drop until it is ready again: nothing can reach it
	recovery     *recovery     // from a drop until caught up
	recovered    bool          // there was one, from incident
	incident     int
	relent       *wire.Timer   // nil before the first misbehaviour
	confirm      *wire.Timer   // nil before the first recovery
	registered   *wire.Timer   // of a simple client: it counts as joined
	readyAt      time.Duration // when that began to run
	unread       time.Duration // since when input was held, the last time; 0 = never on this transport
	readAgain    time.Duration // when that ended; 0 = it is held
}

func newMember(w *worker, id int) *member {
	r := w.run
	m := &member{w: w, id: id, population: r.plan.PopulationOf(id)}
	m.encoding = r.sessions[m.population].Subprotocol.Encoding()
	if m.simple() {
		m.registered = w.loop.NewTimer(func(now time.Duration) { m.joined(m.readyAt, now, true) })
	}
	m.client = w.loop.Open(&r.sessions[m.population], m.url, m, r.plan.Scenario.Seed^uint64(id)*0x9e3779b97f4a7c15)
	if trace := r.cfg.Trace; trace != nil && trace.Connection == id {
		m.tracer = newTracer(m, trace.To)
	}
	if r.cfg.Target.AtOnce {
		m.client.AskAtOnce()
	}
	for _, g := range r.topology.Subscribers[id].Groups {
		if int(g) < r.plan.Groups {
			m.client.Join(0, r.topology.Groups[g])
		}
	}
	m.churn = newChurner(m)
	if p := r.plan.PublisherOf(id); p >= 0 {
		m.publisher = newPublisher(w, m, p)
	}
	return m
}

// url asks the target for a client URL. What that takes is made anew for each
// connection, so that an idle session does not carry it.
func (m *member) url(ctx context.Context) (string, error) {
	return m.clientURL()(ctx)
}

func (m *member) state() outletState {
	switch {
	case !m.client.Ready():
		return outletAway
	case m.client.Buffered() > maxUnsentBytes:
		return outletPushed
	}
	return outletReady
}

func (m *member) epoch() uint8 { return uint8(m.connections) }

func (m *member) publish(now time.Duration, p *wire.Publish) error {
	if event := m.publisher.event; event != "" {
		_, err := m.client.SendEvent(now, &wire.UserEvent{
			Name: event, DataType: p.DataType, Data: p.Data, Ack: p.Ack, Tag: p.Tag, Due: p.Due, Metadata: p.Metadata,
		})
		return err
	}
	_, err := m.client.Publish(now, p)
	m.w.budget.AcksInFlight = max(m.w.budget.AcksInFlight, uint64(m.client.InFlight()))
	return err
}

// Event implements wire.Handler.
func (m *member) Event(now time.Duration, ev *wire.Event) {
	if m.tracer != nil {
		m.tracer.event(now, ev)
	}
	switch ev.Kind {
	case wire.EventMessage:
		m.received(now, ev)
	case wire.EventNumbered:
		m.w.checker.Numbered(now, m.id, ev.Message.SequenceID, ev.Fresh)
	case wire.EventAcked:
		m.answered(now, ev)
	case wire.EventUnexpectedAck:
		switch {
		case ev.Duplicate:
		case !ev.Message.Success && string(ev.Message.ErrorName) == "Duplicate":
			m.w.checker.Duplicate(now, m.id, ev.Message.AckID, false)
		default:
			m.w.checker.UnexpectedAck(now, m.id, ev.Message.AckID)
		}
	case wire.EventUnanswered:
		m.unanswered(now, ev)
	case wire.EventRetried:
		m.publisher.retried(ev.Request.Tag, ev.Request.Due, now)
	case wire.EventDialing:
		m.dialing = now
		m.recovery.attempt(now)
	case wire.EventDialFailed:
		if !ev.Recovering { // an attempt to recover may fail: it is no verdict (protocol.md 4.5)
			m.w.funnel.FailedDials++
		}
		if exhausted(ev.Err) {
			m.w.counts.exhausted++
		}
		m.w.run.connectFailed(ev.Err)
	case wire.EventOpened:
		m.opened(now, ev)
	case wire.EventConnected:
		m.connected(now, ev)
	case wire.EventConfirmed:
		m.recovery.announced(now)
	case wire.EventReady:
		m.becameReady(now, ev.Success)
	case wire.EventDropped:
		m.dropped(now, ev)
	case wire.EventEnded:
		m.ended(now, ev)
	case wire.EventProtocolError:
		m.w.funnel.ProtocolErrors++
		m.w.run.note("note", "session "+itoa(m.id)+": "+ev.Err.Error())
	case wire.EventClosed:
		m.finish()
	case wire.EventNotice:
	}
}

func (m *member) received(now time.Duration, ev *wire.Event) {
	w, msg := m.w, ev.Message
	w.budget.UnackedMessages = max(w.budget.UnackedMessages, m.client.UnackedSequence())
	w.budget.UnackedBytes = max(w.budget.UnackedBytes, uint64(m.client.UnackedBytes()))
	if !ev.Fresh {
		w.checker.SequenceAcked(m.id, m.client.AckedSequence())
	}
	m.fresh.data(now, msg.SequenceID, m.client.AckedSequence())
	r := w.checker.Deliver(now, m.id, &metrics.Delivery{
		Group:      msg.Group,
		User:       msg.FromUserID,
		Named:      msg.Kind == wire.GroupMessage && m.encoding == wire.EncodingJSON,
		Data:       msg.Data,
		Metadata:   msg.Metadata,
		Kind:       kindOf(m.encoding, msg),
		SequenceID: msg.SequenceID,
		Fresh:      ev.Fresh,
	})
	if m.recovery != nil {
		m.recovery.data(now, &r)
		// What comes before the drop is no proof: a service may take its time to close.
		if m.away && m.recovery.detected != 0 && m.client.Ready() {
			m.proven(now)
		}
	} else if r.Replayed && m.recovered {
		// Nothing was missing any more when this came: the replay goes on.
		w.incidents[m.incident].replayed++
		if r.Redundant {
			w.incidents[m.incident].redundant++
		}
	}
	if r.Counted {
		due := w.t0 + r.Header.Intended
		w.counts.payloadRecv[m.population] += uint64(len(msg.Data))
		w.recorder.Record(metrics.E2ELatency, r.Header.Intended, m.population, now-due)
		w.recorder.Record(metrics.E2EService, r.Header.Intended, m.population, now-due-r.Header.Lag)
		w.recorder.Interval().Delivered++
		w.sampler.Note(&r.Header, now-due)
	}
	if r.CaughtUp {
		m.caughtUp(now)
	}
}

// owedFrom tells the checker what a member that has just joined a group, or all of them
// (-1), is not owed: recoveries must not wait for it.
func (m *member) owedFrom(now time.Duration, group int) {
	if m.w.run.topology.Subscribers[m.id].Reliable {
		m.w.checker.OwedFrom(m.id, group, m.w.dueBy(now))
	}
}
