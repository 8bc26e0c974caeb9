package emulator_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// patience bounds every wait of these tests for something that must come.
const patience = 10 * time.Second

func start(t testing.TB, o emulator.Options) *emulator.Server {
	t.Helper()
	srv, err := emulator.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	return srv
}

// clientURL signs a token and returns the URL to connect with.
func clientURL(t testing.TB, srv *emulator.Server, hub string, tok wire.ClientToken) string {
	t.Helper()
	return clientURLOf(t, srv.ConnectionString(), hub, tok)
}

func clientURLOf(t testing.TB, connectionString, hub string, tok wire.ClientToken) string {
	t.Helper()
	conn, err := wire.ParseConnectionString(connectionString)
	if err != nil {
		t.Fatal(err)
	}
	tok.Audience = conn.ClientAudience(hub)
	if tok.ExpiresAt.IsZero() {
		tok.ExpiresAt = time.Now().Add(time.Hour)
	}
	signed, err := tok.Sign(conn.AccessKey)
	if err != nil {
		t.Fatal(err)
	}
	return conn.ClientURL(hub) + "?access_token=" + signed
}

// peer is an independent WebSocket client: gobwas/ws and literal frames.
type peer struct {
	t  testing.TB
	nc net.Conn
	r  *bufio.Reader
}

func connect(t testing.TB, rawURL, subprotocol string, config *tls.Config) *peer {
	t.Helper()
	d := ws.Dialer{Timeout: patience, TLSConfig: config}
	if subprotocol != "" {
		d.Protocols = []string{subprotocol}
	}
	nc, early, hs, err := d.Dial(context.Background(), rawURL)
	if err != nil {
		t.Fatal(err)
	}
	if hs.Protocol != subprotocol {
		t.Fatalf("server chose %q, want %q", hs.Protocol, subprotocol)
	}
	t.Cleanup(func() { _ = nc.Close() })
	p := &peer{t: t, nc: nc, r: early}
	if early == nil {
		p.r = bufio.NewReader(nc)
	}
	return p
}

func (p *peer) send(messages ...string) {
	p.t.Helper()
	for _, m := range messages {
		p.write(ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte(m)))))
	}
}

func (p *peer) write(b []byte) {
	p.t.Helper()
	if _, err := p.nc.Write(b); err != nil {
		p.t.Fatal(err)
	}
}

// next returns the next frame: a text as it is, a close frame as "close code reason".
func (p *peer) next() string {
	p.t.Helper()
	_ = p.nc.SetReadDeadline(time.Now().Add(patience))
	f, err := emulator.ReadFrame(p.r)
	if err != nil {
		p.t.Fatal(err)
	}
	if f.Header.OpCode == ws.OpClose {
		code, reason := ws.ParseCloseFrameData(f.Payload)
		return strings.TrimSpace(fmt.Sprintf("close %d %s", code, reason))
	}
	return string(f.Payload)
}

