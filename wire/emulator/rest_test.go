package emulator_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// rest makes one request with a token of its own.
func rest(t *testing.T, srv *emulator.Server, method, target, contentType, body string) (status int, answer string, header http.Header) {
	t.Helper()
	token, err := wire.SignREST(wire.EmulatorKey, srv.URL()+target, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return restWith(t, srv, token, method, target, contentType, strings.NewReader(body))
}

func restWith(t *testing.T, srv *emulator.Server, token, method, target, contentType string, body io.Reader) (status int, answer string, header http.Header) {
	t.Helper()
	req, err := http.NewRequest(method, srv.URL()+target, body)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	tr := &http.Transport{DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: tr, Timeout: patience}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b), resp.Header
}

func TestRESTSends(t *testing.T) {
	srv := start(t, emulator.Options{})
	var peers []*peer
	var ids []string
	groups := map[string][]string{"alice": {"a room", "a%2Froom"}, "bob": {"a room", "a/room"}}
	for _, user := range []string{"alice", "bob"} {
		p := connect(t, clientURL(t, srv, "chat", wire.ClientToken{UserID: user, Groups: groups[user]}), reliableName, nil)
		id, _ := p.connected()
		peers, ids = append(peers, p), append(ids, id)
	}
	tests := []struct {
		name, target, contentType, body string
		want                            [2]string // what alice and bob get, without the end
	}{
		{"to all", "/:send", "text/plain", "x", [2]string{
			`{"type":"message","from":"server","dataType":"text","data":"x"`,
			`{"type":"message","from":"server","dataType":"text","data":"x"`}},
		{"to all but one", "/:send?excluded=" + ids[0] + "&excluded=c9", "application/json; charset=utf-8", `{"x":1}`, [2]string{"",
			`{"type":"message","from":"server","dataType":"json","data":{"x":1}`}},
		{"to a group", "/groups/a%20room/:send?messageTtlSeconds=30", "application/octet-stream", "\x01\x02\x03", [2]string{
			`{"type":"message","from":"group","group":"a room","fromUserId":null,"dataType":"binary","data":"AQID"`,
			`{"type":"message","from":"group","group":"a room","fromUserId":null,"dataType":"binary","data":"AQID"`}},
		{"to a group but one", "/groups/a%20room/:send?excluded=" + ids[1], "text/plain", "x", [2]string{
			`{"type":"message","from":"group","group":"a room","fromUserId":null,"dataType":"text","data":"x"`, ""}},
		{"to a user, untyped", "/users/bob/:send", "", "x", [2]string{"",
			`{"type":"message","from":"server","dataType":"binary","data":"eA=="`}},
		{"to a connection", "/connections/" + ids[0] + "/:send", "text/plain;charset=UTF-8", "x", [2]string{
			`{"type":"message","from":"server","dataType":"text","data":"x"`, ""}},
		{"to nobody", "/connections/c9/:send", "text/plain", "x", [2]string{}},
		{"to a name with an escaped slash", "/groups/a%2Froom/:send", "text/plain", "x", [2]string{
			`{"type":"message","from":"group","group":"a%2Froom","fromUserId":null,"dataType":"text","data":"x"`, ""}},
	}
	for _, tt := range tests {
		status, answer, header := rest(t, srv, http.MethodPost, "/api/hubs/CHAT"+tt.target, tt.contentType, tt.body)
		if status != http.StatusAccepted {
			t.Errorf("%s: %d %s, want 202", tt.name, status, answer)
		}
		if !strings.Contains(header.Get("api-supported-versions"), "2024-12-01") {
			t.Errorf("%s: no api-supported-versions", tt.name)
		}
		for i, want := range tt.want {
			if want == "" {
				peers[i].send(`{"type":"ping"}`) // the answer shows that nothing came before it
				want = `{"type":"pong"}`
			}
			if got := peers[i].next(); !strings.HasPrefix(got, want) {
				t.Errorf("%s: member %d got %s, want %s…", tt.name, i, got, want)
			}
		}
	}
}

