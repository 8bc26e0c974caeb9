package metrics

import (
	"sync/atomic"
	"time"
)

// Window is a phase of the run: half open, in instants since T0. Samples belong
// to the window that holds their intended instant.
type Window struct {
	Name     string
	From, To time.Duration
	Steady   bool // part of steady state
}

// Windows are the phases of the run, disjoint and in order, and its faults. All
// workers share them; only FaultWindow.Close changes anything.
type Windows struct {
	Phases []Window
	Faults []*FaultWindow
}

// phase is the position of the phase that holds at, or len(Phases): outside of all.
func (w *Windows) phase(at time.Duration) int {
	for i := range w.Phases {
		if p := &w.Phases[i]; p.From <= at && at < p.To {
			return i
		}
	}
	return len(w.Phases)
}

// steady is from where to where steady state lasts.
func (w *Windows) steady() (from, to time.Duration) {
	for _, p := range w.Phases {
		if p.Steady && to == 0 {
			from = p.From
		}
		if p.Steady {
			to = p.To
		}
	}
	return from, to
}

// FaultWindow lasts from a fault until everybody that it hit has caught up.
type FaultWindow struct {
	Name  string        // of the fault, for View.During: windows of one that comes again share it
	ID    string        // of the incident
	From  time.Duration // since T0
	until atomic.Int64  // 0 = still open
}

// Close ends the window at an instant since T0, which faults come after. Safe for concurrent use; the
// first call counts.
func (f *FaultWindow) Close(at time.Duration) {
	f.until.CompareAndSwap(0, max(int64(at), 1))
}

// Contains tells whether an instant lies in the window as far as is known now.
func (f *FaultWindow) Contains(at time.Duration) bool {
	until := f.until.Load()
	return at >= f.From && (until == 0 || int64(at) < until)
}

// View is an extra slice of a metric that a threshold needs.
type View struct {
	Metric Metric
	// During is "" for what the metric is reported for (steady state, or the whole run
	// where it is PerSession), the name of a phase or a fault, or "calm": steady state
	// outside of every fault.
	During     string
	Population int // -1 = all
}

// Calm is the During of a View over steady state outside of every fault.
const Calm = "calm"

func (v *View) wholeRun() bool { return v.During == "" && v.Metric.PerSession() }

// slice is a view resolved against the windows, so that recording compares no names.
type slice struct {
	population int
	phases     []bool         // by position in Phases, the last one outside of all
	within     []*FaultWindow // if any: in one of these, whatever the phase
	outside    []*FaultWindow // in none of these
}

func (w *Windows) resolve(views []View) []slice {
	out := make([]slice, len(views))
	for i, v := range views {
		s := slice{population: v.Population, phases: make([]bool, len(w.Phases)+1)}
		if v.During == Calm {
			s.outside = w.Faults
		}
		for _, f := range w.Faults {
			if f.Name == v.During {
				s.within = append(s.within, f)
			}
		}
		for k, p := range w.Phases {
			s.phases[k] = p.Name == v.During || p.Steady && (v.During == "" || v.During == Calm) || v.wholeRun()
		}
		s.phases[len(w.Phases)] = v.wholeRun()
		out[i] = s
	}
	return out
}

// contains tells whether a sample of that phase belongs to the slice.
func (s *slice) contains(phase int, at time.Duration, population int) bool {
	if s.population >= 0 && s.population != population {
		return false
	}
	for _, f := range s.within {
		if f.Contains(at) {
			return true
		}
	}
	if !s.phases[phase] {
		return false
	}
	for _, f := range s.outside {
		if f.Contains(at) {
			return false
		}
	}
	return true
}
