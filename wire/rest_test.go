package wire

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Every operation as protocol.md 7.4 has it: method, path and query as sent, body,
// and the status that means success.
func TestREST(t *testing.T) {
	tests := []struct {
		name    string
		call    func(*REST, *testing.T) error
		request string // method and URI
		kind    string // Content-Type
		body    string
		status  int
		answer  string
	}{
		{"health", func(r *REST, t *testing.T) error { return r.Health(t.Context()) },
			"HEAD /api/health?api-version=2024-12-01", "", "", 200, ""},
		{"generate token", func(r *REST, t *testing.T) error {
			token, err := r.GenerateToken(t.Context(), "al ice", []string{"webpubsub.sendToGroup"}, []string{"a", "b"}, 90*time.Second)
			if err == nil && token != secret {
				t.Errorf("token %q, want %q", token, secret)
			}
			return err
		}, "POST /api/hubs/chat/:generateToken?api-version=2024-12-01&group=a&group=b&minutesToExpire=1&role=webpubsub.sendToGroup&userId=al+ice",
			"", "", 200, `{"token":"` + secret + `"}`},
		{"close connection", func(r *REST, t *testing.T) error { return r.Close(t.Context(), ToConnection("c/1"), "by fault") },
			"DELETE /api/hubs/chat/connections/c%2F1?api-version=2024-12-01&reason=by+fault", "", "", 204, ""},
		{"close connection without a reason", func(r *REST, t *testing.T) error { return r.Close(t.Context(), ToConnection("c1"), "") },
			"DELETE /api/hubs/chat/connections/c1?api-version=2024-12-01", "", "", 204, ""},
		{"send JSON to group", func(r *REST, t *testing.T) error {
			return r.SendToGroup(t.Context(), "my room", DataJSON, []byte(`{"x":1}`))
		}, "POST /api/hubs/chat/groups/my%20room/:send?api-version=2024-12-01", "application/json", `{"x":1}`, 202, ""},
		{"send text to group", func(r *REST, t *testing.T) error { return r.SendToGroup(t.Context(), "room", DataText, []byte("hi")) },
			"POST /api/hubs/chat/groups/room/:send?api-version=2024-12-01", "text/plain", "hi", 202, ""},
		{"send nothing to group", func(r *REST, t *testing.T) error { return r.SendToGroup(t.Context(), "room", DataText, nil) },
			"POST /api/hubs/chat/groups/room/:send?api-version=2024-12-01", "text/plain", "", 202, ""},
		{"send binary to all", func(r *REST, t *testing.T) error { return r.SendToAll(t.Context(), DataBinary, []byte{0, 255}) },
			"POST /api/hubs/chat/:send?api-version=2024-12-01", "application/octet-stream", "\x00\xff", 202, ""},
		{"send to a user", func(r *REST, t *testing.T) error {
			return r.Send(t.Context(), ToUser("al/ice"), &RESTMessage{Data: []byte(`1`), Filter: "userId ne null", TTLSeconds: 30})
		}, "POST /api/hubs/chat/users/al%2Fice/:send?api-version=2024-12-01&filter=userId+ne+null&messageTtlSeconds=30", "application/json", "1", 202, ""},
		{"send to a connection", func(r *REST, t *testing.T) error {
			return r.Send(t.Context(), ToConnection("c1"), &RESTMessage{DataType: DataText, Data: []byte("x")})
		}, "POST /api/hubs/chat/connections/c1/:send?api-version=2024-12-01", "text/plain", "x", 202, ""},
		{"send to all but some", func(r *REST, t *testing.T) error {
			return r.Send(t.Context(), ToAll(), &RESTMessage{DataType: DataText, Excluded: []string{"c1", "c2"}})
		}, "POST /api/hubs/chat/:send?api-version=2024-12-01&excluded=c1&excluded=c2", "text/plain", "", 202, ""},
		{"connection exists", func(r *REST, t *testing.T) error { return exists(r, t, ToConnection("c1")) },
			"HEAD /api/hubs/chat/connections/c1?api-version=2024-12-01", "", "", 200, ""},
		{"group exists", func(r *REST, t *testing.T) error { return exists(r, t, ToGroup("a room")) },
			"HEAD /api/hubs/chat/groups/a%20room?api-version=2024-12-01", "", "", 200, ""},
		{"user exists", func(r *REST, t *testing.T) error { return exists(r, t, ToUser("alice")) },
			"HEAD /api/hubs/chat/users/alice?api-version=2024-12-01", "", "", 200, ""},
		{"close all", func(r *REST, t *testing.T) error { return r.Close(t.Context(), ToAll(), "by fault", "c1") },
			"POST /api/hubs/chat/:closeConnections?api-version=2024-12-01&excluded=c1&reason=by+fault", "", "", 204, ""},
		{"close group", func(r *REST, t *testing.T) error { return r.Close(t.Context(), ToGroup("room"), "") },
			"POST /api/hubs/chat/groups/room/:closeConnections?api-version=2024-12-01", "", "", 204, ""},
		{"close user", func(r *REST, t *testing.T) error { return r.Close(t.Context(), ToUser("alice"), "") },
			"POST /api/hubs/chat/users/alice/:closeConnections?api-version=2024-12-01", "", "", 204, ""},
		{"add connection", func(r *REST, t *testing.T) error { return r.AddToGroup(t.Context(), ToConnection("c1"), "room") },
			"PUT /api/hubs/chat/groups/room/connections/c1?api-version=2024-12-01", "", "", 200, ""},
		{"remove connection", func(r *REST, t *testing.T) error { return r.RemoveFromGroup(t.Context(), ToConnection("c1"), "room") },
			"DELETE /api/hubs/chat/groups/room/connections/c1?api-version=2024-12-01", "", "", 204, ""},
		{"add user", func(r *REST, t *testing.T) error { return r.AddToGroup(t.Context(), ToUser("alice"), "room") },
			"PUT /api/hubs/chat/users/alice/groups/room?api-version=2024-12-01", "", "", 200, ""},
		{"remove user", func(r *REST, t *testing.T) error { return r.RemoveFromGroup(t.Context(), ToUser("alice"), "room") },
			"DELETE /api/hubs/chat/users/alice/groups/room?api-version=2024-12-01", "", "", 204, ""},
		{"remove user from all", func(r *REST, t *testing.T) error { return r.RemoveFromAllGroups(t.Context(), ToUser("alice")) },
			"DELETE /api/hubs/chat/users/alice/groups?api-version=2024-12-01", "", "", 204, ""},
		{"remove connection from all", func(r *REST, t *testing.T) error { return r.RemoveFromAllGroups(t.Context(), ToConnection("c1")) },
			"DELETE /api/hubs/chat/connections/c1/groups?api-version=2024-12-01", "", "", 204, ""},
		{"add to groups", func(r *REST, t *testing.T) error { return r.AddToGroups(t.Context(), []string{"a", "b"}, "true") },
			"POST /api/hubs/chat/:addToGroups?api-version=2024-12-01", "application/json", `{"groups":["a","b"],"filter":"true"}`, 200, ""},
		{"remove from groups", func(r *REST, t *testing.T) error { return r.RemoveFromGroups(t.Context(), []string{"a"}, "") },
			"POST /api/hubs/chat/:removeFromGroups?api-version=2024-12-01", "application/json", `{"groups":["a"]}`, 200, ""},
		{"list group", func(r *REST, t *testing.T) error {
			members, err := r.Members(t.Context(), "room", 5)
			if want := []Member{{"c1", "alice"}, {"c2", ""}}; err == nil && !slices.Equal(members, want) {
				t.Errorf("members %v, want %v", members, want)
			}
			return err
		}, "GET /api/hubs/chat/groups/room/connections?api-version=2024-12-01&top=5", "", "", 200,
			`{"value":[{"connectionId":"c1","userId":"alice"},{"connectionId":"c2","userId":null}],"nextLink":null}`},
		{"grant", func(r *REST, t *testing.T) error { return r.Grant(t.Context(), "c1", PermissionSend, "a room") },
			"PUT /api/hubs/chat/permissions/sendToGroup/connections/c1?api-version=2024-12-01&targetName=a+room", "", "", 200, ""},
		{"revoke", func(r *REST, t *testing.T) error { return r.Revoke(t.Context(), "c1", PermissionJoinLeave, "room") },
			"DELETE /api/hubs/chat/permissions/joinLeaveGroup/connections/c1?api-version=2024-12-01&targetName=room", "", "", 204, ""},
		{"permitted", func(r *REST, t *testing.T) error {
			ok, err := r.Permitted(t.Context(), "c1", PermissionSend, "room")
			return found(ok, err)
		}, "HEAD /api/hubs/chat/permissions/sendToGroup/connections/c1?api-version=2024-12-01&targetName=room", "", "", 200, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, answer := tt.status, tt.answer
			s := serve(t, false, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if got := r.Method + " " + r.RequestURI; got != tt.request {
					t.Errorf("request %s, want %s", got, tt.request)
				}
				if got := r.Header.Get("Content-Type"); got != tt.kind || string(body) != tt.body || r.ContentLength < 0 {
					t.Errorf("%s %q of length %d, want %s %q", got, body, r.ContentLength, tt.kind, tt.body)
				}
				token, signed := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
				if signed != (tt.name != "health") {
					t.Errorf("Authorization %q", r.Header.Get("Authorization"))
				}
				// The audience is the request's URL (protocol.md 7.2).
				if _, err := VerifyToken(token, EmulatorKey, []string{"http://" + r.Host + r.RequestURI}, 0, time.Now()); signed && err != nil {
					t.Error(err)
				}
				w.WriteHeader(status)
				_, _ = io.WriteString(w, answer)
			})
			service, err := ParseConnectionString("Endpoint=" + s.URL + ";AccessKey=" + EmulatorKey)
			if err != nil {
				t.Fatal(err)
			}
			rest := &REST{Service: service, Hub: "chat", Client: s.Client()}
			if err := tt.call(rest, t); err != nil {
				t.Error(err)
			}

			status, answer = 404, `{"code":"Error.Connection.NotExisted","message":"Connection is not found.","status":1}`
			var refused *RESTError
			if err := tt.call(rest, t); !errors.As(err, &refused) || refused.Status != 404 {
				t.Fatalf("404 came out as %v", err)
			}
			if want := (RESTError{404, "Error.Connection.NotExisted", "Connection is not found."}); *refused != want && !strings.HasPrefix(tt.request, "HEAD") {
				t.Errorf("got %+v, want %+v", *refused, want)
			}
		})
	}
}

