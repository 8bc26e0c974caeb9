package conform

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

var (
	needREST         = []Need{NeedKey, NeedREST}
	needRESTReliable = []Need{NeedKey, NeedREST, NeedReliable}
)

// server is a text of the application.
func server(text string) string {
	return `{"type":"message","from":"server","dataType":"text","data":` + js(text) + `}`
}

// restSendCases are messages of the application (protocol.md 7.4, rows 2–5).
var restSendCases = []Case{
	{"rest/send-to-all", "7.4", "A send to the hub reaches every connection, once", Spec, needREST, func(t *T) {
		a, b := t.open(client{proto: plain, groups: []string{t.group("x"), t.group("y")}}), t.open(client{proto: plain})
		t.restSend("hi", "")
		a.want(server("hi"))
		b.want(server("hi"))
		a.settled()
	}},
	{"rest/send-to-group", "7.4", "A send to a group reaches its members, without a user id", Spec, needREST, func(t *T) {
		group := t.group("my room")
		a, b := t.open(client{proto: plain, groups: []string{group}}), t.open(client{proto: plain})
		t.restSend("hi", "", "groups", group)
		t.restSend("marker", "", "connections", b.id)
		a.want(message(group, "hi"))
		b.want(server("marker"))
	}},
	{"rest/send-to-user", "7.4", "A send to a user reaches all of the user's connections", Spec, needREST, func(t *T) {
		alice := t.user("alice")
		a, b, c := t.open(client{proto: plain, user: alice}), t.open(client{proto: plain, user: alice}), t.open(client{proto: plain})
		t.restSend("hi", "", "users", alice)
		a.want(server("hi"))
		b.want(server("hi"))
		t.restSend("marker", "", "connections", c.id)
		c.want(server("marker"))
	}},
	{"rest/send-to-nobody", "7.4", "A send to a connection, user or group that does not exist is accepted", Spec, needREST, func(t *T) {
		t.restSend("hi", "", "connections", "nobody")
		t.restSend("hi", "", "users", t.user("nobody"))
		t.restSend("hi", "", "groups", t.group("nobody"))
	}},
	{"rest/content-types", "7.1", "text/plain is text, application/json JSON, application/octet-stream and none binary", Spec, needREST, func(t *T) {
		c := t.open(client{proto: plain})
		path := t.inHub("connections", c.id, ":send")
		for _, row := range []struct{ contentType, body, want string }{
			{"text/plain; charset=utf-8", "ü", `"dataType":"text","data":"ü"`},
			{"application/json", `{"x":[1,null]}`, `"dataType":"json","data":{"x":[1,null]}`},
			{"application/json; charset=utf-8", `"x"`, `"dataType":"json","data":"x"`},
			{"application/octet-stream", "\x01\x02\x03", `"dataType":"binary","data":"AQID"`},
			{"", "\x01\x02\x03", `"dataType":"binary","data":"AQID"`},
		} {
			t.wantStatus(202, restCall{method: "POST", path: path, contentType: row.contentType, body: row.body})
			c.want(`{"type":"message","from":"server",` + row.want + `}`)
		}
	}},
	{"rest/bad-bodies", "7.1", "Bad JSON is answered 400, an unknown type 415, a body of unknown length 400", Emulator, needREST, func(t *T) {
		path := t.inHub("groups", t.group("room"), ":send")
		bad := t.wantStatus(400, restCall{method: "POST", path: path, contentType: "application/json", body: "{"})
		t.check(bad.header.Get("x-ms-error-code") != "", "no x-ms-error-code")
		t.wantStatus(415, restCall{method: "POST", path: path, contentType: "image/png", body: "x"})
		t.wantStatus(400, restCall{method: "POST", path: path, contentType: "text/plain", body: "x", chunked: true})
	}},
	{"rest/ttl", "7.4", "messageTtlSeconds is a whole number from 0 to 300", Emulator, needREST, func(t *T) {
		group := t.group("room")
		t.restSend("x", "messageTtlSeconds=0", "groups", group)
		t.restSend("x", "messageTtlSeconds=300", "groups", group)
		for _, ttl := range []string{"301", "-1", "x"} {
			t.wantStatus(400, restCall{method: "POST", path: t.inHub("groups", group, ":send"), query: "messageTtlSeconds=" + ttl, contentType: "text/plain", body: "x"})
		}
	}},
	{"rest/excluded", "7.4", "Connections that are excluded, each by a parameter of its own, get nothing", Spec, needREST, func(t *T) {
		group := t.group("room")
		a, b, c := t.open(client{proto: plain, groups: []string{group}}), t.open(client{proto: plain, groups: []string{group}}), t.open(client{proto: plain, groups: []string{group}})
		query := "excluded=" + url.QueryEscape(a.id) + "&excluded=" + url.QueryEscape(b.id)
		t.restSend("1", query, "groups", group)
		t.restSend("2", query)
		t.restSend("3", "", "groups", group)
		c.wantInAnyOrder(message(group, "1"), server("2"), message(group, "3"))
		a.want(message(group, "3"))
		b.want(message(group, "3"))
	}},
	{"rest/detached", "7.4", "A reliable session that is away still exists, and gets what is sent meanwhile", Spec, needRESTReliable, func(t *T) {
		c := t.open(client{proto: reliable})
		c.drop()
		t.wantStatus(200, restCall{method: "HEAD", path: t.inHub("connections", c.id)})
		t.restSend("hi", "", "connections", c.id)
		c = t.recover(c)
		c.want(`{"type":"message","from":"server","data":"hi","sequenceId":1}`)
	}},
	{"rest/hub-case", "7.1", "The hub of a path is case-insensitive", Emulator, needREST, func(t *T) {
		c := t.open(client{proto: plain})
		t.wantStatus(202, restCall{
			method: "POST", path: "api/hubs/" + url.PathEscape(strings.ToUpper(t.target.Hub)) + "/connections/" + url.PathEscape(c.id) + "/:send",
			contentType: "text/plain", body: "hi",
		})
		c.want(server("hi"))
	}},
}

