package emulator_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// The limits of what has not become a client yet.
func TestHandshakeLimits(t *testing.T) {
	t.Run("time", func(t *testing.T) {
		srv := start(t, emulator.Options{HandshakeTimeout: 20 * time.Millisecond})
		dialRaw(t, srv, "GET /client/hubs/chat HTTP/1.1\r\nHost: x\r\n").wantEnd()
	})
	t.Run("size", func(t *testing.T) {
		srv := start(t, emulator.Options{MaxHandshakeBytes: 1 << 10})
		p := dialRaw(t, srv, "GET /client/hubs/chat HTTP/1.1\r\nX: "+strings.Repeat("x", 8<<10)+"\r\n\r\n")
		if line, err := p.r.ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 431 ") {
			t.Errorf("answered %q, %v", line, err)
		}
	})
	t.Run("number", func(t *testing.T) {
		srv := start(t, emulator.Options{MaxHandshakes: 3})
		waiting := []*peer{dialRaw(t, srv, ""), dialRaw(t, srv, "GET "), dialRaw(t, srv, "")}
		dialRaw(t, srv, "").wantEnd()
		if got := srv.Stats().HandshakesDropped; got != 1 {
			t.Errorf("%d handshakes dropped, want 1", got)
		}
		// A request that is complete waits for nothing any more.
		waiting[1].write([]byte("/ HTTP/1.1\r\nHost: x\r\n\r\n"))
		if line, err := waiting[1].r.ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 404 ") {
			t.Fatalf("answered %q, %v", line, err)
		}
		connect(t, clientURL(t, srv, "chat", wire.ClientToken{}), plainName, nil).connected()
	})
}

// dialRaw opens a connection that has not said hello.
func dialRaw(t testing.TB, srv *emulator.Server, first string) *peer {
	t.Helper()
	nc, err := net.Dial("tcp", srv.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(patience))
	p := &peer{t: t, nc: nc, r: bufio.NewReader(nc)}
	p.write([]byte(first))
	return p
}

// hostility is what one bad client does: the bytes it sends, and whether it waits
// for an answer to its handshake between the two.
type hostility struct {
	name          string
	request, then string
	answer        string // how the answer begins; "" = none is awaited
}