func TestRESTExistence(t *testing.T) {
	srv := start(t, emulator.Options{})
	p := connect(t, clientURL(t, srv, "chat", wire.ClientToken{UserID: "alice", Groups: []string{"room"}}), reliableName, nil)
	id, _ := p.connected()
	tests := []struct {
		target string
		want   int
	}{
		{"/api/hubs/chat/connections/" + id, 200},
		{"/api/hubs/hall/connections/" + id, 404},
		{"/api/hubs/chat/connections/c9", 404},
		{"/api/hubs/chat/groups/room", 200},
		{"/api/hubs/chat/groups/Room", 404},
		{"/api/hubs/chat/users/alice", 200},
		{"/api/hubs/chat/users/bob", 404},
	}
	for _, tt := range tests {
		if got, _, _ := rest(t, srv, http.MethodHead, tt.target, "", ""); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.target, got, tt.want)
		}
	}
}

func TestRESTGroupMembership(t *testing.T) {
	srv := start(t, emulator.Options{})
	p := connect(t, clientURL(t, srv, "chat", wire.ClientToken{}), plainName, nil)
	id, _ := p.connected()
	member := "/api/hubs/chat/groups/room/connections/"
	if got, _, _ := rest(t, srv, http.MethodPut, member+id, "", ""); got != 200 {
		t.Errorf("add: %d, want 200", got)
	}
	if got, _, _ := rest(t, srv, http.MethodPost, "/api/hubs/chat/groups/room/:send", "text/plain", "x"); got != 202 {
		t.Errorf("send: %d, want 202", got)
	}
	p.want(`{"type":"message","from":"group","group":"room","fromUserId":null,"dataType":"text","data":"x"}`)
	for _, who := range []string{id, "c9"} {
		if got, _, _ := rest(t, srv, http.MethodDelete, member+who, "", ""); got != 204 {
			t.Errorf("remove: %d, want 204", got)
		}
	}
	if got, _, _ := rest(t, srv, http.MethodHead, "/api/hubs/chat/groups/room", "", ""); got != 404 {
		t.Errorf("group of nobody: %d, want 404", got)
	}
	status, answer, header := rest(t, srv, http.MethodPut, member+"c9", "", "")
	want := `{"code":"Error.Connection.NotExisted","message":"Connection ` + "`c9`" + ` is not found.","target":"Connection","details":[]}`
	if status != 404 || strings.TrimSpace(answer) != want || header.Get("x-ms-error-code") != "Error.Connection.NotExisted" {
		t.Errorf("add a missing one: %d %s %v", status, answer, header)
	}
}

func TestRESTClose(t *testing.T) {
	srv := start(t, emulator.Options{})
	u := clientURL(t, srv, "chat", wire.ClientToken{UserID: "alice", Groups: []string{"room"}})
	tests := []struct{ method, target, reason string }{
		{http.MethodDelete, "/connections/%s?reason=maintenance", " Reason: maintenance"},
		{http.MethodDelete, "/connections/%s", ""},
		{http.MethodPost, "/:closeConnections?excluded=%x", ""},
		{http.MethodPost, "/groups/room/:closeConnections?excluded=%x&reason=a%20b", " Reason: a b"},
		{http.MethodPost, "/users/alice/:closeConnections?excluded=%x", ""},
	}
	for _, tt := range tests {
		p, bystander := connect(t, u, reliableName, nil), connect(t, u, plainName, nil)
		id, token := p.connected()
		other, _ := bystander.connected()
		target := "/api/hubs/chat" + strings.NewReplacer("%s", id, "%x", other).Replace(tt.target)
		if got, _, _ := rest(t, srv, tt.method, target, "", ""); got != 204 {
			t.Errorf("%s: %d, want 204", tt.target, got)
		}
		p.want(`{"type":"system","event":"disconnected","message":"Application server closed the connection.`+tt.reason+`"}`, "close 1000")
		bystander.send(`{"type":"ping"}`)
		bystander.want(`{"type":"pong"}`)
		again := connect(t, "ws://"+srv.Addr()+"/client/hubs/chat?awps_connection_id="+id+"&awps_reconnection_token="+token, reliableName, nil)
		again.want("close 1008 The connection could not be recovered.")
	}
	if got, _, _ := rest(t, srv, http.MethodDelete, "/api/hubs/chat/connections/c9", "", ""); got != 204 {
		t.Errorf("a missing connection: %d, want 204", got)
	}
}

