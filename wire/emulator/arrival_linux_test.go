package emulator_test

import (
	"io"
	"net"
	"net/http"
	"regexp"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// Whoever accepts a connection, it is answered the same, byte for byte. What is sent in
// several pieces comes as such: with a pause for as long as the server has nothing to say.
func TestAnswersWhoeverAccepts(t *testing.T) {
	const host = "emulator.test:8080"
	audience := "http://" + host + "/client/hubs/chat"
	token, err := wire.ClientToken{Audience: audience, ExpiresAt: time.Now().Add(time.Hour), Roles: allRoles}.Sign(wire.EmulatorKey)
	if err != nil {
		t.Fatal(err)
	}
	target := "/client/hubs/chat?access_token=" + token
	head := func(target string, lines ...string) string {
		return "GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + strings.Join(append(lines, "\r\n"), "\r\n")
	}
	const json = "Sec-WebSocket-Protocol: " + plainName
	ping := string(ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte(`{"type":"ping"}`)))))
	bye := string(ws.MustCompileFrame(ws.MaskFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(1000, "")))))
	passes := head(target, json)
	tests := []struct {
		name string
		send string
	}{
		{"handshake", passes + bye},
		{"handshake and frames behind it", passes + ping + ping + bye},
		{"handshake without a subprotocol", head(target) + bye},
		{"subprotocol in other letters", head(target, "Sec-WebSocket-Protocol: x, JSON.webpubsub.azure.V1") + bye},
		{"lines that end in LF", strings.ReplaceAll(passes, "\r\n", "\n") + bye},
		{"long header", head(target, json, "X: "+strings.Repeat("x", 6000)) + ping + bye},
		{"header above the limit", head(target, json, "X: "+strings.Repeat("x", 14<<10))},
		{"endless line", "GET / HTTP/1.1\r\nX: " + strings.Repeat("x", 15<<10)},
		{"body", head(target, json, "Content-Length: 3") + "abc"},
		{"unknown transfer encoding", head(target, json, "Transfer-Encoding: x")},
		{"expectation", head(target, json, "Expect: nothing")},
		{"space in the name of a header", head(target, json, "X y: z")},
		{"two hosts", head(target, json, "Host: other")},
		{"no host", strings.Replace(passes, "Host: "+host+"\r\n", "", 1)},
		{"host that is none", strings.Replace(passes, host, "a/b", 1)},
		{"whole URL", head("http://"+host+target, json) + bye},
		{"whole URL and a host that is none", strings.Replace(head("http://"+host+target, json), "Host: "+host, "Host: a b", 1)},
		{"HTTP/1.0", strings.Replace(passes, "HTTP/1.1", "HTTP/1.0", 1)},
		{"HTTP/2.0", strings.Replace(passes, "HTTP/1.1", "HTTP/2.0", 1)},
		{"no HTTP", "hello\r\n\r\n"},
		{"no token", head("/client/hubs/chat", json)},
		{"token of another hub", head(strings.Replace(target, "chat", "other", 1), json)},
		{"no hub", head("/client/hubs/?access_token=" + token)},
		{"bad recovery", head("/client/hubs/chat?awps_connection_id=x&awps_reconnection_token=y", "Sec-WebSocket-Protocol: "+reliableName) + bye},
		{"bad mode", head(target + "&webpubsub_mode=x")},
		{"no upgrade", "GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n"},
		{"two requests", "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n" + head("/client/hubs/chat")},
		{"REST", "POST /api/hubs/chat/:send?api-version=2024-01-01 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi"},
	}
	answers := func(tr wire.Transport, send string) string {
		srv := start(t, emulator.Options{Transport: tr, MaxHandshakeBytes: 8 << 10})
		p := dialRaw(t, srv, send)
		_ = p.nc.(*net.TCPConn).CloseWrite()
		b, err := io.ReadAll(p.r)
		return comparable(string(b)) + errorText(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, want := answers(wire.TransportLoop, tt.send), answers(wire.TransportGoroutine, tt.send)
			if got != want {
				t.Errorf("accepted by the loop %q,\nby net/http         %q", got, want)
			}
			if !strings.HasPrefix(want, "HTTP/1.") {
				t.Errorf("answered %q", want)
			}
		})
	}
	if got := answers(wire.TransportLoop, passes+ping+bye); !strings.HasPrefix(got, "HTTP/1.1 101 ") || !strings.Contains(got, `{"type":"pong"}`) {
		t.Errorf("the handshake that passes was answered %q", got)
	}
}

// comparable leaves out what is never twice the same.
func comparable(answer string) string {
	answer = regexp.MustCompile(`\r\nDate: [^\r]*`).ReplaceAllString(answer, "")
	return regexp.MustCompile(`"connectionId":"\w*"`).ReplaceAllString(answer, "")
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return " then an error" // which of them depends on when the reset came
}

// A header that comes in pieces is waited for, and what the pieces make is a client.
func TestHandshakeInPieces(t *testing.T) {
	srv := start(t, emulator.Options{Transport: wire.TransportLoop})
	request := clientURL(t, srv, "chat", wire.ClientToken{})
	text := handshakeTo(&service{addr: srv.Addr()}, request, plainName)
	for _, cut := range []int{1, len("GET /cli"), len(text) / 2, len(text) - 1} {
		before := goroutinesCreated()
		p := dialRaw(t, srv, text[:cut])
		for deadline := time.Now().Add(patience); goroutinesCreated() == before && time.Now().Before(deadline); {
			runtime.Gosched() // until net/http has it, which serves it by a goroutine
		}
		p.write([]byte(text[cut:]))
		resp, err := http.ReadResponse(p.r, nil)
		if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("cut at %d: %v, %v", cut, resp, err)
		}
		p.connected()
	}
}

// On the loop no goroutine is started for a client that connects.
func TestNoGoroutinePerClient(t *testing.T) {
	const clients = 50
	srv := start(t, emulator.Options{Transport: wire.TransportLoop})
	text := handshakeTo(&service{addr: srv.Addr()}, clientURL(t, srv, "chat", wire.ClientToken{}), plainName)
	before := goroutinesCreated()
	for range clients {
		p := dialRaw(t, srv, text)
		if _, err := http.ReadResponse(p.r, nil); err != nil {
			t.Fatal(err)
		}
		p.connected()
	}
	if created := goroutinesCreated() - before; created >= clients { // the runtime starts some of its own
		t.Errorf("%d clients made %d goroutines", clients, created)
	}
}

func goroutinesCreated() uint64 {
	s := []metrics.Sample{{Name: "/sched/goroutines-created:goroutines"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}
