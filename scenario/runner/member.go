package runner

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/scenario"
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

	connections int // connectionIds so far
	dialing     time.Duration
	attached    bool
	everOpened  bool
	everReady   bool
	closing     bool
	closed      bool
	overflowed  bool // the last close reason spoke of a full buffer
	// closedByPeer: the service has closed the WebSocket whose loss began the outage.
	closedByPeer bool
	away         bool      // from a drop until it is ready again: nothing can reach it
	recovery     *recovery // from a drop until caught up
	recovered    bool      // there was one, from incident
	incident     int
	relent       *wire.Timer   // nil before the first misbehaviour
	confirm      *wire.Timer   // nil before the first recovery
	registered   *wire.Timer   // of a simple client: it counts as joined
	readyAt      time.Duration // when that began to run
}

func newMember(w *worker, id int) *member {
	r := w.run
	m := &member{w: w, id: id, population: r.plan.PopulationOf(id)}
	m.encoding = r.sessions[m.population].Subprotocol.Encoding()
	if m.simple() {
		m.registered = w.loop.NewTimer(func(now time.Duration) { m.joined(m.readyAt, now, true) })
	}
	m.client = w.loop.Open(&r.sessions[m.population], m.url, m, r.plan.Scenario.Seed^uint64(id)*0x9e3779b97f4a7c15)
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

// awaitProof lets proven come at that instant unless something else happens first.
func (m *member) awaitProof(at time.Duration) {
	if m.confirm == nil {
		m.confirm = m.w.loop.NewTimer(m.proven)
	}
	m.confirm.Set(at)
}

func (m *member) stopAwaiting() {
	if m.confirm != nil {
		m.confirm.Stop()
	}
}

// member is the outlet of its publisher.

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
			Name: event, DataType: p.DataType, Data: p.Data, Ack: p.Ack, Tag: p.Tag, Metadata: p.Metadata,
		})
		return err
	}
	_, err := m.client.Publish(now, p)
	m.w.budget.AcksInFlight = max(m.w.budget.AcksInFlight, uint64(m.client.InFlight()))
	return err
}

