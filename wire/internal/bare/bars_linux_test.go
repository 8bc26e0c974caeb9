package bare

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wpsbench/wpsbench/wire"
)

// settle is how long a process that has just opened its connections is left alone
// before its memory is looked at.
const settle = 1500 * time.Millisecond

// The protocols that the cost of a message is compared on. Both generators speak the
// same: on a reliable one the bare loop acknowledges what comes, as it must, and for
// neither a sequenceAck counts as a message. What it costs beside plain JSON is the
// other ratio.
var protocols = []struct {
	name     string
	protocol wire.Subprotocol
}{
	{"json", wire.JSON},
	{"json-reliable", wire.JSONReliable},
	{"protobuf-reliable", wire.ProtobufReliable},
}

// BenchmarkIdle opens sessions that join a group and then do nothing. Memory is the
// generator's whole resident set, file pages included, over the sessions.
func BenchmarkIdle(b *testing.B) {
	b.Run("plain/10000", func(b *testing.B) {
		l := load{Protocol: wire.JSONReliable, Connections: 10_000, Groups: 1000, Steady: time.Minute}
		server, target := serve(b)
		bare := openIdle(runBare(b, l, target))
		server.kill()
		_, target = serve(b)
		p, _ := runWpsbench(b, l, target, "")
		ours := openIdle(p)
		report(b, map[string]float64{
			"bare-KiB/session": bare.rss / 10_000,
			"KiB/session":      ours.rss / 10_000,
			"pss-KiB/session":  ours.pss / 10_000,
			"bare-open-s":      bare.seconds,
			"bare-open-cpu-s":  bare.cpu.Seconds(),
			"open-s":           ours.seconds,
			"open-cpu-s":       ours.cpu.Seconds(),
		})
	})
	b.Run("tls/1000", func(b *testing.B) {
		l := load{Protocol: wire.JSONReliable, Connections: 1000, Groups: 100, Steady: time.Minute}
		_, target, ca := serveTLS(b)
		p, _ := runWpsbench(b, l, target, ca)
		ours := openIdle(p)
		report(b, map[string]float64{
			"KiB/session":     ours.rss / 1000,
			"pss-KiB/session": ours.pss / 1000,
			"open-s":          ours.seconds,
			"open-cpu-s":      ours.cpu.Seconds(),
		})
	})
}

// BenchmarkTLS compares the two ways to run crypto/tls: on the loop, which it is given
// what was read by and tells when it needs more, and a goroutine that reads each
// connection. The handshake has a goroutine either way: it cannot be taken up again
// where it would have waited.
func BenchmarkTLS(b *testing.B) {
	for _, transport := range []wire.Transport{wire.TransportLoop, wire.TransportGoroutine} {
		b.Run(string(transport), func(b *testing.B) {
			l := load{Protocol: wire.JSONReliable, Connections: 1000, Groups: 100, Steady: time.Minute, Transport: transport}
			server, target, ca := serveTLS(b)
			p, _ := runWpsbench(b, l, target, ca)
			idle := openIdle(p)
			server.kill()
			figures := map[string]float64{"KiB/session": idle.rss / 1000, "open-cpu-s": idle.cpu.Seconds(), "open-s": idle.seconds}
			l.Warmup, l.Steady = time.Second, 4*time.Second
			for _, rate := range []float64{1, 4} {
				l.PerConnection = rate
				server, target, ca := serveTLS(b)
				c := costOfRun(b, l, server, target, ca)
				at := fmt.Sprintf("%.0f-per-s-", l.messages())
				figures[at+"cpu-µs/msg"], figures[at+"ack-p50-µs"], figures[at+"ack-p99-µs"] = c.ours, c.ackP50, c.ackP99
			}
			report(b, figures)
		})
	}
}

func serveTLS(b testing.TB) (server *process, target wire.ConnectionString, ca string) {
	b.Helper()
	ca = filepath.Join(b.TempDir(), "ca.pem")
	server, target = serve(b, "--tls", "--tls-cert-out", ca)
	return server, target, ca
}

