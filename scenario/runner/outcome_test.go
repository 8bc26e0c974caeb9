package runner

import (
	"errors"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire"
)

// What an answer says of a publish: a refusal that the message was not brokered, any other
// error nothing, and a refusal of a later attempt nothing of the earlier ones (protocol.md 3.4).
func TestOutcomeOfAnswers(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name       string
		success    bool
		duplicate  bool
		error      string
		renumbered int
		want       metrics.Outcome
	}{
		{"success", true, false, "", 0, metrics.OutcomeOK},
		{"executed before", true, true, "Duplicate", 0, metrics.OutcomeOK},
		{"success of a later attempt", true, false, "", 1, metrics.OutcomeOK},
		{"forbidden", false, false, "Forbidden", 0, metrics.OutcomeFail},
		{"bad request", false, false, "BadRequest", 0, metrics.OutcomeFail},
		{"the service's own fault", false, false, "InternalServerError", 0, metrics.OutcomeError},
		{"no name", false, false, "", 0, metrics.OutcomeError},
		{"a later attempt is forbidden", false, false, "Forbidden", 1, metrics.OutcomeError},
	} {
		w := &worker{}
		m := &member{w: w}
		got := m.outcome(&wire.Event{
			Success: row.success, Duplicate: row.duplicate,
			Message: &wire.Downstream{ErrorName: []byte(row.error)}, Request: &wire.Request{Renumbered: row.renumbered},
		})
		if got != row.want || (w.counts.duplicate == 1) != row.duplicate {
			t.Errorf("%s: outcome %d, %d duplicates; want %d", row.name, got, w.counts.duplicate, row.want)
		}
	}
}

// judgedAlone is what the judge says of one publish with an ack, nothing of which was delivered, after
// what happens to it.
func judgedAlone(t *testing.T, set []string, happens func(w *worker, m *member)) (metrics.Totals, *worker) {
	t.Helper()
	r := newRun(newFake(t, script{}).config(t, planOf(t, base, append([]string{"populations.members.connections=2", "groups.room.count=1"}, set...)...)))
	w := r.workers[0]
	w.t0 = wire.Now()
	m := w.members[0]
	w.checker.Opened(w.t0-2, m.id, false)
	w.checker.Joining(m.id)
	w.checker.Joined(w.t0-1, m.id)
	m.publisher = newPublisher(w, openOutlet{}, m.publisher.id)
	if !m.publisher.advance() {
		t.Fatal("the schedule is empty")
	}
	m.publisher.fire()
	happens(w, m)
	j := metrics.Judge(r.topology, metrics.JudgeOptions{Profile: metrics.Strict, T0: w.t0, Start: r.start}, w.checker.Shard())
	return j.Totals, w
}

// A publish that never got its answer is indeterminate, and what is missing of it excused by
// what became of its session.
func TestUnanswered(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		set     []string
		request wire.Request
		want    metrics.Publishes
		excused metrics.Excused // of two copies
	}{
		{
			"plain", []string{plainProtocol}, wire.Request{Kind: wire.SendToGroup},
			metrics.Publishes{Scheduled: 1, Sent: 1, Indeterminate: 1}, metrics.Excused{Disconnect: 2},
		},
		{
			"reliable", []string{reliableProtocol}, wire.Request{Kind: wire.SendToGroup},
			metrics.Publishes{Scheduled: 1, Sent: 1, Indeterminate: 1}, metrics.Excused{SessionEnded: 2},
		},
		{
			"of a client that retries under new ack ids", []string{"populations.members.client=sdk-js"}, wire.Request{Kind: wire.SendToGroup},
			metrics.Publishes{Scheduled: 1, Sent: 1, Indeterminate: 1, Errored: 1}, metrics.Excused{Unacknowledged: 2},
		},
		{
			"an event", []string{plainProtocol}, wire.Request{Kind: wire.SendEvent},
			metrics.Publishes{Scheduled: 1, Sent: 1, Indeterminate: 1}, metrics.Excused{Disconnect: 2},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			row.request.Resends, row.request.Renumbered = 2, 3
			got, w := judgedAlone(t, row.set, func(_ *worker, m *member) { m.unanswered(wire.Now(), &wire.Event{Request: &row.request}) })
			if got.Publishes != row.want || got.Deliveries.Excused != row.excused {
				t.Errorf("publishes %+v, excused %+v; want %+v, %+v", got.Publishes, got.Deliveries.Excused, row.want, row.excused)
			}
			if w.counts.resent != 5 || w.counts.outstanding != 0 {
				t.Errorf("%d sent again, %d outstanding; want 5, none", w.counts.resent, w.counts.outstanding)
			}
		})
	}
	t.Run("a join is no publish", func(t *testing.T) {
		t.Parallel()
		got, w := judgedAlone(t, nil, func(_ *worker, m *member) {
			m.unanswered(wire.Now(), &wire.Event{Request: &wire.Request{Kind: wire.JoinGroup, Resends: 2}})
		})
		if got.Publishes.Sent != 1 || w.counts.outstanding != 1 || w.counts.resent != 0 {
			t.Errorf("publishes %+v, %d outstanding, %d sent again; want one that is", got.Publishes, w.counts.outstanding, w.counts.resent)
		}
	})
}

// What the REST API answers is to a caller what an ack is to a session: it accepts, it
// refuses, or it leaves open what became of the message; no answer leaves it open, too. Only an
// answer has a latency, and none is taken once the evidence is closed.
func TestCallerAnswered(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		err    error
		closed bool
		want   metrics.Publishes
		acks   uint64
	}{
		{"accepted", nil, false, metrics.Publishes{OK: 1}, 1},
		{"refused", &wire.RESTError{Status: 403}, false, metrics.Publishes{Fail: 1}, 1},
		{"the last refusal", &wire.RESTError{Status: 499}, false, metrics.Publishes{Fail: 1}, 1},
		{"an error", &wire.RESTError{Status: 500}, false, metrics.Publishes{Indeterminate: 1, Errored: 1}, 1},
		{"unavailable", &wire.RESTError{Status: 503}, false, metrics.Publishes{Indeterminate: 1, Errored: 1}, 1},
		{"no answer", errors.New("connection reset"), false, metrics.Publishes{Indeterminate: 1}, 0},
		{"after the end", nil, true, metrics.Publishes{Indeterminate: 1}, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			got, w := judgedAlone(t, nil, func(w *worker, m *member) {
				c := &caller{w: w, publisher: m.publisher, underWay: 1}
				if row.closed {
					w.shard = w.checker.Shard()
				}
				c.answered(0, 0, w.t0, w.t0+time.Millisecond, row.err)
				if c.underWay != 0 {
					t.Errorf("%d calls under way after the answer", c.underWay)
				}
			})
			row.want.Scheduled, row.want.Sent = 1, 1
			if got.Publishes != row.want {
				t.Errorf("publishes %+v, want %+v", got.Publishes, row.want)
			}
			if acks := w.recorder.Interval().Acked; acks != row.acks {
				t.Errorf("%d latencies, want %d", acks, row.acks)
			}
		})
	}
}
