package emulator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wpsbench/wpsbench/wire"
)

// exchange is one request as a scripted handler saw it.
type exchange struct {
	at     time.Duration // since the start of the test
	method string
	url    string
	header http.Header
	body   string
}

// scriptedHandler answers without a network, so that time can be faked. Requests for
// validation have a script of their own; the last entry of each repeats.
type scriptedHandler struct {
	start       time.Time
	mu          sync.Mutex
	validations []answer // default: agree
	answers     []answer // default: 200, empty
	seen        []exchange
	asked       int
	posted      int
}

type answer struct {
	status int
	header http.Header
	body   string
	err    error
	hang   bool // until the request's context ends
}

func agree(origin string) answer {
	return answer{status: 200, header: http.Header{"Webhook-Allowed-Origin": {origin}}}
}

func (h *scriptedHandler) RoundTrip(r *http.Request) (*http.Response, error) {
	a := h.next(r)
	if a.hang {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	if a.err != nil {
		return nil, a.err
	}
	if a.header == nil {
		a.header = http.Header{}
	}
	return &http.Response{StatusCode: a.status, Header: a.header, Body: io.NopCloser(strings.NewReader(a.body)), Request: r}, nil
}

func (h *scriptedHandler) next(r *http.Request) answer {
	h.mu.Lock()
	defer h.mu.Unlock()
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		_ = r.Body.Close()
	}
	h.seen = append(h.seen, exchange{time.Since(h.start), r.Method, r.URL.String(), r.Header.Clone(), string(body)})
	a := answer{status: 200}
	script, n := &h.answers, &h.posted
	if r.Method != http.MethodPost {
		a, script, n = agree("*"), &h.validations, &h.asked
	}
	if len(*script) > 0 {
		a = (*script)[min(*n, len(*script)-1)]
	}
	*n++
	return a
}

// posts and asks are the instants of the requests so far.
func (h *scriptedHandler) posts() []time.Duration { return h.instants(true) }
func (h *scriptedHandler) asks() []time.Duration  { return h.instants(false) }

func (h *scriptedHandler) instants(posts bool) []time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	var at []time.Duration
	for _, e := range h.seen {
		if (e.method == http.MethodPost) == posts {
			at = append(at, e.at)
		}
	}
	return at
}

// withWebhooks runs fn in a bubble of fake time.
func withWebhooks(t *testing.T, h *scriptedHandler, fn func(t *testing.T, w *webhooks)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h.start = time.Now()
		w := newWebhooks("localhost", wire.EmulatorKey, h)
		defer func() { w.cancel(); w.wait() }()
		fn(t, w)
	})
}

// someEvent is the example of protocol.md 8.2.
func someEvent() *event {
	jar, _ := cookiejar.New(nil)
	s := &eventSource{
		hub: "chat", connectionID: "c0ffee00c0ffee00c0ffee00c0ffee00", user: "alice",
		subprotocol: "json.reliable.webpubsub.azure.v1", lastID: 2, cookies: jar,
	}
	e := s.event(&Handler{URL: "http://app/api/{event}?hub={hub}"}, userEvent, "order.placed")
	e.contentType, e.body = "text/plain", []byte("42")
	return e
}

