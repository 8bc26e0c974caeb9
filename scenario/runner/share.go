package runner

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/metrics/exact"
	"github.com/wpsbench/wpsbench/wire"
)

// Share says which share of the plan a process executes; the zero value is all of it.
type Share struct{ Index, Of int }

// ServeShare executes the share cfg.Share of a plan for the controller at the other
// end of both streams (Config.Processes there) and returns when it has left its shard.
// The end of orders, or of ctx, ends it at once.
func ServeShare(ctx context.Context, orders *bufio.Reader, out io.Writer, cfg Config) error {
	api, idle, err := restOf(&cfg)
	if err != nil {
		return err
	}
	defer idle()
	cfg.Target.REST = api
	cfg.Processes = nil
	s := &shareServer{run: newRun(cfg), out: out}
	s.local = local{s.run}
	s.topology.ShareVoids()
	return s.serve(ctx, orders)
}

// shareServer executes a share of a run: a run without a controller, which gathers what its
// workers have to say until that is sent.
type shareServer struct {
	*run
	local local

	talk     sync.Mutex // guards what follows
	out      io.Writer
	sent     int           // pressures
	tallies  map[int]tally // as sent
	saying   map[int]tally // scratch
	lastDial *error        // as sent

	telling sync.WaitGroup // the goroutine of the news
}

func (s *shareServer) serve(ctx context.Context, orders *bufio.Reader) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	end := s.startWorkers(ctx)
	err := s.obey(ctx, orders)
	cancel() // ends the news
	s.telling.Wait()
	if endErr := end(); err == nil {
		err = endErr
	}
	if err != nil {
		return err
	}
	return s.leave()
}

// obey carries out orders up to END.
func (s *shareServer) obey(ctx context.Context, orders *bufio.Reader) error {
	if err := s.say(&dispatch{Say: sayPrepared, Workers: s.local.size(), Sessions: s.local.sessions()}); err != nil {
		return err
	}
	for {
		var o order
		if err := readLine(orders, &o); err != nil {
			if errors.Is(err, io.EOF) {
				err = errors.New("the controller has ended")
			}
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.carryOut(ctx, &o); err != nil {
			return err
		}
		if o.Order == orderEnd {
			return nil
		}
	}
}

func (s *shareServer) carryOut(ctx context.Context, o *order) error {
	switch o.Order {
	case orderConnect:
		s.start = o.At
		s.setPhase(phaseConnect)
		s.local.connect(o.At)
		s.telling.Go(func() { s.tell(ctx) })
	case orderStart:
		s.setPhase(phaseWarmup)
		s.local.begin(o.At)
	case orderStop:
		s.local.stopPublishing(o.At)
	case orderBeat:
		s.local.beat()
		return s.news(sayAnswer)
	case orderProbe:
		s.local.probe()
		return s.news(sayAnswer)
	case orderEvidence:
		return s.testify()
	case orderClose:
		s.local.closeAll()
		return s.news(sayAnswer)
	case orderOver:
		s.local.incidentOver(o.Incident, o.At)
	case orderVoids:
		s.topology.AddVoids(o.Voids)
	case orderEnd:
		s.local.end()
		return s.news(sayNews)
	default:
		return fmt.Errorf("unknown order %q", o.Order)
	}
	return nil
}

// setPhase lets the workers know whether the run is still being set up.
func (s *shareServer) setPhase(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.phase = name
}

// tell sends the news until ctx ends.
func (s *shareServer) tell(ctx context.Context) {
	ticker := time.NewTicker(pulseEvery)
	defer ticker.Stop()
	ready := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if s.news(sayNews) != nil {
			return // nobody reads: the orders will have ended, too
		}
		if !ready && int(s.local.standing().Ready) == s.connections() {
			ready = true
			s.local.rest(ctx)
			_ = s.say(&dispatch{Say: sayReady})
		}
	}
}

// connections is how many connections of the plan are this share's, sessions or not.
func (s *shareServer) connections() int { return s.local.nodes()[0].connections }

// news sends what has gathered.
func (s *shareServer) news(say string) error {
	s.talk.Lock()
	defer s.talk.Unlock()
	s.watch(wire.Now())
	d := &dispatch{Say: say, Standing: s.local.standing(), Connected: s.connectedOnce.Load(), Voids: s.topology.TakeVoids()}
	if last := s.lastConnectErr.Load(); last != nil && last != s.lastDial {
		s.lastDial, d.DialError = last, (*last).Error()
	}
	select {
	case err := <-s.setupFailed:
		d.Refused = err.Error()
	default:
	}
	s.mu.Lock()
	batch, changed := s.handed, s.changedTallies()
	d.Events, s.handed, s.events, s.pending = s.events, nil, nil, nil
	s.mu.Unlock()
	var err error
	for _, h := range batch {
		i := interval{Tick: h.tick}
		if i.Data, err = h.iv.AppendBinary(nil); err != nil {
			return err
		}
		h.iv.Release()
		d.Intervals = append(d.Intervals, i)
	}
	if len(changed) > 0 {
		if d.Tallies, err = exact.Append(nil, &changed); err != nil {
			return err
		}
	}
	if fresh := s.seen[s.sent:]; len(fresh) > 0 {
		if d.Pressures, err = exact.Append(nil, &fresh); err != nil {
			return err
		}
		s.sent = len(s.seen)
	}
	return writeLine(s.out, d)
}

// changedTallies are those that are not as they were sent.
func (s *shareServer) changedTallies() map[int]tally {
	if s.tallies == nil {
		s.tallies, s.saying = map[int]tally{}, map[int]tally{}
	}
	clear(s.saying)
	for i := range s.states {
		if now := s.states[i].tally; now != s.tallies[i] {
			s.tallies[i], s.saying[i] = now, now
		}
	}
	return s.saying
}

// testify sends what the checkers have seen.
func (s *shareServer) testify() error {
	resume := make(chan struct{})
	d := &dispatch{Say: sayAnswer, Standing: s.local.standing()}
	shards := s.local.evidence(resume)
	err := appendShards(&d.Evidence, shards)
	close(resume)
	if err != nil {
		return err
	}
	return s.say(d)
}

func appendShards(dst *[][]byte, shards []*metrics.Shard) error {
	for _, shard := range shards {
		b, err := shard.AppendBinary(nil)
		if err != nil {
			return err
		}
		*dst = append(*dst, b)
	}
	return nil
}

// leave says what is left of the workers, which have ended.
func (s *shareServer) leave() error {
	leavings := s.local.leavings()
	n := s.local.nodes()[0]
	r := remains{PID: n.pid, Connections: n.connections, PeakBytes: n.peakBytes, CPUSeconds: n.cpuSeconds}
	var err error
	if r.Workers, err = exact.Append(nil, &leavings); err != nil {
		return err
	}
	done, err := json.Marshal(&r)
	if err != nil {
		return err
	}
	return s.say(&dispatch{Say: sayDone, Done: done})
}

func (s *shareServer) say(d *dispatch) error {
	s.talk.Lock()
	defer s.talk.Unlock()
	return writeLine(s.out, d)
}
