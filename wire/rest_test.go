package wire

import (
	"errors"
	"io"
	"net/http"
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
		{"close connection", func(r *REST, t *testing.T) error { return r.CloseConnection(t.Context(), "c/1", "by fault") },
			"DELETE /api/hubs/chat/connections/c%2F1?api-version=2024-12-01&reason=by+fault", "", "", 204, ""},
		{"close connection without a reason", func(r *REST, t *testing.T) error { return r.CloseConnection(t.Context(), "c1", "") },
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
			if want := (RESTError{404, "Error.Connection.NotExisted", "Connection is not found."}); *refused != want && tt.name != "health" {
				t.Errorf("got %+v, want %+v", *refused, want)
			}
		})
	}
}