func TestRESTErrors(t *testing.T) {
	srv := start(t, emulator.Options{MaxMessageBytes: 2 * wire.MaxDepth})
	deep := func(arrays int) string { return strings.Repeat("[", arrays) + strings.Repeat("]", arrays) }
	tests := []struct {
		name, method, target, contentType, body string
		status                                  int
		message                                 string
	}{
		{"unknown version", "POST", "/api/hubs/chat/:send?api-version=1999-01-01", "text/plain", "x", 400, "Invalid api-version."},
		{"two versions", "POST", "/api/hubs/chat/:send?api-version=2024-12-01&api-version=2024-12-01", "text/plain", "x", 400, "Invalid api-version."},
		{"known version", "POST", "/api/hubs/chat/:send?api-version=2021-10-01", "text/plain", "x", 202, ""},
		{"bad hub", "POST", "/api/hubs/1/:send", "text/plain", "x", 400, "Invalid hub name."},
		{"bad group", "POST", "/api/hubs/chat/groups/%20/:send", "text/plain", "x", 400, "Invalid group name."},
		{"bad TTL", "POST", "/api/hubs/chat/:send?messageTtlSeconds=301", "text/plain", "x", 400, "Invalid messageTtlSeconds."},
		{"bad JSON", "POST", "/api/hubs/chat/:send", "application/json", "{", 400, "The request body is not a valid JSON."},
		{"JSON as deep as a message may be", "POST", "/api/hubs/chat/:send", "application/json", deep(wire.MaxDepth - 1), 202, ""},
		{"deeper", "POST", "/api/hubs/chat/:send", "application/json", deep(wire.MaxDepth), 400, "The request body is not a valid JSON."},
		{"too large", "POST", "/api/hubs/chat/:send", "text/plain", strings.Repeat("x", 2*wire.MaxDepth+1), 400, "Invalid Content-Length header."},
		{"largest", "POST", "/api/hubs/chat/:send", "text/plain", strings.Repeat("x", 2*wire.MaxDepth), 202, ""},
		{"unknown type", "POST", "/api/hubs/chat/:send", "image/png", "x", 415, ""},
		{"unknown charset", "POST", "/api/hubs/chat/:send", "text/plain; charset=klingon", "x", 415, ""},
		{"bad UTF-8 in JSON", "POST", "/api/hubs/chat/:send", "application/json", "\"\xff\"", 400, "The request body is not a valid JSON."},
		{"bad filter", "POST", "/api/hubs/chat/:send?filter=userId", "text/plain", "x", 400, "Invalid filter: at 0: the expression is a text, not a condition."},
		{"bad filter for a group", "POST", "/api/hubs/chat/groups/room/:send?filter=x", "text/plain", "x", 400, `Invalid filter: at 0: "x" is unknown.`},
		{"bad filter for a user", "POST", "/api/hubs/chat/users/alice/:send?filter=1", "text/plain", "x", 400, "Invalid filter: at 0: the expression is a number, not a condition."},
		{"bad TTL for a connection", "POST", "/api/hubs/chat/connections/c9/:send?messageTtlSeconds=-1", "text/plain", "x", 400, "Invalid messageTtlSeconds."},
		{"bad group to close", "POST", "/api/hubs/chat/groups/%20/:closeConnections", "", "", 400, "Invalid group name."},
		{"no such operation", "POST", "/api/hubs/chat/dance", "", "", 404, ""},
		{"no such method", "GET", "/api/hubs/chat/:send", "", "", 405, ""},
		{"token of a key holder", "POST", "/api/hubs/chat/:generateToken", "", "", 401, ""},
	}
	for _, tt := range tests {
		status, answer, header := rest(t, srv, tt.method, tt.target, tt.contentType, tt.body)
		var body struct{ Code, Message string }
		if answer != "" {
			if err := json.Unmarshal([]byte(answer), &body); err != nil || body.Code == "" || header.Get("x-ms-error-code") != body.Code {
				t.Errorf("%s: %s, %v", tt.name, answer, err)
			}
		}
		if status != tt.status || body.Message != tt.message {
			t.Errorf("%s: %d %q, want %d %q", tt.name, status, body.Message, tt.status, tt.message)
		}
	}
}

