package runner

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"time"
)

// maxEventBytes bounds what the upstream reads of one event: the service takes
// messages up to 1 MiB.
const maxEventBytes = 1 << 20

// Upstream is the event handler of protocol.md 8 that the harness hosts: it agrees to
// get events and answers each user event with its payload, so that the client gets it
// back as a message of the server.
type Upstream struct {
	server http.Server
	addr   net.Addr
	ended  chan struct{}
}

// ServeUpstream listens on host:port and serves until Close.
func ServeUpstream(listen string) (*Upstream, error) {
	ln, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("serve upstream: %w", err)
	}
	u := &Upstream{addr: ln.Addr(), ended: make(chan struct{})}
	u.server = http.Server{
		Handler:           http.HandlerFunc(echoEvent),
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0), // a caller's broken request is its own affair
	}
	go func() {
		defer close(u.ended)
		_ = u.server.Serve(ln) // http.ErrServerClosed
	}()
	return u, nil
}

// URL is where it answers, seen from this machine.
func (u *Upstream) URL() string {
	host, port, err := net.SplitHostPort(u.addr.String())
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		return "http://" + net.JoinHostPort("127.0.0.1", port) + "/"
	}
	return "http://" + u.addr.String() + "/"
}

// Close stops it at once.
func (u *Upstream) Close() error {
	err := u.server.Close()
	<-u.ended
	if err != nil {
		return fmt.Errorf("close upstream: %w", err)
	}
	return nil
}

func echoEvent(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodOptions:
		w.Header().Set("WebHook-Allowed-Origin", "*")
	case r.Method != http.MethodPost:
		w.WriteHeader(http.StatusMethodNotAllowed)
	case !strings.HasPrefix(r.Header.Get("ce-type"), "azure.webpubsub.user."):
		w.WriteHeader(http.StatusNoContent) // a system event: no objection
	default:
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxEventBytes))
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		_, _ = w.Write(body) // a caller that went away shows at its own end
	}
}
