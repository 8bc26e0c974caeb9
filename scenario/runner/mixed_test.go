package runner

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// mixed has a population of each subprotocol in the same two rooms, each publishing
// another type of data.
func mixed() string {
	var b strings.Builder
	b.WriteString("name: mixed\ngroups:\n  room: {count: 2}\npopulations:\n")
	for i, p := range []struct{ name, protocol, data string }{
		{"json", "json.webpubsub.azure.v1", "json"},
		{"json-reliable", "json.reliable.webpubsub.azure.v1", "binary"},
		{"protobuf", "protobuf.webpubsub.azure.v1", "text"},
		{"protobuf-reliable", "protobuf.reliable.webpubsub.azure.v1", "json"},
	} {
		fmt.Fprintf(&b, `  %s:
    protocol: %s
    connections: 4
    connect_rate: 1000/s
    join: {room: 1}
    publish: {to: room, rate: 10/s, size: %d, data_type: %s}
`, p.name, p.protocol, 100+100*i, p.data)
	}
	b.WriteString("phases:\n  steady: 1s\n  drain: 30s\n")
	return b.String()
}

// Clients of every subprotocol share groups: each gets the payloads of all others,
// byte by byte and of the type they were sent as.
func TestMixedRun(t *testing.T) {
	for _, row := range []struct {
		name string
		o    emulator.Options
	}{
		{"json_data", emulator.Options{}},
		{"JSON as text", emulator.Options{JSONAsText: true}},
	} {
		t.Run(row.name, func(t *testing.T) {
			plan := planOf(t, mixed())
			rec, stats := execute(t, plan, row.o)
			wantAddsUp(t, rec)
			p, d := rec.Totals.Publishes, rec.Totals.Deliveries
			if p.Sent != 160 || p.OK != 160 || d.Delivered != 1280 || d.Expected != 1280 || stats.Deliveries != 1280 {
				t.Errorf("sent %d, ok %d, delivered %d of %d, by the target's count %d; want 160, 160, 1280",
					p.Sent, p.OK, d.Delivered, d.Expected, stats.Deliveries)
			}
			if e := plan.Estimate(); e.Publishes != 160 || e.Deliveries != 1280 {
				t.Errorf("the plan estimates %d publishes and %d deliveries", e.Publishes, e.Deliveries)
			}
			for _, c := range rec.Checks {
				if c.Result == metrics.CheckViolated || c.Result == metrics.CheckUnknown {
					t.Errorf("check %s is %s: %s", c.ID, c.Result, c.Reason)
				}
			}
			for _, pop := range rec.Populations {
				if d := pop.Totals.Deliveries; d.Delivered != 320 || !strings.HasPrefix(pop.Subprotocol, strings.Split(pop.Name, "-")[0]+".") {
					t.Errorf("%s over %s: %d deliveries, want 320", pop.Name, pop.Subprotocol, d.Delivered)
				}
			}
		})
	}
}

// A fault hits the reliable half and the plain half of a mixed run: only the plain one
// may miss anything, and only what came during its outage.
func TestMixedRunWithFaults(t *testing.T) {
	plan := planOf(t, mixed()+`faults:
  - {name: F1, at: 300ms, kind: rst, population: protobuf-reliable, hit: 100%}
  - {name: F2, at: 300ms, kind: rst, population: protobuf, hit: 100%}
`, "populations.protobuf.client={reconnect: {base: 100ms, max: 1s}}")
	rec, _ := execute(t, plan, emulator.Options{})
	wantAddsUp(t, rec)
	d := rec.Totals.Deliveries
	if d.Lost+d.Undelivered+d.Duplicated+d.Reordered+d.Unexpected != 0 || d.Expected-d.Delivered != d.Excused.Disconnect {
		t.Errorf("deliveries %+v; only excused.disconnect may be missing", d)
	}
	for _, pop := range rec.Populations {
		d := pop.Totals.Deliveries
		if missing := d.Expected - d.Delivered; (missing > 0) != (pop.Name == "protobuf") {
			t.Errorf("%s misses %d deliveries", pop.Name, missing)
		}
	}
	if i := rec.Incidents; len(i) != 2 || i[0].Outcomes.Resumed != 4 || i[1].Outcomes.NewConnection != 4 {
		t.Errorf("incidents %+v, want 4 resumed and 4 new connections", i)
	}
}
