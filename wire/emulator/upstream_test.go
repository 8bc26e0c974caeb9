package emulator_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// received is a request that a handler got.
type received struct {
	header http.Header
	body   string
}

// handler starts an event handler that agrees to everything, answers as respond does
// and passes on what it got.
func handler(t testing.TB, respond func(w http.ResponseWriter, r *http.Request, body string)) (url string, got <-chan received) {
	t.Helper()
	requests := make(chan received, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodOptions {
			w.Header().Set("WebHook-Allowed-Origin", r.Header.Get("WebHook-Request-Origin"))
			return
		}
		body, _ := io.ReadAll(r.Body)
		requests <- received{r.Header, string(body)}
		if respond != nil {
			respond(w, r, string(body))
		}
	}))
	t.Cleanup(server.Close)
	return server.URL + "/{hub}/{event}", requests
}

func next(t testing.TB, got <-chan received) received {
	t.Helper()
	select {
	case r := <-got:
		return r
	case <-time.After(patience):
		t.Fatal("no event has come")
		panic("unreachable")
	}
}

// Every event of a connection's life, over real sockets.
func TestEventHandler(t *testing.T) {
	target, got := handler(t, func(w http.ResponseWriter, r *http.Request, body string) {
		switch r.Header.Get("ce-eventName") {
		case "connect":
			w.Header().Set("ce-connectionState", "state1")
			_, _ = io.WriteString(w, `{"userId":"bob","groups":["room"],"roles":["webpubsub.sendToGroup.room"]}`)
		case "order.placed":
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = io.WriteString(w, "got "+body)
		}
	})
	srv := start(t, emulator.Options{Handlers: []emulator.Handler{
		{Hub: "CHAT", URL: target, SystemEvents: []string{"connect", "connected", "disconnected"}, UserEvents: "*"},
	}})
	u := clientURL(t, srv, "Chat", wire.ClientToken{UserID: "alice"})
	c := connect(t, u+"&color=red&color=blue", plainName, nil)
	greeting := c.next()
	if !strings.Contains(greeting, `"userId":"bob"`) {
		t.Errorf("greeted with %s", greeting)
	}
	c.send(
		`{"type":"sendToGroup","group":"room","dataType":"text","data":"hi","ackId":1}`,
		`{"type":"event","event":"order.placed","dataType":"text","data":"42","ackId":2}`,
		`{"type":"joinGroup","group":"room","ackId":3}`)
	c.want(`{"type":"message","from":"group","group":"room","fromUserId":"bob","dataType":"text","data":"hi"}`,
		`{"type":"ack","ackId":1,"success":true}`,
		`{"type":"message","from":"server","dataType":"text","data":"got 42"}`,
		`{"type":"ack","ackId":2,"success":true}`,
		`{"type":"ack","ackId":3,"success":false,"error":{"name":"Forbidden","message":"The client does not have permission to join group 'room'."}}`)
	c.write(ws.MustCompileFrame(ws.MaskFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(1000, "")))))
	c.want("close 1000")

	r := next(t, got)
	var body struct {
		Claims             map[string][]string
		Query              map[string][]string
		Headers            map[string][]string
		Subprotocols       []string
		ClientCertificates []any
	}
	if err := json.Unmarshal([]byte(r.body), &body); err != nil {
		t.Fatal(err)
	}
	if want := map[string][]string{"color": {"red", "blue"}}; !reflect.DeepEqual(body.Query, want) {
		t.Errorf("query %v, want %v", body.Query, want)
	}
	if !reflect.DeepEqual(body.Subprotocols, []string{plainName}) || body.Claims == nil || body.ClientCertificates == nil ||
		!reflect.DeepEqual(body.Headers["Sec-Websocket-Version"], []string{"13"}) {
		t.Errorf("connect: %s", r.body)
	}
	id := r.header.Get("ce-connectionId")
	want := map[string]string{ // protocol.md 8.2
		"WebHook-Request-Origin": "127.0.0.1", "Content-Type": "application/json",
		"ce-type": "azure.webpubsub.sys.connect", "ce-source": "/hubs/chat/client/" + id, "ce-id": "0",
		"ce-hub": "chat", "ce-userId": "alice", "ce-subprotocol": "", "ce-connectionState": "",
		"ce-signature": wire.EventSignature(id, wire.EmulatorKey),
	}
	check := func(r received, body string) {
		t.Helper()
		for name, value := range want {
			if got := r.header.Get(name); got != value {
				t.Errorf("%s: %s %q, want %q", r.header.Get("ce-eventName"), name, got, value)
			}
		}
		if body != "" && r.body != body {
			t.Errorf("%s: body %s, want %s", r.header.Get("ce-eventName"), r.body, body)
		}
	}
	check(r, "")

	// connected and the user event may come in either order (protocol.md 12).
	want["ce-userId"], want["ce-subprotocol"], want["ce-connectionState"] = "bob", plainName, "state1"
	one, two := next(t, got), next(t, got)
	if one.header.Get("ce-id") == "2" {
		one, two = two, one
	}
	want["ce-type"], want["ce-id"] = "azure.webpubsub.sys.connected", "1"
	check(one, "{}")
	want["ce-type"], want["ce-id"], want["Content-Type"] = "azure.webpubsub.user.order.placed", "2", "text/plain"
	check(two, "42")
	want["ce-type"], want["ce-id"], want["Content-Type"] = "azure.webpubsub.sys.disconnected", "3", "application/json"
	check(next(t, got), `{"reason":"The client closed the connection."}`)
}

