//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/scenario/runner"
	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// newNegotiate is an application server that lets everybody in, on the hub app. It
// answers in turn with a JSON object and with plain text, and counts.
func newNegotiate(t *testing.T, connectionString string) (url string, asked *atomic.Int64) {
	t.Helper()
	service, err := wire.ParseConnectionString(connectionString)
	if err != nil {
		t.Fatal(err)
	}
	asked = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		access := wire.Access{UserID: r.URL.Query().Get("id"), Roles: bothRoles, Life: time.Minute}
		clientURL, err := wire.SignedURL(service, "app", access)(r.Context())
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		if asked.Add(1)%2 == 0 {
			_, _ = io.WriteString(w, clientURL+"\n")
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"url": clientURL})
	}))
	t.Cleanup(server.Close)
	return server.URL + "/negotiate?id={user}", asked
}

// Beside a connection string, clients come by the negotiate server and REST calls by the
// key. It is asked once per new connection and never for a recovery.
func TestRunNegotiatesBesideTheKey(t *testing.T) {
	server := startServer(t, emulator.Options{})
	url, asked := newNegotiate(t, server.ConnectionString())
	dir := writeScenario(t, fmt.Sprintf(`name: chat
target: {connection_string: %q, negotiate: %q, hub: elsewhere}
groups:
  room: {count: 2}
populations:
  members: {connections: 8, connect_rate: 200/s, join: {room: 1}, client: {reconnect: {base: 100ms, max: 1s}}}
  server: {protocol: rest, connections: 1, publish: {to: {user: members}, rate: 16/s}}
phases: {steady: 2s, drain: 30s}
faults:
  - {name: F1, at: 300ms, kind: rst, population: members, hit: 100%%}
  - {name: F2, at: 1200ms, kind: rest-close, population: members, hit: 2}
`, server.ConnectionString(), url))
	p := start(t, dir, "run", "chat.yaml", "--dir", "out")
	code, out := p.wait(t)
	run := readRecord(t, filepath.Join(dir, "out", "run.json"))
	if code != metrics.ExitPass || run.Totals.Publishes.OK != 32 {
		t.Errorf("exit %d, publishes %+v; want a pass and 32\n%s", code, run.Totals.Publishes, out)
	}
	if got := server.Stats().RecoveriesAccepted; got != 8 {
		t.Errorf("%d recoveries, want 8", got)
	}
	// One to learn where it leads, one for each session, one for each that was closed.
	if got := asked.Load(); got != 1+8+2 {
		t.Errorf("asked %d times, want 11", got)
	}
	if at := run.Environment.Target; at.Hub != "app" || !strings.HasPrefix(at.Endpoint, "ws://"+server.Addr()) {
		t.Errorf("the record says %s, hub %s", at.Endpoint, at.Hub)
	}
}

// The small commands ask it the same way.
func TestPubSubNegotiate(t *testing.T) {
	server := startServer(t, emulator.Options{})
	l := newLink(t, server.Addr())
	url, asked := newNegotiate(t, l.target())
	sub := start(t, t.TempDir(), "sub", "stream", "--target", url, "--count", "2")
	until(t, sub.stderr, "listening on")
	for i, line := range []string{"one", "two"} {
		pub := start(t, t.TempDir(), "pub", "stream", line, "--target", url)
		if code, _ := pub.wait(t); code != 0 {
			t.Fatalf("pub ended with %d", code)
		}
		if got := asked.Load(); got != int64(2+i) {
			t.Errorf("asked %d times, want %d", got, 2+i)
		}
		if i == 0 {
			until(t, sub.stdout, "^one$")
			l.cut()
			until(t, sub.stderr, "recovered")
		}
	}
	if code, out := sub.wait(t); code != 0 || out != "two\n" {
		t.Errorf("sub ended with %d and %q", code, out)
	}
}

// A server that never answers is given up like any that cannot be dialled.
func TestNegotiateThatNeverAnswers(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(server.Close)
	s, err := scenario.Parse("chat.yaml", []byte(chat), scenario.Options{})
	if err != nil {
		t.Fatal(err)
	}
	target, err := runner.NegotiateTarget(server.URL, "hub", "", server.Client(), s.Plan())
	if err != nil {
		t.Fatal(err)
	}
	resolved := &resolvedTarget{target: target, dialer: &wire.Dialer{Timeout: 50 * time.Millisecond}}
	if err := resolved.askNegotiate(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the deadline", err)
	}
}
