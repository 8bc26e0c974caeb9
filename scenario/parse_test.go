package scenario

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite golden files")

// minimal is the shortest valid scenario; most tests change it with --set.
const minimal = `name: minimal
groups:
  room: {count: 10}
populations:
  members:
    connections: 100
    join: {room: 1}
    publish: {rate: 1/s}
phases:
  steady: 10s
`

func mustParse(t testing.TB, src string, set ...string) *Scenario {
	t.Helper()
	s, err := Parse("test.yaml", []byte(src), Options{Set: set})
	if err != nil {
		t.Fatalf("parse: %v", err)
	}
	return s
}

// TestMistakes renders every testdata/bad/*.yaml; the golden is what a person sees.
// Lines "#set PATH=VALUE" at the top of a file are --set arguments.
func TestMistakes(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var o Options
			for line := range strings.Lines(string(src)) {
				if arg, ok := strings.CutPrefix(strings.TrimSpace(line), "#set "); ok {
					o.Set = append(o.Set, arg)
				}
			}
			_, err = Parse(filepath.ToSlash(file), src, o)
			var problems Problems
			if !errors.As(err, &problems) {
				t.Fatalf("got error %v, want problems", err)
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".golden", problems.Format(src))
		})
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got:\n%s\nwant:\n%s", file, got, want)
	}
}

func TestShippedScenarios(t *testing.T) {
	files, err := filepath.Glob("../scenarios/*.yaml")
	if err != nil || len(files) < 2 {
		t.Fatalf("got %d files (%v), want the shipped ones", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			s, err := Load(file, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if want := strings.TrimSuffix(filepath.Base(file), ".yaml"); s.Name != want {
				t.Errorf("name: got %q, want that of the file, %q", s.Name, want)
			}
			if w, no := s.Plan().Warnings(Limits{}); len(w)+len(no) > 0 {
				t.Errorf("warnings: got %v %v, want none", w, no)
			}
		})
	}
}

// A file may say where its document begins and ends, and comments may stand around it.
func TestDocumentMarkers(t *testing.T) {
	for _, row := range []struct {
		name, src string
		line      int // of the refusal; 0: none
	}{
		{"begins", "---\n" + minimal, 0},
		{"begins after a comment", "# a licence\n# of two lines\n---\n# and more\n" + minimal, 0},
		{"ends", minimal + "...\n", 0},
		{"ends before a comment", minimal + "...\n# that is all\n", 0},
		{"begins twice", "---\n---\n" + minimal, 2},
		{"another one", minimal + "---\n" + minimal, 11},
		{"another one behind the end", minimal + "...\nname: two\n", 12},
	} {
		_, err := Parse("test.yaml", []byte(row.src), Options{})
		var problems Problems
		switch errors.As(err, &problems); {
		case row.line == 0 && err != nil:
			t.Errorf("%s: %v", row.name, err)
		case row.line > 0 && (len(problems) != 1 || problems[0].Line != row.line || problems[0].Message != "a file holds one scenario"):
			t.Errorf("%s: got %v, want a refusal of line %d", row.name, err, row.line)
		}
	}
}

func TestLoadMissing(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "none.yaml"), Options{})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want os.ErrNotExist", err)
	}
}

