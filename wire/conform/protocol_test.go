package conform_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/wpsbench/wpsbench/wire/conform"
)

// packages are the folders whose tests PROTOCOL.md names.
var packages = map[string]string{
	"wire":     "..",
	"emulator": "../emulator",
	"runner":   "../../scenario/runner",
	"main":     "../../cmd/wpsbench",
}

var (
	quoted   = regexp.MustCompile("`([^`]+)`")
	goTest   = regexp.MustCompile(`^(\w+)\.((?:Test|Fuzz)\w+)$`)
	caseName = regexp.MustCompile(`^[a-z]+/[a-z*0-9-]+$`)
	suite    = regexp.MustCompile(`^\w+\.test\.mjs$`)
)

// Every proof that PROTOCOL.md names exists, every row has one at each end, and every
// case of ours is the proof of something.
func TestProtocolTable(t *testing.T) {
	document, err := os.ReadFile("PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := goTests(t)
	unused := map[string]bool{}
	for _, c := range conform.Cases() {
		unused[c.ID] = true
	}
	proves := func(name string) bool {
		switch m := goTest.FindStringSubmatch(name); {
		case m != nil:
			return tests[name]
		case caseName.MatchString(name):
			return use(unused, name)
		case suite.MatchString(name):
			_, err := os.Stat(filepath.Join("../emulator/conformance", name))
			return err == nil
		default:
			return true // a word of the protocol
		}
	}
	rows := 0
	for n, line := range strings.Split(string(document), "\n") {
		for _, m := range quoted.FindAllStringSubmatch(line, -1) {
			if !proves(m[1]) {
				t.Errorf("line %d: there is no %s", n+1, m[1])
			}
		}
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		if !strings.HasPrefix(line, "| ") || len(cells) < 4 || cells[0] == "---" || strings.HasSuffix(line, "| emulator |") {
			continue
		}
		rows++
		for _, cell := range cells[len(cells)-2:] {
			if cell != "–" && !quoted.MatchString(cell) {
				t.Errorf("line %d: %q proves nothing", n+1, cell)
			}
		}
	}
	if rows < 80 {
		t.Errorf("%d rows were found", rows)
	}
	for id := range unused {
		if unused[id] {
			t.Errorf("case %s is in no row", id)
		}
	}
}

// use marks the cases of a name, which may end in *; false if there are none.
func use(unused map[string]bool, name string) bool {
	prefix, every := strings.CutSuffix(name, "*")
	found := false
	for id := range unused {
		if id == name || every && strings.HasPrefix(id, prefix) {
			unused[id], found = false, true
		}
	}
	return found
}

var testFunc = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)

// goTests are the tests of the packages, as PROTOCOL.md names them.
func goTests(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for name, folder := range packages {
		files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no tests in %s: %v", folder, err)
		}
		for _, file := range files {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range testFunc.FindAllStringSubmatch(string(source), -1) {
				names[name+"."+m[1]] = true
			}
		}
	}
	return names
}
