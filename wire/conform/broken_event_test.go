package conform_test

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/conform"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// caller makes another server of the emulator: it stands between it and the event
// handler. nil = no change.
type caller struct {
	ask    func(r *http.Request, body string) string // what the emulator posts
	answer func(r *http.Response, body string) string
	posts  func(r *http.Request) *http.Request // one that the emulator did not, before r; nil = none
	liar   func() *liar                        // between the client and the emulator
	opts   emulator.Options
	slow   bool
}

// brokenCallers are servers that break a rule about event handlers, and exactly the cases
// that find it.
var brokenCallers = []struct {
	name   string
	caller caller
	cases  string
}{
	{"asks with PUT", caller{ask: func(r *http.Request, body string) string {
		if r.Method == http.MethodOptions {
			r.Method = http.MethodPut
		}
		return body
	}}, "event/validation"},
	{"knows a star only", caller{answer: onValidation(func(r *http.Response) {
		if r.Header.Get("WebHook-Allowed-Origin") != "*" {
			r.Header.Del("WebHook-Allowed-Origin")
		}
	})}, "event/allowed-by-name"},
	{"posts to everybody", caller{answer: onValidation(func(r *http.Response) {
		r.StatusCode = 200
		r.Header.Set("WebHook-Allowed-Origin", "*")
	})}, "event/not-allowed event/allowed-elsewhere event/validation-fails event/validation-by-get"},
	{"overlooks the status of a validation", caller{answer: onValidation(func(r *http.Response) {
		if r.StatusCode == 403 {
			r.StatusCode = 200
		}
	})}, "event/validation-fails"},
	{"does not ask with GET", caller{answer: onValidation(func(r *http.Response) {
		if r.StatusCode == 404 {
			r.StatusCode = 405
		}
	})}, "event/validation-by-get"},

	{"CloudEvents 0.3", caller{ask: header("ce-specversion", "0.3")}, "event/request"},
	{"no ce-awpsversion", caller{ask: header("ce-awpsversion", "")}, "event/awps-version event/validation"},
	{"types of its own", caller{ask: rewriteHeader("ce-type", `\.sys\.`, ".system.")}, "event/type"},
	{"source of its own", caller{ask: header("ce-source", "/client")}, "event/names"},
	{"does not count", caller{ask: header("ce-id", "0")}, "event/ids"},
	{"local time", caller{ask: header("ce-time", "2026-01-31T12:00:00+01:00")}, "event/time"},
	{"signs in capitals", caller{ask: func(r *http.Request, body string) string {
		r.Header.Set("ce-signature", strings.ToUpper(r.Header.Get("ce-signature")))
		return body
	}}, "event/signature"},
	{"tells no user", caller{ask: header("ce-userId", "")}, "event/user event/connect-accept"},
	{"tells no subprotocol", caller{ask: header("ce-subprotocol", "")}, "event/subprotocol"},
	{"system events as text", caller{ask: onKind("sys", func(r *http.Request, body string) string {
		r.Header.Set("Content-Type", "text/plain")
		return body
	})}, "event/system-body"},
	{"payloads as text", caller{ask: onKind("user", func(r *http.Request, body string) string {
		r.Header.Set("Content-Type", "text/plain")
		return body
	})}, "event/payload event/simple"},
	{"payloads in capitals", caller{ask: onKind("user", func(_ *http.Request, body string) string {
		return strings.ToUpper(body)
	})}, "event/payload event/simple"},
	{"loses metadata", caller{ask: header("X-WebPubSub-Metadata-trace-id", "")}, "event/metadata"},
	{"loses cookies", caller{ask: header("Cookie", "")}, "event/cookies"},
	{"keeps no state", caller{ask: header("ce-connectionState", "")}, "event/state"},
	{"keeps an emptied state", caller{answer: func(r *http.Response, body string) string {
		if slices.Equal(r.Header.Values("ce-connectionState"), []string{""}) {
			r.Header.Del("ce-connectionState")
		}
		return body
	}}, "event/state"},

	{"disconnected without a reason", caller{ask: onKind("sys.disconnected", func(*http.Request, string) string { return "{}" })}, "event/disconnected"},
	{"disconnected twice", caller{posts: again("sys.disconnected")}, "event/disconnected"},
	{"connected again at the end", caller{posts: func(r *http.Request) *http.Request {
		if !strings.HasSuffix(r.Header.Get("ce-type"), "sys.disconnected") || r.Header.Get("ce-subprotocol") != "json.webpubsub.azure.v1" {
			return nil
		}
		return posing(r, "sys.connected")
	}}, "event/connected"},
	{"recoveries are news", caller{posts: func(r *http.Request) *http.Request {
		if !strings.Contains(r.Header.Get("ce-type"), ".user.") || !strings.Contains(r.Header.Get("ce-subprotocol"), "reliable") {
			return nil
		}
		return posing(r, "sys.connected")
	}}, "event/recovery"},
	{"sessions for a minute", caller{slow: true, opts: emulator.Options{RecoveryWindow: time.Minute}}, "event/window-over"},

	{"claims as texts", caller{ask: onKind("sys.connect", func(_ *http.Request, body string) string {
		return strings.Replace(body, `["blue"]`, `"blue"`, 1)
	})}, "event/connect-body"},
	{"tells the token", caller{ask: onKind("sys.connect", func(_ *http.Request, body string) string {
		return strings.Replace(body, `"query":{`, `"query":{"access_token":["x"],`, 1)
	})}, "event/connect-secrets"},
	{"null refuses", caller{answer: onAnswer("sys.connect", func(r *http.Response, body string) string {
		if body == "null" {
			r.StatusCode = 403
		}
		return body
	})}, "event/connect-accept"},
	{"decides no user", caller{answer: onAnswer("sys.connect", rename("userId"))}, "event/connect-user"},
	{"decides no groups", caller{answer: onAnswer("sys.connect", rename("groups"))}, "event/connect-groups event/connect-malformed"},
	{"decides no roles", caller{answer: onAnswer("sys.connect", rename("roles"))}, "event/connect-roles"},
	{"decides no subprotocol", caller{answer: onAnswer("sys.connect", rename("subprotocol"))}, "event/connect-subprotocol event/connect-custom"},
	{"401 in place of other refusals", caller{answer: onAnswer("sys.connect", func(r *http.Response, body string) string {
		if r.StatusCode >= 400 {
			r.StatusCode = 401
		}
		return body
	})}, "event/connect-refused"},
	{"overlooks what is malformed", caller{answer: onAnswer("sys.connect", func(_ *http.Response, body string) string {
		if body == "{" {
			return "{}"
		}
		return body
	})}, "event/connect-malformed"},
	{"asks before it checks the mode", caller{liar: asksTooEarly}, "event/connect-last"},

	{"answers without a type", caller{answer: onAnswer("user", func(r *http.Response, body string) string {
		if r.Header.Get("Content-Type") == "application/json" {
			r.Header.Del("Content-Type")
		}
		return body
	})}, "event/answer"},
	{"what has no type is text", caller{answer: onAnswer("user", func(r *http.Response, body string) string {
		if r.Header.Get("Content-Type") == "" {
			r.Header.Set("Content-Type", "text/plain")
		}
		return body
	})}, "event/answer event/simple"},
	{"204 has a body", caller{answer: onAnswer("user", func(r *http.Response, body string) string {
		if r.StatusCode == 204 && len(r.Header.Values("ce-connectionState")) == 0 {
			r.StatusCode, body = 200, "x"
		}
		return body
	})}, "event/answer-empty event/state"},
	{"answers lose metadata", caller{answer: func(r *http.Response, body string) string {
		r.Header.Del("X-WebPubSub-Metadata-Trace")
		return body
	}}, "event/answer-metadata"},
	{"answers for all of the user's connections", caller{liar: tellsEverybody}, "event/answer-to-sender"},
	{"numbers from 2", caller{liar: countFrom2}, "event/answer-numbered"},
	{"overlooks refusals", caller{answer: onAnswer("user", func(r *http.Response, body string) string {
		if r.StatusCode == 400 {
			r.StatusCode, body = 204, ""
		}
		return body
	})}, "event/failed event/failed-simple event/no-retries"},
	{"simple clients are binary", caller{ask: onKind("user.message", func(r *http.Request, body string) string {
		r.Header.Set("Content-Type", "application/octet-stream")
		return body
	})}, "event/simple"},
	{"does not wait", caller{liar: pongFirst}, "event/blocks"},
	{"events need a role", caller{liar: eventsNeedARole}, "event/no-role"},
	{"tries once", caller{answer: onAnswer("user", func(r *http.Response, body string) string {
		if r.StatusCode == 503 {
			r.StatusCode = 400
		}
		return body
	})}, "event/retries"},
	{"tries 429 again", caller{answer: onAnswer("user", func(r *http.Response, body string) string {
		if r.StatusCode == 429 {
			r.StatusCode = 503
		}
		return body
	})}, "event/no-retries"},
}

