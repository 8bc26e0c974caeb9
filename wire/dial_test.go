package wire

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// roots trusts the certificate of s.
func roots(s *httptest.Server) *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return &tls.Config{RootCAs: pool}
}

// serve starts a server; with secured one of TLS that would rather speak HTTP/2.
func serve(t *testing.T, secured bool, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // of failed handshakes
	s.EnableHTTP2 = secured
	if secured {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

func TestDial(t *testing.T) {
	tests := []struct {
		name    string
		secured bool
		sub     Subprotocol
		extra   string
		offered []string // Sec-WebSocket-Protocol of the request
	}{
		{"ws", false, JSONReliable, "", []string{"json.reliable.webpubsub.azure.v1"}},
		{"wss", true, JSON, "", []string{"json.webpubsub.azure.v1"}},
		{"simple", false, Simple, "", nil},
		{"bytes on the heels of the answer", false, JSON, "\x81\x02hi", []string{"json.webpubsub.azure.v1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			asked := make(chan *http.Request, 1)
			s := serve(t, tt.secured, func(w http.ResponseWriter, r *http.Request) {
				asked <- r
				nc := accept(t, w, r, string(tt.sub), tt.extra)
				_, _ = io.Copy(nc, nc)
				_ = nc.Close()
			})
			d := Dialer{Header: http.Header{"X-Run": {"one"}}}
			if tt.secured {
				d.TLS = roots(s)
			}
			before := Now()
			nc, buffered, trace, err := d.Dial(t.Context(), wsURL(s), tt.sub)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = nc.Close() }()

			r := wait(t, asked)
			if got := r.Header.Values("Sec-WebSocket-Protocol"); !slices.Equal(got, tt.offered) {
				t.Errorf("offered %q, want %q", got, tt.offered)
			}
			if got := r.URL.RequestURI(); got != "/client/hubs/chat?access_token="+secret || r.Header.Get("X-Run") != "one" {
				t.Errorf("asked for %s with X-Run %q", got, r.Header.Get("X-Run"))
			}
			instants := []time.Duration{before, trace.Start, trace.TCP, trace.TLS, trace.Upgraded, Now()}
			if !tt.secured {
				if trace.TLS != 0 {
					t.Errorf("TLS at %v on a plain socket", trace.TLS)
				}
				instants = slices.Delete(instants, 3, 4)
			}
			if !slices.IsSorted(instants) {
				t.Errorf("instants do not ascend: %v", instants)
			}
			// What came early and what comes now is the server's whole output.
			if _, err := nc.Write([]byte("echo")); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, len(tt.extra)+4-len(buffered))
			if _, err := io.ReadFull(nc, got); err != nil || string(buffered)+string(got) != tt.extra+"echo" {
				t.Errorf("read %q then %q, %v; want %q", buffered, got, err, tt.extra+"echo")
			}
		})
	}
}

