package runner

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire"
)

// caller publishes over the REST API as an application server does: each message is
// a request of its own, several may be under way at once, and none waits for the one
// before it, so that their order is nobody's promise. The answer is what an ack is
// to a session.
type caller struct {
	w         *worker
	publisher *publisher
	metadata  map[string]string // of every message
	underWay  int
}

func newCaller(w *worker, publisher int) *caller {
	c := &caller{w: w}
	c.publisher = newPublisher(w, c, publisher)
	c.metadata = w.run.plan.Scenario.Populations[c.publisher.info.Population].Publish.Metadata
	return c
}

func (c *caller) state() outletState {
	if c.underWay >= restCalls {
		return outletPushed
	}
	return outletReady
}

func (c *caller) epoch() uint8 { return 1 }

func (c *caller) publish(now time.Duration, p *wire.Publish) error {
	c.underWay++
	message := &wire.RESTMessage{
		DataType: p.DataType, Data: slices.Clone(p.Data), TTLSeconds: int(p.TTLSeconds), Metadata: c.metadata,
	}
	addresses, tag, due := c.publisher.info.Addresses, p.Tag, p.Due
	to := c.w.run.audience(addresses[tag%uint64(len(addresses))])
	c.w.calls.Add(1)
	go func() {
		defer c.w.calls.Done()
		ctx, cancel := context.WithTimeout(c.w.ctx, restTimeout)
		err := c.w.run.cfg.Target.REST.Send(ctx, to, message)
		cancel()
		at := wire.Now()
		c.w.loop.Do(func(time.Duration) { c.answered(tag, due, now, at, err) })
	}()
	return nil
}

// answered files the answer that the service gave at an instant, and sends what has
// waited for it.
func (c *caller) answered(tag uint64, due, sent, at time.Duration, err error) {
	c.underWay--
	w := c.w
	if w.shard != nil {
		return // the evidence is closed
	}
	var refused *wire.RESTError
	answer := err == nil || errors.As(err, &refused)
	if answer {
		c.publisher.acked(tag, due, sent, at)
	}
	outcome := metrics.OutcomeIndeterminateDisconnect
	switch {
	case err == nil:
		outcome = metrics.OutcomeOK
	case answer && refused.Status < http.StatusInternalServerError:
		outcome = metrics.OutcomeFail
	case answer:
		outcome = metrics.OutcomeError
	}
	c.publisher.answered(tag, outcome)
	if len(c.publisher.backlog) > 0 {
		c.publisher.flush()
	}
}