func (p *peer) want(frames ...string) {
	p.t.Helper()
	for _, want := range frames {
		if got := p.next(); got != want {
			p.t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// wantEnd waits for the server to end the connection.
func (p *peer) wantEnd() {
	p.t.Helper()
	_ = p.nc.SetReadDeadline(time.Now().Add(patience))
	if _, err := p.r.ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		p.t.Errorf("connection does not end: %v", err)
	}
}

var connectedFrame = regexp.MustCompile(`^\{"type":"system","event":"connected","userId":("\w+"|null),"connectionId":"([0-9a-f]{32})"(,"reconnectionToken":"([\w.-]+)")?\}$`)

// connected reads the greeting.
func (p *peer) connected() (connectionID, token string) {
	p.t.Helper()
	frame := p.next()
	m := connectedFrame.FindStringSubmatch(frame)
	if m == nil {
		p.t.Fatalf("greeted with %s", frame)
	}
	return m[2], m[4]
}

const (
	plainName    = "json.webpubsub.azure.v1"
	reliableName = "json.reliable.webpubsub.azure.v1"
)

var allRoles = []string{"webpubsub.sendToGroup", "webpubsub.joinLeaveGroup"}

func TestReliableSession(t *testing.T) {
	srv := start(t, emulator.Options{})
	u := clientURL(t, srv, "chat", wire.ClientToken{UserID: "alice", Roles: allRoles})
	c := connect(t, u, reliableName, nil)
	id, token := c.connected()
	c.send(
		`{"type":"joinGroup","group":"room","ackId":1}`,
		`{"type":"sendToGroup","group":"room","dataType":"text","data":"hi","ackId":2}`,
	)
	message := `{"type":"message","from":"group","group":"room","fromUserId":"alice","dataType":"text","data":"hi","sequenceId":%d}`
	c.want(`{"type":"ack","ackId":1,"success":true}`, fmt.Sprintf(message, 1), `{"type":"ack","ackId":2,"success":true}`)

	// A drop: what is unacknowledged comes again, then what was missed. The
	// recovery's access token is one that would not do any more.
	_ = c.nc.Close()
	base, _, _ := strings.Cut(u, "?")
	recoveryURL := base + "?access_token=expired&awps_connection_id=" + id + "&awps_reconnection_token=" + url.QueryEscape(token)
	other := connect(t, clientURL(t, srv, "CHAT", wire.ClientToken{UserID: "alice", Roles: allRoles}), plainName, nil)
	other.connected()
	other.send(`{"type":"sendToGroup","group":"room","dataType":"text","data":"hi","ackId":1}`)
	other.want(`{"type":"ack","ackId":1,"success":true}`)
	c = connect(t, recoveryURL, reliableName, nil)
	c.want(fmt.Sprintf(message, 1), fmt.Sprintf(message, 2))
	c.send(`{"type":"sequenceAck","sequenceId":2}`, `{"type":"ping"}`)
	c.want(`{"type":"pong"}`)

	// An eager second recovery takes the session over.
	again := connect(t, recoveryURL, reliableName, nil)
	c.wantEnd()
	again.send(`{"type":"ping"}`)
	again.want(`{"type":"pong"}`)

	// Close code 1000 ends it; 101 and then 1008 is the answer from there on.
	again.write(ws.MustCompileFrame(ws.MaskFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(1000, "")))))
	again.want("close 1000")
	again.wantEnd()
	late := connect(t, recoveryURL, reliableName, nil)
	late.want("close 1008 The connection could not be recovered.")
	stats := srv.Stats()
	if stats.RecoveriesAccepted != 2 || stats.RecoveriesRefused != 1 || stats.Takeovers != 1 || stats.Replays != 2 || stats.Sessions != 1 {
		t.Errorf("stats: %+v", stats)
	}
}

func TestSimpleClientsEndToEnd(t *testing.T) {
	srv := start(t, emulator.Options{})
	u := clientURL(t, srv, "chat", wire.ClientToken{Roles: allRoles, Groups: []string{"room"}})
	sender := connect(t, u+"&webpubsub_mode=SendToGroup&group=room&noEcho=true", "", nil)
	events := connect(t, u, "", nil)
	// A simple client is not told when it is registered, which comes after the 101.
	for deadline := time.Now().Add(patience); srv.Stats().Sessions < 2; {
		if time.Now().After(deadline) {
			t.Fatalf("stats: %+v, want 2 sessions", srv.Stats())
		}
	}
	sender.send("hello")
	events.want("hello")
	events.send("an event nobody handles")
	events.want("close 1011 The event could not be processed.")
}

func TestHubInTheQuery(t *testing.T) {
	srv := start(t, emulator.Options{})
	u := clientURL(t, srv, "chat", wire.ClientToken{})
	c := connect(t, strings.Replace(u, "/client/hubs/chat?", "/client/?hub=chat&", 1), plainName, nil)
	c.connected()
}