func TestDialErrors(t *testing.T) {
	choose := func(chosen string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { _ = accept(t, w, r, chosen, "").Close() }
	}
	refuse := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	tests := []struct {
		name    string
		secured bool
		h       http.HandlerFunc
		sub     Subprotocol
		change  func(d *Dialer, s *httptest.Server, u *string)
		want    DialError // Err is not compared
		is      error
		text    string // part of the message
	}{
		{
			name: "refused", sub: JSON, h: choose(""),
			change: func(_ *Dialer, s *httptest.Server, _ *string) { s.Close() },
			want:   DialError{Stage: StageTCP}, is: syscall.ECONNREFUSED, text: "connection refused",
		},
		{
			name: "401 with an empty body", sub: JSON, h: refuse(401, ""),
			want: DialError{Stage: StageUpgrade, Status: 401}, text: "HTTP 401 Unauthorized",
		},
		{
			name: "400 with a body", sub: JSON, h: refuse(400, "The token contains an invalid group name."),
			want: DialError{Stage: StageUpgrade, Status: 400, Body: "The token contains an invalid group name."},
			text: `HTTP 400 Bad Request: "The token contains an invalid group name."`,
		},
		{
			name: "a body that quotes the request", sub: JSON, h: refuse(404, "no /x?access_token="+secret),
			want: DialError{Stage: StageUpgrade, Status: 404, Body: "no /x?access_token=REDACTED"}, text: "404",
		},
		{
			name: "a long body", sub: JSON, h: refuse(503, strings.Repeat("x", 100_000)),
			want: DialError{Stage: StageUpgrade, Status: 503, Body: strings.Repeat("x", 512)}, text: "503",
		},
		{
			name: "another subprotocol", sub: JSONReliable, h: choose("mqtt"),
			want: DialError{Stage: StageUpgrade, Status: 101},
			text: `asked for: "json.reliable.webpubsub.azure.v1", chosen by the server: "mqtt"`,
		},
		{
			name: "no subprotocol", sub: JSON, h: choose(""),
			want: DialError{Stage: StageUpgrade, Status: 101},
			text: `asked for: "json.webpubsub.azure.v1", chosen by the server: none`,
		},
		{
			name: "a subprotocol unasked for", sub: Simple, h: choose("mqtt"),
			want: DialError{Stage: StageUpgrade, Status: 101}, text: `asked for: none, chosen by the server: "mqtt"`,
		},
		{
			name: "not a WebSocket server", sub: JSON, h: refuse(200, "hello"),
			want: DialError{Stage: StageUpgrade, Status: 200, Body: "hello"}, text: "HTTP 200 OK",
		},
		{
			name: "TLS name mismatch", secured: true, sub: JSON, h: choose(""),
			change: func(d *Dialer, s *httptest.Server, _ *string) { d.TLS = roots(s); d.TLS.ServerName = "other.test" },
			want:   DialError{Stage: StageTLS}, text: "not other.test",
		},
		{
			name: "TLS unknown authority", secured: true, sub: JSON, h: choose(""),
			want: DialError{Stage: StageTLS}, text: "certificate signed by unknown authority",
		},
		{
			name: "TLS with a plain server", sub: JSON, h: choose(""),
			change: func(_ *Dialer, _ *httptest.Server, u *string) { *u = strings.Replace(*u, "ws:", "wss:", 1) },
			want:   DialError{Stage: StageTLS}, text: "tls",
		},
		{
			name: "timeout", sub: JSON, h: hang,
			change: func(d *Dialer, _ *httptest.Server, _ *string) { d.Timeout = 20 * time.Millisecond },
			want:   DialError{Stage: StageUpgrade}, is: context.DeadlineExceeded, text: "not done within 20ms",
		},
		{
			name: "another scheme", sub: JSON, h: choose(""),
			change: func(_ *Dialer, s *httptest.Server, u *string) { *u = s.URL + "?access_token=" + secret },
			want:   DialError{Stage: StageURL}, text: `scheme "http" is neither ws nor wss`,
		},
		{
			name: "not a URL", sub: JSON, h: choose(""),
			change: func(_ *Dialer, _ *httptest.Server, u *string) { *u = "ws://[?access_token=" + secret },
			want:   DialError{Stage: StageURL}, text: "url: ",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, tt.secured, tt.h)
			var d Dialer
			target := wsURL(s)
			if tt.change != nil {
				tt.change(&d, s, &target)
			}
			nc, _, _, err := d.Dial(t.Context(), target, tt.sub)
			checkDialError(t, nc, err, tt.want, tt.text)
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("%v is not %v", err, tt.is)
			}
			eachTransport(t, func(t *testing.T, tr Transport) {
				err := dialByLoop(t, tr, &d, target, tt.sub)
				checkDialError(t, nil, err, tt.want, tt.text)
				if tt.is != nil && !errors.Is(err, tt.is) {
					t.Errorf("%v is not %v", err, tt.is)
				}
			})
		})
	}
}

