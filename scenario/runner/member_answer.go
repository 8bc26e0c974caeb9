package runner

import (
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire"
)

func (m *member) answered(now time.Duration, ev *wire.Event) {
	w, req := m.w, ev.Request
	if ev.Duplicate {
		w.checker.Duplicate(now, m.id, req.AckID, req.Resends > 0)
	}
	switch req.Kind {
	case wire.JoinGroup:
		w.recorder.Record(metrics.JoinRTT, w.sinceT0(req.SentAt), m.population, now-req.SentAt)
		if !ev.Success {
			w.funnel.FailedJoins++
			w.run.joinRefused(req.Group, string(ev.Message.ErrorName), string(ev.Message.ErrorMessage))
		}
		m.churn.answered(now, req, ev.Success)
	case wire.LeaveGroup:
		m.churn.answered(now, req, ev.Success)
	case wire.SendToGroup, wire.SendEvent:
		m.publisher.acked(req.Tag, req.Due, req.SentAt, now)
		w.counts.resent += uint64(req.Resends + req.Renumbered)
		if req.Resends > 0 {
			m.publisher.resent(req.Tag, req.Due, now)
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

func (m *member) unanswered(now time.Duration, ev *wire.Event) {
	if ev.Request.Kind != wire.SendToGroup && ev.Request.Kind != wire.SendEvent {
		return
	}
	m.w.counts.resent += uint64(ev.Request.Resends + ev.Request.Renumbered)
	if ev.Request.Resends > 0 {
		m.publisher.resent(ev.Request.Tag, ev.Request.Due, now)
	}
	o := metrics.OutcomeIndeterminateDisconnect
	switch {
	case m.publisher.info.Renumbers:
		o = metrics.OutcomeError // its retries ran out, whatever became of the session
	case m.publisher.info.Reliable && m.whyEnded(now, ev.Reason) == metrics.EndOverflow:
		o = metrics.OutcomeIndeterminateOverflow
	case m.publisher.info.Reliable:
		o = metrics.OutcomeIndeterminateSessionEnded
	}
	m.publisher.answered(ev.Request.Tag, o)
}
