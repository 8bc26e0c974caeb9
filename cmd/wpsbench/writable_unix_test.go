//go:build unix

package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// A place that cannot be written to is refused before anything runs, whether it is named or not.
func TestCheckPlacesOfNobody(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil { //nolint:gosec // it is a folder
		t.Fatal(err)
	}
	t.Chdir(dir)
	for name, test := range map[string]struct {
		dir  string
		outs []out
	}{
		"the folder":         {dir: dir},
		"a folder to be":     {dir: filepath.Join(dir, "a", "b")},
		"that of the others": {},
		"a file":             {dir: t.TempDir(), outs: []out{{"json", "run.json"}}},
	} {
		if err := checkPlaces(test.dir, test.outs); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s: got %v, want a refusal", name, err)
		}
	}
	if err := checkPlaces(t.TempDir(), []out{{"json", "/dev/null"}}); err != nil {
		t.Errorf("what may be written is refused: %v", err)
	}
}