func TestRESTAuthorization(t *testing.T) {
	srv := start(t, emulator.Options{})
	now := time.Now()
	sign := func(key, url string, at time.Time) string {
		token, err := wire.SignREST(key, url, at)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	path := "/api/hubs/chat/groups/a%20b/:send"
	target := path + "?api-version=2024-12-01&excluded=a%20b"
	url := srv.URL() + path
	tests := []struct {
		name, token string
		want        int
	}{
		{"with the query", sign(wire.EmulatorKey, srv.URL()+target, now), 202},
		{"without", sign(wire.EmulatorKey, url, now), 202},
		{"decoded", sign(wire.EmulatorKey, srv.URL()+"/api/hubs/chat/groups/a b/:send", now), 202},
		{"any case", sign(wire.EmulatorKey, strings.ToUpper(url), now), 202},
		{"none", "", 401},
		{"for another path", sign(wire.EmulatorKey, srv.URL()+"/api/hubs/chat/:send", now), 401},
		{"for another query", sign(wire.EmulatorKey, url+"?excluded=x", now), 401},
		{"another key", sign(wire.EmulatorKey+"x", url, now), 401},
		{"expired", sign(wire.EmulatorKey, url, now.Add(-2*time.Hour)), 401},
	}
	for _, tt := range tests {
		if got, body, _ := restWith(t, srv, tt.token, http.MethodPost, target, "text/plain", strings.NewReader("x")); got != tt.want {
			t.Errorf("%s: %d %s, want %d", tt.name, got, body, tt.want)
		}
	}
	if got, _, _ := restWith(t, srv, "", http.MethodHead, "/api/health", "", nil); got != 200 {
		t.Errorf("health: %d, want 200", got)
	}
	chunked := struct{ io.Reader }{strings.NewReader("x")}
	if got, body, _ := restWith(t, srv, sign(wire.EmulatorKey, url, now), http.MethodPost, target, "text/plain", chunked); got != 400 || !strings.Contains(body, "Invalid Content-Length header.") {
		t.Errorf("chunked: %d %s, want 400", got, body)
	}
}

func TestRESTGenerateToken(t *testing.T) {
	srv := start(t, emulator.Options{AllowKeyGenerateToken: true})
	status, answer, _ := rest(t, srv, http.MethodPost, "/api/hubs/Chat/:generateToken?userId=alice&role=webpubsub.sendToGroup&group=room&minutesToExpire=5", "", "")
	var body struct{ Token string }
	if err := json.Unmarshal([]byte(answer), &body); status != 200 || err != nil {
		t.Fatalf("%d %s, %v", status, answer, err)
	}
	c := connect(t, "ws://"+srv.Addr()+"/client/hubs/chat?access_token="+body.Token, plainName, nil)
	c.connected()
	c.send(`{"type":"sendToGroup","group":"room","dataType":"text","data":"x"}`)
	c.want(`{"type":"message","from":"group","group":"room","fromUserId":"alice","dataType":"text","data":"x"}`)
	if status, _, _ = rest(t, srv, http.MethodPost, "/api/hubs/chat/:generateToken?minutesToExpire=0", "", ""); status != 400 {
		t.Errorf("zero minutes: %d, want 400", status)
	}
}

// await waits for what the server's counts must come to.
func await(t *testing.T, srv *emulator.Server, what string, reached func(emulator.Stats) bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !reached(srv.Stats()); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited too long for %s", what)
		}
	}
}
