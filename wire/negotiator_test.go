package wire

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestNegotiator(t *testing.T) {
	service, err := ParseConnectionString("Endpoint=https://contoso.example;AccessKey=" + EmulatorKey)
	if err != nil {
		t.Fatal(err)
	}
	own := ConnectionString{AccessKey: EmulatorKey}
	tests := []struct {
		name    string
		service ConnectionString
		method  string
		target  string
		status  int
		base    string // of the client URL
	}{
		{"where it was asked", own, "GET", "http://localhost:8080/negotiate?id=alice", 200, "ws://localhost:8080/client/hubs/chat"},
		{"over TLS", own, "GET", "https://localhost:8443/negotiate?id=alice", 200, "wss://localhost:8443/client/hubs/chat"},
		{"for a service elsewhere", service, "GET", "http://localhost:8080/negotiate?id=alice", 200, "wss://contoso.example/client/hubs/chat"},
		{"no id", own, "GET", "http://localhost:8080/negotiate", 400, ""},
		{"empty id", own, "GET", "http://localhost:8080/negotiate?id=", 400, ""},
		{"not GET", own, "POST", "http://localhost:8080/negotiate?id=alice", 405, ""},
		{"no key", ConnectionString{}, "GET", "http://localhost:8080/negotiate?id=alice", 500, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := &Negotiator{Service: tt.service, Hub: "chat", Roles: []string{"webpubsub.sendToGroup"}, Groups: []string{"g"}}
			w := httptest.NewRecorder()
			n.ServeHTTP(w, httptest.NewRequest(tt.method, tt.target, nil))
			if w.Code != tt.status {
				t.Fatalf("status %d, want %d: %s", w.Code, tt.status, w.Body)
			}
			if tt.status != http.StatusOK {
				return
			}
			if got := w.Header().Get("Cache-Control"); got != "no-store" {
				t.Errorf("Cache-Control %q, want no-store", got)
			}
			var answer map[string]string
			if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || len(answer) != 1 {
				t.Fatalf("answer %s: %v", w.Body, err)
			}
			base, query, _ := strings.Cut(answer["url"], "?access_token=")
			if base != tt.base {
				t.Errorf("URL %s, want %s", base, tt.base)
			}
			token, _ := url.QueryUnescape(query)
			audience := "http" + strings.TrimPrefix(tt.base, "ws")
			claims, err := VerifyToken(token, EmulatorKey, []string{audience}, 0, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			life := time.Until(claims.ExpiresAt)
			if claims.Subject != "alice" || !slices.Equal(claims.Roles, n.Roles) || !slices.Equal(claims.Groups, n.Groups) ||
				life > time.Hour || life < 59*time.Minute {
				t.Errorf("claims %+v", claims)
			}
		})
	}
}
