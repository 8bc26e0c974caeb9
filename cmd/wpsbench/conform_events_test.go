package main

import (
	"os"
	"testing"
)

// Others can post events to an address that is one.
func TestReachable(t *testing.T) {
	here, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ name, listens, want string }{
		{"everywhere", "[::]:8088", here + ":8088"},
		{"everywhere, IPv4", "0.0.0.0:8088", here + ":8088"},
		{"loopback", "127.0.0.1:8088", "127.0.0.1:8088"},
		{"one address", "[2001:db8::1]:8088", "[2001:db8::1]:8088"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := reachable(row.listens); got != row.want {
				t.Errorf("got %s, want %s", got, row.want)
			}
		})
	}
}
