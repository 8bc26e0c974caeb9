package runner

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// liesBase has two rooms of three, so that everybody is a stranger somewhere.
const liesBase = `name: lies
groups:
  room: {count: 2}
populations:
  members:
    connections: 6
    connect_rate: 1000/s
    join: {room: 1}
    publish: {to: room, rate: 40/s, size: 80, metadata: {trace: 'a"<1', q: x}}
phases:
  steady: 400ms
  drain: 30s
`

// withRecovery is for lies that need one: the publishes of the hit sessions are
// unanswered when they are reset, and their first way back is barred, so that a second
// of messages waits for them. The schedule goes on after that: what replay-acked tells
// needs a new message. Two are hit, so that of the three in a room one goes on sending to it.
const (
	withLongerSteady = "phases.steady=3s"
	withRecovery     = "faults=[{name: F1, at: 500ms, population: members, hit: 2, kind: rst}]"
)

// lieRow says which check a lie breaks, on reliable and on plain subprotocols; "" =
// there is nothing to lie about.
type lieRow struct {
	reliable, plain string
	jsonOnly        bool // protobuf has no field for it
	recovery        bool
	ackDelay        time.Duration
}

var lieRows = map[emulator.Lie]lieRow{
	emulator.LieDrop:          {reliable: "R4", plain: "N3"},
	emulator.LieDuplicate:     {reliable: "R5", plain: "N2"},
	emulator.LieSwap:          {reliable: "R6", plain: "N1"},
	emulator.LieCorrupt:       {reliable: "X1", plain: "X1"},
	emulator.LieWrongType:     {reliable: "X1", plain: "X1"},
	emulator.LieWrongUser:     {reliable: "X1", plain: "X1", jsonOnly: true},
	emulator.LieWrongMetadata: {reliable: "X1", plain: "X1"},
	emulator.LieReuseID:       {reliable: "R1"},
	emulator.LieStrayID:       {plain: "R1"},
	emulator.LieSkipID:        {reliable: "R1s"},
	emulator.LieWrongGroup:    {reliable: "G3", plain: "G3"},
	emulator.LieAfterLeave:    {}, // no scenario leaves; see TestAfterLeave
	emulator.LieAckOnly:       {reliable: "R4", plain: "N3"},
	emulator.LieLoseAck:       {reliable: "P1", plain: "P1"},
	emulator.LieAckTwice:      {reliable: "P1", plain: "P1"},
	emulator.LieRunTwice:      {reliable: "P2", recovery: true, ackDelay: 100 * time.Millisecond},
	emulator.LieLoseReplay:    {reliable: "R2", recovery: true},
	emulator.LieReplayAcked:   {reliable: "R3", recovery: true},
}

// lieCell is one run of the table.
type lieCell struct {
	lie                emulator.Lie
	row                lieRow
	protocol, dataType string
	rec                *metrics.Run
	told               uint64
}

func (c *lieCell) name() string {
	return fmt.Sprintf("%s/%s/%s", c.lie, strings.TrimSuffix(c.protocol, ".webpubsub.azure.v1"), c.dataType)
}

func (c *lieCell) reliable() bool { return strings.Contains(c.protocol, "reliable") }

// options are the target's: it tells the lie, at most once for the whole of a replay.
func (c *lieCell) options() emulator.Options {
	o := emulator.Options{AckDelay: c.row.ackDelay}
	o.Lies[c.lie] = emulator.Share{N: 1, Of: 7}
	if !c.row.recovery {
		return o
	}
	o.Lies[c.lie] = emulator.Share{N: 1, Of: 1}
	var mu sync.Mutex
	seen := map[string]bool{}
	o.RefuseRecovery = func(id string) int {
		mu.Lock()
		defer mu.Unlock()
		if seen[id] {
			return 0
		}
		seen[id] = true
		return http.StatusServiceUnavailable
	}
	return o
}

func (c *lieCell) plan(t *testing.T, set ...string) *scenario.Plan {
	set = append(set, "protocol="+c.protocol, "populations.members.publish.data_type="+c.dataType)
	if c.row.recovery {
		set = append(set, withLongerSteady, withRecovery)
	}
	return planOf(t, liesBase, set...)
}

// TestLies: every lie, told alone, is charged to its check and to no other, exactly as
// often as the target says it told it, on every subprotocol and with every type of data.
func TestLies(t *testing.T) {
	for _, lie := range emulator.AllLies() {
		row, known := lieRows[lie]
		if !known {
			t.Errorf("the table does not know %s", lie)
		}
		for _, protocol := range []string{"json", "json.reliable", "protobuf", "protobuf.reliable"} {
			for i, dataType := range []string{"text", "json", "binary"} {
				if i == 0 || !testing.Short() {
					c := &lieCell{lie: lie, row: row, protocol: protocol + ".webpubsub.azure.v1", dataType: dataType}
					t.Run(c.name(), c.test)
				}
			}
		}
	}
}

// test tells the lie in a world whose time is simulated.
func (c *lieCell) test(t *testing.T) {
	t.Parallel()
	w := world{seed: 1, link: wire.Link{Delay: time.Millisecond}, options: c.options()}
	rec, stats := w.run(t, c.plan(t), 1)
	c.rec, c.told = rec, stats.Lies[c.lie.String()]
	c.judge(t)
}

// known reports whether the lie leaves no doubt which message it is about: what arrives then
// has a latency, whatever else is wrong with it.
func (c *lieCell) known() bool {
	switch c.lie {
	case emulator.LieWrongType, emulator.LieWrongUser, emulator.LieWrongMetadata, emulator.LieStrayID:
		return true
	default:
		return false
	}
}

func (c *lieCell) judge(t *testing.T) {
	wantAddsUp(t, c.rec)
	want := c.row.plain
	if c.reliable() {
		want = c.row.reliable
	}
	if c.row.jsonOnly && !strings.HasPrefix(c.protocol, "json") {
		want = ""
	}
	if (c.told > 0) != (want != "") {
		t.Errorf("told %d times, want %q accused", c.told, want)
	}
	for _, x := range c.rec.Checks {
		accused := x.ID == want && c.lie != emulator.LieLoseAck
		if accused && (x.Result != metrics.CheckViolated || x.Violations != c.told || len(x.Examples) == 0) {
			t.Errorf("%s is %s with %d violations and %d examples, told %d", x.ID, x.Result, x.Violations, len(x.Examples), c.told)
		}
		if !accused && x.Violations > 0 {
			t.Errorf("%s is accused of %d: %+v", x.ID, x.Violations, x.Examples[0])
		}
		consequence := strings.Contains(x.Reason, "in consequence of what other checks")
		silence := x.ID == "P1" && c.lie == emulator.LieLoseAck
		if x.Result == metrics.CheckUnknown && !consequence && !silence {
			t.Errorf("%s is unknown: %s", x.ID, x.Reason)
		}
	}
	if d := c.rec.Totals.Deliveries; c.known() && c.rec.Metrics["e2e_latency"].Count != d.Delivered {
		t.Errorf("%d latencies of %d that arrived", c.rec.Metrics["e2e_latency"].Count, d.Delivered)
	}
	if n := c.rec.Totals.Publishes.Indeterminate; c.lie == emulator.LieLoseAck && n != c.told {
		t.Errorf("%d publishes were not answered, told %d", n, c.told)
	}
}
