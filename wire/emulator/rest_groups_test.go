package emulator_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// memberIDs lists a group, following the links to further pages.
func memberIDs(t *testing.T, srv *emulator.Server, group, query string) (ids []string, pages []int) {
	t.Helper()
	target := "/api/hubs/chat/groups/" + url.PathEscape(group) + "/connections" + query
	for {
		status, answer, _ := rest(t, srv, http.MethodGet, target, "", "")
		var page struct {
			Value    []struct{ ConnectionID string }
			NextLink *string
		}
		if err := json.Unmarshal([]byte(answer), &page); status != 200 || err != nil {
			t.Fatalf("%s: %d %s, %v", target, status, answer, err)
		}
		for _, m := range page.Value {
			ids = append(ids, m.ConnectionID)
		}
		pages = append(pages, len(page.Value))
		if page.NextLink == nil {
			return ids, pages
		}
		var found bool
		if target, found = strings.CutPrefix(*page.NextLink, srv.URL()); !found {
			t.Fatalf("nextLink %s is not below %s", *page.NextLink, srv.URL())
		}
	}
}

func TestRESTMembershipOfUsersAndHubs(t *testing.T) {
	srv := start(t, emulator.Options{})
	ids := make(map[string]string) // connection ids by name
	for _, name := range []string{"alice1", "alice2", "bob", "nobody"} {
		user := strings.TrimRight(strings.Replace(name, "nobody", "", 1), "12")
		p := connect(t, clientURL(t, srv, "chat", wire.ClientToken{UserID: user}), plainName, nil)
		ids[name], _ = p.connected()
	}
	// What each step leaves in the groups a and b.
	steps := []struct {
		name, method, target, body string
		status                     int
		a, b                       []string
	}{
		{"user to group", "PUT", "/users/alice/groups/a", "", 200, []string{"alice1", "alice2"}, nil},
		{"again", "PUT", "/users/alice/groups/a", "", 200, []string{"alice1", "alice2"}, nil},
		{"missing user to group", "PUT", "/users/carol/groups/a", "", 404, []string{"alice1", "alice2"}, nil},
		{"everyone to two", "POST", "/:addToGroups", `{"groups":["a","b"]}`, 200,
			[]string{"alice1", "alice2", "bob", "nobody"}, []string{"alice1", "alice2", "bob", "nobody"}},
		{"those of a filter out of one", "POST", "/:removeFromGroups", `{"groups":["b"],"filter":"userId eq 'alice'"}`, 200,
			[]string{"alice1", "alice2", "bob", "nobody"}, []string{"bob", "nobody"}},
		{"one connection out of all", "DELETE", "/connections/" + ids["bob"] + "/groups", "", 204,
			[]string{"alice1", "alice2", "nobody"}, []string{"nobody"}},
		{"missing connection out of all", "DELETE", "/connections/c9/groups", "", 204,
			[]string{"alice1", "alice2", "nobody"}, []string{"nobody"}},
		{"those of a filter to one", "POST", "/:addToGroups", `{"groups":["b"],"filter":"'a' in groups and userId ne null"}`, 200,
			[]string{"alice1", "alice2", "nobody"}, []string{"alice1", "alice2", "nobody"}},
		{"user out of one", "DELETE", "/users/alice/groups/a", "", 204, []string{"nobody"}, []string{"alice1", "alice2", "nobody"}},
		{"user out of all", "DELETE", "/users/alice/groups", "", 204, []string{"nobody"}, []string{"nobody"}},
		{"missing user out of one", "DELETE", "/users/carol/groups/a", "", 204, []string{"nobody"}, []string{"nobody"}},
		{"missing user out of all", "DELETE", "/users/carol/groups", "", 204, []string{"nobody"}, []string{"nobody"}},
		{"everyone out of two", "POST", "/:removeFromGroups", `{"groups":["b","a"],"filter":null}`, 200, nil, nil},
		{"those of a filter that takes nobody, and a bare question mark", "POST", "/:addToGroups?", `{"groups":["a"],"filter":"false"}`, 200, nil, nil},
		{"no groups", "POST", "/:addToGroups", `{"groups":[]}`, 400, nil, nil},
		{"no members", "POST", "/:addToGroups", `{}`, 400, nil, nil},
		{"bad group", "POST", "/:addToGroups", `{"groups":["a"," "]}`, 400, nil, nil},
		{"bad filter, no effect", "POST", "/:addToGroups", `{"groups":["a"],"filter":"userId"}`, 400, nil, nil},
		{"bad JSON", "POST", "/:removeFromGroups", `{"groups":`, 400, nil, nil},
		{"bad shape", "POST", "/:removeFromGroups", `{"groups":"a"}`, 400, nil, nil},
		{"bad group in the path", "PUT", "/users/alice/groups/%20", "", 400, nil, nil},
	}
	names := func(group string) (list []string) {
		got, _ := memberIDs(t, srv, group, "")
		for name, id := range ids {
			if slices.Contains(got, id) {
				list = append(list, name)
			}
		}
		slices.Sort(list)
		return list
	}
	for _, tt := range steps {
		if got, answer, _ := rest(t, srv, tt.method, "/api/hubs/chat"+tt.target, "application/json", tt.body); got != tt.status {
			t.Errorf("%s: %d %s, want %d", tt.name, got, answer, tt.status)
		}
		if a, b := names("a"), names("b"); !slices.Equal(a, tt.a) || !slices.Equal(b, tt.b) {
			t.Errorf("%s: groups are %v and %v, want %v and %v", tt.name, a, b, tt.a, tt.b)
		}
	}
	if got, _, _ := rest(t, srv, http.MethodPost, "/api/hubs/chat/:addToGroups", "text/plain", `{"groups":["a"]}`); got != 415 {
		t.Errorf("groups as text: %d, want 415", got)
	}
	if got, _, _ := rest(t, srv, http.MethodPost, "/api/hubs/empty/:addToGroups", "application/json", `{"groups":["a"]}`); got != 200 {
		t.Errorf("a hub of nobody: %d, want 200", got)
	}
}

