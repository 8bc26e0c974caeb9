//go:build unix

package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// The canaries: secrets of every kind, none of which may come out anywhere. They hold
// what encodings change, and a line of ours may keep the last four characters.
const (
	canaryKey      = "Canary+Key/0123456789abcdefGHIJKLMNOPQRSTUVWXYZ=="
	canaryToken    = "canary.token~0123456789"
	canaryEntra    = "eyJhbGciOiJSUzI1NiJ9.e30.Canary-entra-0123456789"
	canaryCode     = "Canary-code-0123456789"
	canaryHeader   = "Canary-header-0123456789"
	canaryPassword = "Canary-password-0123456789"
)

var canaries = []string{canaryKey, canaryToken, canaryEntra, canaryCode, canaryHeader, canaryPassword}

// sung returns a canary that text holds: any ten characters of it, as they are or as
// an encoding writes them.
func sung(text string) string {
	for _, canary := range canaries {
		for i := 0; i+10 <= len(canary); i++ {
			part := canary[i : i+10]
			quoted := strconv.Quote(part)
			for _, form := range []string{part, url.QueryEscape(part), url.PathEscape(part), quoted[1 : len(quoted)-1]} {
				if strings.Contains(text, form) {
					return form + " of " + canary
				}
			}
		}
		for shift := range 3 { // what stands before it moves the groups of three bytes
			encoded := base64.StdEncoding.EncodeToString([]byte(canary[shift:]))
			if part := encoded[:16]; strings.Contains(text, part) {
				return "base64 of " + canary
			}
		}
	}
	return ""
}

const canaryScenario = `name: canary
TARGETgroups:
  room: {count: 1}
populations:
  members:
    connections: 2
    join: {room: 1}
    publish: {to: room, rate: 10/s, size: 64}
phases:
  steady: 300ms
thresholds:
  ack_rtt: ["p(50)<1us"]
`

