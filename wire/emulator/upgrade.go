package emulator

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gobwas/ws"

	"github.com/wpsbench/wpsbench/wire"
)

// upgradeTimeout bounds writing the 101.
const upgradeTimeout = 10 * time.Second

// serveHTTP is the one entrance, by path. http.ServeMux is not used: it would
// redirect what it finds unclean and decode %2F in group names.
func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	// The connection under this request is counted already, so Close may not be
	// past its Wait.
	s.serving.Add(1)
	defer s.serving.Done()

	path := r.URL.EscapedPath()
	if hub, found := strings.CutPrefix(path, "/client/hubs/"); found && !strings.Contains(hub, "/") {
		s.serveClient(w, r, hub)
	} else if path == "/client/" || path == "/client" {
		s.serveClient(w, r, url.PathEscape(r.URL.Query().Get("hub")))
	} else if strings.HasPrefix(path, "/api/") {
		s.serveREST(w, r)
	} else if s.opts.LiesAdmin && path == liesPath {
		s.serveLies(w, r)
	} else if s.opts.Web != nil {
		s.opts.Web.ServeHTTP(w, r)
	} else {
		w.WriteHeader(http.StatusNotFound)
	}
}

// refusal is an HTTP answer instead of an upgrade.
type refusal struct {
	status int
	body   string
}

// serveClient puts a new connection through the checks of protocol.md 1.3, in
// that order.
func (s *Server) serveClient(w http.ResponseWriter, r *http.Request, escapedHub string) {
	hub, err := url.PathUnescape(escapedHub)
	if err != nil || strings.TrimSpace(hub) == "" || !isUpgrade(r) {
		s.refuse(w, &refusal{status: http.StatusBadRequest})
		return
	}
	hub = strings.ToLower(hub)
	subprotocol, offered := chooseSubprotocol(r.Header)
	query := r.URL.Query()
	if id := query.Get("awps_connection_id"); id != "" {
		rec, no := s.recovery(hub, id, query.Get("awps_reconnection_token"))
		if no != nil {
			s.refuse(w, no)
			return
		}
		s.upgrade(w, r, offered, func(now time.Duration, k *socket) { s.core.recover(now, k, rec) })
		return
	}
	a, no := s.admit(r, query, escapedHub)
	if no != nil {
		s.refuse(w, no)
		return
	}
	a.hub, a.subprotocol = hub, subprotocol
	if offered, no = s.connect(w, r, a, offered); no != nil {
		s.refuse(w, no)
		return
	}
	if a.subprotocol.Reliable() {
		if a.token, err = wire.SignReconnection(s.opts.AccessKey, a.id, time.Now()); err != nil {
			s.refuse(w, &refusal{status: http.StatusInternalServerError})
			return
		}
	}
	s.upgrade(w, r, offered, func(now time.Duration, k *socket) { s.core.open(now, k, a) })
}

// admit checks the token and the parameters of a new connection.
func (s *Server) admit(r *http.Request, query url.Values, escapedHub string) (*admission, *refusal) {
	audience := requestOrigin(r) + "/client/hubs/" + escapedHub
	claims, err := wire.VerifyToken(bearer(r, query), s.opts.AccessKey, []string{audience}, wire.TokenSkew, time.Now())
	if err != nil {
		return nil, &refusal{status: http.StatusUnauthorized}
	}
	for _, group := range claims.Groups {
		if !wire.ValidGroup([]byte(group)) {
			return nil, &refusal{http.StatusBadRequest, "The token contains an invalid group name."}
		}
	}
	raw, problem := parseRawMode(query)
	if problem != "" {
		return nil, &refusal{http.StatusBadRequest, problem}
	}
	a := &admission{id: newConnectionID(), user: claims.Subject, groups: claims.Groups, raw: raw, claims: claims}
	a.send, a.join = roles(claims.Roles)
	return a, nil
}

// recovery checks a request to resume a session. Its access token is not looked
// at, it may have expired (protocol.md 1.2). A bad reconnection token is no HTTP
// error: the verdict comes as close code 1008 after the upgrade.
func (s *Server) recovery(hub, id, token string) (*recovery, *refusal) {
	if s.opts.RefuseRecovery != nil {
		if status := s.opts.RefuseRecovery(id); status >= http.StatusBadRequest {
			return nil, &refusal{status: status}
		}
	}
	r := &recovery{hub: hub, id: id}
	r.valid = wire.VerifyReconnection(token, s.opts.AccessKey, id, time.Now()) == nil
	if r.valid && s.opts.ConnectedOnRecovery {
		var err error
		if r.token, err = wire.SignReconnection(s.opts.AccessKey, id, time.Now()); err != nil {
			return nil, &refusal{status: http.StatusInternalServerError}
		}
	}
	return r, nil
}