// A session that is away but may come back is there for the application.
func TestRESTReachesDetachedSessions(t *testing.T) {
	srv := start(t, emulator.Options{})
	p := connect(t, clientURL(t, srv, "chat", wire.ClientToken{UserID: "alice"}), reliableName, nil)
	id, token := p.connected()
	_ = p.nc.Close()
	await(t, srv, "the session to be detached", func(s emulator.Stats) bool { return s.Detached == 1 })
	for _, request := range []struct {
		method, target, body string
		status               int
	}{
		{http.MethodHead, "/connections/" + id, "", 200},
		{http.MethodPut, "/users/alice/groups/room", "", 200},
		{http.MethodPut, "/permissions/sendToGroup/connections/" + id + "?targetName=room", "", 200},
		{http.MethodPost, "/groups/room/:send", "x", 202},
	} {
		if got, answer, _ := rest(t, srv, request.method, "/api/hubs/chat"+request.target, "text/plain", request.body); got != request.status {
			t.Errorf("%s %s: %d %s, want %d", request.method, request.target, got, answer, request.status)
		}
	}
	p = connect(t, "ws://"+srv.Addr()+"/client/hubs/chat?awps_connection_id="+id+"&awps_reconnection_token="+token, reliableName, nil)
	p.want(`{"type":"message","from":"group","group":"room","fromUserId":null,"dataType":"text","data":"x","sequenceId":1}`)
	p.send(`{"type":"sendToGroup","group":"room","dataType":"text","data":"y","ackId":1}`)
	p.want(`{"type":"message","from":"group","group":"room","fromUserId":"alice","dataType":"text","data":"y","sequenceId":2}`,
		`{"type":"ack","ackId":1,"success":true}`)
}

func TestRESTListing(t *testing.T) {
	srv := start(t, emulator.Options{})
	var want []string
	for range 5 {
		p := connect(t, clientURL(t, srv, "chat", wire.ClientToken{UserID: "alice", Groups: []string{"a room"}}), plainName, nil)
		id, _ := p.connected()
		want = append(want, id)
	}
	slices.Sort(want)
	tests := []struct {
		query string
		count int
		pages []int
	}{
		{"", 5, []int{5}},
		{"?api-version=2024-01-01", 5, []int{5}},
		{"?maxpagesize=2", 5, []int{2, 2, 1}},
		{"?maxpagesize=5", 5, []int{5}},
		{"?maxpagesize=1", 5, []int{1, 1, 1, 1, 1}},
		{"?top=3", 3, []int{3}},
		{"?top=9", 5, []int{5}},
		{"?top=3&maxpagesize=2", 3, []int{2, 1}},
		{"?top=4&maxpagesize=2", 4, []int{2, 2}},
		{"?top=5&maxpagesize=2", 5, []int{2, 2, 1}},
	}
	for _, tt := range tests {
		ids, pages := memberIDs(t, srv, "a room", tt.query)
		if !slices.Equal(ids, want[:tt.count]) || !slices.Equal(pages, tt.pages) {
			t.Errorf("%s: %v in pages of %v, want %v in %v", tt.query, ids, pages, want[:tt.count], tt.pages)
		}
	}
	for _, query := range []string{
		"maxpagesize=0", "maxpagesize=201", "maxpagesize=", "maxpagesize=x", "maxpagesize=1&maxpagesize=1",
		"top=0", "top=-1", "top=2147483648", "top=", "continuationToken=", "continuationToken=!", "continuationToken=YQ&continuationToken=YQ",
	} {
		status, answer, header := rest(t, srv, http.MethodGet, "/api/hubs/chat/groups/a%20room/connections?"+query, "", "")
		name, _, _ := strings.Cut(query, "=")
		message := fmt.Sprintf(`{"code":"Error.BadRequest","message":"Invalid %s.","target":"%s","details":[]}`, name, name)
		if status != 400 || strings.TrimSpace(answer) != message || header.Get("x-ms-error-code") != "Error.BadRequest" {
			t.Errorf("%s: %d %s, want %s", query, status, answer, message)
		}
	}
}

func TestRESTListingFormat(t *testing.T) {
	srv := start(t, emulator.Options{})
	want := func(target, want string) {
		t.Helper()
		if status, answer, _ := rest(t, srv, http.MethodGet, target, "", ""); status != 200 || strings.TrimSpace(answer) != want {
			t.Errorf("%d %s, want %s", status, answer, want)
		}
	}
	const list = "/api/hubs/chat/groups/room/connections"
	want(list, `{"value":[],"nextLink":null}`)
	p := connect(t, clientURL(t, srv, "chat", wire.ClientToken{Groups: []string{"room"}}), plainName, nil)
	id, _ := p.connected()
	want(list, `{"value":[{"connectionId":"`+id+`","userId":null}],"nextLink":null}`)
	_ = p.nc.Close()
	await(t, srv, "the session to end", func(s emulator.Stats) bool { return s.Sessions == 0 })
	p = connect(t, clientURL(t, srv, "chat", wire.ClientToken{UserID: "alice", Groups: []string{"room"}}), plainName, nil)
	id, _ = p.connected()
	want(list, `{"value":[{"connectionId":"`+id+`","userId":"alice"}],"nextLink":null}`)
}
