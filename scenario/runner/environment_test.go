package runner

import (
	"testing"

	"github.com/wpsbench/wpsbench/wire"
)

// A record names the transport that was used, not the absence of a choice.
func TestEnvironmentNamesTheTransport(t *testing.T) {
	for asked, want := range map[wire.Transport]string{
		wire.TransportDefault:   string(wire.TransportDefault.Resolve()),
		wire.TransportLoop:      "loop",
		wire.TransportGoroutine: "goroutine",
	} {
		if got := environment(asked).Host.Transport; got != want || got == "" {
			t.Errorf("transport %q is recorded as %q, want %q", asked, got, want)
		}
	}
}
