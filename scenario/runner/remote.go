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

	"golang.org/x/sync/errgroup"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/metrics/exact"
	"github.com/wpsbench/wpsbench/wire"
)

// Process is another process of this machine that runs ServeShare.
type Process struct {
	Name  string         // for people
	Says  *bufio.Reader  // its standard output
	Obeys io.WriteCloser // its standard input; closing it ends the process
}

// LostError says that a process of the generator ended before its time.
type LostError struct {
	Process     string
	Connections int // sessions that were its; 0 when it had not come so far as to count them
	Err         error
}

func (e *LostError) Error() string { return fmt.Sprintf("%s was lost: %v", e.Process, e.Err) }

func (e *LostError) Unwrap() error { return e.Err }

// prepareTimeout is how long a process may take to expand the plan.
const prepareTimeout = time.Minute

// remote is the part that another process executes.
type remote struct {
	run *run
	Process
	lose func(error) // ends the run

	prepared dispatch
	ready    chan struct{}  // closed with READY
	answers  chan *dispatch // to what the controller has asked
	ended    chan struct{}  // closed when nothing more will come
	obeying  sync.Mutex     // of what follows
	orders   []order        // not written yet
	writing  bool           // somebody writes them
	mu       sync.Mutex     // of what follows
	now      standing       //
	tallies  map[int]tally  // by incident
	seen     []pressure     // by tick
	left     []*leaving     // with DONE
	process  node           // with DONE
}

// employ makes the processes parts of the run. When one of them is lost both contexts
// end, and dismiss, which waits until nothing is heard of any of them, says so.
func (r *run) employ(stop, cut context.Context) (context.Context, context.Context, func() error, error) {
	stop, endStop := context.WithCancel(stop)
	cut, endCut := context.WithCancel(cut)
	var once sync.Once
	var lost error
	lose := func(err error) { once.Do(func() { lost = err; endStop(); endCut() }) }
	var remotes []*remote
	for _, p := range r.cfg.Processes {
		m := &remote{
			run: r, Process: p, lose: lose,
			ready: make(chan struct{}), answers: make(chan *dispatch, 1), ended: make(chan struct{}), tallies: map[int]tally{},
		}
		remotes = append(remotes, m)
		r.parts = append(r.parts, m)
	}
	var preparing errgroup.Group
	for _, m := range remotes {
		preparing.Go(m.prepare)
	}
	if err := preparing.Wait(); err != nil {
		endStop()
		endCut()
		return nil, nil, nil, err
	}
	if len(remotes) > 0 { // making the workers took its time
		r.start, r.startedAt = wire.Now(), time.Now()
	}
	var listening sync.WaitGroup
	for _, m := range remotes {
		listening.Go(m.listen)
	}
	dismiss := func() error {
		listening.Wait()
		endStop()
		endCut()
		return lost
	}
	return stop, cut, dismiss, nil
}

// prepare waits until the process has made its workers, and listens to it from then on.
func (m *remote) prepare() error {
	timer := time.AfterFunc(prepareTimeout, func() { _ = m.Obeys.Close() })
	defer timer.Stop()
	if err := readLine(m.Says, &m.prepared); err != nil {
		return m.lost(err)
	}
	if m.prepared.Say != sayPrepared {
		return m.lost(fmt.Errorf("it says %q where %s is due", m.prepared.Say, sayPrepared))
	}
	return nil
}

func (m *remote) lost(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("it ended before its time")
	}
	return &LostError{Process: m.Name, Connections: m.prepared.Sessions, Err: err}
}

// listen takes the lines of the process up to DONE.
func (m *remote) listen() {
	defer close(m.ended)
	for {
		d := new(dispatch)
		err := readLine(m.Says, d)
		if err == nil {
			err = m.take(d)
		}
		switch {
		case err != nil:
			m.lose(m.lost(err))
			return
		case d.Say == sayDone:
			return
		}
	}
}