func TestTLS(t *testing.T) {
	cert, certPEM, err := emulator.SelfSigned()
	if err != nil {
		t.Fatal(err)
	}
	srv := start(t, emulator.Options{TLS: &tls.Config{Certificates: []tls.Certificate{cert}}})
	if !strings.HasPrefix(srv.URL(), "https://127.0.0.1:") {
		t.Errorf("URL %s", srv.URL())
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(certPEM)
	c := connect(t, clientURL(t, srv, "chat", wire.ClientToken{Roles: allRoles}), reliableName, &tls.Config{RootCAs: roots})
	id, token := c.connected()
	c.send(`{"type":"joinGroup","group":"room","ackId":1}`)
	c.want(`{"type":"ack","ackId":1,"success":true}`)
	_ = c.nc.Close()
	c = connect(t, "wss://"+srv.Addr()+"/client/hubs/chat?awps_connection_id="+id+"&awps_reconnection_token="+token,
		reliableName, &tls.Config{RootCAs: roots})
	c.send(`{"type":"ping"}`)
	c.want(`{"type":"pong"}`)
}

func TestUpgradeChecks(t *testing.T) {
	srv := start(t, emulator.Options{})
	good := clientURL(t, srv, "chat", wire.ClientToken{})
	signed := good[strings.Index(good, "access_token=")+len("access_token="):]
	with := func(tok wire.ClientToken) string {
		u, _ := url.Parse(clientURL(t, srv, "chat", tok))
		return u.RequestURI()
	}
	ago := func(d time.Duration) time.Time { return time.Now().Add(-d) }
	badGroup := wire.ClientToken{Groups: []string{" "}}
	tests := []struct {
		name   string
		target string
		header string // in place of the handshake's; "-" = none
		bearer string
		status int
		body   string
	}{
		{"no upgrade", with(wire.ClientToken{}), "-", "", 400, ""},
		{"no upgrade and no hub", "/client/", "-", "", 400, ""},
		{"no hub", "/client/", "", "", 400, ""},
		{"blank hub", "/client/hubs/%20", "", "", 400, ""},
		{"another path", "/client/hubs/a/b", "", "", 404, ""},
		{"no token", "/client/hubs/chat", "", "", 401, ""},
		{"token is checked before the mode", "/client/hubs/chat?webpubsub_mode=x", "", "", 401, ""},
		{"garbage token", "/client/hubs/chat?access_token=x", "", "", 401, ""},
		{"token of another hub", "/client/hubs/hall?access_token=" + signed, "", "", 401, ""},
		{"expired within the skew", with(wire.ClientToken{ExpiresAt: ago(4 * time.Minute)}), "", "", 101, ""},
		{"expired", with(wire.ClientToken{ExpiresAt: ago(6 * time.Minute)}), "", "", 401, ""},
		{"token in the header", "/client/hubs/chat", "", signed, 101, ""},
		{"the query's token wins", "/client/hubs/chat?access_token=x", "", signed, 401, ""},
		{"hub in any case", strings.Replace(with(wire.ClientToken{}), "chat", "CHAT", 1), "", "", 101, ""},
		{"invalid group in the token", with(badGroup), "", "", 400, "The token contains an invalid group name."},
		{"group is checked before the mode", with(badGroup) + "&webpubsub_mode=x", "", "", 400, "The token contains an invalid group name."},
		{"mode", with(wire.ClientToken{}) + "&webpubsub_mode=x", "", "", 400, "Invalid webpubsub_mode. Valid modes are sendToGroup and sendEvent."},
		{"the last mode counts", with(wire.ClientToken{}) + "&webpubsub_mode=x&webpubsub_mode=sendevent", "", "", 101, ""},
		{"raw group", with(wire.ClientToken{}) + "&webpubsub_mode=sendToGroup", "", "", 400, "The raw sendToGroup group name is invalid."},
		{"noEcho", with(wire.ClientToken{}) + "&noEcho=yes", "", "", 400, "Invalid noEcho. Valid values are true and false."},
		{"old WebSocket version", with(wire.ClientToken{}), "Sec-WebSocket-Version: 8", "", 400, ""},
		{"Connection on two lines", with(wire.ClientToken{}), "Connection", "", 101, ""},
		{"recovery with a bad token", "/client/hubs/chat?awps_connection_id=x&awps_reconnection_token=y", "", "", 101, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, body, _ := handshake(t, srv, tt.target, tt.header, tt.bearer)
			if status != tt.status || body != tt.body {
				t.Errorf("got %d %q, want %d %q", status, body, tt.status, tt.body)
			}
		})
	}
}

