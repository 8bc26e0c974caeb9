package wire

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"testing"
)

// What takes no more than a TCP connection to one address is dialed on the loop, also
// where a proxy is configured that is not for it.
func TestRoute(t *testing.T) {
	proxy := func(u *url.URL, err error) func(*http.Request) (*url.URL, error) {
		return func(*http.Request) (*url.URL, error) { return u, err }
	}
	tests := []struct {
		name  string
		url   string
		proxy func(*http.Request) (*url.URL, error)
		to    string // "" = there is none
	}{
		{"address", "ws://192.0.2.1:8080/client/hubs/chat", nil, "192.0.2.1:8080"},
		{"default port", "ws://192.0.2.1", nil, "192.0.2.1:80"},
		{"IPv6", "ws://[2001:db8::1]:8080", nil, "[2001:db8::1]:8080"},
		{"zone", "ws://[fe80::1%25eth0]:8080", nil, ""},
		{"no proxy for it", "ws://192.0.2.1:8080", proxy(nil, nil), "192.0.2.1:8080"},
		{"proxy", "ws://192.0.2.1:8080", proxy(&url.URL{Scheme: "http", Host: "proxy:3128"}, nil), ""},
		{"proxy that is not usable", "ws://192.0.2.1:8080", proxy(nil, errors.New("no")), ""},
		{"TLS", "wss://192.0.2.1:8080", nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, err := (&Dialer{Proxy: tt.proxy}).attempt(tt.url, JSON)
			if err != nil {
				t.Fatal(err)
			}
			r, ok := a.route(t.Context())
			if ok != (tt.to != "") || ok && r.to != netip.MustParseAddrPort(tt.to) {
				t.Errorf("got %v, %t; want %q", r.to, ok, tt.to)
			}
		})
	}
}