func TestBrokenCallers(t *testing.T) {
	for _, b := range brokenCallers {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			var failed []string
			c := startCaller(t, &b.caller)
			every := c.Select
			c.Select = func(cs *conform.Case) bool { // that one takes a second
				return every(cs) && (cs.ID != "event/retries" || cs.ID == b.cases)
			}
			for _, r := range run(t, c).Cases {
				switch {
				case r.Outcome == conform.Fail:
					failed = append(failed, r.ID)
				case r.Outcome == conform.Skipped && !strings.HasPrefix(r.Reasons[0], "needs time"):
					t.Errorf("%s: skipped: %v", r.ID, r.Reasons)
				}
			}
			want := strings.Fields(b.cases)
			slices.Sort(failed)
			slices.Sort(want)
			if !slices.Equal(failed, want) {
				t.Errorf("failed %v, want %v", failed, want)
			}
		})
	}
}

// A target that posts nothing to the handler is told so, not judged.
func TestNoEventHandler(t *testing.T) {
	c := start(t, emulator.Options{Handlers: []emulator.Handler{{Hub: "another", URL: "http://127.0.0.1:1/{event}", UserEvents: "*"}}})
	c.Select = func(cs *conform.Case) bool { return strings.HasPrefix(cs.ID, "event/") }
	for _, r := range run(t, c).Cases {
		if r.Outcome != conform.Skipped || !strings.HasPrefix(r.Reasons[0], "needs: ") {
			t.Errorf("%s: %s: %v", r.ID, r.Outcome, r.Reasons)
		}
	}
}

