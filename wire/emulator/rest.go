package emulator

import (
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/wpsbench/wpsbench/wire"
)

// apiVersions are the GA versions of the REST API (protocol.md 7.1).
var apiVersions = []string{"2021-10-01", "2022-11-01", "2023-07-01", "2024-01-01", "2024-12-01"}

var hubName = regexp.MustCompile("^[A-Za-z][A-Za-z0-9_`,.\\[\\]]{0,127}$")

// call is one REST request under way.
type call struct {
	server *Server
	w      http.ResponseWriter
	r      *http.Request
	query  url.Values
	hub    string
	args   []string // what stood in place of the stars of its path
}

// operation is one row of protocol.md 7.4.
type operation struct {
	method string
	path   string // below /api/hubs/{hub}/; * stands for one segment
	serve  func(*call)
}

// operations lists the service's in the order of protocol.md 7.4. Row 1, the health
// check, is not below a hub.
var operations = []operation{
	{http.MethodPost, ":send", (*call).sendToAll},
	{http.MethodPost, "groups/*/:send", (*call).sendToGroup},
	{http.MethodPost, "users/*/:send", (*call).sendToUser},
	{http.MethodPost, "connections/*/:send", (*call).sendToConnection},
	{http.MethodHead, "connections/*", (*call).connectionExists},
	{http.MethodHead, "groups/*", (*call).groupExists},
	{http.MethodHead, "users/*", (*call).userExists},
	{http.MethodDelete, "connections/*", (*call).closeConnection},
	{http.MethodPost, ":closeConnections", (*call).closeAll},
	{http.MethodPost, "groups/*/:closeConnections", (*call).closeGroup},
	{http.MethodPost, "users/*/:closeConnections", (*call).closeUser},
	{http.MethodPut, "groups/*/connections/*", (*call).addConnectionToGroup},
	{http.MethodDelete, "groups/*/connections/*", (*call).removeConnectionFromGroup},
	{http.MethodPut, "users/*/groups/*", (*call).addUserToGroup},
	{http.MethodDelete, "users/*/groups/*", (*call).removeUserFromGroup},
	{http.MethodDelete, "users/*/groups", (*call).removeUserFromAllGroups},
	{http.MethodDelete, "connections/*/groups", (*call).removeConnectionFromAllGroups},
	{http.MethodPost, ":addToGroups", (*call).addToGroups},
	{http.MethodPost, ":removeFromGroups", (*call).removeFromGroups},
	{http.MethodGet, "groups/*/connections", (*call).listGroup},
	{http.MethodPut, "permissions/*/connections/*", (*call).grantPermission},
	{http.MethodDelete, "permissions/*/connections/*", (*call).revokePermission},
	{http.MethodHead, "permissions/*/connections/*", (*call).checkPermission},
	{http.MethodPost, ":generateToken", (*call).generateToken},
}

// serveREST serves the data-plane API (protocol.md 7).
func (s *Server) serveREST(w http.ResponseWriter, r *http.Request) {
	c := &call{server: s, w: w, r: r, query: r.URL.Query()}
	w.Header().Set("api-supported-versions", strings.Join(apiVersions, ", "))
	if versions := c.query["api-version"]; len(versions) > 1 ||
		len(versions) == 1 && !slices.Contains(apiVersions, versions[0]) {
		c.invalid("api-version")
		return
	}
	path := r.URL.EscapedPath()
	if path == "/api/health" && r.Method == http.MethodHead {
		return // 200, and no token needed
	}
	if !s.entra(r) && !s.authorized(r) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	rest, found := strings.CutPrefix(path, "/api/hubs/")
	hub, rest, below := strings.Cut(rest, "/")
	op, others := c.find(rest)
	switch {
	case !found || !below || op == nil && others == nil:
		w.WriteHeader(http.StatusNotFound)
	case op == nil:
		w.Header().Set("Allow", strings.Join(others, ", "))
		w.WriteHeader(http.StatusMethodNotAllowed)
	case !hubName.MatchString(unescape(hub)):
		c.fail(http.StatusBadRequest, codeBadRequest, "Invalid hub name.", "hub")
	default:
		c.hub = strings.ToLower(unescape(hub))
		op.serve(c)
	}
}

