package conform

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// restCall is one request to the data-plane API (protocol.md 7).
type restCall struct {
	method      string
	path        string // below the endpoint; inHub makes one
	query       string // without the api-version
	version     string // "" = 2024-12-01
	contentType string // "" = no header
	body        string
	chunked     bool   // without Content-Length
	open        bool   // no token
	token       string // in place of a good one
	link        string // a URL of the target's, in place of path, query and version
}

// restAnswer is what came back.
type restAnswer struct {
	status int
	header http.Header
	body   string
}

func (a *restAnswer) String() string {
	return strings.TrimSpace(fmt.Sprintf("HTTP %d %s", a.status, a.body))
}

// inHub returns a path within the target's hub. Each segment is escaped, but for
// the colon of actions such as :send.
func (t *T) inHub(segments ...string) string {
	path := "api/hubs/" + url.PathEscape(t.target.Hub)
	for _, s := range segments {
		path += "/" + url.PathEscape(s)
	}
	return path
}

// call does a request that must be answered.
func (t *T) call(c restCall) *restAnswer {
	version := c.version
	if version == "" {
		version = "2024-12-01"
	}
	bare := t.target.scheme + "://" + t.target.host + t.target.base + c.path
	target := bare + "?api-version=" + version
	if c.query != "" {
		target += "&" + c.query
	}
	if c.link != "" {
		target = c.link
		if !strings.HasPrefix(target, t.restURL("")) {
			t.Fatalf("the link %s leads away from the target", c.link)
		}
	}
	ctx, cancel := context.WithTimeout(t.ctx, t.target.Timeout)
	defer cancel()
	var body io.Reader = strings.NewReader(c.body)
	if c.chunked {
		body = struct{ io.Reader }{body}
	}
	req, err := http.NewRequestWithContext(ctx, c.method, target, body)
	if err != nil {
		t.Fatalf("REST: %v", err)
	}
	if c.chunked {
		req.ContentLength = -1
	}
	if c.contentType != "" {
		req.Header.Set("Content-Type", c.contentType)
	}
	token := c.token
	if token == "" && !c.open {
		token = t.restToken(target)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	t.log.add("-", "->", c.method+" "+strings.TrimPrefix(target, t.target.scheme+"://"+t.target.host)+" "+shorten(c.body))
	transport := &http.Transport{
		DialContext:       t.target.Dial,
		DisableKeepAlives: true,
	}
	// As for WebSockets, TLS is ours, so that one configuration serves both.
	transport.DialTLSContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return t.target.open(ctx)
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatalf("REST: %s: %s", c.method, endText(err))
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		t.Fatalf("REST: %s: %s", c.method, endText(err))
	}
	a := &restAnswer{status: resp.StatusCode, header: resp.Header, body: string(b)}
	t.log.add("-", "<-", a.String())
	return a
}

// restToken signs for one URL (protocol.md 7.2).
func (t *T) restToken(audience string) string {
	return t.sign(map[string]any{"aud": audience, "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix()})
}

// wantStatus does a request that must be answered with that status.
func (t *T) wantStatus(status int, c restCall) *restAnswer {
	a := t.call(c)
	if a.status == http.StatusNotImplemented && status != a.status {
		t.Skipf("%s %s: the target answers 501, not implemented", c.method, c.path)
	}
	if a.status != status {
		t.Fatalf("%s %s: %v, want %d", c.method, c.path, a, status)
	}
	return a
}

// restSend publishes text and wants it accepted.
func (t *T) restSend(text string, query string, segments ...string) {
	t.wantStatus(http.StatusAccepted, restCall{
		method: http.MethodPost, path: t.inHub(append(segments, ":send")...), query: query,
		contentType: "text/plain", body: text,
	})
}