// hostilities go by turns. Every one holds its connection open afterwards.
func hostilities(t *testing.T, srv *service) []hostility {
	upgrade := func(target, proto string) string { return handshakeTo(srv, target, proto) }
	target := srv.client(t, "crowd")
	const protobuf = "protobuf.reliable.webpubsub.azure.v1"
	switching, mask := "HTTP/1.1 101", "\x00\x00\x00\x00"
	return []hostility{
		{"silence", "", "", ""},
		{"garbage", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\xff\x00\r\n\r\n", "", "HTTP/1.1 400"},
		{"half a request line", "GET /client/hu", "", ""},
		{"half a handshake", upgrade(target, plainName)[:200], "", ""},
		{"endless header", "GET / HTTP/1.1\r\n" + strings.Repeat("X: "+strings.Repeat("x", 1000)+"\r\n", 80), "", "HTTP/1.1 431"},
		{"half a body", "POST /api/hubs/chat/:send HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\nabc", "", "HTTP/1.1 401"},
		{"no token", upgrade("/client/hubs/chat", plainName), "", "HTTP/1.1 401"},
		{"bad token", upgrade("/client/hubs/chat?access_token=eyJhbGciOiJub25lIn0.e30.", plainName), "", "HTTP/1.1 401"},
		{"bad recovery", upgrade("/client/hubs/chat?awps_connection_id=x&awps_reconnection_token=y", reliableName), "", switching},
		{"half a header", upgrade(target, plainName), "\x81\xfe\x04", switching},
		{"header and half a payload", upgrade(target, reliableName), "\x81\xfe\x04\x00" + mask + `{"type":"sendToGroup","gro`, switching},
		{"unfinished fragments", upgrade(target, plainName), "\x01\x85" + mask + `{"typ` + "\x00\x82" + mask + `e"`, switching},
		{"64 KiB of an unfinished message", upgrade(target, plainName), "\x81\xff\x00\x00\x00\x00\x00\x0f\x00\x00" + mask + strings.Repeat(" ", 64<<10), switching},
		{"huge length", upgrade(target, reliableName), "\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff" + mask, switching},
		{"huge length on protobuf", upgrade(target, protobuf), "\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff" + mask, switching},
		{"bytes without sense", upgrade(target, plainName), "\xff\xff\xff\xff\xff\xff", switching},
		{"malformed message", upgrade(target, reliableName), "\x81\x81" + mask + "{", switching},
		{"malformed protobuf", upgrade(target, protobuf), "\x82\x82" + mask + "\x32\x7f", switching},
		{"leaves at once", upgrade(target, reliableName), "", switching},
		{"simple client without a handler", upgrade(target, "none"), "\x81\x82" + mask + "hi", switching},
	}
}

// handshakeTo is a handshake as text; target is a client URL or what stands behind its host.
func handshakeTo(srv *service, target, proto string) string {
	target = strings.TrimPrefix(target, "ws://"+srv.addr)
	return "GET " + target + " HTTP/1.1\r\nHost: " + srv.addr + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: " + proto + "\r\n\r\n"
}

// attack does it and returns the connection.
func (h *hostility) attack(addr string) (net.Conn, error) {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	_ = nc.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(nc, h.request); err != nil {
		return nc, fmt.Errorf("%s: %w", h.name, err)
	}
	if h.answer != "" {
		head := make([]byte, len(h.answer))
		if _, err := io.ReadFull(nc, head); err != nil || string(head) != h.answer {
			return nc, fmt.Errorf("%s: answered %q, %w", h.name, head, err)
		}
	}
	if _, err := io.WriteString(nc, h.then); err != nil {
		return nc, fmt.Errorf("%s: %w", h.name, err)
	}
	return nc, nil
}

// siege is how many are there: five waves of hostile ones, and the good ones.
type siege struct{ wave, members int }

const wavesOfASiege = 5

// sieges: the full size takes a minute under the race detector, whose own memory is in
// the heap besides. `make hostile` runs it in `make check`.
func sieges() siege {
	if raceEnabled {
		return siege{wave: 200, members: 50}
	}
	return siege{wave: 2000, members: 6000}
}

// Hostile clients, a wave of them there at once, take nothing from the good ones, and
// when they are gone the server, a process of its own, is what it was.
//
// HeapInuse is compared after two collections, between a server in use and the same
// server after 10,000 hostile connections. In use means that it has served its good
// clients through waves of the same kinds and size before: what a crowd makes grow to
// its size, once, has grown (the runtime's goroutine descriptors, tables of what is open,
// spare buffers). What is kept of a connection is there 10,000 times over: 53 bytes
// each are 5 %. How sparsely the heap's spans are filled comes and goes by some hundred
// kB, so there are as many good clients as make that little of the whole. Goroutines,
// descriptors and sessions are compared with those of the good clients alone.
func TestHostileConnectionsLeaveNothing(t *testing.T) {
	srv, size := startProcess(t), sieges()
	good := newGoodClients(t, srv, size.members)
	good.exchange(5)
	alone := srv.measure()
	kinds := hostilities(t, srv)
	newcomer := hostility{"WebSocket", handshakeTo(srv, srv.client(t, "crowd"), plainName), "", "HTTP/1.1 101"}
	besieged := func(waves int) measure {
		for range waves {
			conns := inParallel(t, size.wave, func(i int) (net.Conn, error) { return kinds[i%len(kinds)].attack(srv.addr) })
			good.exchange(5)
			nc, err := newcomer.attack(srv.addr)
			if err != nil {
				t.Error(err)
			}
			closeAll(append(conns, nc))
		}
		return good.settled(srv, alone)
	}
	before := besieged(wavesOfASiege)
	after := besieged(wavesOfASiege)
	growth := float64(after.HeapInuse)/float64(before.HeapInuse) - 1
	t.Logf("%d hostile connections: before %+v, after %+v, HeapInuse %+.1f %%", wavesOfASiege*size.wave, before, after, 100*growth)
	if growth > 0.05 && !raceEnabled {
		t.Errorf("HeapInuse grew by %.1f %%", 100*growth)
	}
}

// inParallel opens n connections, 50 at a time.
func inParallel(t *testing.T, n int, open func(i int) (net.Conn, error)) []net.Conn {
	t.Helper()
	conns, errs := make([]net.Conn, n), make([]error, n)
	var wg sync.WaitGroup
	slots := make(chan struct{}, 50)
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			conns[i], errs[i] = open(i)
			<-slots
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	return conns
}

// closeAll ends every other connection by a reset.
func closeAll(conns []net.Conn) {
	for i, nc := range conns {
		if tcp, ok := nc.(*net.TCPConn); ok && i%2 == 0 {
			_ = tcp.SetLinger(0)
		}
		if nc != nil {
			_ = nc.Close()
		}
	}
}

// goodClients publish to a group and want every message of it.
type goodClients struct {
	t         *testing.T
	members   []*peer
	published int
}

func newGoodClients(t *testing.T, srv *service, members int) *goodClients {
	g := &goodClients{t: t}
	for i := range members {
		c := connect(t, srv.client(t, "room"), []string{plainName, reliableName}[i%2], nil)
		c.connected()
		g.members = append(g.members, c)
	}
	return g
}

func (g *goodClients) exchange(messages int) {
	g.t.Helper()
	for range messages {
		g.published++
		g.members[0].send(fmt.Sprintf(`{"type":"sendToGroup","group":"room","noEcho":true,"data":%d,"ackId":%[1]d}`, g.published))
		g.members[0].want(fmt.Sprintf(`{"type":"ack","ackId":%d,"success":true}`, g.published))
		message := fmt.Sprintf(`{"type":"message","from":"group","group":"room","fromUserId":null,"dataType":"json","data":%d`, g.published)
		for i, c := range g.members[1:] {
			if i%2 == 1 {
				c.want(message + "}")
				continue
			}
			c.want(fmt.Sprintf(`%s,"sequenceId":%d}`, message, g.published))
			c.send(fmt.Sprintf(`{"type":"sequenceAck","sequenceId":%d}`, g.published))
		}
	}
}

// settled waits until the server has nobody but the good clients, and goroutines and
// descriptors as in want.
func (g *goodClients) settled(srv *service, want measure) measure {
	g.t.Helper()
	g.exchange(5)
	for _, c := range g.members { // what they sent has been read
		c.send(`{"type":"ping"}`)
		c.want(`{"type":"pong"}`)
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		m := srv.measure()
		want.HeapInuse = m.HeapInuse
		if m == want {
			return srv.measure() // what was still ending when the heap of m was collected has ended
		}
		if time.Now().After(deadline) {
			g.t.Fatalf("something is left: %+v, want %+v", m, want)
		}
	}
}

// service is an emulator in a process of its own.
type service struct {
	t                      *testing.T
	connectionString, addr string
	in                     io.Writer
	out                    *bufio.Scanner
}

// measure is what its process uses.
type measure struct {
	HeapInuse               uint64 // after a collection
	Goroutines, Descriptors int
	Connections, Sessions   int
}

func (s *service) client(t *testing.T, group string) string {
	return clientURLOf(t, s.connectionString, "chat", wire.ClientToken{Roles: allRoles, Groups: []string{group}})
}

const serverProcess = "WPSBENCH_TEST_SERVER"

func startProcess(t *testing.T) *service {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestServerProcess$")
	// It collects often: what is measured is what it holds, not how sparsely the
	// garbage of a wave has left the heap's spans filled.
	cmd.Env = append(os.Environ(), serverProcess+"=1", "GOGC=10")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close() // which ends it
		_ = cmd.Wait()
	})
	s := &service{t: t, in: in, out: bufio.NewScanner(out)}
	s.connectionString = s.line()
	conn, err := wire.ParseConnectionString(s.connectionString)
	if err != nil {
		t.Fatal(err)
	}
	s.addr = conn.Endpoint.Host
	return s
}

