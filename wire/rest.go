package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	restVersion  = "2024-12-01" // the api-version of every request
	maxRESTBytes = 4 << 20      // of an answer
)

// REST calls the service's data-plane REST API for one hub (protocol.md 7). It is
// safe for concurrent use. What the service refuses is a *RESTError.
type REST struct {
	Service ConnectionString
	Hub     string
	// Entra is a token of Microsoft Entra to call with instead of the service's key,
	// which may then be empty (protocol.md 7.2).
	Entra  string
	Client *http.Client // nil = http.DefaultClient
}

// RESTError is a response other than the documented success. Code is the service's,
// for example Error.Connection.NotExisted; it and Message may be empty.
type RESTError struct {
	Status        int `json:"-"`
	Code, Message string
}

func (e *RESTError) Error() string {
	text := statusError(e.Status).Error()
	if e.Code != "" || e.Message != "" {
		text += ": " + e.Code + " " + e.Message
	}
	return strings.TrimSpace(text)
}

// Health asks whether the service is up. It needs no key.
func (r *REST) Health(ctx context.Context) error {
	_, err := r.call(ctx, &restCall{name: "health", method: http.MethodHead, path: "health", open: true, want: http.StatusOK})
	return err
}

// GenerateToken has the service make a client token, with roles and groups as in
// ClientToken and a life of whole minutes, at least one. It is meant for callers
// known to Microsoft Entra: who holds the key signs tokens itself, and may be refused here.
func (r *REST) GenerateToken(ctx context.Context, userID string, roles, groups []string, life time.Duration) (string, error) {
	query := url.Values{"role": roles, "group": groups, "minutesToExpire": {strconv.Itoa(max(1, int(life/time.Minute)))}}
	if userID != "" {
		query.Set("userId", userID)
	}
	body, err := r.call(ctx, &restCall{name: "generate token", method: http.MethodPost,
		path: r.path(":generateToken"), query: query, want: http.StatusOK})
	if err != nil {
		return "", err
	}
	var answer struct{ Token string }
	if json.Unmarshal(body, &answer) != nil || answer.Token == "" {
		return "", errors.New("generate token: the answer holds no token")
	}
	return answer.Token, nil
}

// path returns a path within the hub. The colon of actions such as :send stays as it is.
func (r *REST) path(segments ...string) string {
	path := "hubs/" + url.PathEscape(r.Hub)
	for _, s := range segments {
		path += "/" + url.PathEscape(s)
	}
	return path
}

// token returns the bearer token for a request.
func (r *REST) token(target string) (string, error) {
	if r.Entra != "" {
		return r.Entra, nil
	}
	return SignREST(r.Service.AccessKey, target, time.Now())
}

type restCall struct {
	name, method, path string
	query              url.Values
	header             http.Header
	open               bool   // needs no token
	contentType        string // of body, if there is one
	body               []byte
	want               int // the status of success
}

// call returns the body of the answer.
func (r *REST) call(ctx context.Context, c *restCall) (body []byte, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w", c.name, bareError(err))
		}
	}()
	query := url.Values{"api-version": {restVersion}}
	maps.Copy(query, c.query)
	target := r.Service.Endpoint.String() + "api/" + c.path + "?" + query.Encode()
	req, err := http.NewRequestWithContext(ctx, c.method, target, bytes.NewReader(c.body))
	if err != nil {
		return nil, err
	}
	maps.Copy(req.Header, c.header)
	if c.contentType != "" {
		req.Header.Set("Content-Type", c.contentType)
	}
	if !c.open {
		token, err := r.token(target)
		if err != nil {
			return nil, err
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := httpClient(r.Client).Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxRESTBytes))
	if err == nil && resp.StatusCode != c.want {
		refused := &RESTError{Status: resp.StatusCode}
		_ = json.Unmarshal(body, refused) // every member is optional, and so is the body
		err = refused
	}
	return body, err
}
