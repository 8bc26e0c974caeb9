package runner

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// forgetFiles lets go of the pages of the program and its libraries that only the
// start has used: 10 MB of 15, which are in the page cache all the same. What is
// needed again is mapped again as soon as it is touched.
func forgetFiles() {
	for _, m := range fileMappings(readText("/proc/self/smaps")) {
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, m.from, m.to-m.from, unix.MADV_DONTNEED) // advice
	}
}

// mapping is a range of addresses.
type mapping struct{ from, to uintptr }

// fileMappings finds, in the text of /proc/self/smaps (proc(5)), the mappings that hold
// nothing but what is in their files: they cannot be written, and no page of them ever
// was, as a linker at run time does before it protects them.
func fileMappings(smaps string) []mapping {
	var found []mapping
	var last *mapping
	for line := range strings.Lines(smaps) {
		f := strings.Fields(line)
		switch {
		case len(f) >= 2 && f[0] == "Anonymous:":
			if last != nil && f[1] == "0" {
				found = append(found, *last)
			}
			last = nil
		case len(f) >= 6 && strings.HasPrefix(f[5], "/") && !strings.Contains(f[1], "w"):
			last = rangeOf(f[0])
		}
	}
	return found
}

// rangeOf reads `55d0c000-55d0d000`; nil for anything else.
func rangeOf(text string) *mapping {
	from, to, _ := strings.Cut(text, "-")
	low, err1 := strconv.ParseUint(from, 16, 64)
	high, err2 := strconv.ParseUint(to, 16, 64)
	if err1 != nil || err2 != nil || low >= high {
		return nil
	}
	return &mapping{uintptr(low), uintptr(high)}
}
