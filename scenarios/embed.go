// Package scenarios holds the scenario files that come with wpsbench: one for each
// question that people ask of such a service. The first line of a file's comment says
// what it is in one line; the rest of it, what it answers and what a good result is.
package scenarios

import (
	"bytes"
	"embed"
	"io/fs"
	"path"
	"strings"
)

//go:embed *.yaml
var files embed.FS

// Names returns the scenarios' names, sorted: those of the files without .yaml.
func Names() []string {
	found, _ := fs.Glob(files, "*.yaml") // fails for a malformed pattern only
	for i := range found {
		found[i] = strings.TrimSuffix(found[i], path.Ext(found[i]))
	}
	return found
}

// Read returns the text of a scenario; the caller owns it. The error of an unknown
// name is [fs.ErrNotExist].
func Read(name string) ([]byte, error) { return files.ReadFile(name + ".yaml") }

// Title returns the first line of a scenario's comment.
func Title(text []byte) string {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	return strings.TrimSpace(strings.TrimLeft(string(line), "#"))
}
