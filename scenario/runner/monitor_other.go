//go:build !linux

package runner

// systemCounters: nothing is known of threads, control groups, swap and steal here.
func systemCounters() counters {
	return counters{steal: -1, all: -1, throttled: -1, swapIns: -1}
}