func (m *remote) take(d *dispatch) error {
	switch d.Say {
	case sayReady:
		close(m.ready)
		return nil
	case sayDone:
		return m.done(d.Done)
	}
	r := m.run
	changed := map[int]tally{}
	var pressures []pressure
	if err := errors.Join(readIf(d.Tallies, &changed), readIf(d.Pressures, &pressures)); err != nil {
		return err
	}
	m.mu.Lock()
	m.now = d.Standing
	m.seen = append(m.seen, pressures...)
	for i, t := range changed {
		m.tallies[i] = t
	}
	m.mu.Unlock()
	for _, h := range d.Intervals {
		iv := new(metrics.Interval)
		if err := iv.UnmarshalBinary(h.Data); err != nil {
			return err
		}
		r.handOver(h.Tick, iv)
	}
	if d.Connected {
		r.connectedOnce.Store(true)
	}
	if d.DialError != "" {
		r.connectFailed(errors.New(d.DialError))
	}
	if d.Refused != "" {
		r.failSetup(errors.New(d.Refused))
	}
	for _, e := range d.Events {
		r.adopt(e)
	}
	for i := range changed {
		r.settle(i)
	}
	if len(d.Voids) > 0 {
		for _, p := range r.parts {
			if other, ok := p.(*remote); ok && other != m {
				other.order(order{Order: orderVoids, Voids: d.Voids})
			}
		}
	}
	if d.Say == sayAnswer {
		m.answers <- d
	}
	return nil
}

func readIf[T any](b []byte, v *T) error {
	if len(b) == 0 {
		return nil
	}
	return exact.Read(b, v)
}

func (m *remote) done(b json.RawMessage) error {
	var r remains
	if err := json.Unmarshal(b, &r); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.process = node{pid: r.PID, connections: r.Connections, peakBytes: r.PeakBytes, cpuSeconds: r.CPUSeconds}
	return exact.Read(r.Workers, &m.left)
}

// order sends an order, after those before it. It does not wait for it to be taken: the
// process may not read until it is listened to, and who listens gives orders, too.
func (m *remote) order(o order) {
	m.obeying.Lock()
	defer m.obeying.Unlock()
	m.orders = append(m.orders, o)
	if !m.writing {
		m.writing = true
		go m.write() // until nothing is left, or Obeys is closed
	}
}

// write writes the orders. That it fails shows at the other stream.
func (m *remote) write() {
	for {
		m.obeying.Lock()
		batch := m.orders
		m.orders = nil
		m.writing = len(batch) > 0
		m.obeying.Unlock()
		if len(batch) == 0 {
			return
		}
		for i := range batch {
			_ = writeLine(m.Obeys, &batch[i])
		}
	}
}

// ask sends an order and waits for its answer, nil when none will come.
func (m *remote) ask(o order) *dispatch {
	m.order(o)
	select {
	case d := <-m.answers:
		return d
	case <-m.ended:
		return nil
	}
}

func (m *remote) size() int     { return m.prepared.Workers }
func (m *remote) sessions() int { return m.prepared.Sessions }

func (m *remote) connect(start time.Duration) { m.order(order{Order: orderConnect, At: start}) }

func (m *remote) standing() standing {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// rest is done by the process itself, once it is ready.
func (m *remote) rest(ctx context.Context) {
	select {
	case <-m.ready:
	case <-m.ended:
	case <-ctx.Done():
	}
}

func (m *remote) begin(t0 time.Duration)           { m.order(order{Order: orderStart, At: t0}) }
func (m *remote) stopPublishing(end time.Duration) { m.order(order{Order: orderStop, At: end}) }
func (m *remote) beat()                            { m.ask(order{Order: orderBeat}) }
func (m *remote) probe()                           { m.ask(order{Order: orderProbe}) }
func (m *remote) closeAll()                        { m.ask(order{Order: orderClose}) }

func (m *remote) incidentOver(i int, at time.Duration) {
	m.order(order{Order: orderOver, Incident: i, At: at})
}

func (m *remote) tally(i int) tally {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.tallies[i]
}

func (m *remote) evidence(<-chan struct{}) []*metrics.Shard {
	d := m.ask(order{Order: orderEvidence})
	if d == nil {
		return nil
	}
	shards := make([]*metrics.Shard, len(d.Evidence))
	for i, b := range d.Evidence {
		shards[i] = new(metrics.Shard)
		if err := shards[i].UnmarshalBinary(b); err != nil {
			m.lose(m.lost(err))
			return nil
		}
	}
	return shards
}

// end waits until the process has left its shard.
func (m *remote) end() {
	m.order(order{Order: orderEnd})
	<-m.ended
}

func (m *remote) leavings() []*leaving {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.left
}

func (m *remote) nodes() []node {
	m.mu.Lock()
	defer m.mu.Unlock()
	return []node{m.process}
}

func (m *remote) pressures() []pressure {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.seen
}