// restCloseCases are closes by the application (protocol.md 7.4, rows 9–12).
var restCloseCases = []Case{
	{"rest/close-connection", "7.4", "A closed client is told why, then gets close 1000 without a reason", Spec, needREST, func(t *T) {
		for _, row := range []struct{ query, text string }{
			{"reason=" + url.QueryEscape("see you"), "Application server closed the connection. Reason: see you"},
			{"", "Application server closed the connection."},
		} {
			c := t.open(client{proto: plain})
			t.wantStatus(204, restCall{method: "DELETE", path: t.inHub("connections", c.id), query: row.query})
			got := c.take(`{"type":"system","event":"disconnected","message":"` + present + `"}`)
			if mismatch(`{"message":`+js(row.text)+`}`, []byte(got)) != "" {
				t.Differf("%s, the emulator's text is %q", got, row.text)
			}
			c.wantClose(1000, "")
		}
		t.wantStatus(204, restCall{method: "DELETE", path: t.inHub("connections", "nobody")})
	}},
	{"rest/close-reliable", "7.4", "A reliable client that is closed cannot recover", Spec, needRESTReliable, func(t *T) {
		c := t.open(client{proto: reliable})
		t.wantStatus(204, restCall{method: "DELETE", path: t.inHub("connections", c.id)})
		c.wantEndAfterDisconnected()
		t.refusedRecovery(t.recovery(c))
	}},
	{"rest/close-user", "7.4", "All connections of a user are closed but the excluded ones", Spec, needREST, func(t *T) {
		alice := t.user("alice")
		a, b, c := t.open(client{proto: plain, user: alice}), t.open(client{proto: plain, user: alice}), t.open(client{proto: plain})
		t.wantStatus(204, restCall{method: "POST", path: t.inHub("users", alice, ":closeConnections"), query: "excluded=" + url.QueryEscape(b.id)})
		a.wantEndAfterDisconnected()
		b.settled()
		c.settled()
	}},
	{"rest/close-group", "7.4", "All members of a group are closed but the excluded ones", Spec, needREST, func(t *T) {
		group := t.group("room")
		a, b, c := t.open(client{proto: plain, groups: []string{group}}), t.open(client{proto: plain, groups: []string{group}}), t.open(client{proto: plain})
		t.wantStatus(204, restCall{method: "POST", path: t.inHub("groups", group, ":closeConnections"), query: "excluded=" + url.QueryEscape(b.id)})
		a.wantEndAfterDisconnected()
		b.settled()
		c.settled()
	}},
	{"rest/close-all", "7.4", "All connections of the hub are closed but the excluded ones", Spec, needREST, func(t *T) {
		a, b, c := t.open(client{proto: plain}), t.open(client{proto: plain}), t.open(client{proto: plain})
		t.wantStatus(204, restCall{method: "POST", path: t.inHub(":closeConnections"), query: "excluded=" + url.QueryEscape(b.id)})
		a.wantEndAfterDisconnected()
		c.wantEndAfterDisconnected()
		b.settled()
	}},
}

