package runner

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// echoBase is 12 clients whose events come back.
const echoBase = `name: echo
protocol: json.reliable.webpubsub.azure.v1
upstream: {listen: "127.0.0.1:0"}
groups:
  room: {count: 1}
populations:
  clients:
    connections: 12
    connect_rate: 1000/s
    publish: {event: message, rate: 10/s, size: 100}
phases:
  warmup: 200ms
  steady: 1s
  drain: 30s
`

func handledBy(url string) emulator.Options {
	return emulator.Options{Handlers: []emulator.Handler{{
		URL: url, SystemEvents: []string{"connect", "connected", "disconnected"}, UserEvents: "*",
	}}}
}

// What goes through the harness' own upstream comes back to its sender alone.
func TestEchoRuns(t *testing.T) {
	upstream, err := ServeUpstream("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = upstream.Close() }()
	const clients = "populations.clients."
	for _, row := range []struct {
		name              string
		set               []string
		publish, expected uint64
	}{
		{"reliable", nil, 144, 144},
		{"plain", []string{"protocol=json.webpubsub.azure.v1"}, 144, 144},
		{"protobuf", []string{"protocol=protobuf.reliable.webpubsub.azure.v1"}, 144, 144},
		{"no ack", []string{clients + "publish.ack=false"}, 144, 144},
		{"json payload", []string{clients + "publish.data_type=json"}, 144, 144},
		{"binary payload", []string{clients + "publish.data_type=binary"}, 144, 144},
		{"some senders", []string{clients + "publish.senders=25%"}, 36, 36},
		{"listening to a room too", []string{clients + "join={room: 1}"}, 144, 144},
		{"a reset", []string{"faults=[{name: F1, at: 300ms, kind: rst, population: clients, hit: 50%}]"}, 144, 144},
	} {
		t.Run(row.name, func(t *testing.T) {
			plan := planOf(t, echoBase, row.set...)
			rec, stats := execute(t, plan, handledBy(upstream.URL()))
			wantAddsUp(t, rec)
			p, d := rec.Totals.Publishes, rec.Totals.Deliveries
			if p.Sent != row.publish || d.Expected != row.expected || d.Delivered != row.expected {
				t.Errorf("sent %d, expected %d, delivered %d; want %d and %d", p.Sent, d.Expected, d.Delivered, row.publish, row.expected)
			}
			if e := plan.Estimate(); e.Publishes != row.publish || e.Deliveries != row.expected {
				t.Errorf("the plan estimates %d publishes and %d deliveries", e.Publishes, e.Deliveries)
			}
			for _, c := range rec.Checks {
				if c.Result == metrics.CheckViolated || c.Result == metrics.CheckUnknown {
					t.Errorf("check %s is %s: %s", c.ID, c.Result, c.Reason)
				}
			}
			if stats.EventsFailed != 0 || stats.Events < 36 {
				t.Errorf("the target counts %d events, %d failed", stats.Events, stats.EventsFailed)
			}
		})
	}
}

// Events and group messages reach the same connections and are told apart.
func TestEchoBesideGroups(t *testing.T) {
	upstream, err := ServeUpstream("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = upstream.Close() }()
	text := strings.Replace(echoBase, "phases:", `  members:
    connections: 4
    connect_rate: 1000/s
    join: {room: 1}
    publish: {to: room, rate: 10/s, size: 100}
phases:`, 1)
	rec, _ := execute(t, planOf(t, text, "populations.clients.join={room: 1}"), handledBy(upstream.URL()))
	wantAddsUp(t, rec)
	const want = 12*12 + 4*12*16 // echoes, and messages of the members to all 16
	if d := rec.Totals.Deliveries; d.Expected != want || d.Delivered != want || d.Unexpected != 0 {
		t.Errorf("expected %d, delivered %d, unexpected %d; want %d, all and none", d.Expected, d.Delivered, d.Unexpected, want)
	}
}

// missing counts the copies that never came; the last of a sender's are not called lost.
func missing(r *metrics.Run) uint64 {
	return r.Totals.Deliveries.Lost + r.Totals.Deliveries.Undelivered
}

// A handler that does something else with one event of ten is found out.
func TestEchoFaults(t *testing.T) {
	for _, row := range []struct {
		name  string
		every func(w http.ResponseWriter, body []byte)
		wrong func(*metrics.Run) uint64
	}{
		{"swallowed", func(http.ResponseWriter, []byte) {}, missing},
		{"altered", func(w http.ResponseWriter, body []byte) {
			_, _ = w.Write(bytes.ToUpper(body))
		}, missing},
		{"refused", func(w http.ResponseWriter, _ []byte) { w.WriteHeader(http.StatusForbidden) },
			func(r *metrics.Run) uint64 { return r.Totals.Publishes.Errored }},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var n, odd atomic.Uint64
			handler := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("WebHook-Allowed-Origin", "*")
				if !strings.HasPrefix(r.Header.Get("ce-type"), "azure.webpubsub.user.") {
					return
				}
				body, _ := io.ReadAll(r.Body)
				w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
				if n.Add(1)%10 == 0 {
					odd.Add(1)
					row.every(w, body)
					return
				}
				_, _ = w.Write(body)
			}))
			defer handler.Close()
			rec, _ := execute(t, planOf(t, echoBase, "phases.drain=1s"), handledBy(handler.URL))
			wantAddsUp(t, rec)
			if got := row.wrong(rec); got != odd.Load() || got == 0 {
				t.Errorf("%d found, want %d; totals %+v", got, odd.Load(), rec.Totals)
			}
		})
	}
}

func TestUpstream(t *testing.T) {
	upstream, err := ServeUpstream("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ServeUpstream(strings.TrimSuffix(strings.TrimPrefix(upstream.URL(), "http://"), "/")); err == nil {
		t.Error("two upstreams on one port")
	}
	for _, row := range []struct {
		method, kind string
		status       int
		body         string
	}{
		{http.MethodOptions, "", 200, ""},
		{http.MethodGet, "", 405, ""},
		{http.MethodPost, "azure.webpubsub.sys.connect", 204, ""},
		{http.MethodPost, "azure.webpubsub.user.message", 200, "payload"},
	} {
		req, err := http.NewRequest(row.method, upstream.URL(), strings.NewReader("payload"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("ce-type", row.kind)
		req.Header.Set("Content-Type", "text/plain")
		resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != row.status || string(body) != row.body {
			t.Errorf("%s %s: %d %q, want %d %q", row.method, row.kind, resp.StatusCode, body, row.status, row.body)
		}
		if allowed := resp.Header.Get("WebHook-Allowed-Origin"); (allowed == "*") != (row.method == http.MethodOptions) {
			t.Errorf("%s: allowed origin %q", row.method, allowed)
		}
	}
	if err := upstream.Close(); err != nil {
		t.Error(err)
	}
}
