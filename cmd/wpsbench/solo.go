package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/wpsbench/wpsbench/wire"
)

// solo is the one session of sub and pub, from start to end. Its fields and methods
// belong to the loop's goroutine once run has been called.
type solo struct {
	app    *app
	remote *remote
	quiet  bool
	wait   *progress // for the connection
	loop   *wire.Loop
	client *wire.Client
	on     func(now time.Duration, ev *wire.Event) // what is the command's

	ready   bool // has been: the target works
	lost    bool // and then the connection was
	closing bool
	err     error // why it ended by itself
	stop    context.CancelFunc
}

// newSolo returns a session that behaves as cfg says and is let in as access says.
func (a *app) newSolo(c *cli.Context, r *remote, cfg wire.SessionConfig, access wire.Access) (*solo, error) {
	wait, err := a.newProgress(c)
	if err != nil {
		return nil, err
	}
	s := &solo{app: a, remote: r, quiet: c.Bool("quiet"), wait: wait, loop: wire.NewLoop(r.dialer, wire.TransportDefault)}
	s.client = s.loop.Open(&cfg, r.clientURL(access), s, rand.Uint64())
	return s, nil
}

// run connects and returns when the session is over, which end asks for. A signal
// ends it in good order, a second one at once.
func (s *solo) run(sig signals) error {
	ctx, cancel := context.WithCancel(sig.cut)
	defer cancel()
	s.stop = cancel
	defer context.AfterFunc(sig.stop, func() { s.loop.Do(s.end) })()
	s.wait.doing("connecting to " + s.remote.endpoint())
	defer s.wait.end()
	s.loop.Do(s.client.Start)
	return errors.Join(s.loop.Run(ctx), s.err)
}

// end closes the session. Code 1000 lets the service forget it at once.
func (s *solo) end(now time.Duration) {
	s.closing = true
	s.client.Close(now, 1000)
}

// fail ends the session with an error. Only the first one counts.
func (s *solo) fail(now time.Duration, err error) {
	if s.err == nil {
		s.err = err
	}
	s.end(now)
}

// Event implements wire.Handler: it tells people what becomes of the connection. The
// first attempt is the only one, like the start of the official clients: an address
// that does not work now is more likely wrong than early.
func (s *solo) Event(now time.Duration, ev *wire.Event) {
	switch ev.Kind {
	case wire.EventDialFailed:
		if !s.ready {
			s.fail(now, s.failure(ev.Err))
		}
	case wire.EventAcked:
		if ev.Request.Kind == wire.JoinGroup && !ev.Success {
			s.fail(now, s.failure(fmt.Errorf("join %s: %s: %s", ev.Request.Group, ev.Message.ErrorName, ev.Message.ErrorMessage)))
		}
	case wire.EventDropped:
		s.dropped(now, ev)
	case wire.EventOpened:
		if ev.Recovering {
			s.back("recovered; nothing is missing")
		}
	case wire.EventReady:
		s.wait.end()
		if ev.Success {
			s.ready = true
			s.back("connected anew")
		}
	case wire.EventNotice:
		s.say("%s says: %s", s.remote.endpoint(), visible(string(ev.Message.Reason)))
	case wire.EventProtocolError:
		s.say("%s breaks the protocol: %v", s.remote.endpoint(), ev.Err)
	case wire.EventClosed:
		if !s.closing {
			s.fail(now, s.failure(errors.New("the connection was lost and could not be made again")))
		}
	default:
	}
	s.on(now, ev)
	if ev.Kind == wire.EventClosed {
		s.stop()
	}
}

func (s *solo) dropped(now time.Duration, ev *wire.Event) {
	why := errors.New("the server ended the connection")
	switch {
	case ev.CloseCode != 0:
		why = fmt.Errorf("close %d %s", ev.CloseCode, visible(ev.CloseReason))
	case ev.Err != nil:
		why = ev.Err
	}
	switch {
	case s.closing:
	case !s.ready:
		s.fail(now, s.failure(why))
	case !s.lost:
		s.lost = true
		s.say("connection lost: %v", why)
	}
}

func (s *solo) back(how string) {
	if s.lost {
		s.lost = false
		s.say("%s", how)
	}
}

func (s *solo) failure(err error) error {
	return failf(exitSetup, "target %s: %w", s.remote.endpoint(), err)
}

// say writes a line for people.
func (s *solo) say(format string, args ...any) {
	if !s.quiet {
		_, _ = fmt.Fprintf(s.app.stderr, "wpsbench: %s\n", s.app.redact.text(fmt.Sprintf(format, args...)))
	}
}
