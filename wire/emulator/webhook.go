package emulator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// The limits of an event's delivery (protocol.md 8.3). The whole of it, its pauses
// included, has eventTimeout.
const (
	eventTimeout  = 100 * time.Second
	maxReplyBytes = 16 << 20
	// handlerConns bounds the connections to one host of handlers. What finds none
	// free waits, within its timeout.
	handlerConns = 256
)

var retryPauses = [...]time.Duration{1 * time.Second, 3 * time.Second, 5 * time.Second}

// webhooks delivers events over HTTP. Its methods may be called from any goroutine.
type webhooks struct {
	client *http.Client
	origin string // our host, without port
	key    string

	ctx    context.Context // of everything it does; cancel ends it
	cancel context.CancelFunc
	// running counts its goroutines. The owner calls wait when none can start any more.
	running sync.WaitGroup

	mu    sync.Mutex
	known map[string]*validation // by the URL that is validated
}

func newWebhooks(origin, key string, transport http.RoundTripper) *webhooks {
	w := &webhooks{
		client: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		origin: origin, key: key,
		known: make(map[string]*validation),
	}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	return w
}

// handlerTransport uses HTTP/2 where a handler offers it, and no proxy: handlers of
// an emulator are near.
func handlerTransport() *http.Transport {
	return &http.Transport{
		ForceAttemptHTTP2:   true,
		MaxConnsPerHost:     handlerConns,
		MaxIdleConnsPerHost: handlerConns,
		IdleConnTimeout:     90 * time.Second,
		TLSHandshakeTimeout: 10 * time.Second,
	}
}

// wait returns when every goroutine has ended, after cancel.
func (w *webhooks) wait() {
	w.running.Wait()
	w.client.CloseIdleConnections()
}

// statusError is the answer of a handler that did not take an event.
type statusError struct{ status int }

func (e *statusError) Error() string { return fmt.Sprintf("the handler answered %d", e.status) }

// deliver takes an event to its handler, with retries (protocol.md 8.3). The error
// is a *statusError if an answer was the last thing that happened; it names the
// event and the handler, without the secrets that its URL may hold.
func (w *webhooks) deliver(ctx context.Context, e *event) (*reply, error) {
	if e.finished != nil {
		defer close(e.finished)
	}
	if e.after != nil {
		select {
		case <-e.after:
		case <-w.ctx.Done():
		}
	}
	ctx, cancel := context.WithTimeout(ctx, eventTimeout)
	defer cancel()
	defer context.AfterFunc(w.ctx, cancel)()
	r, err := w.attempts(ctx, e)
	if err != nil {
		return nil, fmt.Errorf("event %s to %s: %w", e.name, shownURL(e.handler.URL), err)
	}
	return r, nil
}

func (w *webhooks) attempts(ctx context.Context, e *event) (*reply, error) {
	if err := w.validated(ctx, fillTemplate(e.handler.URL, e.hub, validateEvent)); err != nil {
		return nil, fmt.Errorf("validate: %w", err)
	}
	target, err := url.Parse(fillTemplate(e.handler.URL, e.hub, e.name))
	if err != nil {
		return nil, errors.New("the handler's URL is not valid for this hub and event")
	}
	header, err := e.header(w.origin, w.key, time.Now())
	if err != nil {
		return nil, err
	}
	for attempt := 0; ; attempt++ {
		r, err := w.post(ctx, e, target, header)
		if err == nil || attempt == len(retryPauses) || !retriable(ctx, err) {
			return r, err
		}
		if !pause(ctx, retryPauses[attempt]) {
			return nil, err
		}
	}
}

// errReplyTooLarge is final: the same request would be answered the same.
var errReplyTooLarge = errors.New("the handler's answer is too large")

// retriable: 408, 5xx and network failures, but no timeout.
func retriable(ctx context.Context, err error) bool {
	if ctx.Err() != nil || errors.Is(err, errReplyTooLarge) {
		return false
	}
	var answered *statusError
	if errors.As(err, &answered) {
		return answered.status == http.StatusRequestTimeout || answered.status >= http.StatusInternalServerError
	}
	var timeout interface{ Timeout() bool }
	return !errors.As(err, &timeout) || !timeout.Timeout()
}

func (w *webhooks) post(ctx context.Context, e *event, target *url.URL, header http.Header) (*reply, error) {
	req := (&http.Request{
		Method: http.MethodPost, URL: target, Host: target.Host, Header: header.Clone(),
		Body: io.NopCloser(bytes.NewReader(e.body)), ContentLength: int64(len(e.body)),
		GetBody: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(e.body)), nil },
	}).WithContext(ctx)
	for _, cookie := range e.cookies.Cookies(target) {
		req.AddCookie(cookie)
	}
	resp, err := w.client.Do(req)
	if err != nil {
		return nil, withoutURL(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxReplyBytes+1))
	switch {
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return nil, &statusError{resp.StatusCode}
	case err != nil:
		return nil, fmt.Errorf("read the answer: %w", err)
	case len(body) > maxReplyBytes:
		return nil, errReplyTooLarge
	}
	e.cookies.SetCookies(target, resp.Cookies())
	return &reply{resp.Header, body}, nil
}

// pause waits; false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// withoutURL takes the request's URL, which may hold a secret, out of an error of
// package http.
func withoutURL(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// shownURL is a handler's URL for people: no user info and no query.
func shownURL(template string) string {
	shown, _, _ := strings.Cut(template, "?")
	scheme, rest, _ := strings.Cut(shown, "://")
	host, path, _ := strings.Cut(rest, "/")
	return scheme + "://" + host[strings.LastIndex(host, "@")+1:] + "/" + path
}