// upgrade answers 101 and hands the socket to the loop, where enter takes over.
func (s *Server) upgrade(w http.ResponseWriter, r *http.Request, offered string, enter func(time.Duration, *socket)) {
	u := ws.HTTPUpgrader{Timeout: upgradeTimeout}
	if offered != "" {
		u.Header = http.Header{"Sec-WebSocket-Protocol": {offered}}
	}
	nc, rw, _, err := u.Upgrade(r, w)
	if err != nil {
		if nc != nil {
			_ = nc.Close()
		}
		return
	}
	early := buffered(rw.Reader)
	accepted := s.loop.Do(func(now time.Duration) {
		k := s.core.newSocket()
		k.link = s.loop.Attach(nc, early, k)
		enter(now, k)
	})
	if !accepted {
		_ = nc.Close()
	}
}

// buffered copies what a client sent right behind its handshake.
func buffered(r *bufio.Reader) []byte {
	peeked, err := r.Peek(r.Buffered())
	if err != nil || len(peeked) == 0 {
		return nil
	}
	return append([]byte(nil), peeked...)
}

func (s *Server) refuse(w http.ResponseWriter, no *refusal) {
	s.do(func(c *core) { c.stats.Refused++ })
	if no.body != "" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	}
	w.WriteHeader(no.status)
	_, _ = io.WriteString(w, no.body)
}

// isUpgrade says whether r is a WebSocket handshake (RFC 6455 4.2.1).
func isUpgrade(r *http.Request) bool {
	return r.Method == http.MethodGet && r.ProtoAtLeast(1, 1) && r.Host != "" &&
		strings.EqualFold(r.Header.Get("Upgrade"), "websocket") &&
		hasToken(r.Header.Get("Connection"), "upgrade") &&
		len(r.Header.Get("Sec-WebSocket-Key")) == 24 &&
		r.Header.Get("Sec-WebSocket-Version") == "13"
}

func hasToken(list, token string) bool {
	for item := range strings.SplitSeq(list, ",") {
		if strings.EqualFold(strings.TrimSpace(item), token) {
			return true
		}
	}
	return false
}

// chooseSubprotocol returns the first offered name that we know, and as the
// client spelled it; without one the connection is a simple client's
// (protocol.md 1.4).
func chooseSubprotocol(h http.Header) (known wire.Subprotocol, offered string) {
	for _, line := range h.Values("Sec-WebSocket-Protocol") {
		for item := range strings.SplitSeq(line, ",") {
			item = strings.TrimSpace(item)
			for _, p := range wire.Subprotocols {
				if strings.EqualFold(item, string(p)) {
					return p, item
				}
			}
		}
	}
	return wire.Simple, ""
}

// parseRawMode reads the parameters of simple clients (protocol.md 1.2).
func parseRawMode(query url.Values) (mode rawMode, problem string) {
	switch name := last(query["webpubsub_mode"]); {
	case name == "" || strings.EqualFold(name, "sendEvent"):
	case strings.EqualFold(name, "sendToGroup"):
		groups := query["group"]
		if len(groups) != 1 || !wire.ValidGroup([]byte(groups[0])) {
			return mode, "The raw sendToGroup group name is invalid."
		}
		mode.toGroup, mode.group = true, []byte(groups[0])
	default:
		return mode, "Invalid webpubsub_mode. Valid modes are sendToGroup and sendEvent."
	}
	switch noEcho := last(query["noEcho"]); {
	case noEcho == "" || strings.EqualFold(noEcho, "false"):
	case strings.EqualFold(noEcho, "true"):
		mode.noEcho = true
	default:
		return mode, "Invalid noEcho. Valid values are true and false."
	}
	return mode, ""
}

func last(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

// requestOrigin is what audiences begin with: the scheme and the Host header, so
// that localhost and 127.0.0.1 differ (protocol.md 2.2).
func requestOrigin(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// bearer returns the token of a request. The query wins over the header
// (protocol.md 1.2); REST requests have it in the header only.
func bearer(r *http.Request, query url.Values) string {
	if token := query.Get("access_token"); token != "" {
		return token
	}
	const prefix = "Bearer "
	if h := r.Header.Get("Authorization"); len(h) > len(prefix) && strings.EqualFold(h[:len(prefix)], prefix) {
		return strings.TrimSpace(h[len(prefix):])
	}
	return ""
}

// newConnectionID returns 32 lower-case hex digits (protocol.md 1.5).
func newConnectionID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails, see its documentation
	return hex.EncodeToString(id[:])
}