func (s *service) line() string {
	s.t.Helper()
	if !s.out.Scan() {
		s.t.Fatalf("the server's process ended: %v", s.out.Err())
	}
	return s.out.Text()
}

func (s *service) measure() (m measure) {
	s.t.Helper()
	if _, err := io.WriteString(s.in, "\n"); err != nil {
		s.t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(s.line()), &m); err != nil {
		s.t.Fatal(err)
	}
	return m
}

// TestServerProcess is the other process: it answers each line with what it uses.
func TestServerProcess(t *testing.T) {
	if os.Getenv(serverProcess) == "" {
		t.Skip("the server's end of TestHostileConnectionsLeaveNothing")
	}
	srv := start(t, emulator.Options{RecoveryWindow: 100 * time.Millisecond, KeepAlive: -1})
	fmt.Println(srv.ConnectionString())
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		runtime.GC()
		runtime.GC() // what the pools had before the first
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		stats := srv.Stats()
		b, err := json.Marshal(measure{
			memory.HeapInuse, runtime.NumGoroutine(), descriptors(t), stats.Connections, stats.Sessions,
		})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println(string(b))
	}
}

// descriptors counts those of this process; 0 where the platform does not tell.
func descriptors(t *testing.T) int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil && runtime.GOOS == "linux" {
		t.Fatal(err)
	}
	return len(entries)
}
