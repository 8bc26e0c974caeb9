package wire

import (
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// Negotiator is the application server of protocol.md 10 as an http.Handler:
// GET ?id=alice is answered with {"url":"…"}, a client URL for that user; without an
// id the answer is 400. Whoever can reach it gets in, so it belongs behind what
// authenticates people, or on one's own machine.
type Negotiator struct {
	// Service signs the tokens. Without Endpoint the clients connect where they have
	// asked, by scheme and Host header, as they must when one port serves both.
	Service ConnectionString
	Hub     string
	Roles   []string
	Groups  []string
	Life    time.Duration // of the tokens; 0 = 1 h
}

// ServeHTTP implements http.Handler.
func (n *Negotiator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, "Use GET.", http.StatusMethodNotAllowed)
		return
	}
	user := r.URL.Query().Get("id")
	if user == "" {
		http.Error(w, "The user id is missing: add ?id=NAME.", http.StatusBadRequest)
		return
	}
	service := n.Service
	if service.Endpoint == nil {
		service.Endpoint = &url.URL{Scheme: "http", Host: r.Host, Path: "/"}
		if r.TLS != nil {
			service.Endpoint.Scheme = "https"
		}
	}
	access := Access{UserID: user, Roles: n.Roles, Groups: n.Groups, Life: orDefault(n.Life, time.Hour)}
	clientURL, err := SignedURL(service, n.Hub, access)(r.Context())
	if err != nil {
		http.Error(w, "The token could not be signed.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store") // it holds a token, and is for one connection
	_ = json.NewEncoder(w).Encode(struct {
		URL string `json:"url"`
	}{clientURL}) // the client may have gone
}
