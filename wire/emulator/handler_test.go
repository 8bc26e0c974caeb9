package emulator

import (
	"strings"
	"testing"
)

func TestHandlerFor(t *testing.T) {
	handlers := []Handler{
		{Hub: "Chat", URL: "1", SystemEvents: []string{"connected"}, UserEvents: "order.placed, Paid"},
		{URL: "2", SystemEvents: []string{"connect", "connected"}, UserEvents: "message"},
		{Hub: "chat", URL: "3", UserEvents: "*"},
	}
	for _, tt := range []struct {
		hub  string
		kind eventKind
		name string
		want string // URL; "" = none
	}{
		{"chat", systemEvent, "connect", "2"},
		{"chat", systemEvent, "connected", "1"},
		{"chat", systemEvent, "disconnected", ""},
		{"other", systemEvent, "connected", "2"},
		{"chat", userEvent, "order.placed", "1"},
		{"chat", userEvent, "PAID", "1"},
		{"chat", userEvent, "message", "2"},
		{"chat", userEvent, "order", "3"},
		{"chat", userEvent, "connected", "3"},
		{"other", userEvent, "order.placed", ""},
	} {
		got := ""
		if h := handlerFor(handlers, tt.hub, tt.kind, tt.name); h != nil {
			got = h.URL
		}
		if got != tt.want {
			t.Errorf("%s %s in %s: handler %q, want %q", tt.kind, tt.name, tt.hub, got, tt.want)
		}
	}
}

func TestFillTemplate(t *testing.T) {
	for _, tt := range []struct{ template, hub, want string }{
		{"http://app/api/{event}", "chat", "http://app/api/order.placed"},
		{"http://app/{hub}/{hub}?e={event}", "a b&c/d", "http://app/a%20b%26c%2Fd/a%20b%26c%2Fd?e=order.placed"},
		{"http://app/", "chat", "http://app/"},
	} {
		if got := fillTemplate(tt.template, tt.hub, "order.placed"); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.template, got, tt.want)
		}
	}
}

func TestHandlerValidate(t *testing.T) {
	for _, tt := range []struct {
		name string
		h    Handler
		want string // of the error; "" = none
	}{
		{"good", Handler{URL: "https://app:8443/{hub}/{event}?code=x", SystemEvents: systemEvents, UserEvents: "a,b"}, ""},
		{"no URL", Handler{}, "want http"},
		{"another scheme", Handler{URL: "ws://app/"}, "want http"},
		{"no host", Handler{URL: "http:///x"}, "want http"},
		{"broken", Handler{URL: "http://app:port/secret"}, "not a valid one"},
		{"event in the host", Handler{URL: "http://{event}.app/"}, "in the host"},
		{"hub in the host", Handler{URL: "http://{hub}.app/"}, ""},
		{"unknown system event", Handler{URL: "http://app/", SystemEvents: []string{"joined"}}, "joined"},
		{"empty user event", Handler{URL: "http://app/", UserEvents: "a,,b"}, "empty name"},
	} {
		err := tt.h.Validate()
		switch {
		case tt.want == "" && err != nil, tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		case err != nil && strings.Contains(err.Error(), "secret"):
			t.Errorf("%s: the error holds the URL: %v", tt.name, err)
		}
	}
}