func TestEventRequest(t *testing.T) {
	h := &scriptedHandler{}
	withWebhooks(t, h, func(t *testing.T, w *webhooks) {
		e := someEvent()
		e.metadata = []byte(`{"Trace-Id":"a1"}`)
		if _, err := w.deliver(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		if len(h.seen) != 2 {
			t.Fatalf("%d requests, want a validation and the event", len(h.seen))
		}
		ask, post := h.seen[0], h.seen[1]
		if ask.method != http.MethodOptions || ask.url != "http://app/api/validate?hub=chat" ||
			!maps.EqualFunc(ask.header, http.Header{"WebHook-Request-Origin": {"localhost"}, "ce-awpsversion": {"1.0"}}, slices.Equal) {
			t.Errorf("validation: %+v", ask)
		}
		want := http.Header{
			"WebHook-Request-Origin": {"localhost"},
			"Content-Type":           {"text/plain"},
			"ce-specversion":         {"1.0"},
			"ce-awpsversion":         {"1.0"},
			"ce-type":                {"azure.webpubsub.user.order.placed"},
			"ce-source":              {"/hubs/chat/client/c0ffee00c0ffee00c0ffee00c0ffee00"},
			"ce-id":                  {"3"},
			"ce-time":                {"2000-01-01T00:00:00Z"}, // when a bubble's time begins
			"ce-signature":           {"sha256=f51321a4b98f9cae215cad53bf8737ae7217ef9daed3bb52276332c9dbace19d"},
			"ce-connectionId":        {"c0ffee00c0ffee00c0ffee00c0ffee00"},
			"ce-hub":                 {"chat"},
			"ce-eventName":           {"order.placed"},
			"ce-userId":              {"alice"},
			"ce-subprotocol":         {"json.reliable.webpubsub.azure.v1"},

			"x-webpubsub-metadata-trace-id": {"a1"},
		}
		if post.method != http.MethodPost || post.url != "http://app/api/order.placed?hub=chat" || post.body != "42" {
			t.Errorf("event: %s %s %q", post.method, post.url, post.body)
		}
		if !maps.EqualFunc(post.header, want, slices.Equal) {
			t.Errorf("event's header:\n%v\nwant\n%v", post.header, want)
		}
	})
}

func TestEventRetries(t *testing.T) {
	refusedDial := answer{err: &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}}
	timedOut := answer{err: &net.DNSError{Err: "no answer", IsTimeout: true}}
	ok := answer{status: 204}
	second := time.Second
	all := []time.Duration{0, second, 4 * second, 9 * second}
	for _, tt := range []struct {
		name    string
		answers []answer
		want    []time.Duration // instants of the attempts
		status  int             // of the error; 0 = another error
		ok      bool
	}{
		{"at once", []answer{ok}, all[:1], 0, true},
		{"503 then ok", []answer{{status: 503}, ok}, all[:2], 0, true},
		{"408, refused, 500, ok", []answer{{status: 408}, refusedDial, {status: 500}, ok}, all, 0, true},
		{"503 for ever", []answer{{status: 503}}, all, 503, false},
		{"refused for ever", []answer{refusedDial}, all, 0, false},
		{"429", []answer{{status: 429}, ok}, all[:1], 429, false},
		{"401", []answer{{status: 401}, ok}, all[:1], 401, false},
		{"a redirect", []answer{{status: 302, header: http.Header{"Location": {"/elsewhere"}}}, ok}, all[:1], 302, false},
		{"a network's timeout", []answer{timedOut, ok}, all[:1], 0, false},
		{"no answer", []answer{{hang: true}}, all[:1], 0, false},
		{"too large", []answer{{status: 200, body: strings.Repeat("x", maxReplyBytes+1)}}, all[:1], 0, false},
		{"as large as may be", []answer{{status: 200, body: strings.Repeat("x", maxReplyBytes)}}, all[:1], 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := &scriptedHandler{answers: tt.answers}
			withWebhooks(t, h, func(t *testing.T, w *webhooks) {
				_, err := w.deliver(t.Context(), someEvent())
				if got := h.posts(); !slices.Equal(got, tt.want) {
					t.Errorf("attempts at %v, want %v", got, tt.want)
				}
				var status *statusError
				if tt.ok != (err == nil) || tt.status != 0 && (!errors.As(err, &status) || status.status != tt.status) {
					t.Errorf("error %v", err)
				}
				if took := time.Since(h.start); tt.name == "no answer" && took != eventTimeout {
					t.Errorf("gave up after %v, want %v", took, eventTimeout)
				}
			})
		})
	}
}

func TestEventErrorKeepsSecrets(t *testing.T) {
	h := &scriptedHandler{answers: []answer{{status: 401}}}
	withWebhooks(t, h, func(t *testing.T, w *webhooks) {
		e := someEvent()
		e.handler = &Handler{URL: "http://bob:pass@app/api/{event}?code=secret"}
		_, err := w.deliver(t.Context(), e)
		if want := "event order.placed to http://app/api/{event}: the handler answered 401"; err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	})
}

func TestEventWithUnspeakableHeader(t *testing.T) {
	h := &scriptedHandler{}
	withWebhooks(t, h, func(t *testing.T, w *webhooks) {
		e := someEvent()
		e.user = "a\r\nce-userId: root"
		if _, err := w.deliver(t.Context(), e); err == nil || len(h.posts()) != 0 {
			t.Errorf("error %v, %d requests; want an error and none", err, len(h.posts()))
		}
	})
}

