package wire

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// The stages of a dial, in order.
const (
	StageURL       = "url"       // the URL itself cannot be dialed
	StageNegotiate = "negotiate" // see Negotiate
	StageResolve   = "resolve"
	StageTCP       = "tcp"
	StageProxy     = "proxy" // reaching the proxy, or its answer to CONNECT
	StageTLS       = "tls"
	StageUpgrade   = "upgrade"
)

// maxErrorBody is how much of a refusal's body is kept, in bytes.
const maxErrorBody = 512

// DialError says at which stage a dial failed and why. Its text holds no token.
type DialError struct {
	Stage  string // one of the constants
	Addr   string // host and port that was asked for, behind a proxy too
	Status int    // of the HTTP response that refused, 0 = none came
	Body   string // its first 512 bytes, known secrets removed
	Err    error
}

func (e *DialError) Error() string {
	text := e.Stage
	if e.Addr != "" {
		text += " " + e.Addr
	}
	text += ": " + e.Err.Error()
	if line, _, _ := strings.Cut(strings.TrimSpace(e.Body), "\n"); line != "" {
		text += fmt.Sprintf(": %.120q", line)
	}
	return text
}

// Unwrap returns the cause.
func (e *DialError) Unwrap() error { return e.Err }

// refusal makes an error of a response other than the hoped-for, reading the start
// of its body; cut says that the body broke off before that. Stage and address are
// filled in by who knows them.
func refusal(resp *http.Response) (e *DialError, cut bool) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody)) // what came is enough
	return &DialError{Status: resp.StatusCode, Body: string(body), Err: statusError(resp.StatusCode)}, err != nil
}

func statusError(status int) error {
	return errors.New(strings.TrimSpace(fmt.Sprintf("HTTP %d %s", status, http.StatusText(status))))
}

// bareError takes off what net and net/url put around an error, which repeats the
// address and quotes the URL.
func bareError(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	var quoted *url.Error
	if errors.As(err, &quoted) {
		return quoted.Err
	}
	return err
}

// redactSecrets removes the secrets of u's query from the text of an error page
// that quotes the request.
func redactSecrets(text string, u *url.URL) string {
	for name, values := range u.Query() {
		if !isSecretName(name) {
			continue
		}
		for _, secret := range values {
			if secret != "" {
				text = strings.ReplaceAll(text, url.QueryEscape(secret), redacted)
				text = strings.ReplaceAll(text, secret, redacted)
			}
		}
	}
	return text
}
