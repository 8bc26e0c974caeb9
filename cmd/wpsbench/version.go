package main

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/wpsbench/wpsbench/scenario/runner"
)

// versionText is one line: version, commit, toolchain, platform.
func versionText() string {
	t := runner.Tool()
	if t.Dirty {
		t.Commit += "+changes"
	}
	parts := strings.Fields(fmt.Sprintf("wpsbench %s %s %s %s/%s", t.Version, t.Commit, t.Go, runtime.GOOS, runtime.GOARCH))
	return strings.Join(parts, " ") + "\n"
}