func TestCookiesOfSuccessfulAnswers(t *testing.T) {
	h := &scriptedHandler{answers: []answer{
		{status: 401, header: http.Header{"Set-Cookie": {"a=refused"}}},
		{status: 200, header: http.Header{"Set-Cookie": {"a=1; Path=/"}}},
		{status: 200},
	}}
	withWebhooks(t, h, func(t *testing.T, w *webhooks) {
		e := someEvent()
		for range 3 {
			_, _ = w.deliver(t.Context(), e)
		}
		var got []string
		for _, x := range h.seen[1:] {
			got = append(got, x.header.Get("Cookie"))
		}
		if want := []string{"", "", "a=1"}; !slices.Equal(got, want) {
			t.Errorf("cookies %q, want %q", got, want)
		}
	})
}

func TestValidation(t *testing.T) {
	for _, tt := range []struct {
		name    string
		answers []answer
		methods string
		ok      bool
	}{
		{"everybody", []answer{agree("*")}, "OPTIONS", true},
		{"by name", []answer{agree("example.org, LOCALHOST")}, "OPTIONS", true},
		{"204", []answer{{status: 204, header: http.Header{"Webhook-Allowed-Origin": {"*"}}}}, "OPTIONS", true},
		{"others only", []answer{agree("example.org")}, "OPTIONS", false},
		{"no header", []answer{{status: 200}}, "OPTIONS", false},
		{"refused", []answer{{status: 400, header: http.Header{"Webhook-Allowed-Origin": {"*"}}}}, "OPTIONS", false},
		{"GET where OPTIONS is not found", []answer{{status: 404}, agree("*")}, "OPTIONS GET", true},
		{"neither", []answer{{status: 404}}, "OPTIONS GET", false},
		{"405", []answer{{status: 405}, agree("*")}, "OPTIONS", false},
		{"unreachable", []answer{{err: io.ErrUnexpectedEOF}}, "OPTIONS", false},
		{"no answer", []answer{{hang: true}}, "OPTIONS", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := &scriptedHandler{validations: tt.answers}
			withWebhooks(t, h, func(t *testing.T, w *webhooks) {
				_, err := w.deliver(t.Context(), someEvent())
				if (err == nil) != tt.ok || len(h.posts()) > 0 != tt.ok {
					t.Errorf("error %v, %d events sent; want ok: %v", err, len(h.posts()), tt.ok)
				}
				var methods []string
				for _, x := range h.seen {
					if x.method != http.MethodPost {
						methods = append(methods, x.method)
					}
				}
				if got := strings.Join(methods, " "); got != tt.methods {
					t.Errorf("asked %s, want %s", got, tt.methods)
				}
				if took := time.Since(h.start); tt.name == "no answer" && took != validationTimeout {
					t.Errorf("gave up after %v, want %v", took, validationTimeout)
				}
			})
		})
	}
}