type opened struct {
	use
	seconds float64
}

// openIdle waits for a generator that was just started to be idle. The time is from
// its start as a process.
func openIdle(p *process) opened {
	began := time.Now()
	p.await("steady")
	o := opened{use: p.use(), seconds: time.Since(began).Seconds()}
	time.Sleep(settle)
	later := p.use()
	o.rss, o.pss = later.rss, later.pss
	p.kill()
	return o
}

// pairs is how often the two generators take turns. The speed of a shared machine
// changes by the minute, so only neighbours are compared.
const pairs = 3

// BenchmarkMessage compares the CPU that a message costs at equal rates: publishes,
// acks and deliveries, 1,000 connections in 100 groups of 10, 128 bytes.
func BenchmarkMessage(b *testing.B) {
	for _, rate := range []float64{1, 8} {
		for _, p := range protocols {
			l := load{
				Protocol: p.protocol, Connections: 1000, Groups: 100, PerConnection: rate,
				Warmup: time.Second, Steady: 3 * time.Second,
			}
			b.Run(fmt.Sprintf("%.0f-per-s/%s", l.messages(), p.name), func(b *testing.B) {
				var costs []cost
				for range pairs {
					bare := costOfBare(b, l)
					plain := bare
					if p.protocol != wire.JSON {
						other := l
						other.Protocol = wire.JSON
						plain = costOfBare(b, other)
					}
					c := costOfWpsbench(b, l)
					c.bare, c.ratio, c.ratioJSON = bare, c.ours/bare, c.ours/plain
					costs = append(costs, c)
				}
				median := func(of func(*cost) float64) float64 {
					slices.SortFunc(costs, func(x, y cost) int { return cmp.Compare(of(&x), of(&y)) })
					return of(&costs[len(costs)/2])
				}
				report(b, map[string]float64{
					"bare-cpu-µs/msg":     median(func(c *cost) float64 { return c.bare }),
					"cpu-µs/msg":          median(func(c *cost) float64 { return c.ours }),
					"ratio-bare":          median(func(c *cost) float64 { return c.ratio }),
					"ratio-bare-json":     median(func(c *cost) float64 { return c.ratioJSON }),
					"emulator-cpu-µs/msg": median(func(c *cost) float64 { return c.emulator }),
					"KiB/session":         median(func(c *cost) float64 { return c.rss }),
					"pss-KiB/session":     median(func(c *cost) float64 { return c.pss }),
					"ack-p50-µs":          median(func(c *cost) float64 { return c.ackP50 }),
					"ack-p99-µs":          median(func(c *cost) float64 { return c.ackP99 }),
				})
			})
		}
	}
}

// cost is what one pair of runs has shown; CPU in µs per message, memory in KiB per
// session, latencies in µs.
type cost struct{ bare, ours, ratio, ratioJSON, emulator, rss, pss, ackP50, ackP99 float64 }

// BenchmarkOrder shows what the bare loop's cost hangs on besides the rate: which
// connections are due one after the other, and how many messages a read brings. As in
// BenchmarkMessage, those of one group are far apart: every copy comes by itself, for the
// target writes what one publish amounts to before the next is due, and to a socket that
// was not used for long. Among neighbours the same ten sockets are used again at once,
// and publishes that leave in a burst come back in one write.
func BenchmarkOrder(b *testing.B) {
	for _, o := range []struct {
		name       string
		neighbours bool
		burst      int
	}{
		{"apart", false, 1},
		{"neighbours", true, 1},
		{"neighbours/burst=2", true, 2},
		{"neighbours/burst=3", true, 3},
		{"neighbours/burst=5", true, 5},
		{"neighbours/burst=10", true, 10},
	} {
		b.Run(o.name, func(b *testing.B) {
			c := bareCost(b, load{
				Protocol: wire.JSON, Connections: 1000, Groups: 100, PerConnection: 8,
				Neighbours: o.neighbours, Burst: o.burst, Warmup: time.Second, Steady: 3 * time.Second,
			})
			report(b, map[string]float64{"bare-cpu-µs/msg": c.cpu, "bare-reads/msg": c.reads})
		})
	}
}

