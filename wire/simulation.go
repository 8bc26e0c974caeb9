package wire

import "github.com/wpsbench/wpsbench/wire/internal/loop"

// Simulation is a world with a clock of its own that jumps from one event to the next,
// and connections in memory: what happens in it is decided by its seed alone. The Loops
// of a Dialer that names it live there, and so does an emulator by its options: all the
// code is that of real sockets, but for what moves the bytes. It belongs to one goroutine,
// the one that lets time pass by Run.
type Simulation = loop.World

// Link says what the connections of a Simulation are like.
type Link = loop.Link

// NewSimulation returns an empty world; equal seeds make equal ones.
func NewSimulation(l Link, seed uint64) *Simulation { return loop.NewWorld(l, seed) }
