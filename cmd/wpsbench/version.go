package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// versionText is one line: version, commit, toolchain, platform.
func versionText() string {
	version, commit := "devel", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		if v := info.Main.Version; v != "" && v != "(devel)" {
			version = v
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				commit = s.Value[:min(12, len(s.Value))] + " "
			}
		}
	}
	return strings.TrimSpace(fmt.Sprintf("wpsbench %s %s%s %s/%s", version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)) + "\n"
}