// handshake sends a WebSocket handshake by hand. extra replaces the header it
// names; "-" leaves the upgrade out.
func handshake(t *testing.T, srv *emulator.Server, target, extra, bearer string) (status int, body string, header http.Header) {
	t.Helper()
	nc, err := net.Dial("tcp", srv.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = nc.Close() }()
	_ = nc.SetDeadline(time.Now().Add(patience))
	lines := []string{"GET " + target + " HTTP/1.1", "Host: " + srv.Addr()}
	if extra != "-" {
		connection := "Connection: keep-alive, Upgrade"
		if extra == "Connection" { // a list may come in pieces (RFC 9110 5.2)
			connection, extra = "Connection: keep-alive\r\nConnection: Upgrade", ""
		}
		lines = append(lines, "Upgrade: WebSocket", connection, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
		if !strings.HasPrefix(extra, "Sec-WebSocket-Version") {
			lines = append(lines, "Sec-WebSocket-Version: 13")
		}
		if extra != "" {
			lines = append(lines, extra)
		}
	}
	if bearer != "" {
		lines = append(lines, "Authorization: bEARER "+bearer)
	}
	if _, err := io.WriteString(nc, strings.Join(lines, "\r\n")+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(nc), nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		if got := resp.Header.Get("Sec-WebSocket-Accept"); got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" { // RFC 6455 1.3
			t.Errorf("Sec-WebSocket-Accept: %s", got)
		}
		return resp.StatusCode, "", resp.Header
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b), resp.Header
}

func TestFramesRightBehindTheHandshake(t *testing.T) {
	srv := start(t, emulator.Options{})
	u, _ := url.Parse(clientURL(t, srv, "chat", wire.ClientToken{}))
	nc, err := net.Dial("tcp", srv.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = nc.Close() }()
	_ = nc.SetDeadline(time.Now().Add(patience))
	p := &peer{t: t, nc: nc, r: bufio.NewReader(nc)}
	p.write(append([]byte("GET "+u.RequestURI()+" HTTP/1.1\r\nHost: "+srv.Addr()+"\r\n"+
		"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: "+plainName+"\r\n\r\n"),
		ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte(`{"type":"ping"}`))))...))
	if resp, err := http.ReadResponse(p.r, nil); err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v, %v", resp, err)
	}
	p.connected()
	p.want(`{"type":"pong"}`)
}

func TestSubprotocolNegotiation(t *testing.T) {
	srv := start(t, emulator.Options{})
	u, _ := url.Parse(clientURL(t, srv, "chat", wire.ClientToken{}))
	tests := []struct{ offered, want string }{
		{"", ""},
		{plainName, plainName},
		{"JSON.webpubsub.azure.V1", "JSON.webpubsub.azure.V1"},
		{"mine, " + reliableName + ", " + plainName, reliableName},
		{"mine", ""},
	}
	for _, tt := range tests {
		extra := ""
		if tt.offered != "" {
			extra = "Sec-WebSocket-Protocol: " + tt.offered
		}
		status, _, header := handshake(t, srv, u.RequestURI(), extra, "")
		if got := header.Get("Sec-WebSocket-Protocol"); status != 101 || got != tt.want {
			t.Errorf("offered %q: %d, chose %q, want %q", tt.offered, status, got, tt.want)
		}
	}
}

func TestRefuseRecovery(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	srv := start(t, emulator.Options{RefuseRecovery: func(id string) int {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, id)
		if len(asked) == 1 {
			return http.StatusServiceUnavailable
		}
		return 0
	}})
	c := connect(t, clientURL(t, srv, "chat", wire.ClientToken{}), reliableName, nil)
	id, token := c.connected()
	target := "/client/hubs/chat?awps_connection_id=" + id + "&awps_reconnection_token=" + token
	if status, _, _ := handshake(t, srv, target, "", ""); status != 503 {
		t.Errorf("first attempt: %d, want 503", status)
	}
	connect(t, "ws://"+srv.Addr()+target, reliableName, nil)
	c.wantEnd() // taken over
	mu.Lock()
	defer mu.Unlock()
	if len(asked) != 2 || asked[0] != id {
		t.Errorf("asked about %v", asked)
	}
}

// Whatever a client does, the others are served.
func TestHostileClients(t *testing.T) {
	srv := start(t, emulator.Options{})
	u := clientURL(t, srv, "chat", wire.ClientToken{Roles: allRoles, Groups: []string{"room"}})
	dial := func() net.Conn {
		nc, err := net.Dial("tcp", srv.Addr())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = nc.Close() })
		return nc
	}
	for _, garbage := range []string{
		"", "\x16\x03\x01\x02\x00\x01", "GET / HTTP/1.1\r\n", "GET /client/hubs/chat HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /api/hubs/chat/:send HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\nabc",
	} {
		if _, err := io.WriteString(dial(), garbage); err != nil {
			t.Fatal(err)
		}
	}
	for _, frames := range []string{
		"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00", // 2^63-1 bytes
		"\x81\xfe\xff",                     // half a header
		"\x81\xfe\xff\xff\x00\x00\x00\x00", // a header and nothing
		"\x01\x81\x00\x00\x00\x00{",        // an unfinished message
		"\xff\xff\xff\xff",
		"\x81\x02{}", // not masked
	} {
		c := connect(t, u, reliableName, nil)
		c.connected()
		c.write([]byte(frames))
	}
	good := connect(t, u, plainName, nil)
	good.connected()
	good.send(`{"type":"sendToGroup","group":"room","data":1,"ackId":1}`)
	good.want(
		`{"type":"message","from":"group","group":"room","fromUserId":null,"dataType":"json","data":1}`,
		`{"type":"ack","ackId":1,"success":true}`,
	)
}

