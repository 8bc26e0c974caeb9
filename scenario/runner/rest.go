package runner

import (
	"context"
	"errors"
	"math"
	"net/http"
	"sync"
	"time"

	"github.com/wpsbench/wpsbench/wire"
)

const (
	// restCalls is how many REST calls one caller, or one fault on one worker, has under
	// way at once.
	restCalls = 16
	// restTimeout bounds one of them.
	restTimeout = 10 * time.Second
	// restReason is what the clients hear that a fault closes.
	restReason = "fault of the load test"
)

// restOf returns the target's REST API with an HTTP client that reaches it as the
// sessions do, and what lets go of its connections; nil where the scenario has no
// use for it.
func restOf(cfg *Config) (api *wire.REST, idle func(), err error) {
	if !cfg.Plan.Scenario.NeedsREST() {
		return nil, func() {}, nil
	}
	if cfg.Target.REST == nil {
		return nil, nil, errors.New("rest populations and the fault rest-close need a connection string or an Entra token: the REST API asks for the one or the other")
	}
	own := *cfg.Target.REST
	if own.Client != nil {
		return &own, func() {}, nil
	}
	transport := &http.Transport{
		TLSClientConfig: cfg.Dialer.TLS.Clone(), // of nil it is nil
		Proxy:           cfg.Dialer.Proxy,
		// No call waits for a connection here, where it would not show, and every
		// connection is kept: opening one is no part of what is measured.
		MaxIdleConnsPerHost: math.MaxInt32,
		IdleConnTimeout:     time.Minute,
	}
	own.Client = &http.Client{Transport: transport}
	return &own, transport.CloseIdleConnections, nil
}

// closeByREST has the service close sessions that were struck, beside the loop. Calls
// that fail and change nothing have hit nobody.
func (w *worker) closeByREST(hit []*member) {
	incidents := make([]int, len(hit)) // a session may be struck again before its call comes back
	ids, to := make([]string, len(hit)), make([]wire.Audience, len(hit))
	for j, m := range hit {
		ids[j], incidents[j] = m.client.ConnectionID(), m.recovery.incident
		to[j] = wire.ToConnection(ids[j])
	}
	w.run.driver.beside(&w.calls, func() {
		failures := make([]error, len(to))
		w.closeEach(to, func(j int, err error) { failures[j] = err })
		w.loop.Do(func(time.Duration) {
			for j, err := range failures {
				if refused := (*wire.RESTError)(nil); errors.As(err, &refused) && hit[j].client.ConnectionID() == ids[j] {
					hit[j].askedToClose = false
				}
				spared := err != nil && hit[j].spare(incidents[j])
				if spared {
					w.run.note("note", "session "+itoa(hit[j].id)+" was not closed: "+err.Error())
				}
				w.run.called(incidents[j], spared)
			}
		})
	})
}

// closeEach makes a call for each audience and tells what became of it, from several
// goroutines. It returns when all calls have.
func (w *worker) closeEach(to []wire.Audience, done func(j int, err error)) {
	var callers sync.WaitGroup
	for first := range min(restCalls, len(to)) {
		w.run.driver.beside(&callers, func() {
			for j := first; j < len(to); j += restCalls {
				ctx, cancel := context.WithTimeout(w.ctx, restTimeout)
				err := w.run.cfg.Target.REST.Close(ctx, to[j], restReason)
				cancel()
				done(j, err)
			}
		})
	}
	callers.Wait()
}