// entra says whether the request has the token that stands for Microsoft Entra's.
func (s *Server) entra(r *http.Request) bool {
	want := s.opts.EntraToken
	return want != "" && subtle.ConstantTimeCompare([]byte(bearer(r, nil)), []byte(want)) == 1
}

// authorized says whether the request has an access-key token for its own URL,
// with or without the query, escaped or not (protocol.md 7.2).
func (s *Server) authorized(r *http.Request) bool {
	origin, query := requestOrigin(r), ""
	if r.URL.RawQuery != "" || r.URL.ForceQuery {
		query = "?" + r.URL.RawQuery
	}
	escaped, plain := origin+r.URL.EscapedPath(), origin+r.URL.Path
	audiences := []string{escaped, escaped + query, plain, plain + query}
	if q, err := url.QueryUnescape(query); err == nil {
		audiences = append(audiences, plain+q)
	}
	_, err := wire.VerifyToken(bearer(r, nil), s.opts.AccessKey, audiences, wire.TokenSkew, time.Now())
	return err == nil
}

// find returns the operation of the request and fills in its arguments, or the
// methods that its path has instead.
func (c *call) find(path string) (op *operation, others []string) {
	segments := strings.Split(path, "/")
	for i := range operations {
		args, ok := matchPath(strings.Split(operations[i].path, "/"), segments)
		switch {
		case !ok:
		case operations[i].method == c.r.Method:
			c.args = args
			return &operations[i], nil
		default:
			others = append(others, operations[i].method)
		}
	}
	return nil, others
}

func matchPath(want, got []string) (args []string, ok bool) {
	if len(want) != len(got) {
		return nil, false
	}
	for i, segment := range got {
		switch {
		case want[i] == segment:
		case want[i] == "*" && segment != "":
			args = append(args, unescape(segment))
		default:
			return nil, false
		}
	}
	return args, true
}

// unescape decodes a path segment, except that %2F stays as it is (protocol.md 7.1).
func unescape(segment string) string {
	kept := strings.NewReplacer("%2F", "%252F", "%2f", "%252f").Replace(segment)
	if plain, err := url.PathUnescape(kept); err == nil {
		return plain
	}
	return segment
}

// The error codes of protocol.md 7.3, and one for what the official emulator does
// not provide either.
const (
	codeBadRequest     = "Error.BadRequest"
	codeNotExisted     = "Error.Connection.NotExisted"
	infoNotExisted     = "Info.Connection.NotExisted"
	codeConflict       = "Error.Connection.Conflict"
	codeNotImplemented = "Error.NotImplemented"
)

// fail answers with the error body of protocol.md 7.3.
func (c *call) fail(status int, code, message, target string) {
	c.w.Header().Set("x-ms-error-code", code)
	c.reply(status, struct {
		Code    string     `json:"code"`
		Message string     `json:"message"`
		Target  string     `json:"target"`
		Details []struct{} `json:"details"`
	}{code, message, target, []struct{}{}})
}

// invalid answers that a parameter has no legal value.
func (c *call) invalid(name string) {
	c.fail(http.StatusBadRequest, codeBadRequest, "Invalid "+name+".", name)
}

func (c *call) failNotExisted(code, id string) {
	c.fail(http.StatusNotFound, code, "Connection `"+id+"` is not found.", "Connection")
}

// validGroup checks the group in that place of the path; false if it has answered
// with an error.
func (c *call) validGroup(arg int) bool {
	ok := wire.ValidGroup([]byte(c.args[arg]))
	if !ok {
		c.fail(http.StatusBadRequest, codeBadRequest, "Invalid group name.", "group")
	}
	return ok
}

func (c *call) reply(status int, body any) {
	c.w.Header().Set("Content-Type", "application/json")
	c.w.WriteHeader(status)
	_ = json.NewEncoder(c.w).Encode(body) // the client may have gone
}

// do runs fn on the core and answers with the status it returns.
func (c *call) do(fn func(core *core) (status int)) {
	var status int
	if !c.server.do(func(core *core) { status = fn(core) }) {
		status = http.StatusServiceUnavailable
	}
	c.w.WriteHeader(status)
}
