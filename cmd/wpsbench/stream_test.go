//go:build unix

package main

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

var bothRoles = []string{"webpubsub.sendToGroup", "webpubsub.joinLeaveGroup"}

func TestNegotiateSite(t *testing.T) {
	server := startServer(t, emulator.Options{Web: negotiateSite(wire.EmulatorKey, "chat", bothRoles)})
	for _, row := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/", 200},
		{"GET", "/negotiate?id=alice", 200},
		{"GET", "/negotiate", 400},
		{"POST", "/negotiate?id=alice", 405},
		{"GET", "/other", 404},
		{"HEAD", "/api/health", 200}, // the service's own paths stay its own
	} {
		req, err := http.NewRequestWithContext(t.Context(), row.method, server.URL()+row.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != row.want {
			t.Errorf("%s %s: %d, want %d", row.method, row.path, resp.StatusCode, row.want)
		}
	}
	clientURL, err := wire.Negotiate(t.Context(), nil, server.URL()+"/negotiate?id=alice")
	if err != nil {
		t.Fatal(err)
	}
	conn, _, _, err := (&wire.Dialer{}).Dial(t.Context(), clientURL, wire.JSONReliable)
	if err != nil {
		t.Fatalf("the negotiated URL: %v", err)
	}
	_ = conn.Close()
}

// The page is one file that asks nobody else for anything.
func TestStreamPageIsSelfContained(t *testing.T) {
	page := string(streamPage)
	for _, pattern := range []string{`https?://`, `\bsrc=`, `\son[a-z]+=`, `\sstyle=`, `@import`, `innerHTML`, `eval\(`} {
		if found := regexp.MustCompile(pattern).FindString(page); found != "" {
			t.Errorf("the page holds %q", found)
		}
	}
	for _, element := range []string{"script", "style"} {
		if n := strings.Count(page, "<"+element); n != 1 {
			t.Errorf("%d %s elements, want the 1 that the policy names", n, element)
		}
	}
}