// No command lets a secret out: not on standard output or error, not in a file that it
// writes, whether it succeeds or fails.
func TestCanary(t *testing.T) {
	server, err := emulator.Start(emulator.Options{AccessKey: canaryKey, EntraToken: canaryEntra})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	locked, err := emulator.Start(emulator.Options{AccessKey: "another-key-0123456789another-key-0123456789"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = locked.Close() }()
	service, err := wire.ParseConnectionString(server.ConnectionString())
	if err != nil {
		t.Fatal(err)
	}
	access := wire.Access{Roles: bothRoles, Life: time.Hour}
	clientURL, err := wire.SignedURL(service, "bench", access)(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	application := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		if r.URL.Query().Get("code") != canaryCode || password != canaryPassword {
			http.Error(w, "no: "+r.URL.String()+" "+r.Header.Get("Authorization"), http.StatusForbidden)
			return
		}
		_, _ = io.WriteString(w, clientURL)
	}))
	defer application.Close()

	works := server.ConnectionString()
	refused := "Endpoint=http://127.0.0.1:1;AccessKey=" + canaryKey + ";Version=1.0;"
	wrong := "Endpoint=http://" + locked.Addr() + ";AccessKey=" + canaryKey
	badToken := "ws://" + server.Addr() + "/client/hubs/bench?access_token=" + canaryToken
	negotiate := strings.Replace(application.URL, "://", "://user:"+canaryPassword+"@", 1) + "/negotiate?code=" + canaryCode
	t.Setenv("CANARY_TARGET", works)
	t.Setenv("CANARY_ENTRA", canaryEntra)
	t.Setenv("CANARY_CODE", canaryCode)
	t.Setenv("GITHUB_ACTIONS", "true")
	t.Setenv("GITHUB_STEP_SUMMARY", filepath.Join(t.TempDir(), "step.md"))

	everywhere := []string{"--dir", "out", "--ci", "auto", "--out", "junit=j.xml", "--out", "md=m.md", "--out", "benchfmt=b.txt", "--out", "hlog=h.hlog"}
	tests := []struct {
		name   string
		target string // of c.yaml, as YAML
		args   []string
		stdin  string
		code   int
		before []string // a command line to run first
		file   string   // that has to be there in the end
	}{
		{name: "run, connection string on the command line", args: slices.Concat([]string{"run", "c.yaml", "--target", works}, everywhere), code: 10},
		{name: "run, connection string from the environment", args: slices.Concat([]string{"run", "c.yaml", "--target", "${CANARY_TARGET}", "--processes", "2"}, everywhere), code: 10},
		{name: "run, connection string in the file", target: "connection_string: " + works, args: slices.Concat([]string{"run", "c.yaml"}, everywhere), code: 10},
		{name: "run, client URL", args: slices.Concat([]string{"run", "c.yaml", "--target", clientURL}, everywhere), code: 10},
		{name: "run, negotiate", args: slices.Concat([]string{"run", "c.yaml", "--target", negotiate}, everywhere), code: 10},
		{name: "run, negotiate in the file", target: "negotiate: " + negotiate, args: slices.Concat([]string{"run", "c.yaml"}, everywhere), code: 10},
		{name: "run, Entra", args: slices.Concat([]string{"run", "c.yaml", "--set", "target.endpoint=" + server.URL(), "--set", "target.entra_token=" + canaryEntra}, everywhere), code: 10},
		{name: "run, header", args: slices.Concat([]string{"run", "c.yaml", "--target", works, "--set", "target.headers.Authorization=Basic " + canaryHeader}, everywhere), code: 10},
		{name: "run, repeated", args: []string{"run", "c.yaml", "--target", works, "--repeat", "2", "--dir", "out"}, code: 10},
		{name: "run, frames traced", args: []string{"run", "c.yaml", "--target", works, "--dir", "out", "--trace-frames", "members/1"}, code: 10, file: "out/frames.txt"},
		{name: "run, frames traced of two processes", args: []string{"run", "c.yaml", "--target", works, "--processes", "2", "--trace-frames", "members/1=f.txt"}, code: 10, file: "f.txt"},
		{name: "run, frames traced to standard error", args: []string{"run", "c.yaml", "--target", clientURL, "--trace-frames", "members/0=-"}, code: 10},
		{name: "run, nobody listens", args: []string{"run", "c.yaml", "--target", refused, "--dir", "out"}, code: 15},
		{name: "run, wrong key", args: []string{"run", "c.yaml", "--target", wrong, "--dir", "out"}, code: 15},
		{name: "run, wrong token", args: []string{"run", "c.yaml", "--target", badToken, "--dir", "out"}, code: 15},
		{name: "run, refused by the application", args: []string{"run", "c.yaml", "--target", negotiate + "&more=" + canaryHeader, "--set", "target.headers.X-Key=" + canaryHeader, "--hub", "other"}, code: 10},
		{name: "run, wrong password of the application", args: []string{"run", "c.yaml", "--target", application.URL + "/negotiate?code=" + canaryCode}, code: 15},
		{name: "run, wrong Entra token", args: []string{"run", "c.yaml", "--set", "target.endpoint=" + locked.URL(), "--set", "target.entra_token=${CANARY_ENTRA}"}, code: 15},
		{name: "run, key without its name", args: []string{"run", "c.yaml", "--target", "Endpoint=http://127.0.0.1:1;" + canaryKey}, code: 2},
		{name: "run, the key alone", args: []string{"run", "c.yaml", "--target", canaryKey}, code: 2},
		{name: "run, key of no endpoint", args: []string{"run", "c.yaml", "--target", "Endpoint=http://[::1;AccessKey=" + canaryKey}, code: 2},
		{name: "run, broken URL", args: []string{"run", "c.yaml", "--target", "ws://[?access_token=" + canaryToken}, code: 2},
		{name: "run, target in place of a file", args: []string{"run", works}, code: 2},
		{name: "run, token in place of a file", args: []string{"run", badToken}, code: 2},
		{name: "run, unknown key beside the target", target: "connection_string: \"" + works + "\", conection_string: \"" + works + "\"", args: []string{"run", "c.yaml"}, code: 2},
		{name: "run, value of another kind", target: "entra_token: [" + canaryEntra + "]", args: []string{"run", "c.yaml"}, code: 2},
		{name: "run, unknown flag", args: []string{"run", "c.yaml", "--connection-string=" + works}, code: 2},
		{name: "validate", target: "connection_string: " + works, args: []string{"validate", "c.yaml"}, code: 0},
		{name: "validate, mistakes", target: "url: " + badToken + ", nonsense: " + badToken, args: []string{"validate", "c.yaml"}, code: 2},
		{name: "quick", args: []string{"quick", "-c", "2", "-d", "300ms", "--target", works, "--dir", "out"}, code: 0},
		{name: "quick, nobody listens", args: []string{"quick", "-c", "2", "-d", "300ms", "--target", refused}, code: 15},
		{name: "serve, address in use", args: []string{"serve", "--listen", server.Addr(), "--key", canaryKey, "--event-handler", "http://user:" + canaryPassword + "@127.0.0.1:1/{event}?code=" + canaryCode}, code: 15},
		{name: "serve, broken address of the handler", args: []string{"serve", "--event-handler", "http://[::1?code=" + canaryCode}, code: 2},
		{name: "conform", args: []string{"conform", "--target", works, "--entra-token", canaryEntra, "--run", "^(connected|rest)/", "--out", "json=c.json", "--out", "junit=c.xml"}, code: 0},
		{name: "conform, wrong key", args: []string{"conform", "--target", wrong, "--run", "^connected/", "--out", "json=c.json"}, code: 15},
		{name: "conform, nobody listens", args: []string{"conform", "--target", refused}, code: 15},
		{name: "pub", args: []string{"pub", "--target", works, "g", "hello"}, code: 0},
		{name: "pub, nobody listens", args: []string{"pub", "--target", refused, "g", "hello"}, code: 15},
		{name: "sub, wrong key", args: []string{"sub", "--target", wrong, "g"}, code: 15},
		{name: "sub, wrong token", args: []string{"sub", "--target", badToken, "g"}, code: 15},
		{name: "token, refused by the application", args: []string{"token", "--target", application.URL + "/negotiate?code=" + canaryCode}, code: 15},
		{name: "report", before: []string{"run", "c.yaml", "--target", works, "--dir", "out"}, args: []string{"report", "out/report.html", "--out", "html=again.html", "--out", "json=again.json"}, code: 0},
		{name: "report, target in place of a file", args: []string{"report", works}, code: 2},
		{name: "compare", before: []string{"run", "c.yaml", "--target", works, "--dir", "out"}, args: []string{"compare", "out/run.json", "out/report.html"}, code: 11},
		{name: "history", before: []string{"run", "c.yaml", "--target", works, "--dir", "out"}, args: []string{"history", "out"}, code: 0},
		{name: "history, target in place of a file", args: []string{"history", works}, code: 2},
		{name: "compare, target in place of a file", args: []string{"compare", works, badToken}, code: 2},
		{name: "calibrate", args: []string{"calibrate", works}, code: 2},
		{name: "init", args: []string{"init", "new.yaml"}, code: 0},
		{name: "scenarios", args: []string{"scenarios"}, code: 0},
		{name: "schema", args: []string{"schema", "run"}, code: 0},
		{name: "version", args: []string{"version"}, code: 0},
		{name: "completion", args: []string{"completion", "bash"}, code: 0},
		{name: "__complete", args: []string{"__complete", "--", "run", "--target", works, ""}, code: 0},
		{name: "help", args: []string{"help", "ci"}, code: 0},
		{name: "share", args: []string{"share"}, stdin: "{\"target\":\"" + works + "\"\n", code: 2},
	}

	tried := map[string]bool{}
	for _, tt := range tests {
		tried[tt.args[0]] = true
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			target := ""
			if tt.target != "" {
				target = "target: {" + tt.target + "}\n"
			}
			given := filepath.Join(dir, "c.yaml")
			if err := os.WriteFile(given, []byte(strings.Replace(canaryScenario, "TARGET", target, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			if tt.before != nil {
				_, _ = execute(t, dir, "", tt.before)
			}
			code, said := execute(t, dir, tt.stdin, tt.args)
			if code != tt.code {
				t.Errorf("exit status %d, want %d:\n%s", code, tt.code, said)
			}
			if found := sung(said); found != "" {
				t.Errorf("it says %s:\n%s", found, said)
			}
			if _, err := os.Stat(filepath.Join(dir, tt.file)); err != nil {
				t.Error(err)
			}
			for path, text := range written(t, dir) {
				if found := sung(text); found != "" && path != given {
					t.Errorf("%s holds %s", path, found)
				}
			}
		})
	}
	if step, err := os.ReadFile(os.Getenv("GITHUB_STEP_SUMMARY")); err != nil || sung(string(step)) != "" {
		t.Errorf("the step summary (error %v) holds %s", err, sung(string(step)))
	}
	for _, c := range (&app{}).cli().Commands {
		if !tried[c.Name] {
			t.Errorf("command %s is not tried", c.Name)
		}
	}
}

