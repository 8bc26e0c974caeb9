//go:build unix

package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/wpsbench/wpsbench/wire"
)

// A handler that refuses every client is asked, obeyed and complained about.
func TestServeEventHandler(t *testing.T) {
	paths := make(chan string, 10)
	handler := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paths <- r.Method + " " + r.URL.Path
		w.Header().Set("WebHook-Allowed-Origin", "*")
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer handler.Close()
	server := start(t, t.TempDir(), "serve", "--listen", "127.0.0.1:0",
		"--event-handler", handler.URL+"/{hub}/{event}?code=secret", "--event-handler-events", "connect, order")
	cs, err := wire.ParseConnectionString(until(t, server.stdout, `connection string  (\S+)`))
	if err != nil {
		t.Fatal(err)
	}
	token, err := wire.ClientToken{Audience: cs.ClientAudience("chat"), ExpiresAt: time.Now().Add(time.Hour)}.Sign(cs.AccessKey)
	if err != nil {
		t.Fatal(err)
	}
	_, _, _, err = ws.Dialer{Timeout: 10 * time.Second}.Dial(context.Background(), cs.ClientURL("chat")+"?access_token="+token)
	var status ws.StatusError
	if !errors.As(err, &status) || status != http.StatusForbidden {
		t.Errorf("dial: %v, want 403", err)
	}
	if got, want := <-paths+", "+<-paths, "OPTIONS /chat/validate, POST /chat/connect"; got != want {
		t.Errorf("the handler got %s, want %s", got, want)
	}
	if line := until(t, server.stderr, `^event connect to (.*)$`); strings.Contains(line, "secret") || !strings.HasSuffix(line, "the handler answered 403") {
		t.Errorf("stderr: %s", line)
	}
	server.signal(t, syscall.SIGINT)
	if _, out := server.wait(t); !strings.Contains(out, "0 user events; 1 events failed, 0 were not sent\n") {
		t.Errorf("stdout: %s", out)
	}
}