// found turns the answer "no" into the error that it came as.
func found(ok bool, err error) error {
	if err == nil && !ok {
		return &RESTError{Status: http.StatusNotFound}
	}
	return err
}

func exists(r *REST, t *testing.T, a Audience) error {
	ok, err := r.Exists(t.Context(), a)
	return found(ok, err)
}

func TestRESTAudiencesThatCannotBe(t *testing.T) {
	r := &REST{Hub: "chat"}
	_, err := r.Exists(t.Context(), ToAll())
	for name, err := range map[string]error{
		"existence of all": err, "membership of a group": r.AddToGroup(t.Context(), ToGroup("a"), "b"),
		"membership of all": r.RemoveFromGroup(t.Context(), ToAll(), "b"), "no memberships of all": r.RemoveFromAllGroups(t.Context(), ToAll()),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestRESTMetadataAndPages(t *testing.T) {
	var queries []string
	s := serve(t, false, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			if got := r.Header.Get("X-WebPubSub-Metadata-Trace"); got != "t-1" {
				t.Errorf("metadata %q, want t-1", got)
			}
			w.WriteHeader(http.StatusAccepted)
			return
		}
		queries = append(queries, r.URL.RawQuery)
		pages := map[string]string{
			"":  `{"value":[{"connectionId":"c1"}],"nextLink":"https://elsewhere.example/?api-version=2024-12-01&continuationToken=x"}`,
			"x": `{"value":[{"connectionId":"c2"}],"nextLink":"https://elsewhere.example/?continuationToken=y"}`,
			"y": `{"value":[]}`,
		}
		_, _ = io.WriteString(w, pages[r.URL.Query().Get("continuationToken")])
	})
	service, err := ParseConnectionString("Endpoint=" + s.URL + ";AccessKey=" + EmulatorKey)
	if err != nil {
		t.Fatal(err)
	}
	r := &REST{Service: service, Hub: "chat", Client: s.Client()}
	if err := r.Send(t.Context(), ToAll(), &RESTMessage{Metadata: map[string]string{"trace": "t-1"}}); err != nil {
		t.Error(err)
	}
	members, err := r.Members(t.Context(), "room", 0)
	if want := []Member{{"c1", ""}, {"c2", ""}}; err != nil || !slices.Equal(members, want) {
		t.Errorf("members %v, %v, want %v", members, err, want)
	}
	want := []string{"api-version=2024-12-01", "api-version=2024-12-01&continuationToken=x", "api-version=2024-12-01&continuationToken=y"}
	if !slices.Equal(queries, want) {
		t.Errorf("queries %q, want %q", queries, want)
	}
}

