// Package conformance lets the official SDKs of Azure Web PubSub judge the
// emulator, and servers written with the ws package judge wpsbench.
//
// The suites are the *.test.mjs beside this file; their packages are pinned in
// package-lock.json. Install them once:
//
//	npm ci --prefix wire/emulator/conformance
//
// Without them the tests are skipped, except in CI, which installs them itself.
// Go does not see what Node reads: run the tests with -count=1 after a change.
package conformance

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/wire/emulator"
)

// suiteTimeout bounds one suite, installTimeout npm.
const (
	suiteTimeout   = 2 * time.Minute
	installTimeout = 3 * time.Minute
)

func TestOfficialClient(t *testing.T) {
	emulatorSuite(t, suite{file: "client.test.mjs"}, emulator.Options{})
}

func TestOfficialClientEdges(t *testing.T) {
	emulatorSuite(t, suite{file: "edges.test.mjs"}, emulator.Options{})
}

// TestOfficialClientConnectedAgain: a `connected` after a recovery, which the
// specification allows, changes nothing for the application (protocol.md 4.5).
func TestOfficialClientConnectedAgain(t *testing.T) {
	for _, file := range []string{"client.test.mjs", "edges.test.mjs"} {
		emulatorSuite(t, suite{file: file, only: "recovery"}, emulator.Options{ConnectedOnRecovery: true})
	}
}

func TestOfficialServerSDK(t *testing.T) {
	emulatorSuite(t, suite{file: "service.test.mjs"}, emulator.Options{})
}

func TestOfficialServerSDKRequests(t *testing.T) {
	emulatorSuite(t, suite{file: "requests.test.mjs"}, emulator.Options{})
}

// TestOfficialServerSDKEntra: no key, TLS, and tokens that the service signs.
func TestOfficialServerSDKEntra(t *testing.T) {
	cert, certPEM, err := emulator.SelfSigned()
	if err != nil {
		t.Fatal(err)
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, certPEM, 0o600); err != nil {
		t.Fatal(err)
	}
	const token = "a token of Microsoft Entra"
	emulatorSuite(t, suite{file: "entra.test.mjs", env: []string{"WPS_ENTRA_TOKEN=" + token, "NODE_EXTRA_CA_CERTS=" + ca}},
		emulator.Options{TLS: &tls.Config{Certificates: []tls.Certificate{cert}}, EntraToken: token})
}

// TestScriptedServers is the reverse: wpsbench against servers that are not ours.
func TestScriptedServers(t *testing.T) {
	commandSuite(t, "scripted.test.mjs")
}

// TestScriptedServersCommands: the same for `wpsbench pub` and `wpsbench sub`.
func TestScriptedServersCommands(t *testing.T) {
	commandSuite(t, "commands.test.mjs")
}

// TestScriptedProtobuf: the scripted servers' own codec, before anything is judged by it.
func TestScriptedProtobuf(t *testing.T) { runSuite(t, nodeJS(t), suite{file: "protobuf.test.mjs"}) }

// TestOfficialMiddleware: the application's end of the event handlers that
// `wpsbench serve --event-handler` calls.
func TestOfficialMiddleware(t *testing.T) {
	commandSuite(t, "webhook.test.mjs")
}

// commandSuite runs a suite that starts wpsbench itself.
func commandSuite(t *testing.T, file string) {
	t.Helper()
	node := nodeJS(t)
	binary := filepath.Join(t.TempDir(), "wpsbench.exe")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "github.com/wpsbench/wpsbench/cmd/wpsbench")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build wpsbench: %v\n%s", err, out)
	}
	runSuite(t, node, suite{file: file, env: []string{"WPSBENCH=" + binary}})
}

// suite is the tests of one file, or those whose names match only.
type suite struct {
	file, only string
	env        []string
}

// emulatorSuite runs a suite against an emulator of its own.
func emulatorSuite(t *testing.T, s suite, opts emulator.Options) {
	t.Helper()
	node := nodeJS(t)
	srv, err := emulator.Start(opts)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	}()
	s.env = append(s.env, "WPS_CONNECTION_STRING="+srv.ConnectionString())
	runSuite(t, node, s)
}

// runSuite runs a suite; its output is shown if a test fails.
func runSuite(t *testing.T, node string, s suite) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), suiteTimeout)
	defer cancel()
	args := []string{"--test", "--test-force-exit", "--test-reporter=spec"}
	if s.only != "" {
		args = append(args, "--test-name-pattern="+s.only)
	}
	cmd := exec.CommandContext(ctx, node, append(args, s.file)...)
	cmd.Env = append(os.Environ(), s.env...)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		err = fmt.Errorf("%w (after %v)", ctx.Err(), suiteTimeout)
	}
	switch {
	case err != nil:
		t.Errorf("%s: %v\n%s", s.file, err, out)
	case !ran.Match(out):
		t.Errorf("%s: no test ran\n%s", s.file, out)
	case testing.Verbose():
		t.Logf("%s\n%s", s.file, out)
	}
}

// ran is what the reporter says when something was tested.
var ran = regexp.MustCompile(`(?m)^ℹ pass [1-9]`)

// nodeJS returns a Node.js that the SDKs run on. Without one, or without the
// packages, the test is skipped; in CI it installs the packages, once, and fails
// if it cannot.
func nodeJS(t *testing.T) string {
	t.Helper()
	required := os.Getenv("CI") == "true"
	if required {
		install(t)
	}
	node, err := findNode()
	switch {
	case err == nil:
		return node
	case required:
		t.Fatal(err)
	default:
		t.Skipf("%v: run npm ci --prefix wire/emulator/conformance", err)
	}
	return ""
}

var installed bool

func install(t *testing.T) {
	t.Helper()
	if installed {
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), installTimeout)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "npm", "ci").CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	installed = true
}

// minNode is the oldest major version that the official packages support.
const minNode = 22

// findNode prefers the machine's Node.js; the packages bring one where that is too old.
func findNode() (string, error) {
	if _, err := os.Stat(filepath.Join("node_modules", "ws")); errors.Is(err, fs.ErrNotExist) {
		return "", errors.New("the official SDKs are not installed")
	}
	bundled, err := filepath.Glob(filepath.Join("node_modules", "node-*", "bin", "node"))
	if err != nil {
		return "", err
	}
	for _, node := range append([]string{"node"}, bundled...) {
		out, err := exec.Command(node, "--version").Output()
		if err != nil {
			continue
		}
		var major int
		if _, err := fmt.Fscanf(bytes.NewReader(out), "v%d", &major); err == nil && major >= minNode {
			if !strings.Contains(node, string(filepath.Separator)) {
				return node, nil
			}
			return filepath.Abs(node)
		}
	}
	return "", fmt.Errorf("no Node.js %d or later is installed", minNode)
}
