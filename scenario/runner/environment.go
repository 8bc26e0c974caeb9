package runner

import (
	"cmp"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire"
)

// environment describes the machine and the tool; what it cannot read stays empty.
func environment(t wire.Transport) metrics.Environment {
	return metrics.Environment{
		Tool: Tool(),
		Host: metrics.Host{
			OS:          runtime.GOOS,
			Arch:        runtime.GOARCH,
			Kernel:      kernelRelease(),
			CPU:         cpuModel(),
			Cores:       runtime.NumCPU(),
			QuotaCores:  quotaCores(),
			MemoryBytes: memoryBytes(),
			GOMAXPROCS:  runtime.GOMAXPROCS(0),
			GOGC:        gogc(),
			GOMEMLIMIT:  os.Getenv("GOMEMLIMIT"),
			Transport:   string(t.Resolve()),
		},
	}
}

// version is a release's, set by the linker where it is built (.ci/goreleaser.yaml).
var version string

// Tool is what the build recorded about itself. A version is a release's; between
// releases the commit says more than a pseudo-version.
func Tool() metrics.Tool {
	t := metrics.Tool{Version: cmp.Or(version, "devel"), Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return t
	}
	if v := info.Main.Version; version == "" && v != "" && v != "(devel)" && !strings.HasPrefix(v, "v0.0.0-") {
		t.Version = v
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			t.Commit = s.Value[:min(len(s.Value), 12)]
		case "vcs.modified":
			t.Dirty = s.Value == "true"
		}
	}
	return t
}

// gogc is the headroom of the heap while a run goes on, see headroom.
func gogc() string {
	return cmp.Or(os.Getenv("GOGC"), fmt.Sprintf("100, %d once all are ready", headroom))
}

// quotaCores is the CPU quota of the control group, if there is one.
func quotaCores() *float64 {
	b, err := os.ReadFile("/sys/fs/cgroup/cpu.max")
	if err != nil {
		return nil
	}
	f := strings.Fields(string(b))
	if len(f) != 2 {
		return nil
	}
	quota, err1 := strconv.ParseFloat(f[0], 64)
	period, err2 := strconv.ParseFloat(f[1], 64)
	if err1 != nil || err2 != nil || period == 0 {
		return nil // "max": no limit
	}
	cores := quota / period
	return &cores
}

func cpuModel() string { return procField("/proc/cpuinfo", "model name") }

func memoryBytes() uint64 {
	kib, _, _ := strings.Cut(procField("/proc/meminfo", "MemTotal"), " ")
	n, err := strconv.ParseUint(kib, 10, 64)
	if err != nil {
		return 0
	}
	return n << 10
}

// procField finds the first `key : value` line of a Linux status file.
func procField(file, key string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func kernelRelease() string {
	b, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