func TestSlowClientDoesNotStopTheOthers(t *testing.T) {
	srv := start(t, emulator.Options{OutboundBytes: 1 << 20})
	u := clientURL(t, srv, "chat", wire.ClientToken{Roles: allRoles, Groups: []string{"room"}})
	slow := connect(t, u, plainName, nil)
	slow.connected()
	publisher := connect(t, clientURL(t, srv, "chat", wire.ClientToken{Roles: allRoles}), plainName, nil)
	publisher.connected()
	publish := `{"type":"sendToGroup","group":"room","ackId":%d,"dataType":"text","data":"` + strings.Repeat("x", 256<<10) + `"}`
	for i := 1; srv.Stats().Overflows == 0; i++ {
		if i > 1000 {
			t.Fatal("250 MiB and no overflow")
		}
		publisher.send(fmt.Sprintf(publish, i))
		publisher.want(fmt.Sprintf(`{"type":"ack","ackId":%d,"success":true}`, i))
	}
}

func TestCloseWaitsForEveryGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	srv, err := emulator.Start(emulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	u := clientURL(t, srv, "chat", wire.ClientToken{})
	var peers []*peer
	for range 20 {
		p := connect(t, u, reliableName, nil)
		p.connected()
		peers = append(peers, p)
	}
	half, err := net.Dial("tcp", srv.Addr()) // a handshake under way
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = half.Close() }()
	_, _ = io.WriteString(half, "GET /client")
	var closers sync.WaitGroup
	for range 3 {
		closers.Go(func() {
			if err := srv.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	closers.Wait()
	for _, p := range peers {
		p.wantEnd()
	}
	if got := srv.Stats(); got.ConnectionsTotal != 20 {
		t.Errorf("stats after Close: %+v", got)
	}
	// The last instructions of a goroutine of net/http come after it is counted.
	for deadline := time.Now().Add(patience); runtime.NumGoroutine() > before && time.Now().Before(deadline); {
		runtime.Gosched()
	}
	if got := runtime.NumGoroutine(); got > before {
		t.Errorf("%d goroutines, %d before", got, before)
	}
}

func TestStartErrors(t *testing.T) {
	srv := start(t, emulator.Options{})
	tests := []struct {
		name string
		o    emulator.Options
		want []string
	}{
		{"address in use", emulator.Options{Addr: srv.Addr()}, []string{"start emulator: listen tcp " + srv.Addr()}},
		{"short key", emulator.Options{AccessKey: "short"}, []string{"access key"}},
		{"key with a semicolon", emulator.Options{AccessKey: strings.Repeat("x;", 20)}, []string{"access key"}},
		{"every problem", emulator.Options{ReplayBytes: -1, Delay: -1, AckDelay: -1}, []string{"ReplayBytes", "Delay", "AckDelay"}},
	}
	for _, tt := range tests {
		other, err := emulator.Start(tt.o)
		if err == nil {
			_ = other.Close()
			t.Errorf("%s: started", tt.name)
			continue
		}
		for _, want := range tt.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q does not name %q", tt.name, err, want)
			}
		}
		if strings.Contains(err.Error(), "short") {
			t.Errorf("%s: the error shows the key: %v", tt.name, err)
		}
	}
}

func TestURLWhenListeningOnAll(t *testing.T) {
	srv := start(t, emulator.Options{Addr: ":0"})
	_, port, err := net.SplitHostPort(srv.Addr())
	if err != nil || srv.URL() != "http://127.0.0.1:"+port {
		t.Errorf("URL %s, address %s, %v", srv.URL(), srv.Addr(), err)
	}
}