// A target whose every hub has our handler cannot be asked what it does without one.
func TestHandlerOfEveryHub(t *testing.T) {
	c := start(t, emulator.Options{})
	all := handlersAt("http://" + c.Events.Addr().String())[0]
	all.Hub = ""
	events := c.Events
	c = start(t, emulator.Options{Handlers: []emulator.Handler{all}})
	_ = c.Events.Close() // the one that nobody posts to
	c.Events = events
	c.Select = func(cs *conform.Case) bool {
		return regexp.MustCompile(`^event/|/event-without-handler$`).MatchString(cs.ID)
	}
	for _, r := range run(t, c).Cases {
		want := conform.Pass
		if strings.HasSuffix(r.ID, "/event-without-handler") || r.ID == "event/window-over" {
			want = conform.Skipped
		}
		if r.Outcome != want {
			t.Errorf("%s: %s: %v", r.ID, r.Outcome, r.Reasons)
		}
	}
}

// startCaller is start with the caller between the emulator and the handler.
func startCaller(t *testing.T, b *caller) conform.Config {
	t.Helper()
	proxy := httptest.NewUnstartedServer(nil)
	b.opts.Handlers = handlersAt("http://" + proxy.Listener.Addr().String())
	c := start(t, b.opts)
	target := &url.URL{Scheme: "http", Host: c.Events.Addr().String()}
	proxy.Config.Handler = b.proxy(t, target)
	proxy.Start()
	t.Cleanup(proxy.Close)
	c.Timeout = 3 * time.Second
	if b.slow {
		c.Slow, c.Window = true, time.Second
	}
	if b.liar != nil {
		l := b.liar()
		l.handler = target.String()
		c.Dial = l.dial
	}
	c.Select = func(cs *conform.Case) bool {
		return strings.HasPrefix(cs.ID, "event/") && (!b.slow || cs.ID == "event/window-over")
	}
	return c
}

func (b *caller) proxy(t *testing.T, target *url.URL) http.Handler {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	proxy := &httputil.ReverseProxy{
		Transport: transport,
		ErrorLog:  log.New(io.Discard, "", 0), // who goes away shows at the ends
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(target)
			body, _ := io.ReadAll(p.In.Body) // what came is enough
			if b.posts != nil {
				p.Out.Body = io.NopCloser(bytes.NewReader(body))
				if extra := b.posts(p.Out); extra != nil {
					if resp, err := transport.RoundTrip(extra); err == nil {
						_ = resp.Body.Close()
					}
				}
			}
			changed := string(body)
			if b.ask != nil {
				changed = b.ask(p.Out, changed)
			}
			p.Out.Body, p.Out.ContentLength = io.NopCloser(strings.NewReader(changed)), int64(len(changed))
		},
		ModifyResponse: func(r *http.Response) error {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			changed := string(body)
			if b.answer != nil {
				changed = b.answer(r, changed)
			}
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(changed)), int64(len(changed))
			r.Header.Del("Content-Length")
			if r.Header.Get("Content-Type") == "" {
				r.Header["Content-Type"] = nil // and no guess
			}
			return nil
		},
	}
	return proxy
}

func header(name, value string) func(*http.Request, string) string {
	return rewriteHeader(name, "^.*$", value)
}

func rewriteHeader(name, pattern, to string) func(*http.Request, string) string {
	re := regexp.MustCompile(pattern)
	return func(r *http.Request, body string) string {
		switch changed := re.ReplaceAllString(r.Header.Get(name), to); {
		case changed == "":
			r.Header.Del(name)
		case r.Header.Get(name) != "":
			r.Header.Set(name, changed)
		}
		return body
	}
}

