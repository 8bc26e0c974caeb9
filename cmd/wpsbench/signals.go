package main

import (
	"context"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
)

// signals stops a run in two stages: the first SIGINT or SIGTERM ends stop, the second ends cut.
type signals struct {
	stop, cut context.Context
	release   func()
	term      *atomic.Bool
}

// surviveClosedPipes has writes fail when nobody reads standard output or standard error
// any more, from now on. Otherwise SIGPIPE ends the process, as is right for what only
// prints; but a run must not end, without results, because its progress went into head.
// Programs that are started do not inherit it.
func surviveClosedPipes() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }

// told, unless nil, is called with their number so far.
func watchSignals(parent context.Context, told func(int)) signals {
	stop, endStop := context.WithCancel(parent)
	cut, endCut := context.WithCancel(parent)
	ch := make(chan os.Signal, 2)
	signal.Notify(ch, os.Interrupt, syscall.SIGTERM)
	s := signals{stop: stop, cut: cut, term: new(atomic.Bool)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		ended := 0
		for _, end := range []func(){endStop, endCut} {
			select {
			case sig := <-ch:
				if sig == syscall.SIGTERM {
					s.term.Store(true)
				}
				end()
				if ended++; ended == 2 {
					signal.Stop(ch) // a third one ends the process at once
				}
				if told != nil {
					told(ended)
				}
			case <-cut.Done():
				return
			}
		}
	}()
	s.release = func() {
		signal.Stop(ch)
		endStop()
		endCut()
		<-done
	}
	return s
}

// status is the exit status of an interrupted run.
func (s signals) status() int {
	if s.term.Load() {
		return exitSIGTERM
	}
	return exitSIGINT
}