func TestConnectDecisions(t *testing.T) {
	const rejected = "The connect event handler rejected the connection."
	for _, tt := range []struct {
		name     string
		status   int
		body     string
		offer    []string
		refused  int    // HTTP status; 0 = upgraded
		protocol string // that the server names
		greeting string // part of the first frame, "" = none comes: simple client; or the refusal's body
	}{
		{"204", 204, "", []string{plainName}, 0, plainName, `"userId":"alice"`},
		{"200, empty", 200, "", []string{plainName}, 0, plainName, `"userId":"alice"`},
		{"null", 200, "null", []string{plainName}, 0, plainName, `"userId":"alice"`},
		{"another user", 200, `{"userId":"bob"}`, []string{plainName}, 0, plainName, `"userId":"bob"`},
		{"anonymous", 200, `{"userId":""}`, []string{plainName}, 0, plainName, `"userId":null`},
		{"a choice", 200, `{"subprotocol":"` + reliableName + `"}`, []string{plainName, reliableName}, 0, reliableName, "reconnectionToken"},
		{"without a choice the first", 200, `{}`, []string{reliableName, plainName}, 0, reliableName, "reconnectionToken"},
		{"a custom one", 200, `{"subprotocol":"mine"}`, []string{plainName, "mine"}, 0, "mine", ""},
		{"one that was not offered", 200, `{"subprotocol":"mine"}`, []string{plainName}, 500, "", rejected},
		{"401", 401, "", []string{plainName}, 401, "", rejected},
		{"403", 403, `{"userId":"bob"}`, nil, 403, "", rejected},
		{"302", 302, "", nil, 500, "", rejected},
		{"not JSON", 200, "{", nil, 500, "", rejected},
		{"another form", 200, `{"groups":"room"}`, nil, 500, "", rejected},
		{"invalid group", 200, `{"groups":["  "]}`, nil, 500, "", rejected},
	} {
		t.Run(tt.name, func(t *testing.T) {
			target, _ := handler(t, func(w http.ResponseWriter, _ *http.Request, _ string) {
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			})
			srv := start(t, emulator.Options{Handlers: []emulator.Handler{{URL: target, SystemEvents: []string{"connect"}}}})
			u := clientURL(t, srv, "chat", wire.ClientToken{UserID: "alice"})
			var answer []byte
			d := ws.Dialer{Timeout: patience, Protocols: tt.offer, OnStatusError: func(_ int, _ []byte, r io.Reader) {
				if resp, err := http.ReadResponse(bufio.NewReader(r), nil); err == nil {
					answer, _ = io.ReadAll(resp.Body)
				}
			}}
			nc, early, hs, err := d.Dial(context.Background(), u)
			if tt.refused > 0 {
				var status ws.StatusError
				if !errors.As(err, &status) || int(status) != tt.refused || string(answer) != tt.greeting {
					t.Errorf("dial: %v, %q; want %d %q", err, answer, tt.refused, tt.greeting)
				}
				if s := srv.Stats(); s.SessionsTotal != 0 || s.Refused != 1 || s.EventsFailed != 1 {
					t.Errorf("stats %+v", s)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = nc.Close() }()
			if hs.Protocol != tt.protocol {
				t.Errorf("the server names %q, want %q", hs.Protocol, tt.protocol)
			}
			if tt.greeting == "" {
				return
			}
			p := &peer{t: t, nc: nc, r: early}
			if early == nil {
				p.r = bufio.NewReader(nc)
			}
			if got := p.next(); !strings.Contains(got, tt.greeting) {
				t.Errorf("greeted with %s, want %s", got, tt.greeting)
			}
		})
	}
}

// Roles and groups of the handler: empty roles take all away, empty groups change nothing.
func TestConnectRolesAndGroups(t *testing.T) {
	for _, tt := range []struct {
		answer        string
		mayJoin       bool
		group, absent string
	}{
		{`{}`, true, "lobby", "room"},
		{`{"roles":[],"groups":[]}`, false, "lobby", "room"},
		{`{"roles":["webpubsub.joinLeaveGroup"],"groups":["room"]}`, true, "room", "lobby"},
	} {
		target, _ := handler(t, func(w http.ResponseWriter, _ *http.Request, _ string) { _, _ = io.WriteString(w, tt.answer) })
		srv := start(t, emulator.Options{Handlers: []emulator.Handler{{URL: target, SystemEvents: []string{"connect"}}}})
		c := connect(t, clientURL(t, srv, "chat", wire.ClientToken{Roles: allRoles, Groups: []string{"lobby"}}), plainName, nil)
		c.connected()
		exists := func(group string) bool {
			status, _, _ := rest(t, srv, http.MethodHead, "/api/hubs/chat/groups/"+group, "", "")
			return status == http.StatusOK
		}
		if !exists(tt.group) || exists(tt.absent) {
			t.Errorf("%s: want a member of %s and none of %s", tt.answer, tt.group, tt.absent)
		}
		c.send(`{"type":"joinGroup","group":"hall","ackId":1}`)
		if got := c.next(); strings.Contains(got, `"success":true`) != tt.mayJoin {
			t.Errorf("%s: join answered %s", tt.answer, got)
		}
	}
}

// Close does not wait for handlers.
func TestCloseDuringEvents(t *testing.T) {
	arrived, release := make(chan struct{}, 10), make(chan struct{})
	target, _ := handler(t, func(http.ResponseWriter, *http.Request, string) {
		arrived <- struct{}{}
		<-release
	})
	defer close(release)
	srv := start(t, emulator.Options{Handlers: []emulator.Handler{
		{Hub: "chat", URL: target, UserEvents: "*"},
		{Hub: "hall", URL: target, SystemEvents: []string{"connect"}},
	}})
	c := connect(t, clientURL(t, srv, "chat", wire.ClientToken{}), plainName, nil)
	c.connected()
	c.send(`{"type":"event","event":"order","dataType":"text","data":"42","ackId":1}`)
	dialed := make(chan error, 1)
	go func() {
		d := ws.Dialer{Timeout: patience}
		_, _, _, err := d.Dial(context.Background(), clientURL(t, srv, "hall", wire.ClientToken{}))
		dialed <- err
	}()
	for range 2 {
		select {
		case <-arrived:
		case <-time.After(patience):
			t.Fatal("the handler was not called")
		}
	}
	began := time.Now()
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > patience/2 {
		t.Errorf("Close took %v", took)
	}
	c.wantEnd()
	if err := <-dialed; err == nil {
		t.Error("the client under admission got in")
	}
}

// Many connections at once: each gets its own echoes, in order.
func TestEchoThroughHandler(t *testing.T) {
	const clients, messages = 20, 30
	target, _ := handler(t, nil)
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WebHook-Allowed-Origin", "*")
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		_, _ = io.Copy(w, r.Body)
	}))
	defer echo.Close()
	srv := start(t, emulator.Options{Handlers: []emulator.Handler{
		{URL: echo.URL, UserEvents: "echo"}, {URL: target, UserEvents: "*"},
	}})
	failed := make(chan string, clients)
	for i := range clients {
		c := connect(t, clientURL(t, srv, "chat", wire.ClientToken{}), plainName, nil)
		c.connected()
		go func() {
			for n := range messages {
				c.send(fmt.Sprintf(`{"type":"event","event":"echo","dataType":"json","data":{"c":%d,"n":%d}}`, i, n))
			}
			for n := range messages {
				want := fmt.Sprintf(`{"type":"message","from":"server","dataType":"json","data":{"c":%d,"n":%d}}`, i, n)
				f, err := emulator.ReadFrame(c.r)
				if err != nil || string(f.Payload) != want {
					failed <- fmt.Sprintf("got %s, %v; want %s", f.Payload, err, want)
					return
				}
			}
			failed <- ""
		}()
	}
	for range clients {
		select {
		case problem := <-failed:
			if problem != "" {
				t.Error(problem)
			}
		case <-time.After(patience):
			t.Fatal("echoes are missing")
		}
	}
}
