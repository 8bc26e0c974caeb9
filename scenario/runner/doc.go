// Package runner executes a scenario's Plan against a URL and says what it measured.
//
// A run has four phases. In connect every session opens at its planned instant
// and joins its groups; when all are ready, T0 is set and the schedule starts:
// warm-up, then steady state, whose stages and faults stand at fixed instants
// after T0. Sends follow the plan whatever the target does (an open model), and
// every latency is counted from the intended instant. Drain waits for what is
// still owed. Then the shards of all workers are judged together.
//
// A worker is one goroutine, a wire.Loop: it owns its sessions, their publishers,
// a metrics.Checker and a metrics.Recorder, so nothing on the message path is
// shared. Workers meet only in counters that the controller reads and in the
// intervals they hand over once a second.
//
// With a Dialer that names a wire.Simulation all of that happens in a world of its own:
// the same workers, but the controller's waiting is what lets time pass, see driver.
package runner