// perMessage is what the bare loop takes for one: CPU in µs, and reads.
type perMessage struct{ cpu, reads float64 }

func costOfBare(b testing.TB, l load) float64 { return bareCost(b, l).cpu }

func bareCost(b testing.TB, l load) perMessage {
	server, target := serve(b)
	defer server.kill()
	p := runBare(b, l, target)
	defer p.kill()
	p.await("steady")
	before := p.use()
	var sent, received, reads float64
	if _, err := fmt.Sscanf(p.await("drain"), "drain %g %g %g", &sent, &received, &reads); err != nil {
		b.Fatal(err)
	}
	after := p.use()
	if want := l.messages() * l.Steady.Seconds(); sent+received < 0.98*want {
		b.Fatalf("the bare loop moved %g messages, want %g", sent+received, want)
	}
	return perMessage{cpu: micros(after.cpu-before.cpu) / (sent + received), reads: reads / (sent + received)}
}

func costOfWpsbench(b testing.TB, l load) cost {
	server, target := serve(b)
	return costOfRun(b, l, server, target, "")
}

// costOfRun ends the server, too.
func costOfRun(b testing.TB, l load, server *process, target wire.ConnectionString, ca string) cost {
	defer server.kill()
	p, path := runWpsbench(b, l, target, ca)
	p.await("steady")
	before, served := p.use(), server.use()
	time.Sleep(l.Steady - time.Second) // the word comes a little after the phase has begun
	after, serverAfter := p.use(), server.use()
	_ = p.end() // a verdict of the gates is no failure here
	r := readRecord(b, path)
	if r.missing() != 0 {
		b.Fatalf("%g messages did not come exactly once and in order: %s", r.missing(), r.Verdict.Headline)
	}
	perSecond := r.Run.Load.PublishedPerS + (r.Metrics["ack_rtt"].Count+r.Metrics["e2e_latency"].Count)/r.phase("steady")
	messages := perSecond * after.at.Sub(before.at).Seconds()
	return cost{
		ours:     micros(after.cpu-before.cpu) / messages,
		emulator: micros(serverAfter.cpu-served.cpu) / messages,
		rss:      after.rss / float64(l.Connections),
		pss:      after.pss / float64(l.Connections),
		ackP50:   r.percentile("ack_rtt", "p50"),
		ackP99:   r.percentile("ack_rtt", "p99"),
	}
}

// heldShare is how much of a rate must be moved in steady state for it to be held.
const heldShare = 0.98

// BenchmarkThroughput asks for more and more. held is the highest rate of which at least
// heldShare left, came and was checked within the seconds of steady state, without
// leaning on the drain, nor one second on another; checked the most messages per second
// over a whole run, its drain included. In both none is missing, repeated or out of order,
// and every scheduled publish left. The target runs on the same cores.
func BenchmarkThroughput(b *testing.B) {
	for _, p := range protocols {
		b.Run(p.name, func(b *testing.B) {
			var held, checked float64
			for _, rate := range []float64{20, 30, 40, 50, 60} {
				l := load{Protocol: p.protocol, Connections: 1000, Groups: 100, PerConnection: rate, Warmup: time.Second, Steady: 4 * time.Second}
				server, target := serve(b)
				run, path := runWpsbench(b, l, target, "")
				_ = run.end()
				server.kill()
				r := readRecord(b, path)
				done := r.Totals.Publishes.Sent + r.Totals.Publishes.OK + r.Totals.Deliveries.Delivered
				done /= r.phase("warmup") + r.phase("steady") + r.phase("drain")
				steady := r.movedPerSecond("steady", math.Inf(1))
				// The drain's end is patience, which no rate makes shorter: not its rate is asked
				// for, but that no second is made up for by one that catches up.
				inTime := r.movedPerSecond("steady", l.messages())
				b.Logf("asked %.0f/s, moved %.0f/s in steady state, %.0f/s of it in time, %.0f/s with the drain, missing %g: %s",
					l.messages(), steady, inTime, done, r.missing(), r.Verdict.Headline)
				if r.missing() != 0 || r.Totals.Publishes.Sent != r.Totals.Publishes.Scheduled {
					break
				}
				checked = max(checked, done)
				if inTime >= heldShare*l.messages() {
					held = l.messages()
				}
			}
			report(b, map[string]float64{"held-msg/s": held, "checked-msg/s": checked})
		})
	}
}

