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
	// Ceiling is the calibrated one of this machine, in messages per second; 0 = not known.
	Ceiling float64
	// ConnectTimeout bounds the connect phase beyond its planned ramp; 0 = 60 s.
	ConnectTimeout time.Duration
	// Progress, when set, is called about once a second and at every event, from one goroutine.
	Progress func(Progress)
	// Seconds, when set, is called with what each metric measured in each second of the run,
	// at most some seconds later, from the goroutine of Progress.
	Seconds func(Second)
	// Checkpoint, when set, is called every CheckpointEvery (0 = a minute) of the schedule
	// with the record of what has been so far, as of a run that was interrupted, from the
	// goroutine of Progress. The record is the callee's.
	Checkpoint      func(*metrics.Run)
	CheckpointEvery time.Duration
	// Trace, if set, tells the frames of one connection.
	Trace *FrameTrace
	// Inspect hands functions to the run, each to be called once with its collector, for
	// as long as the run has phases: whoever sends must be ready to give up. May be nil.
	Inspect <-chan func(*metrics.Collector)
}

// Second is what a metric measured in a second of the run, or in what is left of one.
type Second struct {
	Started  time.Time // the run, to a millisecond
	From, To float64   // seconds since then
	Metric   metrics.Metric
	Summary  *metrics.MetricSummary // its phase is ""
}

// SetupError says that the run never got going: the target could not be reached,
// refused the first session, or refused a join.
type SetupError struct {
	Target string // endpoint without secrets
	Err    error
}

func (e *SetupError) Error() string { return fmt.Sprintf("target %s: %v", e.Target, e.Err) }

func (e *SetupError) Unwrap() error { return e.Err }