// Event implements wire.Handler.
func (m *member) Event(now time.Duration, ev *wire.Event) {
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
		m.unanswered(ev)
	case wire.EventRetried:
		m.publisher.retried(ev.Request.Tag)
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
		m.connected(now)
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
	r := w.checker.Deliver(now, m.id, &metrics.Delivery{
		Group:      msg.Group,
		Data:       msg.Data,
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
	}
	if r.CaughtUp {
		m.caughtUp(now)
	}
}

func (m *member) answered(now time.Duration, ev *wire.Event) {
	w, req := m.w, ev.Request
	if ev.Duplicate {
		w.checker.Duplicate(now, m.id, req.AckID, req.Resends > 0)
	}
	rtt := now - req.SentAt
	since := w.sinceT0(req.SentAt)
	switch req.Kind {
	case wire.JoinGroup:
		w.recorder.Record(metrics.JoinRTT, since, m.population, rtt)
		if !ev.Success {
			w.funnel.FailedJoins++
			w.run.joinRefused(req.Group, string(ev.Message.ErrorName), string(ev.Message.ErrorMessage))
		}
		m.churn.answered(now, req, ev.Success)
	case wire.LeaveGroup:
		m.churn.answered(now, req, ev.Success)
	case wire.SendToGroup, wire.SendEvent:
		m.publisher.acked(req.Tag, since, rtt)
		w.counts.resent += uint64(req.Resends + req.Renumbered)
		if req.Resends > 0 {
			m.publisher.resent(req.Tag)
		}
		m.publisher.answered(req.Tag, m.outcome(ev))
		if len(m.publisher.backlog) > 0 {
			m.publisher.flush()
		}
	default:
	}
}

// outcome files the answer to a publish. Only a refusal says that the message was
// not brokered; any other error leaves that open (protocol.md 3.4).
func (m *member) outcome(ev *wire.Event) metrics.Outcome {
	switch {
	case ev.Success:
		if ev.Duplicate {
			m.w.counts.duplicate++
		}
		return metrics.OutcomeOK
	case ev.Request.Renumbered > 0:
		return metrics.OutcomeError // an earlier attempt may have been brokered
	case string(ev.Message.ErrorName) == "Forbidden", string(ev.Message.ErrorName) == "BadRequest":
		return metrics.OutcomeFail
	default:
		return metrics.OutcomeError
	}
}

func (m *member) unanswered(ev *wire.Event) {
	if ev.Request.Kind != wire.SendToGroup && ev.Request.Kind != wire.SendEvent {
		return
	}
	m.w.counts.resent += uint64(ev.Request.Resends + ev.Request.Renumbered)
	if ev.Request.Resends > 0 {
		m.publisher.resent(ev.Request.Tag)
	}
	o := metrics.OutcomeIndeterminateDisconnect
	switch {
	case m.publisher.info.Renumbers:
		o = metrics.OutcomeError // its retries ran out, whatever became of the session
	case m.publisher.info.Reliable:
		o = metrics.OutcomeIndeterminateSessionEnded
	}
	m.publisher.answered(ev.Request.Tag, o)
}

func (m *member) opened(now time.Duration, ev *wire.Event) {
	w := m.w
	m.attached = true
	w.counts.open.add(1)
	if !m.everOpened {
		m.everOpened = true
		w.funnel.Opened++
	}
	w.checker.Opened(now, m.id, ev.Recovering)
	if m.recovery != nil {
		w.incidents[m.recovery.incident].opens.add(now)
		m.recovery.open(now, ev)
		if !ev.Recovering {
			// One that was lost before the service named it ends without a word.
			m.recovery.end(metrics.EndDropped)
		}
	}
	if !ev.Recovering {
		return
	}
	m.awaitProof(now + provenAfter)
	if m.recovery != nil && w.checker.ExpectCatchUp(m.id, w.dueBy(now)) {
		m.recovery.nothingMissed = now
	}
	if m.publisher != nil {
		m.publisher.flush()
	}
}

func (m *member) connected(now time.Duration) {
	m.connections++
	m.w.checker.Joining(m.id) // the Session asks as soon as the service has named it
	m.w.run.directory.enter(m.id, m.client.ConnectionID())
	if m.connections == 1 {
		m.w.funnel.Connected++
		m.w.run.connectedOnce.Store(true)
	} else if !m.churn.named() {
		m.w.funnel.NewConnections++
	}
	m.w.recorder.Record(metrics.ConnectTime, m.w.sinceT0(now), m.population, now-m.dialing)
}

// joined is told when the service counts the session as a member of its groups. What
// recoveries are measured by is since when it was ready.
func (m *member) joined(since, now time.Duration, success bool) {
	if success {
		m.w.checker.Joined(now, m.id)
		if m.connections > 1 {
			m.owedFrom(now, -1)
		}
		m.churn.rejoined(now)
	}
	m.back()
	if !m.everReady && success {
		m.everReady = true
		m.w.funnel.Joined++
		m.w.pulse.ready.Add(1)
	}
	if m.recovery != nil {
		m.recovery.joined(since)
		// What was published meanwhile is gone for a new connection: it is as far as
		// it can get as soon as it has joined.
		m.caughtUp(since)
	}
	if m.publisher != nil {
		m.publisher.flush()
	}
}

// owedFrom tells the checker what a member that has just joined a group, or all of them
// (-1), is not owed: recoveries must not wait for it.
func (m *member) owedFrom(now time.Duration, group int) {
	if m.w.run.topology.Subscribers[m.id].Reliable {
		m.w.checker.OwedFrom(m.id, group, m.w.dueBy(now))
	}
}

// strike lets a fault hit this member; false when it had no transport to lose.
func (m *member) strike(now time.Duration, i int, f *scenario.Fault) bool {
	if !m.attached || m.away || m.closing {
		m.w.injections.add(now, i, m.id, "missed")
		m.w.incidents[i].missed++
		return false
	}
	m.hurt(now, i)
	m.recovery.entry = m.w.injections.add(now, i, m.id, outcomeNames[outcomeOpen])
	if f.Misbehaves() {
		m.misbehave(now, f)
		return true
	}
	m.goAway()
	switch f.Kind {
	case scenario.FaultRST:
		m.client.Reset(now)
	case scenario.FaultFIN:
		m.client.HangUp(now)
	case scenario.FaultZombie:
		m.client.Forsake(now)
	case scenario.FaultClose:
		m.client.Interrupt(now, uint16(f.Code))
	case scenario.FaultRESTClose: // the nemesis has the service do it
		m.w.checker.CancelCatchUp(m.id)
	}
	return true
}

// spare takes back a strike that came to nothing; false when the transport is gone
// all the same.
func (m *member) spare(incident int) bool {
	if m.recovery == nil || m.recovery.incident != incident || m.recovery.detected != 0 {
		return false
	}
	m.w.injections.effect(m.recovery, "spared", 0)
	m.recovery = nil
	m.w.counts.recovering.add(-1)
	m.back()
	return true
}

// hurt opens a recovery: the way back from an incident, injected or not.
func (m *member) hurt(now time.Duration, incident int) {
	if m.recovery != nil { // it was back, but not caught up
		m.w.run.hitAgain(m.recovery.incident, now)
		m.giveUpRecovery(outcomeHitAgain)
	}
	m.recovery = &recovery{incident: incident, entry: noEntry, fault: now}
	m.w.counts.recovering.add(1)
}

func (m *member) goAway() {
	if !m.away {
		m.away = true
		m.w.counts.away++
	}
}

// giveUpRecovery files a recovery that will not be seen to catch up.
func (m *member) giveUpRecovery(why recoveryOutcome) {
	m.recovery.outcome = why
	m.w.incidents[m.recovery.incident].file(m.recovery)
	m.w.injections.effect(m.recovery, outcomeNames[why], 0)
	m.w.counts.recovering.add(-1)
	m.recovery = nil
}

func (m *member) back() {
	if m.away {
		m.away = false
		m.w.counts.away--
	}
}

// provenAfter is how long a resumed socket must hold before it counts: a service
// refuses a recovery by closing an open one (protocol.md 4.5).
const provenAfter = time.Second

func (m *member) proven(time.Duration) {
	m.stopAwaiting()
	m.back()
	if m.recovery != nil && m.recovery.nothingMissed != 0 {
		m.caughtUp(m.recovery.nothingMissed)
	}
}

func (m *member) dropped(now time.Duration, ev *wire.Event) {
	w := m.w
	if m.attached {
		m.attached = false
		w.counts.open.add(-1)
	}
	closed := closeKeyOf(ev)
	w.closes.add(closed)
	m.checkBudget(ev)
	w.checker.Dropped(now, m.id)
	m.overflowed = ev.ByPeer && strings.Contains(ev.CloseReason, "is full")
	if ev.CloseCode != closePolicy { // with which a recovery is refused: the outage goes on
		m.closedByPeer = ev.ByPeer && ev.CloseCode != 0
	}
	if m.closing || m.churn.ended() {
		return
	}
	if !m.everReady {
		w.run.connectFailed(errors.New("session " + itoa(m.id) + " was lost before it was ready: " + dropText(ev)))
	}
	w.funnel.Drops++
	m.stopAwaiting()
	if m.registered != nil {
		m.registered.Stop()
	}
	if m.away && m.recovery != nil {
		m.recovery.nothingMissed = 0
	}
	if m.recovery != nil && m.recovery.held {
		m.fall(now)
	}
	if m.recovery == nil || !m.away {
		w.funnel.UninjectedDrops++
		uninjected := len(w.incidents) - 1
		w.incidents[uninjected].begin(now)
		if w.incidents[uninjected].hit == 0 {
			w.run.note("note", "session "+itoa(m.id)+" dropped though no fault hit it: "+dropText(ev))
		}
		w.incidents[uninjected].hit++
		m.hurt(now, uninjected)
		m.goAway()
	}
	w.incidents[m.recovery.incident].closes.add(closed)
	if m.recovery.detect(now) {
		w.injections.drop(m.recovery, closed)
	}
	w.checker.CancelCatchUp(m.id)
}

func (m *member) ended(now time.Duration, ev *wire.Event) {
	why := metrics.EndDropped
	switch ev.Reason {
	case wire.EndByUs:
		why = metrics.EndByUs
	case wire.EndByPeer:
		why = metrics.EndByPeer
	case wire.EndRefused:
		why = m.refusal(now)
		m.w.funnel.RefusedRecovery++
	case wire.EndExpired:
		why = metrics.EndExpired
		m.w.funnel.RecoveryTimeouts++
	default:
	}
	if m.overflowed {
		why = metrics.EndOverflow
	}
	m.w.checker.Ended(now, m.id, why)
	if m.recovery != nil {
		m.recovery.end(why)
	}
}

// closePolicy is the code of a refused recovery (protocol.md 4.5).
const closePolicy = 1008

// refusal says what a refused recovery comes from. A service that has closed the
// session itself has ended it, and one that could not keep what is unacknowledged any
// more has, too, maybe without a word (protocol.md 4.4, 4.6).
func (m *member) refusal(now time.Duration) metrics.SessionEnd {
	messages, bytes := m.w.checker.Outstanding(m.id, m.w.dueBy(now))
	switch {
	case m.closedByPeer:
		return metrics.EndByPeer
	case messages+m.client.UnackedSequence() >= metrics.ServiceBudget.UnackedMessages, bytes >= metrics.ServiceBudget.UnackedBytes:
		return metrics.EndOverflow
	default:
		return metrics.EndRefused
	}
}

// checkBudget tells of a drop that is our own doing: the service cannot keep what we do
// not acknowledge.
func (m *member) checkBudget(ev *wire.Event) {
	held := metrics.BudgetPeak{UnackedMessages: m.client.UnackedSequence(), UnackedBytes: uint64(m.client.UnackedBytes())}
	if !ev.ByPeer || m.closing || !held.Spent() {
		return
	}
	m.w.selfInflicted++
	m.w.run.note("note", fmt.Sprintf("session %d was dropped by our own doing: %d messages of %d bytes were not acknowledged by a sequenceAck",
		m.id, held.UnackedMessages, held.UnackedBytes))
}

// caughtUp closes the recovery: nothing that was due before the socket opened is missing.
func (m *member) caughtUp(now time.Duration) {
	rec := m.recovery
	if rec == nil {
		return
	}
	m.recovery, m.recovered, m.incident = nil, true, rec.incident
	w := m.w
	w.counts.recovering.add(-1)
	if rec.held {
		rec.outcome = outcomeHeld
	}
	w.incidents[rec.incident].finish(rec, now)
	w.injections.effect(rec, outcomeNames[rec.outcome], now)
	if rec.outcome == outcomeResumed {
		w.funnel.Recovered++
	}
	if rec.outcome != outcomeHeld { // else it was never out
		since := w.sinceT0(rec.fault)
		w.recorder.Record(metrics.RecoveryTime, since, m.population, now-rec.detected)
		w.recorder.Record(metrics.OutageTime, since, m.population, now-rec.fault)
	}
	w.run.returned(rec.incident, now)
}

// giveUp files a recovery that the end of the run leaves open.
func (m *member) giveUp() {
	if m.recovery != nil {
		m.giveUpRecovery(outcomeOpen)
	}
	if m.attached {
		m.w.funnel.AtEnd++
	}
}

func (m *member) close(now time.Duration) {
	m.closing = true
	if m.relent != nil {
		m.behave(now)
	}
	m.stopAwaiting()
	if m.registered != nil {
		m.registered.Stop()
	}
	m.client.Close(now, 1000)
}

func (m *member) finish() {
	if m.closed {
		return
	}
	m.closed = true
	m.w.counts.finished++
	m.w.pulse.finished.Add(1)
}

func dropText(ev *wire.Event) string {
	switch {
	case ev.CloseCode != 0:
		return "close " + itoa(int(ev.CloseCode)) + " " + ev.CloseReason
	case ev.Err != nil:
		return errorKind(ev.Err)
	default:
		return "unknown cause"
	}
}

// errorKind is the innermost cause: short, and without addresses that differ per connection.
func errorKind(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}