// sessionsPublish is what all sessions of BenchmarkSessions publish in a second. With ten
// copies and an ack each it is a load that two cores carry beside the target, so that
// the gates have nothing to say against what was measured.
const sessionsPublish = 1000

// BenchmarkSessions has as many sessions as one process, or several, can hold join,
// publish, drop, recover and be verified: each publishes once in steady state, and a
// fifth drops, spread over half of it. The limit is what a lag is held against.
func BenchmarkSessions(b *testing.B) {
	for _, of := range []struct{ sessions, processes int }{{18_000, 1}, {19_500, 1}, {40_000, 3}, {70_000, 4}} {
		n := of.sessions
		b.Run(fmt.Sprintf("%d/processes=%d", n, of.processes), func(b *testing.B) {
			steady := time.Duration((n+sessionsPublish-1)/sessionsPublish) * time.Second
			l := load{
				Protocol: wire.JSONReliable, Connections: n, Groups: n / 10, PerConnection: sessionsPublish / float64(n),
				SequenceAck: time.Second, Warmup: 3 * time.Second, Steady: steady,
				Extra: "thresholds: {e2e_latency: [\"p(99)<250ms\"]}\n" +
					fmt.Sprintf("faults: [{name: F1, at: 1s, kind: rst, population: members, hit: 20%%, over: %s}]\n", steady/2),
			}
			var target wire.ConnectionString
			if of.processes > 1 {
				l.Processes = of.processes
			} else {
				_, target = serve(b)
			}
			p, path := runWpsbench(b, l, target, "")
			p.await("steady")
			time.Sleep(l.Steady - time.Second)
			after := p.use()
			_ = p.end()
			r := readRecord(b, path)
			b.Logf("%s: %s", r.Verdict.Headline, r.bad())
			if r.missing() != 0 || r.Connections.Funnel["recovered"] != float64(n/5) || r.Verdict.ExitCode != 0 {
				b.Errorf("exit %g, missing %g, recovered %g of %d", r.Verdict.ExitCode, r.missing(), r.Connections.Funnel["recovered"], n/5)
			}
			figures := map[string]float64{
				"sessions":   r.Connections.Funnel["connected"],
				"recovered":  r.Connections.Funnel["recovered"],
				"open-s":     r.phase("connect"),
				"e2e-p99-µs": r.percentile("e2e_latency", "p99"),
				"exit":       r.Verdict.ExitCode,
			}
			if of.processes == 1 {
				figures["KiB/session"] = after.rss / float64(n)
			}
			report(b, figures)
		})
	}
}

