package emulator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// A handler's URL is used only while it agrees to get events from us, so that
// nobody can be flooded with them against his will (protocol.md 8.1).
const (
	validateEvent      = "validate" // stands for {event} in the URL that is asked
	validationTimeout  = 10 * time.Second
	validationPeriod   = 60 * time.Second // while it agrees, and at most while it does not
	firstRevalidation  = 1 * time.Second  // after a refusal, doubling
	allowedOriginField = "WebHook-Allowed-Origin"
)

// validation is what is known of one URL. Only whoever comes first waits for the
// answer; it is asked again in the background, until nobody has used it for a whole
// period: then it is forgotten, which bounds how many there are.
type validation struct {
	first   chan struct{} // closed once there is a verdict
	verdict error         // guarded by webhooks.mu: nil = it agrees
	used    bool          // guarded by webhooks.mu: since it was last asked
}

// validated waits for the first verdict on a URL and returns the latest.
func (w *webhooks) validated(ctx context.Context, url string) error {
	w.mu.Lock()
	v := w.known[url]
	if v == nil {
		v = &validation{first: make(chan struct{})}
		w.known[url] = v
		w.running.Go(func() { w.keepValidating(url, v) })
	}
	v.used = true
	w.mu.Unlock()
	select {
	case <-v.first:
	case <-ctx.Done():
		return ctx.Err()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return v.verdict
}

func (w *webhooks) keepValidating(url string, v *validation) {
	again := firstRevalidation
	for first := true; ; first = false {
		err := w.validate(url)
		w.mu.Lock()
		v.verdict, v.used = err, false
		w.mu.Unlock()
		if first {
			close(v.first)
		}
		wait := validationPeriod
		if err == nil {
			again = firstRevalidation
		} else {
			wait, again = again, min(2*again, validationPeriod)
		}
		if !pause(w.ctx, wait) {
			return
		}
		w.mu.Lock()
		idle := !v.used
		if idle {
			delete(w.known, url)
		}
		w.mu.Unlock()
		if idle {
			return
		}
	}
}

// validate asks once: with OPTIONS, and with GET where that is not found.
func (w *webhooks) validate(url string) error {
	ctx, cancel := context.WithTimeout(w.ctx, validationTimeout)
	defer cancel()
	resp, err := w.ask(ctx, http.MethodOptions, url)
	if err == nil && resp.StatusCode == http.StatusNotFound {
		resp, err = w.ask(ctx, http.MethodGet, url)
	}
	if err != nil {
		return err
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("the handler answered %d", resp.StatusCode)
	}
	for _, line := range resp.Header.Values(allowedOriginField) {
		for allowed := range strings.SplitSeq(line, ",") {
			if allowed = strings.TrimSpace(allowed); allowed == "*" || strings.EqualFold(allowed, w.origin) {
				return nil
			}
		}
	}
	return errors.New(allowedOriginField + " does not name " + w.origin)
}

// ask returns the answer with its body closed.
func (w *webhooks) ask(ctx context.Context, method, url string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return nil, errors.New("the handler's URL is not valid for this hub")
	}
	req.Header["WebHook-Request-Origin"] = []string{w.origin}
	req.Header["ce-awpsversion"] = []string{"1.0"}
	resp, err := w.client.Do(req)
	if err != nil {
		return nil, withoutURL(err)
	}
	_ = resp.Body.Close()
	return resp, nil
}