// dialByLoop has a Client make one attempt, which fails.
func dialByLoop(t *testing.T, tr Transport, d *Dialer, target string, sub Subprotocol) error {
	t.Helper()
	l, stop := runLoop(t, tr, d)
	defer stop()
	cfg := *prompt()
	cfg.Subprotocol, cfg.Reconnect.Disabled = sub, true
	r := newRecorder()
	c := l.Open(&cfg, FixedURL(target), r, 1)
	onLoop(t, l, c.Start)
	r.expect(t, "dialing", "dial failed", "closed")
	return wait(t, r.errs)
}

// checkDialError compares err with want, but for Addr and Err, and its message
// with the part it must hold and the secret it must not.
func checkDialError(t *testing.T, nc net.Conn, err error, want DialError, text string) {
	t.Helper()
	if nc != nil {
		t.Errorf("a connection besides the error %v", err)
		_ = nc.Close()
	}
	var got *DialError
	if !errors.As(err, &got) {
		t.Fatalf("error %v, want a DialError", err)
	}
	if got.Stage != want.Stage || got.Status != want.Status || got.Body != want.Body {
		t.Errorf("got stage %s, status %d, body %q; want %s, %d, %q",
			got.Stage, got.Status, got.Body, want.Stage, want.Status, want.Body)
	}
	if !strings.Contains(err.Error(), text) {
		t.Errorf("message %q lacks %q", err, text)
	}
	if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("message %q shows a secret", err)
	}
}

func TestDialCancelled(t *testing.T) {
	asked := make(chan struct{})
	s := serve(t, false, func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	nc, _, _, err := new(Dialer).Dial(ctx, wsURL(s), JSON)
	checkDialError(t, nc, err, DialError{Stage: StageUpgrade}, "context canceled")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v is not context.Canceled", err)
	}
}

// A name that does not resolve has a stage of its own, in place of the socket's.
func TestDialUnresolved(t *testing.T) {
	a := &attempt{addr: "no.such.host:443", url: &url.URL{}}
	cause := &net.DNSError{Err: "no such host", Name: "no.such.host", IsNotFound: true}
	err := a.fail(t.Context(), StageTCP, &net.OpError{Op: "dial", Net: "tcp", Err: cause})
	checkDialError(t, nil, err, DialError{Stage: StageResolve}, "resolve no.such.host:443: lookup no.such.host: no such host")
}

// connectProxy is an HTTP proxy that wants a password and opens every tunnel, or
// answers with status instead.
func connectProxy(t *testing.T, secured bool, status int) *httptest.Server {
	return serve(t, secured, func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := (&http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}).BasicAuth()
		switch {
		case r.Method != http.MethodConnect || user != "alice" || password != "hunter2" || r.Header.Get("Authorization") != "":
			t.Errorf("proxy got %s of %s:%s with Authorization %q", r.Method, user, password, r.Header.Get("Authorization"))
			fallthrough
		case status != 200:
			http.Error(w, "proxy says no", status)
			return
		}
		target, err := net.Dial("tcp", r.Host)
		if err != nil {
			t.Error(err)
			return
		}
		nc, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(nc, "HTTP/1.1 200 Connection established\r\n\r\n")
		done := make(chan struct{})
		go func() { defer close(done); _, _ = io.Copy(target, nc); _ = target.Close() }()
		_, _ = io.Copy(nc, target)
		_ = nc.Close()
		<-done
	})
}

