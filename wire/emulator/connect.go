package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/wpsbench/wpsbench/wire"
)

// connectRequest is the body of the event `connect` (protocol.md 8.3).
type connectRequest struct {
	Claims             map[string][]string `json:"claims"`
	Query              map[string][]string `json:"query"`
	Headers            map[string][]string `json:"headers"`
	Subprotocols       []string            `json:"subprotocols"`
	ClientCertificates []struct{}          `json:"clientCertificates"` // we ask for none
}

// connectReply is what a handler may decide about a new connection. Nil is absent.
type connectReply struct {
	UserID      *string  `json:"userId"`
	Groups      []string `json:"groups"`
	Roles       []string `json:"roles"`
	Subprotocol string   `json:"subprotocol"`
}

// connect asks the handler of `connect`, if there is one, whether and as what the
// client may connect, and which subprotocol the answer is to name.
func (s *Server) connect(w http.ResponseWriter, r *http.Request, e *entry) (no *refusal) {
	a := e.admission
	if !slices.ContainsFunc(s.opts.Handlers, func(h Handler) bool { return h.serves(a.hub) }) {
		return nil
	}
	a.events = newEventSource(a)
	h := handlerFor(s.opts.Handlers, a.hub, systemEvent, eventConnect)
	if h != nil {
		if e.offered, no = s.askConnect(w, r, h, a, e.offered); no != nil {
			return no
		}
	}
	a.events.user, a.events.subprotocol = a.user, e.offered
	return nil
}

func newEventSource(a *admission) *eventSource {
	jar, _ := cookiejar.New(nil) // never fails, see its documentation
	return &eventSource{hub: a.hub, connectionID: a.id, user: a.user, cookies: jar}
}

func (s *Server) askConnect(w http.ResponseWriter, r *http.Request, h *Handler, a *admission, offered string) (string, *refusal) {
	const rejected = "The connect event handler rejected the connection."
	body, err := json.Marshal(describeConnect(r, a.claims))
	if err != nil {
		return "", &refusal{status: http.StatusInternalServerError}
	}
	// The request has been read: its deadline must not end the wait for the handler.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	e := a.events.event(h, systemEvent, eventConnect)
	e.id, a.events.lastID = 0, 0
	e.contentType, e.body = contentTypeOf(wire.DataJSON), body
	answer, err := s.webhooks.deliver(r.Context(), e)
	if err == nil {
		offered, err = answer.admit(a, r.Header, offered)
	}
	if err == nil {
		a.events.take(answer)
		return offered, nil
	}
	s.do(func(c *core) { c.failed(err) })
	status := http.StatusInternalServerError
	if answered := (*statusError)(nil); errors.As(err, &answered) && answered.status >= http.StatusBadRequest {
		status = answered.status
	}
	return "", &refusal{status, rejected}
}

// describeConnect leaves out what is secret.
func describeConnect(r *http.Request, claims *wire.Claims) *connectRequest {
	query := r.URL.Query()
	query.Del("access_token")
	headers := r.Header.Clone()
	headers.Del("Authorization")
	d := &connectRequest{
		Claims: claims.Other, Query: query, Headers: headers,
		Subprotocols: []string{}, ClientCertificates: []struct{}{},
	}
	if d.Claims == nil {
		d.Claims = map[string][]string{}
	}
	for _, line := range r.Header.Values("Sec-WebSocket-Protocol") {
		for item := range strings.SplitSeq(line, ",") {
			d.Subprotocols = append(d.Subprotocols, strings.TrimSpace(item))
		}
	}
	return d
}

// admit applies the answer to `connect`: userId and roles replace the token's when
// present, groups when not empty (protocol.md 8.3). It returns the subprotocol to
// name. A name that the client did not offer would break its handshake, so it is an
// error; one that the service does not know makes it a simple client.
func (r *reply) admit(a *admission, client http.Header, offered string) (string, error) {
	if len(bytes.TrimSpace(r.body)) == 0 {
		return offered, nil
	}
	var decided connectReply
	if err := json.Unmarshal(r.body, &decided); err != nil {
		return "", errors.New("event connect: the answer is not valid JSON of the documented form")
	}
	if decided.UserID != nil {
		a.user = *decided.UserID
	}
	if decided.Roles != nil {
		a.send, a.join = roles(decided.Roles)
	}
	if len(decided.Groups) > 0 {
		for _, group := range decided.Groups {
			if !wire.ValidGroup([]byte(group)) {
				return "", errors.New("event connect: the answer has an invalid group name")
			}
		}
		a.groups = decided.Groups
	}
	if decided.Subprotocol == "" {
		return offered, nil
	}
	for _, line := range client.Values("Sec-WebSocket-Protocol") {
		for item := range strings.SplitSeq(line, ",") {
			if item = strings.TrimSpace(item); strings.EqualFold(item, decided.Subprotocol) {
				a.subprotocol, _ = chooseSubprotocol(http.Header{"Sec-Websocket-Protocol": {item}})
				return item, nil
			}
		}
	}
	return "", errors.New("event connect: the answer names a subprotocol that the client did not offer")
}

// webhookOrigin is how we name ourselves to handlers: our host without the port.
func webhookOrigin(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// deliver takes an event of the core's to its handler.
func (s *Server) deliver(e *event, done func(r *reply, err error)) {
	s.webhooks.running.Go(func() {
		r, err := s.webhooks.deliver(s.webhooks.ctx, e)
		if s.webhooks.ctx.Err() != nil {
			return // the server is closing: nobody failed
		}
		s.do(func(*core) { done(r, err) })
	})
}