// execute runs a command line to its end, in a process of its own.
func execute(t *testing.T, dir, stdin string, args []string) (code int, said string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "wpsbench", args...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

var packedRecord = regexp.MustCompile(`(?s)id="wpsbench-run">(.*?)</script>`)

// written reads every file below a folder, and the record that a page carries.
func written(t *testing.T, dir string) map[string]string {
	t.Helper()
	texts := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		texts[path] = string(b)
		if m := packedRecord.FindSubmatch(b); err == nil && m != nil {
			packed, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(m[1])), ""))
			if err != nil {
				return err
			}
			z, err := gzip.NewReader(bytes.NewReader(packed))
			if err != nil {
				return err
			}
			record, err := io.ReadAll(z)
			texts[path+", its record"] = string(record)
			return err
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

// A run that is killed leaves its checkpoint, its log and the frames so far: no secret
// is in them either.
func TestCanaryInACheckpoint(t *testing.T) {
	server := startServer(t, emulator.Options{AccessKey: canaryKey})
	dir := t.TempDir()
	given := filepath.Join(dir, "c.yaml")
	target := "target: {connection_string: \"" + server.ConnectionString() + "\"}\n"
	if err := os.WriteFile(given, []byte(strings.Replace(canaryScenario, "TARGET", target, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, dir, "run", "c.yaml", "--target", server.ConnectionString(), "--set", "phases.steady=60s", "--checkpoint-every", "500ms",
		"--dir", "out", "--out", "hlog=h.hlog", "--trace-frames", "members/0")
	eventually(t, func() string {
		record := filepath.Join(dir, "out", "run.json")
		frames, _ := filepath.Glob(filepath.Join(dir, "out", ".writing-frames-*"))
		if _, err := os.Stat(record); err != nil || len(frames) == 0 {
			return ""
		}
		return record
	})
	p.signal(t, syscall.SIGKILL)
	_, said := p.wait(t)
	if found := sung(said); found != "" {
		t.Errorf("it says %s:\n%s", found, said)
	}
	for path, text := range written(t, dir) {
		if found := sung(text); found != "" && path != given {
			t.Errorf("%s holds %s", path, found)
		}
	}
}

// What a panic says comes out without secrets, and asks for a report of the bug.
func TestCanaryInAPanic(t *testing.T) {
	var stderr bytes.Buffer
	target := "Endpoint=http://127.0.0.1:1;AccessKey=" + canaryKey
	code := run(t.Context(), []string{"wpsbench", "token", "--target", target}, nil, panics{}, &stderr)
	said := stderr.String()
	if code != exitInternal || !strings.Contains(said, "panic: cannot write ws://") || !strings.Contains(said, "canary_test.go") || !strings.Contains(said, "This is a bug") {
		t.Errorf("exit status %d:\n%s", code, said)
	}
	if found := sung(said); found != "" || strings.Contains(said, "eyJ") {
		t.Errorf("it says %s:\n%s", found, said)
	}
}

// panics is a stream that fails as nothing should, telling what it was to write.
type panics struct{}

func (panics) Write(b []byte) (int, error) { panic("cannot write " + string(b) + " with " + canaryKey) }