// report writes the figures in place of the time per iteration, of which there is one.
func report(b *testing.B, figures map[string]float64) {
	b.ReportMetric(0, "ns/op")
	for unit, v := range figures {
		b.ReportMetric(v, unit)
	}
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// The bare loop counts what it says it counts, whole or in pieces.
func TestCount(t *testing.T) {
	stream := append([]byte{0x81, 0, 0x81, 3, 'a', 'b', 'c', 0x82, 126, 1, 0}, make([]byte, 256)...)
	stream = append(stream, 0x81, 1, 'x')
	for _, size := range []int{1, 2, 3, 5, 100, len(stream)} {
		var s socket
		frames := uint64(0)
		for from := 0; from < len(stream); from += size {
			frames += s.count(stream[from:min(from+size, len(stream))])
		}
		// The header alone counts: the last byte of a payload adds nothing.
		if frames != 4 || s.skip != 0 {
			t.Errorf("in pieces of %d: %d frames, %d bytes missing; want 4, 0", size, frames, s.skip)
		}
	}
}

// The ack id of a publish grows by one, carries included.
func TestFrames(t *testing.T) {
	const more = 20_000
	tests := []struct {
		protocol wire.Subprotocol
		first    uint64
		read     func(b []byte) (uint64, error)
	}{
		{wire.JSON, firstAckID, func(b []byte) (n uint64, err error) {
			_, err = fmt.Sscanf(string(b), "%d", &n)
			return n, err
		}},
		{wire.Protobuf, firstAckVarints, func(b []byte) (uint64, error) {
			n, size := binary.Uvarint(b)
			if size != len(firstAckVarint) {
				return n, fmt.Errorf("takes %d bytes", size)
			}
			return n, nil
		}},
	}
	for _, tt := range tests {
		t.Run(string(tt.protocol), func(t *testing.T) {
			f := newFrames(&load{Protocol: tt.protocol, Connections: 2, Groups: 1, PerConnection: 1})
			for want := tt.first + 1; want < tt.first+more; want++ {
				if got, err := tt.read(f.next(1)[f.ackIDs[1]:]); err != nil || got != want {
					t.Fatalf("ack id %d (%v), want %d", got, err, want)
				}
			}
		})
	}
}

// A debt is paid after so many frames or so long, and once.
func TestAcknowledge(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = unix.Close(fds[0]), unix.Close(fds[1]) }()
	l := &Loop{sockets: []socket{{fd: int32(fds[0])}}}
	l.Acknowledge([]byte("ack"))
	sent := func() (n int) {
		var b [16]byte
		for {
			if _, err := unix.Read(fds[1], b[:]); err != nil {
				return n
			}
			n++
		}
	}
	steps := []struct {
		at     time.Duration
		frames uint64
		want   int
	}{
		{at: 0, frames: 1},
		{at: ackAfter - 1, frames: 1},
		{at: ackAfter, want: 1},
		{at: 3 * ackAfter},
		{at: 4 * ackAfter, frames: ackFrames - 1},
		{at: 4 * ackAfter, frames: 1, want: 1},
		{at: 5 * ackAfter},
		{at: 9 * ackAfter},
	}
	for _, s := range steps {
		l.debts.clock = s.at
		if err := l.owe(0, s.frames); err != nil {
			t.Fatal(err)
		}
		if err := l.pay(); err != nil {
			t.Fatal(err)
		}
		if got := sent(); got != s.want {
			t.Errorf("at %v after %d frames: %d acknowledgements, want %d", s.at, s.frames, got, s.want)
		}
	}
}

// A second that catches up does not make up for the one that fell behind, nor does one of
// another phase.
func TestMovedPerSecond(t *testing.T) {
	var r record
	err := json.Unmarshal([]byte(`{
		"phases": [{"name": "warmup", "start_s": 0, "end_s": 1.5}, {"name": "steady", "start_s": 1.5, "end_s": 5.5}],
		"series": {"interval_s": 1, "columns": {
			"t_s":             [  0,   1,   2,   3,   4,   5],
			"published_per_s": [ 10,  10,  10,  10,  10,  90],
			"acked_per_s":     [ 10,  10,  10, null, 20,  90],
			"delivered_per_s": [900, 900,  80,  70, 110, 900]}}}`), &r)
	if err != nil {
		t.Fatal(err)
	}
	for most, want := range map[float64]float64{math.Inf(1): 320.0 / 3, 100: 280.0 / 3} {
		if got := r.movedPerSecond("steady", most); got != want {
			t.Errorf("at most %v: %v, want %v", most, got, want)
		}
	}
}