// A listing goes on until there is no next page (protocol.md 7.4), past an empty one too, but
// not round in circles.
func TestRESTPages(t *testing.T) {
	for _, tt := range []struct {
		name  string
		pages []string // each links to the next by the number at its end
		want  []Member
		err   string
	}{
		{"an empty page", []string{`{"value":[],"nextLink":"?n=1"}`, `{"value":[{"connectionId":"c1"}],"nextLink":null}`}, []Member{{"c1", ""}}, ""},
		{"itself", []string{`{"value":[{"connectionId":"c1"}],"nextLink":"?n=1&api-version=2024-12-01"}`, `{"value":[{"connectionId":"c2"}],"nextLink":"?n=1&api-version=2024-12-01"}`}, nil, "list group: the next page leads back to an earlier one"},
		{"a circle", []string{`{"value":[],"nextLink":"?n=1"}`, `{"value":[],"nextLink":"?n=2"}`, `{"value":[],"nextLink":"?n=1"}`}, nil, "list group: the next page leads back to an earlier one"},
		{"no URL", []string{`{"value":[],"nextLink":"http://[::1"}`}, nil, "list group: the link to the next page is no URL"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			asked := 0
			s := serve(t, false, func(w http.ResponseWriter, r *http.Request) {
				page, _ := strconv.Atoi(r.URL.Query().Get("n"))
				if asked++; asked > 10 {
					_, _ = io.WriteString(w, `{}`)
					return
				}
				_, _ = io.WriteString(w, tt.pages[page])
			})
			service, err := ParseConnectionString("Endpoint=" + s.URL + ";AccessKey=" + EmulatorKey)
			if err != nil {
				t.Fatal(err)
			}
			got, err := (&REST{Service: service, Hub: "chat", Client: s.Client()}).Members(t.Context(), "room", 0)
			if !slices.Equal(got, tt.want) || (tt.err == "") != (err == nil) || err != nil && err.Error() != tt.err {
				t.Errorf("members %v, %v after %d requests; want %v, %s", got, err, asked, tt.want, tt.err)
			}
		})
	}
}
