//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// link is a way to an emulator that can be cut.
type link struct {
	ln net.Listener

	mu    sync.Mutex
	conns []net.Conn
}

func newLink(t *testing.T, to string) *link {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &link{ln: ln}
	var copies sync.WaitGroup
	t.Cleanup(func() { _ = ln.Close(); l.cut(); copies.Wait() })
	copies.Go(func() {
		for {
			near, err := ln.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				_ = near.Close()
				continue
			}
			l.mu.Lock()
			l.conns = append(l.conns, near, far)
			l.mu.Unlock()
			for _, pair := range [][2]net.Conn{{near, far}, {far, near}} {
				copies.Go(func() {
					_, _ = io.Copy(pair[0], pair[1])
					_ = pair[0].Close()
				})
			}
		}
	})
	return l
}

// cut resets every connection.
func (l *link) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		_ = c.(*net.TCPConn).SetLinger(0)
		_ = c.Close()
	}
	l.conns = nil
}

// target is the connection string by way of the link.
func (l *link) target() string {
	return "Endpoint=http://" + l.ln.Addr().String() + ";AccessKey=" + wire.EmulatorKey
}

func startServer(t *testing.T, o emulator.Options) *emulator.Server {
	t.Helper()
	server, err := emulator.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return server
}

// Whatever connections break on the way, what pub publishes arrives at sub, every
// line once and in order.
func TestPubSubOverDrops(t *testing.T) {
	server := startServer(t, emulator.Options{AckDelay: 20 * time.Millisecond})
	l := newLink(t, server.Addr())
	const messages = 60
	sub := start(t, t.TempDir(), "sub", "stream", "--target", l.target(), "--count", strconv.Itoa(messages))
	until(t, sub.stderr, "listening on")
	pub := exec.Command("wpsbench", "pub", "stream", "--target", l.target())
	in, err := pub.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	pub.Stderr = &said
	if err := pub.Start(); err != nil {
		t.Fatal(err)
	}
	for i := range messages {
		_, _ = fmt.Fprintf(in, "line %d\n", i)
		if i%20 == 10 {
			until(t, sub.stdout, "^line "+strconv.Itoa(i-5)+"$") // so that there is something to cut
			l.cut()
		}
	}
	_ = in.Close()
	if err := pub.Wait(); err != nil {
		t.Errorf("pub: %v\n%s", err, &said)
	}
	if want := fmt.Sprintf("%d acknowledged, 0 failed", messages); !strings.Contains(said.String(), want) {
		t.Errorf("pub says %q, want %q", &said, want)
	}
	code, rest := sub.wait(t)
	var want strings.Builder
	for i := 46; i < messages; i++ { // what until has not read
		fmt.Fprintf(&want, "line %d\n", i)
	}
	if code != 0 || rest != want.String() {
		t.Errorf("sub ended with %d and\n%s\nwant\n%s", code, rest, &want)
	}
	if got := server.Stats().RecoveriesAccepted; got == 0 {
		t.Error("nothing was cut")
	}
}

// A connection that is gone for good is replaced, and its group joined again.
func TestSubConnectsAnew(t *testing.T) {
	server := startServer(t, emulator.Options{})
	sub := start(t, t.TempDir(), "sub", "stream", "--json", "-n", "1", "--target", server.ConnectionString())
	until(t, sub.stderr, "listening on")
	service, err := wire.ParseConnectionString(server.ConnectionString())
	if err != nil {
		t.Fatal(err)
	}
	rest := &wire.REST{Service: service, Hub: defaultHub}
	closeAll(t, server)
	until(t, sub.stderr, "Reason: maintenance")
	until(t, sub.stderr, "connected anew")
	if err := rest.SendToGroup(t.Context(), "stream", wire.DataJSON, []byte(`{"x": "<"}`)); err != nil {
		t.Fatal(err)
	}
	code, out := sub.wait(t)
	want := `{"from":"group","group":"stream","dataType":"json","data":{"x":"<"},"sequenceId":1}` + "\n"
	if code != 0 || out != want {
		t.Errorf("sub ended with %d and %q, want %q", code, out, want)
	}
}

func TestSubEndsWithASignal(t *testing.T) {
	server := startServer(t, emulator.Options{})
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		sub := start(t, t.TempDir(), "sub", "a", "b", "--target", server.ConnectionString())
		until(t, sub.stderr, "listening on")
		pub := exec.Command("wpsbench", "pub", "b", "one\x1b[31m\ntwo", "--target", server.ConnectionString())
		if out, err := pub.CombinedOutput(); err != nil {
			t.Fatalf("pub: %v\n%s", err, out)
		}
		until(t, sub.stdout, `^b	one\\x1b\[31m\\ntwo$`) // on one line, and harmless
		sub.signal(t, s)
		if code, out := sub.wait(t); code != 0 || out != "" {
			t.Errorf("%v: exit status %d and %q, want 0 and nothing", s, code, out)
		}
	}
}

// What was not acknowledged when the signal came has failed.
func TestPubInterrupted(t *testing.T) {
	server := startServer(t, emulator.Options{AckDelay: time.Hour})
	pub := start(t, t.TempDir(), "pub", "stream", "text", "--target", server.ConnectionString())
	for server.Stats().Publishes == 0 {
		time.Sleep(5 * time.Millisecond) // polls: the server tells nobody
	}
	pub.signal(t, syscall.SIGINT)
	until(t, pub.stderr, "0 acknowledged, 1 failed")
	if code, _ := pub.wait(t); code != metrics.ExitInterrupted {
		t.Errorf("exit status %d, want %d", code, metrics.ExitInterrupted)
	}
}

func TestAppendJSONLine(t *testing.T) {
	for name, row := range map[string]struct {
		m    wire.Downstream
		want string
	}{
		"text": {wire.Downstream{Kind: wire.GroupMessage, DataType: wire.DataText, Group: []byte("g"),
			FromUserID: []byte("alice"), Data: []byte("a\n\"<"), SequenceID: 7},
			`{"from":"group","group":"g","fromUserId":"alice","dataType":"text","data":"a\n\"<","sequenceId":7}`},
		"binary": {wire.Downstream{Kind: wire.ServerMessage, DataType: wire.DataBinary, Data: []byte{1, 2, 3}},
			`{"from":"server","dataType":"binary","data":"AQID"}`},
		"json over lines": {wire.Downstream{Kind: wire.ServerMessage, DataType: wire.DataJSON, Data: []byte("{\n \"x\": 1}"), Metadata: []byte(`{"a": "b"}`)},
			`{"from":"server","dataType":"json","data":{"x":1},"metadata":{"a":"b"}}`},
		"no data": {wire.Downstream{Kind: wire.ServerMessage, DataType: wire.DataJSON},
			`{"from":"server","dataType":"json","data":null}`},
	} {
		t.Run(name, func(t *testing.T) {
			got := string(appendJSONLine(nil, &row.m))
			if got != row.want || !json.Valid([]byte(got)) {
				t.Errorf("got  %s\nwant %s", got, row.want)
			}
		})
	}
}

// closeAll has the service close every connection for maintenance.
func closeAll(t *testing.T, server *emulator.Server) {
	t.Helper()
	address := server.URL() + "/api/hubs/" + defaultHub + "/:closeConnections?reason=maintenance"
	token, err := wire.SignREST(wire.EmulatorKey, address, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		t.Fatalf("close all: HTTP %d", resp.StatusCode)
	}
}