// restCases are the rest of the API: health, tokens, existence, memberships,
// permissions (protocol.md 7).
var restCases = []Case{
	{"rest/health", "7.4", "HEAD /api/health is answered 200 without a token", Spec, needKey, func(t *T) {
		t.wantStatus(200, restCall{method: "HEAD", path: "api/health", open: true})
	}},
	{"rest/no-token", "7.2", "A request without a good token is answered 401", Spec, needREST, func(t *T) {
		c := restCall{method: "HEAD", path: t.inHub("groups", t.group("room")), open: true}
		t.wantStatus(401, c)
		c.token = t.signWith(strings.Repeat("0", 40), map[string]any{"aud": t.restURL(c.path), "exp": time.Now().Add(time.Hour).Unix()})
		t.wantStatus(401, c)
		c.token = t.sign(map[string]any{"aud": t.restURL(c.path), "exp": time.Now().Add(-time.Hour).Unix()})
		t.wantStatus(401, c)
	}},
	{"rest/token-scope", "7.2", "A token is good for the path of its audience only, a client token for none", Spec, needREST, func(t *T) {
		path := t.inHub("groups", t.group("room"))
		t.wantStatus(401, restCall{method: "HEAD", path: path, token: t.restToken(t.restURL(path + "x"))})
		t.wantStatus(401, restCall{method: "HEAD", path: path, token: t.restToken(t.restURL("api/hubs"))})
		t.wantStatus(401, restCall{method: "HEAD", path: path, token: t.sign(t.claims(""))})
	}},
	{"rest/token-query", "7.2", "The audience may leave the query out, and is compared without regard to case", Emulator, needREST, func(t *T) {
		path := t.inHub("groups", t.group("room"))
		t.wantStatus(404, restCall{method: "HEAD", path: path, token: t.restToken(t.restURL(path))})
		t.wantStatus(404, restCall{method: "HEAD", path: path, token: t.restToken(strings.ToUpper(t.restURL(path)))})
	}},
	{"rest/api-version", "7.1", "Every released api-version is accepted, an unknown one answered 400", Emulator, needREST, func(t *T) {
		path := t.inHub("groups", t.group("room"))
		for _, version := range []string{"2021-10-01", "2022-11-01", "2023-07-01", "2024-01-01", "2024-12-01"} {
			t.wantStatus(404, restCall{method: "HEAD", path: path, version: version})
		}
		t.wantStatus(400, restCall{method: "HEAD", path: path, version: "2020-01-01"})
	}},
	{"rest/exists", "7.4", "HEAD tells whether a connection, user or group exists", Spec, needREST, func(t *T) {
		group, alice := t.group("room"), t.user("alice")
		c := t.open(client{proto: plain, user: alice, groups: []string{group}})
		for status, paths := range map[int][]string{
			200: {t.inHub("connections", c.id), t.inHub("users", alice), t.inHub("groups", group)},
			404: {t.inHub("connections", "nobody"), t.inHub("users", t.user("bob")), t.inHub("groups", t.group("other"))},
		} {
			for _, path := range paths {
				t.wantStatus(status, restCall{method: "HEAD", path: path})
			}
		}
		c.close(1000)
		t.wantEventually(404, restCall{method: "HEAD", path: t.inHub("connections", c.id)})
		t.wantEventually(404, restCall{method: "HEAD", path: t.inHub("groups", group)})
	}},
	{"rest/membership", "7.4", "A connection is added to a group and removed again", Spec, needREST, func(t *T) {
		group := t.group("room")
		c := t.open(client{proto: plain, roles: noRoles})
		path := t.inHub("groups", group, "connections", c.id)
		t.wantStatus(200, restCall{method: "PUT", path: path})
		t.restSend("in", "", "groups", group)
		c.want(message(group, "in"))
		t.wantStatus(204, restCall{method: "DELETE", path: path})
		t.wantEventually(404, restCall{method: "HEAD", path: t.inHub("groups", group)})
		t.wantStatus(204, restCall{method: "DELETE", path: path})
	}},
	{"rest/membership-of-nobody", "7.4", "Adding a connection that does not exist is answered 404, removing it 204", Spec, needREST, func(t *T) {
		path := t.inHub("groups", t.group("room"), "connections", "nobody")
		a := t.wantStatus(404, restCall{method: "PUT", path: path})
		if got := a.header.Get("x-ms-error-code"); got != "Error.Connection.NotExisted" {
			t.Differf("x-ms-error-code is %q, the emulator's is Error.Connection.NotExisted", got)
		}
		t.wantStatus(204, restCall{method: "DELETE", path: path})
	}},
	{"rest/user-membership", "7.4", "All connections of a user are added to a group and removed again", Spec, needREST, func(t *T) {
		group, alice := t.group("room"), t.user("alice")
		a, b := t.open(client{proto: plain, user: alice}), t.open(client{proto: plain, user: alice})
		path := t.inHub("users", alice, "groups", group)
		t.wantStatus(200, restCall{method: "PUT", path: path})
		t.restSend("in", "", "groups", group)
		a.want(message(group, "in"))
		b.want(message(group, "in"))
		t.wantStatus(204, restCall{method: "DELETE", path: path})
		t.wantEventually(404, restCall{method: "HEAD", path: t.inHub("groups", group)})
	}},
	{"rest/leave-all-groups", "7.4", "A connection is removed from all of its groups", Spec, needREST, func(t *T) {
		a, b := t.group("a"), t.group("b")
		c := t.open(client{proto: plain, groups: []string{a, b}})
		t.wantStatus(204, restCall{method: "DELETE", path: t.inHub("connections", c.id, "groups")})
		t.wantEventually(404, restCall{method: "HEAD", path: t.inHub("groups", a)})
		t.wantEventually(404, restCall{method: "HEAD", path: t.inHub("groups", b)})
	}},
	{"rest/permissions", "7.4", "Permissions are granted, asked for and revoked at run time", Spec, needREST, func(t *T) {
		group := t.group("room")
		c := t.open(client{proto: plain, roles: noRoles})
		call := restCall{path: t.inHub("permissions", "sendToGroup", "connections", c.id), query: "targetName=" + url.QueryEscape(group)}
		do := func(method string, status int) {
			call.method = method
			t.wantStatus(status, call)
		}
		do("HEAD", 404)
		do("PUT", 200)
		do("HEAD", 200)
		c.send(publish(group, "x", "1"), joinGroup(group, "2"))
		c.want(success("1"), refused("2", "Forbidden"))
		do("DELETE", 204)
		do("HEAD", 404)
		c.send(publish(group, "x", "3"))
		c.want(refused("3", "Forbidden"))
	}},
	{"rest/list-members", "7.4", "The members of a group are listed with their users", Spec, needREST, func(t *T) {
		group, alice := t.group("room"), t.user("alice")
		c := t.open(client{proto: plain, user: alice, groups: []string{group}})
		a := t.wantStatus(200, restCall{method: "GET", path: t.inHub("groups", group, "connections")})
		want := `{"value":[{"connectionId":` + js(c.id) + `,"userId":` + js(alice) + `}],"nextLink":"` + absent + `"}`
		if problem := mismatch(want, []byte(a.body)); problem != "" {
			t.Errorf("%s in %s", problem, a.body)
		}
		a = t.wantStatus(200, restCall{method: "GET", path: t.inHub("groups", t.group("nobody"), "connections")})
		if problem := mismatch(`{"value":[]}`, []byte(a.body)); problem != "" {
			t.Errorf("%s in %s", problem, a.body)
		}
	}},
	{"rest/generate-token-by-key", "7.4", ":generateToken is refused to a holder of the key, who signs tokens without it", Emulator, needREST, func(t *T) {
		t.wantStatus(401, restCall{method: "POST", path: t.inHub(":generateToken")})
	}},
}

// restURL is the URL of a path, without a query.
func (t *T) restURL(path string) string {
	return t.target.scheme + "://" + t.target.host + t.target.base + path
}

// wantEventually repeats a request until it is answered with that status: what a
// WebSocket did is not ordered with REST (protocol.md 12).
func (t *T) wantEventually(status int, c restCall) {
	for deadline := time.Now().Add(t.target.Timeout); ; {
		a := t.call(c)
		if a.status == status {
			return
		}
		if a.status == http.StatusNotImplemented || time.Now().After(deadline) {
			t.Fatalf("%s %s: %v, want %d within %v", c.method, c.path, a, status, t.target.Timeout)
		}
		t.pause(t.target.Timeout / 100)
	}
}