// While a URL is used it is asked again every minute, in the background; unused it is
// forgotten, and the next event asks anew.
func TestValidationIsRepeated(t *testing.T) {
	h := &scriptedHandler{validations: []answer{agree("*"), {status: 500}, {status: 500}, {status: 500}, agree("*")}}
	withWebhooks(t, h, func(t *testing.T, w *webhooks) {
		try := func(at time.Duration, want bool) {
			t.Helper()
			time.Sleep(at*time.Millisecond - time.Since(h.start))
			before := time.Now()
			_, err := w.deliver(t.Context(), someEvent())
			if (err == nil) != want || time.Since(before) != 0 {
				t.Errorf("at %v ms: error %v after %v, want ok: %v at once", int(at), err, time.Since(before), want)
			}
		}
		try(0, true)
		try(30_000, true)
		try(59_999, true)
		try(60_500, false) // refused since 60 s
		try(62_500, false) // since 61 s
		try(64_500, false) // since 63 s
		try(67_500, true)  // agreed at 67 s
		ms := time.Millisecond
		if got, want := h.asks(), []time.Duration{0, 60_000 * ms, 61_000 * ms, 63_000 * ms, 67_000 * ms}; !slices.Equal(got, want) {
			t.Errorf("asked at %v, want %v", got, want)
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		w.mu.Lock()
		known := len(w.known)
		w.mu.Unlock()
		if known != 0 {
			t.Errorf("%d URLs are known after a long rest, want 0", known)
		}
		if n := len(h.asks()); n != 6 {
			t.Errorf("asked %d times, want once more after the last use", n)
		}
		try(600_000, true)
		if n := len(h.asks()); n != 7 {
			t.Errorf("asked %d times, want 7", n)
		}
	})
}

func TestNotificationsKeepTheirOrder(t *testing.T) {
	h := &scriptedHandler{answers: []answer{{status: 503}, {status: 200}}}
	withWebhooks(t, h, func(t *testing.T, w *webhooks) {
		first, second := someEvent(), someEvent()
		first.finished, second.finished = make(chan struct{}), make(chan struct{})
		first.body, second.body = []byte("first"), []byte("second")
		second.after = first.finished
		go func() { _, _ = w.deliver(context.Background(), first) }()
		if _, err := w.deliver(t.Context(), second); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, x := range h.seen {
			if x.method == http.MethodPost {
				got = append(got, fmt.Sprintf("%s %v", x.body, x.at))
			}
		}
		if want := []string{"first 0s", "first 1s", "second 1s"}; !slices.Equal(got, want) {
			t.Errorf("sent %q, want %q", got, want)
		}
	})
}

func TestCancelEndsWhatIsUnderWay(t *testing.T) {
	h := &scriptedHandler{answers: []answer{{status: 503}}}
	withWebhooks(t, h, func(t *testing.T, w *webhooks) {
		failed := make(chan error)
		go func() {
			_, err := w.deliver(context.Background(), someEvent())
			failed <- err
		}()
		synctest.Wait()
		w.cancel()
		if err := <-failed; err == nil || time.Since(h.start) != 0 {
			t.Errorf("error %v after %v, want one at once", err, time.Since(h.start))
		}
	})
}

func TestReplyMessage(t *testing.T) {
	metadata := func(key, value string) http.Header {
		return http.Header{http.CanonicalHeaderKey(metadataPrefix + key): {value}}
	}
	typed := func(contentType string) http.Header { return http.Header{"Content-Type": {contentType}} }
	for _, tt := range []struct {
		name   string
		header http.Header
		body   string
		want   string // the frame; "" = no message
		bad    bool
	}{
		{"nothing", nil, "", "", false},
		{"nothing of a type", typed("text/plain"), "", "", false},
		{"text", typed("text/plain; charset=utf-8"), "hi", `{"type":"message","from":"server","dataType":"text","data":"hi"}`, false},
		{"JSON", typed("application/json"), `{"x": 1}`, `{"type":"message","from":"server","dataType":"json","data":{"x": 1}}`, false},
		{"binary", typed("application/octet-stream"), "\x01\x02\x03", `{"type":"message","from":"server","dataType":"binary","data":"AQID"}`, false},
		{"no type", nil, "\x01\x02\x03", `{"type":"message","from":"server","dataType":"binary","data":"AQID"}`, false},
		{"protobuf", typed("application/x-protobuf"), "\x01\x02\x03", `{"type":"message","from":"server","dataType":"protobuf","data":"AQID"}`, false},
		{"metadata alone", metadata("Trace", "t1"), "", `{"type":"message","from":"server","dataType":"text","data":"","metadata":{"trace":"t1"}}`, false},
		{"another type", typed("text/html"), "hi", "", true},
		{"a broken type", typed("text/"), "hi", "", true},
		{"broken JSON", typed("application/json"), "{", "", true},
		{"JSON deeper than a message may be", typed("application/json"), strings.Repeat("[", wire.MaxDepth) + strings.Repeat("]", wire.MaxDepth), "", true},
		{"broken text", typed("text/plain"), "\xff", "", true},
		{"metadata too long", metadata("k", strings.Repeat("v", wire.MaxMetadataValueBytes+1)), "", "", true},
		{"metadata not ASCII", metadata("k", "ü"), "", "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &reply{tt.header, []byte(tt.body)}
			d, err := r.message()
			if (err != nil) != tt.bad {
				t.Fatalf("error %v", err)
			}
			var got []byte
			if d != nil {
				got = wire.AppendDownstream(nil, d)
			}
			if !bytes.Equal(got, []byte(tt.want)) {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}
