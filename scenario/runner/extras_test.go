package runner

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// What a scenario says beside the data is in every publish, and only when it says so.
func TestTTLAndMetadataArePublished(t *testing.T) {
	const publish = "populations.members.publish."
	for _, row := range []struct {
		name     string
		set      []string
		ttl      int // -1: none
		metadata map[string]string
	}{
		{"neither", nil, -1, nil},
		{"both", []string{publish + "ttl=60s", publish + "metadata={trace: a1}"}, 60, map[string]string{"trace": "a1"}},
		{"ttl only", []string{publish + "ttl=300s"}, 300, nil},
		{"text that needs escapes", []string{publish + `metadata={q: 'a"b\'}`}, -1, map[string]string{"q": `a"b\`}},
	} {
		t.Run(row.name, func(t *testing.T) {
			var mu sync.Mutex
			published := 0
			f := newFake(t, script{onPublish: func(_ int, m fakeFrame) {
				mu.Lock()
				defer mu.Unlock()
				published++
				ttl := -1
				if m.TTLSeconds != nil {
					ttl = *m.TTLSeconds
				}
				if ttl != row.ttl || !maps.Equal(m.Metadata, row.metadata) {
					t.Errorf("publish %d has ttl %d and metadata %v, want %d and %v", published, ttl, m.Metadata, row.ttl, row.metadata)
				}
			}})
			rec, err := Run(t.Context(), t.Context(), f.config(t, planOf(t, base, row.set...)))
			if err != nil {
				t.Fatal(err)
			}
			if published != 144 || rec.Totals.Deliveries.Lost != 0 {
				t.Errorf("%d published, %d lost; want 144 and 0", published, rec.Totals.Deliveries.Lost)
			}
		})
	}
}

// Whoever publishes and over whichever protocol, a stranger's JSON client in the
// group reads the metadata.
func TestMetadataIsDelivered(t *testing.T) {
	for _, protocol := range []string{
		"json.webpubsub.azure.v1", "json.reliable.webpubsub.azure.v1",
		"protobuf.webpubsub.azure.v1", "protobuf.reliable.webpubsub.azure.v1", "rest",
	} {
		t.Run(protocol, func(t *testing.T) {
			plan := planOf(t, `name: extras
groups: {hall: {count: 1}}
populations:
  ears: {connections: 1, join: {hall: 1}}
  mouth: {protocol: `+protocol+`, connections: 1, publish: {to: hall, rate: 20/s, metadata: {trace: a1}}}
phases: {steady: 500ms, drain: 30s}
`)
			server, err := emulator.Start(emulator.Options{})
			if err != nil {
				t.Fatal(err)
			}
			cfg := configOf(t, plan, server.ConnectionString())
			heard := overhear(t, server.ConnectionString(), cfg.Target.Prefix+plan.GroupName(0))
			rec, err := Run(t.Context(), t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			_ = server.Close() // which ends the listening, too
			for _, c := range rec.Checks {
				if c.ID == "X1" && (c.Result != metrics.CheckOK || c.Reason != "") {
					t.Errorf("X1 is %s: %d violations, %s", c.Result, c.Violations, c.Reason)
				}
			}
			if rec.Totals.Deliveries.Delivered != 10 {
				t.Errorf("%d delivered, want 10", rec.Totals.Deliveries.Delivered)
			}
			for i := range 10 {
				if got := <-heard; got["trace"] != "a1" || len(got) != 1 {
					t.Errorf("message %d came with metadata %v, want trace: a1", i, got)
				}
			}
		})
	}
}

// overhear joins a group as a client of its own, made of literal frames, and returns
// the metadata of what it is sent there, until the test ends.
func overhear(t *testing.T, connectionString, group string) <-chan map[string]string {
	t.Helper()
	cs, err := wire.ParseConnectionString(connectionString)
	if err != nil {
		t.Fatal(err)
	}
	url, err := wire.SignedURL(cs, "bench", wire.Access{Groups: []string{group}, Life: time.Hour})(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dialer := ws.Dialer{Protocols: []string{"json.webpubsub.azure.v1"}}
	conn, early, _, err := dialer.Dial(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	var frames io.Reader = conn
	if early != nil { // what came with the handshake's answer
		frames = io.MultiReader(io.LimitReader(early, int64(early.Buffered())), conn)
	}
	heard, greeted, ended := make(chan map[string]string, 100), make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { _ = conn.Close(); <-ended })
	go func() {
		defer close(ended)
		defer close(heard)
		for {
			text, err := wsutil.ReadServerText(struct {
				io.Reader
				io.Writer
			}{frames, conn})
			if err != nil {
				return // by the end of the test, or told by what is missing
			}
			var m struct {
				Type     string
				Metadata map[string]string
			}
			if err := json.Unmarshal(text, &m); err != nil {
				t.Errorf("heard %q: %v", text, err)
			}
			switch m.Type {
			case "system":
				close(greeted)
			case "message":
				heard <- m.Metadata
			}
		}
	}()
	select {
	case <-greeted:
	case <-ended:
		t.Fatal("the listener was not let in")
	}
	return heard
}
