package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// maxNegotiateBytes bounds the answer of a negotiate server.
const maxNegotiateBytes = 64 << 10

// Negotiate asks an application's negotiate server for a client URL (protocol.md
// 10). It understands a JSON object with url in it and the URL as text, plain or
// as a JSON string. The URL is short-lived and made for one new connection. A nil
// client is http.DefaultClient. Errors are *DialError and quote neither the query
// of rawURL nor the answer.
func Negotiate(ctx context.Context, client *http.Client, rawURL string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, rawURL, nil)
	if err != nil {
		return "", &DialError{Stage: StageNegotiate, Err: bareError(err)}
	}
	failed := func(e *DialError) (string, error) {
		e.Stage, e.Addr = StageNegotiate, req.URL.Host
		e.Body = redactSecrets(e.Body, req.URL)
		return "", e
	}
	req.Header.Set("Accept", "application/json, text/plain")
	resp, err := httpClient(client).Do(req)
	if err != nil {
		return failed(&DialError{Err: bareError(err)})
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode/100 != 2 {
		refused, _ := refusal(resp)
		return failed(refused)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxNegotiateBytes))
	if err != nil {
		return failed(&DialError{Status: resp.StatusCode, Err: bareError(err)})
	}
	clientURL, err := negotiatedURL(body)
	if err != nil {
		return failed(&DialError{Status: resp.StatusCode, Err: err})
	}
	return clientURL, nil
}

func httpClient(c *http.Client) *http.Client {
	if c == nil {
		return http.DefaultClient
	}
	return c
}

// negotiatedURL finds the URL in an answer. Its errors do not quote the answer,
// which may hold a token.
func negotiatedURL(body []byte) (string, error) {
	text := string(bytes.TrimSpace(body))
	if strings.HasPrefix(text, "{") || strings.HasPrefix(text, `"`) {
		answer := struct{ URL string }{}
		target := any(&answer)
		if text[0] == '"' {
			target = &answer.URL
		}
		if json.Unmarshal([]byte(text), target) != nil {
			return "", errors.New("the answer is not valid JSON with a url")
		}
		text = answer.URL
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return "", errors.New("the answer holds no URL")
	}
	if u.Scheme != "ws" && u.Scheme != "wss" {
		return "", fmt.Errorf("the answer's URL has scheme %q, neither ws nor wss", u.Scheme)
	}
	return text, nil
}
