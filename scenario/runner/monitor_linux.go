package runner

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// systemCounters reads what Linux knows of this process and its machine.
func systemCounters() counters {
	c := counters{steal: -1, all: -1, throttled: -1, swapIns: -1, runQueue: taskTimes("/proc/self/task")}
	c.steal, c.all = stealTicks(readText("/proc/stat"))
	c.throttled = throttledTimes()
	c.swapIns = keyed(readText("/proc/vmstat"), "pswpin")
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) == nil {
		c.faults = float64(u.Majflt)
	}
	return c
}

// taskTimes reads the schedstat of every thread: ns run, ns waited for a processor,
// slices (Documentation/scheduler/sched-stats.rst). nil where the kernel keeps none.
func taskTimes(dir string) map[int]taskTime {
	threads, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	times := map[int]taskTime{}
	counted := false
	for _, t := range threads {
		f := strings.Fields(readText(filepath.Join(dir, t.Name(), "schedstat")))
		id, err := strconv.Atoi(t.Name())
		if err != nil || len(f) != 3 {
			continue // it has ended meanwhile
		}
		ran, err1 := strconv.ParseFloat(f[0], 64)
		waited, err2 := strconv.ParseFloat(f[1], 64)
		if err1 != nil || err2 != nil {
			continue
		}
		times[id] = taskTime{ran, waited}
		counted = counted || ran > 0
	}
	if !counted {
		return nil
	}
	return times
}

// stealTicks reads the first line of /proc/stat, proc(5): user nice system idle iowait
// irq softirq steal guest guest_nice; the guests' are part of the first two.
func stealTicks(stat string) (steal, all float64) {
	line, _, _ := strings.Cut(stat, "\n")
	f := strings.Fields(line)
	if len(f) < 9 || f[0] != "cpu" {
		return -1, -1
	}
	for i, text := range f[1:9] {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return -1, -1
		}
		all += v
		if i == 7 {
			steal = v
		}
	}
	return steal, all
}

// throttledTimes is nr_throttled of our control group, of version 2 or 1.
func throttledTimes() float64 {
	for _, file := range []string{"/sys/fs/cgroup/cpu.stat", "/sys/fs/cgroup/cpu/cpu.stat"} {
		if v := keyed(readText(file), "nr_throttled"); v >= 0 {
			return v
		}
	}
	return -1
}

// keyed finds the value of a `key value` line; -1 without one.
func keyed(text, key string) float64 {
	for line := range strings.Lines(text) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), " "); ok && k == key {
			if n, err := strconv.ParseFloat(v, 64); err == nil {
				return n
			}
		}
	}
	return -1
}

// readText is empty where there is nothing to read.
func readText(file string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	return string(b)
}
