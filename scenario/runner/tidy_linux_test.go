package runner

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Only what is nothing but its file may be forgotten: what was written to is lost.
func TestFileMappings(t *testing.T) {
	const smaps = `00400000-00d0c000 r-xp 00000000 fe:00 10274702                           /bin/wpsbench
Size:               9264 kB
Rss:                7088 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
00d0c000-015f3000 r--p 0090c000 fe:00 10274702                           /bin/wpsbench
Anonymous:             0 kB
015f3000-0167c000 rw-p 011f3000 fe:00 10274702                           /bin/wpsbench
Anonymous:             0 kB
0167c000-016e1000 rw-p 00000000 00:00 0
Anonymous:             0 kB
c000000000-c004000000 r--p 00000000 00:00 0                              [anon: Go: heap]
Anonymous:             0 kB
7f3de2b31000-7f3de2b35000 r--p 0017d000 fe:00 326269                     /usr/lib/x86_64-linux-gnu/libc.so.6
Anonymous:            16 kB
7f3de2c00000-7f3de2d00000 r-xp 00026000 fe:00 326269                     /usr/lib/x86_64-linux-gnu/libc.so.6
Anonymous:             0 kB
nonsense r-xp 00026000 fe:00 326269                     /usr/lib/x86_64-linux-gnu/libc.so.6
Anonymous:             0 kB
7fff7d000000-7fff7d002000 r-xp 00000000 00:00 0                          [vdso]
Anonymous:             0 kB
`
	want := []mapping{{0x400000, 0xd0c000}, {0xd0c000, 0x15f3000}, {0x7f3de2c00000, 0x7f3de2d00000}}
	if got := fileMappings(smaps); !slices.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
	if got := fileMappings(""); got != nil {
		t.Errorf("of nothing: got %x", got)
	}
}

// What is forgotten is not resident any more, and comes back when it is used.
func TestForgetFiles(t *testing.T) {
	resident := func() (pages int) {
		_, text, _ := strings.Cut(readText("/proc/self/status"), "RssFile:")
		if _, err := fmt.Sscan(text, &pages); err != nil {
			t.Fatal(err)
		}
		return pages
	}
	before := resident()
	forgetFiles()
	if after := resident(); after >= before {
		t.Errorf("%d KiB of files resident before, %d after", before, after)
	}
}