func isKind(r *http.Request, kind string) bool {
	typ := r.Header.Get("ce-type") + "."
	return strings.HasPrefix(typ, "azure.webpubsub."+kind+".")
}

func onKind(kind string, fn func(*http.Request, string) string) func(*http.Request, string) string {
	return func(r *http.Request, body string) string {
		if isKind(r, kind) {
			return fn(r, body)
		}
		return body
	}
}

func onAnswer(kind string, fn func(*http.Response, string) string) func(*http.Response, string) string {
	return func(r *http.Response, body string) string {
		if isKind(r.Request, kind) {
			return fn(r, body)
		}
		return body
	}
}

func onValidation(fn func(*http.Response)) func(*http.Response, string) string {
	return func(r *http.Response, body string) string {
		if r.Request.Method != http.MethodPost {
			fn(r)
		}
		return body
	}
}

// rename has the emulator overlook a member of an answer.
func rename(member string) func(*http.Response, string) string {
	return func(_ *http.Response, body string) string {
		return strings.ReplaceAll(body, `"`+member+`"`, `"nothing"`)
	}
}

// posing is r as another event of the same connection.
func posing(r *http.Request, kind string) *http.Request {
	extra := r.Clone(r.Context())
	_, name, _ := strings.Cut(kind, ".")
	extra.URL.Path = r.URL.Path[:strings.LastIndexByte(r.URL.Path, '/')+1] + name
	extra.Header.Set("ce-type", "azure.webpubsub."+kind)
	extra.Header.Set("ce-eventName", name)
	extra.Header.Del("Content-Length")
	extra.Body, extra.ContentLength = io.NopCloser(strings.NewReader("{}")), 2
	return extra
}

func again(kind string) func(*http.Request) *http.Request {
	return func(r *http.Request) *http.Request {
		if !isKind(r, kind) {
			return nil
		}
		return posing(r, kind)
	}
}

// asksTooEarly posts `connect` for a client that is refused for its mode.
func asksTooEarly() *liar {
	l := &liar{}
	l.ask = func(request string) string {
		if strings.Contains(request, "webpubsub_mode=no") {
			r, err := http.NewRequest(http.MethodPost, l.handler+"/"+conform.DefaultEventHub+"/connect", strings.NewReader("{}"))
			if err != nil {
				panic(err)
			}
			r.Header.Set("ce-type", "azure.webpubsub.sys.connect")
			r.Header.Set("ce-connectionId", "early")
			r.Close = true
			if resp, err := http.DefaultTransport.RoundTrip(r); err == nil {
				_ = resp.Body.Close()
			}
		}
		return request
	}
	return l
}

// tellsEverybody gives what a user's connection gets of the server to all of them.
func tellsEverybody() *liar {
	var answer *message
	to := 0
	return &liar{down: func(conn int, m message) []message {
		switch {
		case strings.Contains(m.payload, `"from":"server"`):
			answer, to = &m, conn
		case answer != nil && conn != to && strings.Contains(m.payload, `"pong"`):
			out := []message{*answer, m}
			answer = nil
			return out
		case strings.Contains(m.payload, `"connected"`):
			answer = nil
		}
		return []message{m}
	}}
}

// pongFirst answers a ping that was sent behind an event before the event.
func pongFirst() *liar {
	pinged, held := map[int]bool{}, map[int][]message{}
	return &liar{
		up: func(conn int, m message) []message {
			pinged[conn] = pinged[conn] || strings.Contains(m.payload, `"type":"ping"`)
			return []message{m}
		},
		down: func(conn int, m message) []message {
			switch {
			case strings.Contains(m.payload, `"pong"`):
				out := append([]message{m}, held[conn]...)
				held[conn] = nil
				return out
			case pinged[conn] && (strings.Contains(m.payload, `"data":"answer"`) || len(held[conn]) > 0):
				held[conn] = append(held[conn], m)
				return nil
			}
			return []message{m}
		},
	}
}

// eventsNeedARole fails those of a client whose token has none.
func eventsNeedARole() *liar {
	without := map[int]bool{}
	conns := 0
	l := &liar{}
	l.ask = func(request string) string {
		conns++
		token := regexp.MustCompile(`access_token=([^& ]*)`).FindStringSubmatch(request)
		if len(token) == 2 {
			claims, err := wire.ReadToken(token[1])
			without[honest+conns] = err == nil && len(claims.Roles) == 0
		}
		return request
	}
	l.down = func(conn int, m message) []message {
		if without[conn] && m.op == ws.OpText && strings.Contains(m.payload, `"type":"ack"`) {
			m.payload = strings.Replace(m.payload, `"success":true`, `"success":false,"error":{"name":"Forbidden"}`, 1)
		}
		return []message{m}
	}
	return l
}
