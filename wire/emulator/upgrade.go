package emulator

import (
	"bufio"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/wpsbench/wpsbench/wire"
)

// upgradeTimeout bounds writing the 101.
const upgradeTimeout = 10 * time.Second

// serveHTTP is the entrance by path. http.ServeMux is not used: it would redirect what
// it finds unclean and decode %2F in group names.
func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	// The connection under this request is counted already, so Close may not be
	// past its Wait.
	s.serving.Add(1)
	defer s.serving.Done()

	path := r.URL.EscapedPath()
	if hub, found := clientHub(r.URL); found {
		s.serveClient(w, r, hub)
	} else if strings.HasPrefix(path, "/api/") {
		s.serveREST(w, r)
	} else if s.opts.Admin && strings.HasPrefix(path, adminPath) {
		s.serveAdmin(w, r, strings.TrimPrefix(path, adminPath))
	} else if s.opts.Web != nil {
		s.opts.Web.ServeHTTP(w, r)
	} else {
		w.WriteHeader(http.StatusNotFound)
	}
}

// clientHub returns the hub that u names, still escaped, if it is where clients connect.
func clientHub(u *url.URL) (escaped string, found bool) {
	path := u.EscapedPath()
	if path == "/client/" || path == "/client" {
		return url.PathEscape(u.Query().Get("hub")), true
	}
	hub, found := strings.CutPrefix(path, "/client/hubs/")
	return hub, found && !strings.Contains(hub, "/")
}

// refusal is an HTTP answer instead of an upgrade.
type refusal struct {
	status int
	body   string
}

// entry is what the checks of protocol.md 1.3 have made of a handshake.
type entry struct {
	offered   string     // the subprotocol that the answer names
	recovery  *recovery  // of a session; nil: a new connection
	admission *admission // of that
}

// enter is what happens once the handshake is answered.
func (e *entry) enter(now time.Duration, k *socket) {
	if e.recovery != nil {
		k.core.recover(now, k, e.recovery)
	} else {
		k.core.open(now, k, e.admission)
	}
}

// serveClient puts a new connection through the checks of protocol.md 1.3.
func (s *Server) serveClient(w http.ResponseWriter, r *http.Request, escapedHub string) {
	e, no := s.examine(r, escapedHub)
	if no == nil && e.admission != nil {
		no = s.connect(w, r, e)
	}
	if no == nil {
		no = s.sign(e)
	}
	if no != nil {
		s.refuse(w, no)
		return
	}
	s.upgrade(w, r, e)
}

// examine makes the checks that are ours alone, in the order of protocol.md 1.3.
func (s *Server) examine(r *http.Request, escapedHub string) (*entry, *refusal) {
	hub, err := url.PathUnescape(escapedHub)
	if err != nil || strings.TrimSpace(hub) == "" || !isUpgrade(r) {
		return nil, &refusal{status: http.StatusBadRequest}
	}
	hub = strings.ToLower(hub)
	subprotocol, offered := chooseSubprotocol(r.Header)
	query := r.URL.Query()
	if id := query.Get("awps_connection_id"); id != "" {
		rec, no := s.recovery(hub, id, query.Get("awps_reconnection_token"))
		return &entry{offered: offered, recovery: rec}, no
	}
	a, no := s.admit(r, query, escapedHub)
	if no != nil {
		return nil, no
	}
	a.hub, a.subprotocol = hub, subprotocol
	return &entry{offered: offered, admission: a}, nil
}

// sign gives a new connection its reconnection token.
func (s *Server) sign(e *entry) *refusal {
	a := e.admission
	if a == nil || !a.subprotocol.Reliable() {
		return nil
	}
	var err error
	if a.token, err = wire.SignReconnection(s.opts.AccessKey, a.id, time.Now()); err != nil {
		return &refusal{status: http.StatusInternalServerError}
	}
	return nil
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

// upgrade answers 101 and hands the socket to the loop.
func (s *Server) upgrade(w http.ResponseWriter, r *http.Request, e *entry) {
	nc, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		s.refuse(w, &refusal{status: http.StatusInternalServerError})
		return
	}
	_ = nc.SetDeadline(time.Now().Add(upgradeTimeout)) // Attach clears it
	if _, err := nc.Write(appendSwitching(nil, r, e.offered)); err != nil {
		_ = nc.Close()
		return
	}
	early := buffered(rw.Reader)
	if h, ok := nc.(*handedOver); ok {
		nc, early = h.Conn, append(early, h.head...)
	}
	accepted := s.loop.Do(func(now time.Duration) {
		k := s.core.newSocket()
		k.link = s.loop.Attach(nc, early, k)
		e.enter(now, k)
	})
	if !accepted {
		_ = nc.Close()
	}
}

// appendSwitching appends the answer to a handshake that passed (RFC 6455 4.2.2).
func appendSwitching(dst []byte, r *http.Request, offered string) []byte {
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	dst = append(dst, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
	dst = base64.StdEncoding.AppendEncode(dst, sum[:])
	if offered != "" {
		dst = append(dst, "\r\nSec-WebSocket-Protocol: "...)
		dst = append(dst, offered...)
	}
	return append(dst, "\r\n\r\n"...)
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
		slices.ContainsFunc(r.Header.Values("Connection"), offersUpgrade) &&
		len(r.Header.Get("Sec-WebSocket-Key")) == 24 &&
		r.Header.Get("Sec-WebSocket-Version") == "13"
}

func offersUpgrade(list string) bool {
	for item := range strings.SplitSeq(list, ",") {
		if strings.EqualFold(strings.TrimSpace(item), "upgrade") {
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
