package runner

import (
	"os"
	"runtime/debug"
)

// headroom is by how many percent the heap may outgrow what lives on it before it is
// looked for garbage, once all sessions are ready. Messages leave none; the little that
// the seconds leave would take minutes to fill the usual 100 percent, and the memory of
// a run would grow until then. While sessions open there is much garbage, and the usual
// headroom is the right one.
const headroom = 10

// tighten leaves the heap its headroom and returns what undoes it. Whoever sets GOGC has
// decided for himself.
func tighten() (loosen func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	before := debug.SetGCPercent(headroom)
	return func() { debug.SetGCPercent(before) }
}
