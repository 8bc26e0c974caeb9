package runner

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire"
)

// outageText has four members of one room, who hear something twenty times a second, find a
// silent transport after ten seconds and dial again one second later.
const outageText = `name: outages
protocol: %s.webpubsub.azure.v1
groups: {room: {count: 1}}
populations:
  members:
    connections: 4
    join: {room: 1}
    publish: {to: room, rate: 5/s, size: 80}
    client: {ping: 4s, idle_timeout: 10s, reconnect: {backoff: fixed, base: %s, jitter: none}}
phases: {warmup: 1s, steady: 40s, drain: %s}
faults: %s
thresholds: %s
`

func outageWorld(protocol, base, drain, faults, thresholds string) world {
	return world{seed: 1, text: fmt.Sprintf(outageText, protocol, base, drain, faults, thresholds), link: wire.Link{Delay: 5 * time.Millisecond}}
}

// between fails unless all values of a metric lie there, in seconds, and are so many.
func between(t *testing.T, rec *metrics.Run, metric string, n uint64, low, high float64) {
	t.Helper()
	m := rec.Metrics[metric]
	if m.Count != n || n > 0 && (float64(*m.Min)/1e6 < low || float64(*m.Max)/1e6 > high) {
		t.Errorf("%s: %d values from %v to %v us; want %d from %g to %g s", metric, m.Count, m.Min, m.Max, n, low, high)
	}
}

// What a session was out is from the fault on, what it took to come back from when it was
// noticed (design.md 7.7); both belong to the time of the fault.
func TestOutageAndRecoveryTime(t *testing.T) {
	t.Parallel()
	const cutOff = "[{name: F1, at: 5s, population: members, hit: 2, kind: blackhole}]"
	const during = `{outage_time: [{threshold: "count==2", during: F1}], recovery_time: [{threshold: "count==2", during: F1}]}`
	t.Run("a new connection", func(t *testing.T) {
		t.Parallel()
		rec, _ := simulate(t, outageWorld("json", "1s", "30s", cutOff, during))
		wantVerdict(t, rec, metrics.ExitPass, nil)
		between(t, rec, "recovery_time", 2, 1, 1.1)
		between(t, rec, "outage_time", 2, 10.9, 11.1)
		wantOutcomes(t, rec, metrics.IncidentOutcomes{NewConnection: 2})
		if f := rec.Connections.Funnel; f.Recovered != 0 || f.NewConnections != 2 || f.AtEnd != 4 || f.Drops != 2 || f.UninjectedDrops != 0 {
			t.Errorf("funnel %+v; want 2 new connections and 4 at the end", f)
		}
	})
	t.Run("resumed", func(t *testing.T) {
		t.Parallel()
		late := strings.Replace(cutOff, "at: 5s", "at: 35s", 1) // they are back in the drain
		rec, _ := simulate(t, outageWorld("json.reliable", "1s", "30s", late, during))
		wantVerdict(t, rec, metrics.ExitPass, nil)
		between(t, rec, "recovery_time", 2, 0.02, 1.1)
		between(t, rec, "outage_time", 2, 9.9, 11.1)
		wantOutcomes(t, rec, metrics.IncidentOutcomes{Resumed: 2})
		if m := rec.Phases[2].Metrics["outage_time"]; rec.Phases[2].Name != "steady" || m == nil || m.Count != 2 {
			t.Errorf("outages of %s: %+v; want those that began in steady state", rec.Phases[2].Name, m)
		}
		if f := rec.Connections.Funnel; f.Recovered != 2 || f.NewConnections != 0 || f.AtEnd != 4 {
			t.Errorf("funnel %+v; want 2 recovered and 4 at the end", f)
		}
	})
	t.Run("out at the end", func(t *testing.T) {
		t.Parallel()
		rec, _ := simulate(t, outageWorld("json", "50s", "3s", cutOff, "{}"))
		wantOutcomes(t, rec, metrics.IncidentOutcomes{Open: 2})
		between(t, rec, "outage_time", 0, 0, 0)
		if f := rec.Connections.Funnel; f.AtEnd != 2 || f.Joined != 4 {
			t.Errorf("funnel %+v; want 2 of 4 at the end", f)
		}
	})
}

// Who has no transport cannot lose it: the injection has missed, and the outage goes on as
// it was.
func TestInjectionsMissed(t *testing.T) {
	t.Parallel()
	rec, _ := simulate(t, outageWorld("json", "1s", "30s",
		"[{name: F1, at: 5s, population: members, hit: 4, kind: blackhole}, {name: F2, at: 7s, population: members, hit: 4, kind: rst}]", "{}"))
	if len(rec.Incidents) != 2 || rec.Incidents[0].Hit != 4 || rec.Incidents[0].Missed != 0 || rec.Incidents[1].Hit != 0 || rec.Incidents[1].Missed != 4 {
		t.Errorf("incidents %+v; want one that hit 4 and one that missed 4", rec.Incidents)
	}
	effects := map[string]int{}
	for _, in := range rec.Injections.Log {
		effects[in.Incident+" "+in.Effect]++
	}
	if effects["F1 new_connection"] != 4 || effects["F2 missed"] != 4 || rec.Injections.Count != 8 {
		t.Errorf("%d injections with the effects %v", rec.Injections.Count, effects)
	}
}

// A drop that nobody injected and that only the client's patience has found began when it
// heard something last.
func TestSilentDrops(t *testing.T) {
	t.Parallel()
	w := outageWorld("json", "1s", "30s", "[]", "{}")
	w.link.Lifetime, w.link.Silent, w.seed = 25*time.Second, 1, 3
	rec, _ := simulate(t, w)
	if rec == nil || len(rec.Incidents) != 1 {
		t.Fatalf("record %+v; want one incident", rec)
	}
	in, f := rec.Incidents[0], rec.Connections.Funnel
	if f.UninjectedDrops == 0 || in.Hit != int(f.UninjectedDrops) || in.ID != "drops" || in.Outcomes.Total() != in.Hit {
		t.Errorf("incident %+v; funnel %+v", in, f)
	}
	if s := in.Stages["detect"]; s == nil || *s.P50 < 9_500_000 || *s.Max > 10_100_000 {
		t.Errorf("detected after %+v, want the ten seconds of the client's patience", s)
	}
	closed := uint64(0)
	for _, c := range in.Closes {
		closed += c.Count
	}
	if closed != uint64(in.Hit) {
		t.Errorf("%d closes of %d drops", closed, in.Hit)
	}
}