func TestDialThroughProxy(t *testing.T) {
	for _, tt := range []struct {
		name           string
		proxy, service bool // secured
	}{
		{"http to ws", false, false}, {"http to wss", false, true},
		{"https to ws", true, false}, {"https to wss", true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, tt.service, func(w http.ResponseWriter, r *http.Request) {
				_ = accept(t, w, r, string(JSON), "hello").Close()
			})
			p := connectProxy(t, tt.proxy, 200)
			var asked []string
			d := Dialer{Proxy: func(r *http.Request) (*url.URL, error) {
				asked = append(asked, r.URL.String())
				u, err := url.Parse(p.URL)
				u.User = url.UserPassword("alice", "hunter2")
				return u, err
			}}
			if tt.proxy || tt.service { // httptest has one certificate for all
				d.TLS = roots(map[bool]*httptest.Server{true: s, false: p}[tt.service])
			}
			nc, buffered, trace, err := d.Dial(t.Context(), wsURL(s), JSON)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = nc.Close() }()
			rest, err := io.ReadAll(nc)
			if got := string(buffered) + string(rest); got != "hello" || err != nil {
				t.Errorf("read %q, %v", got, err)
			}
			if (trace.TLS != 0) != tt.service {
				t.Errorf("TLS with the service at %v", trace.TLS)
			}
			if want := []string{s.URL + "/client/hubs/chat"}; !slices.Equal(asked, want) {
				t.Errorf("asked for the proxy of %q, want %q", asked, want)
			}
		})
	}
}

func TestDialProxyErrors(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	tests := []struct {
		name  string
		proxy func(good *url.URL) (*url.URL, error)
		want  DialError
		text  string
	}{
		{"407", func(u *url.URL) (*url.URL, error) { return u, nil },
			DialError{Stage: StageProxy, Status: 407, Body: "proxy says no\n"}, "HTTP 407 Proxy Authentication Required"},
		{"refused", func(*url.URL) (*url.URL, error) { return url.Parse(closed.URL) },
			DialError{Stage: StageProxy}, "connection refused"},
		{"another scheme", func(*url.URL) (*url.URL, error) { return url.Parse("socks5://alice:hunter2@127.0.0.1:1") },
			DialError{Stage: StageProxy}, `proxy scheme "socks5"`},
		{"no URL", func(*url.URL) (*url.URL, error) { return nil, errors.New("bad http://alice:hunter2@proxy:x") },
			DialError{Stage: StageProxy}, "not a usable URL"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := connectProxy(t, false, 407)
			d := Dialer{Proxy: func(*http.Request) (*url.URL, error) {
				u, err := url.Parse(p.URL)
				if err != nil {
					return nil, err
				}
				u.User = url.UserPassword("alice", "hunter2")
				return tt.proxy(u)
			}}
			nc, _, _, err := d.Dial(t.Context(), "ws://127.0.0.1:1/client/hubs/chat?access_token="+secret, JSON)
			checkDialError(t, nc, err, tt.want, tt.text)
		})
	}
}

func TestNegotiate(t *testing.T) {
	const clientURL = "wss://h.test/client/hubs/chat?access_token=" + secret
	tests := []struct {
		name   string
		status int
		body   string
		want   string // "": an error
		text   string
	}{
		{"JSON", 200, `{"url":"` + clientURL + `"}`, clientURL, ""},
		{"JSON with more", 200, ` {"a":[1],"url":"` + clientURL + `","expires":3600} `, clientURL, ""},
		{"JSON string", 200, `"` + clientURL + `"`, clientURL, ""},
		{"plain text", 200, clientURL + "\n", clientURL, ""},
		{"refusal", 400, "missing user id", "", `HTTP 400 Bad Request: "missing user id"`},
		{"no url", 200, `{"URI":"x"}`, "", "holds no URL"},
		{"broken JSON", 200, `{"url":"` + clientURL, "", "not valid JSON"},
		{"https URL", 200, strings.Replace(clientURL, "wss", "https", 1), "", "neither ws nor wss"},
		{"a page", 200, "<html>" + secret + "</html>", "", "holds no URL"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, false, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Get("id") != "alice" {
					t.Errorf("asked for %s", r.URL)
				}
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			})
			got, err := Negotiate(t.Context(), s.Client(), s.URL+"/negotiate?id=alice&token="+secret)
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if tt.want == "" {
				want := DialError{Stage: StageNegotiate, Status: tt.status}
				if tt.status != 200 {
					want.Body = tt.body
				}
				checkDialError(t, nil, err, want, tt.text)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}
