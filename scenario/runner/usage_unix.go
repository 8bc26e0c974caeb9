//go:build unix

package runner

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// processUsage is this process' peak resident memory in bytes and its CPU seconds so far.
func processUsage() (peakBytes uint64, cpuSeconds float64) {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0, 0
	}
	peak := uint64(u.Maxrss)
	if runtime.GOOS != "darwin" {
		peak <<= 10 // kibibytes everywhere else
	}
	cpu := time.Duration(u.Utime.Nano() + u.Stime.Nano())
	return peak, cpu.Seconds()
}
