package wire

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// Connections come from the local addresses in turn, dialed on a goroutine and on a Loop.
func TestDialFrom(t *testing.T) {
	from := []netip.Addr{netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.3")}
	const dials = 6
	sources := make(chan string, dials)
	s := serve(t, false, func(w http.ResponseWriter, r *http.Request) {
		sources <- netip.MustParseAddrPort(r.RemoteAddr).Addr().String()
		_ = accept(t, w, r, string(JSON), "").Close()
	})
	check := func(t *testing.T) {
		var got []string
		for range dials {
			got = append(got, <-sources)
		}
		slices.Sort(got)
		want := []string{"127.0.0.2", "127.0.0.2", "127.0.0.2", "127.0.0.3", "127.0.0.3", "127.0.0.3"}
		if !slices.Equal(got, want) {
			t.Errorf("connections came from %v, want %v", got, want)
		}
	}
	t.Run("goroutine", func(t *testing.T) {
		d := Dialer{LocalIPs: from}
		for range dials {
			nc, _, _, err := d.Dial(t.Context(), wsURL(s), JSON)
			if err != nil {
				t.Fatal(err)
			}
			_ = nc.Close()
		}
		check(t)
	})
	t.Run("loop", func(t *testing.T) {
		l := NewLoop(&Dialer{LocalIPs: from}, TransportLoop)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- l.Run(ctx) }()
		cfg := SessionConfig{Subprotocol: JSON}
		cfg.Reconnect.Base = time.Hour // the first dials only
		l.Do(func(now time.Duration) {
			for i := range uint64(dials) {
				l.Open(&cfg, FixedURL(wsURL(s)), ignore{}, i).Start(now)
			}
		})
		check(t)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

type ignore struct{}

func (ignore) Event(time.Duration, *Event) {}
