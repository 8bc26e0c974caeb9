package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What the release builds is built here, and tells its version.
func TestReleaseVersion(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	for file, version := range map[string]string{"goreleaser.yaml": "{{ .Version }}", "Dockerfile": "${VERSION}"} {
		text, err := os.ReadFile(filepath.Join("../../.ci", file))
		if err != nil {
			t.Fatal(err)
		}
		stamp := regexp.MustCompile(`-X (\S+)=`).FindStringSubmatch(string(text))
		if stamp == nil || !strings.Contains(string(text), stamp[0]+version) {
			t.Fatalf("%s stamps no version", file)
		}
		program := filepath.Join(t.TempDir(), "wpsbench.exe")
		build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w "+stamp[0]+"1.2.3", "-o", program, ".")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", file, err, out)
		}
		if out, err := exec.Command(program, "version").Output(); err != nil || !strings.HasPrefix(string(out), "wpsbench 1.2.3 ") {
			t.Errorf("%s: version says %q (%v), want 1.2.3", file, out, err)
		}
	}
}
