package runner

import (
	"fmt"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/wire"
)

// Config is what a run needs beside its plan.
type Config struct {
	Plan   *scenario.Plan
	Target Target
	Dialer *wire.Dialer
	// Workers is the number of loops the sessions are cut over; 0 = GOMAXPROCS.
	Workers int
	// Processes, if any, execute the run in shares: this process controls it only. They
	// must be in the order of their Share.Index.
	Processes []Process
	// Share is the share of a process that runs ServeShare.
	Share Share
	// Transport moves the bytes of the sessions' sockets; "" = the system's default.
	Transport wire.Transport
	// RunID stands in every payload and, on targets that are not ours, in every
	// group name, so that two runs on one hub do not see each other.
	RunID uint32
	// Bodies, by population, stand behind the header of every payload instead of
	// seeded padding (payload_file); nil = padding.
	Bodies [][]byte
	// Profile decides what the checker calls a violation.
	Profile metrics.Profile
	// Monitor watches this process for the validity gates; nil = it is not watched, and
	// those gates are not measured.
	Monitor *Monitor
	// ConnectTimeout bounds the connect phase beyond its planned ramp; 0 = 60 s.
	ConnectTimeout time.Duration
	// Progress, when set, is called about once a second and at every event, from one goroutine.
	Progress func(Progress)
}

// Progress is the state of a run at one instant.
type Progress struct {
	Since time.Duration // since the start of the run
	Phase string
	Event string // non-empty: something happened; the counters stand beside it
	Open  int    // attached sessions
	// Recovering sessions lost their transport and are on their way back.
	Recovering int
	Planned    int
	// Rates of the last interval, per second.
	SentPerSec, DeliveredPerSec float64
	// P50, P99 are response times and LagP99 the schedule lag of the last
	// interval; negative = no samples.
	P50, P99, LagP99 time.Duration
}

// SetupError says that the run never got going: the target could not be reached,
// refused the first session, or refused a join.
type SetupError struct {
	Target string // endpoint without secrets
	Err    error
}

func (e *SetupError) Error() string { return fmt.Sprintf("target %s: %v", e.Target, e.Err) }

func (e *SetupError) Unwrap() error { return e.Err }
