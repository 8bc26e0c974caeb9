package conform_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/conform"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, o emulator.Options) conform.Config {
	t.Helper()
	o.EntraToken = "entra-stand-in"
	events, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = events.Close() }) // Run has closed it, if there was one
	if len(o.Handlers) == 0 {
		o.Handlers = handlersAt("http://" + events.Addr().String())
	}
	srv, err := emulator.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	service, err := wire.ParseConnectionString(srv.ConnectionString())
	if err != nil {
		t.Fatal(err)
	}
	return conform.Config{Service: service, EntraToken: o.EntraToken, Events: events, Strict: true, Timeout: 10 * time.Second}
}

// handlersAt has the events of the hubs that need it posted to that URL.
func handlersAt(url string) (handlers []emulator.Handler) {
	for _, hub := range conform.EventHubs(conform.DefaultEventHub) {
		handlers = append(handlers, emulator.Handler{
			Hub: hub, URL: url + "/{hub}/{event}",
			SystemEvents: []string{"connect", "connected", "disconnected"}, UserEvents: "*",
		})
	}
	return handlers
}

func run(t *testing.T, c conform.Config) *conform.Report {
	t.Helper()
	report, err := conform.Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// The emulator keeps every rule, those of its official model included.
func TestEmulator(t *testing.T) {
	cert, certPEM, err := emulator.SelfSigned()
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(certPEM)
	for _, secure := range []bool{false, true} {
		t.Run(map[bool]string{false: "plain", true: "TLS"}[secure], func(t *testing.T) {
			t.Parallel()
			o := emulator.Options{RecoveryWindow: 3 * time.Second}
			if secure {
				o.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
			}
			c := start(t, o)
			c.TLS = &tls.Config{RootCAs: roots}
			c.Slow, c.Window = true, o.RecoveryWindow
			report := run(t, c)
			for _, r := range report.Cases {
				if r.Outcome != conform.Pass {
					t.Errorf("%s: %s: %s\n%s", r.ID, r.Outcome, strings.Join(r.Reasons, "\n"), strings.Join(r.Frames, "\n"))
				}
			}
			if got, want := len(report.Cases), len(conform.Cases()); got != want {
				t.Errorf("%d cases were tried, want %d", got, want)
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	c := start(t, emulator.Options{})
	c.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no way") }
	_, err := conform.Run(t.Context(), c)
	var unreachable *conform.UnreachableError
	if !errors.As(err, &unreachable) || !strings.Contains(err.Error(), "no way") {
		t.Errorf("got %v", err)
	}
	c.Dial, c.Service.AccessKey = nil, strings.Repeat("0", 40)
	if _, err := conform.Run(t.Context(), c); !errors.As(err, &unreachable) || !strings.Contains(err.Error(), "401") {
		t.Errorf("with a wrong key: %v", err)
	}
	if _, err := conform.Run(t.Context(), conform.Config{}); err == nil || errors.As(err, &unreachable) {
		t.Errorf("without a target: %v", err)
	}
}
