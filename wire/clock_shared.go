package wire

import "runtime"

// ClockIsShared says whether the instants of Now can be compared between processes of
// this machine.
const ClockIsShared = runtime.GOOS == "linux"