func TestLoadTooLarge(t *testing.T) {
	file := filepath.Join(t.TempDir(), "large.yaml")
	if err := os.WriteFile(file, []byte("# "+strings.Repeat("x", MaxFileBytes)+"\n"+minimal), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(file, Options{}); err == nil || !strings.Contains(err.Error(), "larger than 1 MiB") {
		t.Errorf("got %v, want a refusal of the size", err)
	}
}

func TestDefaults(t *testing.T) {
	s := mustParse(t, minimal)
	p := s.Populations[0]
	for _, row := range []struct {
		name      string
		got, want any
	}{
		{"protocol", p.Protocol, "json.reliable.webpubsub.azure.v1"},
		{"seed", s.Seed, uint64(1)},
		{"target", s.Target.Set, false},
		{"connect_rate", p.ConnectRate, Rate(100)},
		{"users", p.Users, "user-{n}"},
		{"roles", strings.Join(p.Roles, " "), "webpubsub.sendToGroup webpubsub.joinLeaveGroup"},
		{"client", p.Client, Client{Preset: "bench", AckMessages: 64, AckEvery: 250 * time.Millisecond, ReconnectBase: time.Second, ReconnectMax: 30 * time.Second, FullJitter: true, Ping: 20 * time.Second, IdleTimeout: 45 * time.Second}},
		{"senders", p.Publish.Senders.Of(100), 100},
		{"arrival", p.Publish.Arrival, Arrival{Kind: "constant"}},
		{"ack", p.Publish.Ack, true},
		{"no_echo", p.Publish.NoEcho, false},
		{"data_type", p.Publish.DataType, "text"},
		{"size", p.Publish.Size, 128},
		{"warmup", s.Phases.Warmup, time.Duration(0)},
		{"stage", s.Phases.Stages[0].Name, "steady"},
		{"factor", s.Phases.Stages[0].Factor, 1.0},
		{"drain", s.Phases.Drain, 30 * time.Second},
		{"profile", s.Checks.Profile, ""},
		{"pairs", s.Checks.Pairs, 4_000_000},
	} {
		if row.got != row.want {
			t.Errorf("%s: got %v, want %v", row.name, row.got, row.want)
		}
	}
}

// full uses every key of the format but those that exclude others of it.
const full = `name: full
note: everything at once
tags: {team: chat, "a.b": "1"}
protocol: json.webpubsub.azure.v1
seed: 18446744073709551615
target:
  connection_string: ${WPS}
  # url: excludes both
  negotiate: "https://app/negotiate?id={user}"
  hub: bench
  tls: {ca: ca.pem, server_name: host, insecure: true}
  headers: {X-Tenant: "7"}
groups:
  room: {count: 1000}
  hall: {names: [lobby, garden]}
populations:
  speakers:
    protocol: json.reliable.webpubsub.azure.v1
    connections: 10
    connect_rate: 1/2s
    client: {preset: bench, sequence_ack: {every_messages: 100, every: 1s}, reconnect: {base: 2s, max: 8s, jitter: none}}
    users: speaker-{n}
    roles: [webpubsub.sendToGroups.room-*, webpubsub.sendToGroup.lobby, webpubsub.sendToGroup.garden]
    payload_file: text.txt
    publish: {to: [room, hall], total_rate: 30/m, senders: 5, arrival: {burst: 4, within: 500ms}, ack: false, no_echo: true, data_type: binary, size: 2KiB, ttl: 1m, metadata: {trace.id: a1}}
  listeners:
    connections: 20
    join: {room: 3, hall: 2}
phases:
  warmup: 1s
  steady:
    - {name: normal, for: 1m}
    - {name: rush, for: 30s, rate: x2.5}
  drain: 45s
faults:
  - {name: F1, at: 8s, kind: close, code: 1001, population: listeners, hit: 3}
  - {name: F2, at: 1m10s, kind: close, population: speakers, hit: 50%}
checks: {profile: spec}
thresholds:
  e2e_latency:
    - p(99.9)<=1s
    - {threshold: "avg < 20ms", during: rush, population: listeners, abort_on_fail: true}
  lost: count==0
  delivered: {threshold: "rate>1.5", during: calm}
`

func TestEveryKey(t *testing.T) {
	s := mustParse(t, full)
	sp, li := s.Populations[0], s.Populations[1]
	for _, row := range []struct {
		name      string
		got, want any
	}{
		{"tags", s.Tags["a.b"], "1"},
		{"seed", s.Seed, uint64(1<<64 - 1)},
		{"connection string", s.Target.ConnectionString, "${WPS}"},
		{"negotiate beside it", s.Target.Negotiate, "https://app/negotiate?id={user}"},
		{"tls", s.Target.TLS, TLS{"ca.pem", "host", true}},
		{"headers", s.Target.Headers["X-Tenant"], "7"},
		{"counted group", s.Groups[0].Group(7), "room-0007"},
		{"named group", s.Groups[1].Group(1), "garden"},
		{"own protocol", sp.Protocol, ProtocolJSONReliable},
		{"inherited protocol", li.Protocol, ProtocolJSON},
		{"connect rate", sp.ConnectRate, Rate(0.5)},
		{"client", sp.Client, Client{Preset: "bench", AckMessages: 100, AckEvery: time.Second, ReconnectBase: 2 * time.Second, ReconnectMax: 8 * time.Second, Ping: 20 * time.Second, IdleTimeout: 45 * time.Second}},
		{"total rate", sp.Publish.TotalRate, Rate(0.5)},
		{"sender rate", sp.SenderRate(), Rate(0.1)},
		{"arrival", sp.Publish.Arrival, Arrival{"burst", 4, 500 * time.Millisecond}},
		{"ack", sp.Publish.Ack, false},
		{"no echo", sp.Publish.NoEcho, true},
		{"size", sp.Publish.Size, 2048},
		{"ttl", sp.Publish.TTL, time.Minute},
		{"metadata", sp.Publish.Metadata["trace.id"], "a1"},
		{"listens", li.Publish == nil, true},
		{"listener's roles", strings.Join(li.Roles, " "), "webpubsub.joinLeaveGroup"},
		{"join order", li.Join[1], Join{"hall", 2}},
		{"steady", s.Phases.Steady(), 90 * time.Second},
		{"code", s.Faults[0].Code, 1001},
		{"default code", s.Faults[1].Code, 1000},
		{"hit", s.Faults[1].Hit, Share{Percent: 50, IsPercent: true}},
		{"thresholds", len(s.Thresholds), 4},
		{"position", s.Thresholds[0].Pos, Pos{41, 7}},
		{"population's position", li.Pos, Pos{26, 3}},
	} {
		if row.got != row.want {
			t.Errorf("%s: got %v, want %v", row.name, row.got, row.want)
		}
	}
	want := Threshold{Metric: "e2e_latency", Expr: "avg < 20ms", Aggregate: "avg", Op: "<", Limit: 20_000,
		During: "rush", Population: "listeners", AbortOnFail: true, Pos: Pos{42, 7}}
	if s.Thresholds[1] != want {
		t.Errorf("threshold: got %+v, want %+v", s.Thresholds[1], want)
	}
	if got := s.Thresholds[0]; got.Quantile != 0.999 || got.Op != "<=" || got.Limit != 1e6 {
		t.Errorf("p(99.9)<=1s: got %+v", got)
	}
}

func TestSet(t *testing.T) {
	s := mustParse(t, full,
		"phases.steady.1.for=50s", "populations.listeners.join.room=1", "target.hub=other",
		"faults.0.hit=10%", "thresholds.ack_rtt=p(95)<1s", "tags.run=\"12\"", "populations.listeners.client.preset=bench",
		"checks={profile: strict, pairs: 1000}", "seed=7")
	for _, row := range []struct {
		name      string
		got, want any
	}{
		{"item of a list", s.Phases.Stages[1].For, 50 * time.Second},
		{"deep key", s.Populations[1].Join[0].Count, 1},
		{"text", s.Target.Hub, "other"},
		{"percentage", s.Faults[0].Hit.IsPercent, true},
		{"new metric", s.Thresholds[4].Expr, "p(95)<1s"},
		{"quoted text", s.Tags["run"], "12"},
		{"new path", s.Populations[1].Client.Preset, "bench"},
		{"mapping", s.Checks.Profile, "strict"},
		{"mapping of two", s.Checks.Pairs, 1000},
		{"number", s.Seed, uint64(7)},
		{"record", len(s.Overrides), 9},
	} {
		if row.got != row.want {
			t.Errorf("%s: got %v, want %v", row.name, row.got, row.want)
		}
	}
	if string(s.Text) != full {
		t.Error("the text was changed")
	}
}

func TestTargetOption(t *testing.T) {
	for _, row := range []struct {
		option string
		want   Target
	}{
		{"emulator", Target{Hub: "bench"}},
		{"ws://h/client/hubs/x", Target{Set: true, URL: "ws://h/client/hubs/x", Hub: "bench"}},
		{"https://app/negotiate", Target{Set: true, Negotiate: "https://app/negotiate", Hub: "bench"}},
		{"${WPS}", Target{Set: true, ConnectionString: "${WPS}", Hub: "bench"}},
		{"Endpoint=http://h;AccessKey=k", Target{Set: true, ConnectionString: "Endpoint=http://h;AccessKey=k", Hub: "bench"}},
	} {
		s, err := Parse("t", []byte(full), Options{Target: row.option})
		if err != nil {
			t.Errorf("%s: %v", row.option, err)
			continue
		}
		got, want := s.Target, row.want
		if got.Set != want.Set || got.URL != want.URL || got.Negotiate != want.Negotiate ||
			got.ConnectionString != want.ConnectionString || got.Hub != want.Hub || got.Headers != nil || got.TLS != (TLS{}) {
			t.Errorf("%s: got %+v, want %+v", row.option, got, want)
		}
	}
}

// A scenario without a target takes any; the hub is the command's affair then.
func TestTargetOptionWithoutTarget(t *testing.T) {
	s, err := Parse("t", []byte(minimal), Options{Target: "${WPS}"})
	if err != nil || !s.Target.Set || s.Target.Hub != "" {
		t.Errorf("got %+v, %v, want the target of the option and no hub", s, err)
	}
}

// Secrets in a line at fault must not reach the terminal.
func TestExcerptMasksSecrets(t *testing.T) {
	src := strings.Replace(minimal, "groups:", "target: {connection_string: \"Endpoint=http://h;AccessKey=SECRET\", hob: x}\ngroups:", 1)
	_, err := Parse("t.yaml", []byte(src), Options{Set: []string{"target.urn=ws://h?access_token=SECRET"}})
	var problems Problems
	if !errors.As(err, &problems) {
		t.Fatalf("got %v, want problems", err)
	}
	text := problems.Format([]byte(src)) + problems.Error()
	if strings.Contains(text, "SECRET") || strings.Count(text, "******") < 2 {
		t.Errorf("got:\n%s", text)
	}
}

// What --set says of the target is meant for the one that --target names.
func TestSetAfterTargetOption(t *testing.T) {
	s, err := Parse("t", []byte(full), Options{Target: "wss://h/client/hubs/x", Set: []string{"target.tls.ca=other.pem", "target.hub=mine"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Target; got.URL != "wss://h/client/hubs/x" || got.TLS != (TLS{CA: "other.pem"}) || got.Hub != "mine" || got.Headers != nil {
		t.Errorf("got %+v", got)
	}
}

func TestClientPolicies(t *testing.T) {
	for _, row := range []struct {
		client        string
		base, max     time.Duration
		window, pause time.Duration
		problem       string
	}{
		{client: "{reconnect: {backoff: fixed, base: 2s}}", base: 2 * time.Second, max: 2 * time.Second},
		{client: "{reconnect: {base: 2s, backoff: exponential}}", base: 2 * time.Second, max: 30 * time.Second},
		{client: "{recovery: {window: 1m, pause: 3s}}", base: time.Second, max: 30 * time.Second, window: time.Minute, pause: 3 * time.Second},
		{client: "{reconnect: {backoff: fixed, max: 2s}}", problem: "a fixed back-off has no `max`"},
		{client: "{reconnect: {backoff: linear}}", problem: "needs `exponential` or `fixed`"},
	} {
		s, err := Parse("t.yaml", []byte(minimal), Options{Set: []string{"populations.members.client=" + row.client}})
		if row.problem != "" {
			if err == nil || !strings.Contains(err.Error(), row.problem) {
				t.Errorf("%s: got %v, want %q", row.client, err, row.problem)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", row.client, err)
			continue
		}
		c := s.Populations[0].Client
		if c.ReconnectBase != row.base || c.ReconnectMax != row.max || c.RecoveryWindow != row.window || c.RecoveryPause != row.pause {
			t.Errorf("%s: got %+v", row.client, c)
		}
	}
}
