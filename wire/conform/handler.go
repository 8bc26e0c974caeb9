package conform

import (
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// handler is the event handler that the cases of protocol.md 8 need: a web server to
// which the target posts. What comes goes to the case under way, which says how it is
// answered.
type handler struct {
	server http.Server
	ended  chan struct{}

	mu      sync.Mutex
	current *inbox // of the case under way; nil between two
	first   *hook  // the first validation of the event hub
	hub     string
}

// hook is one request of the target to the handler.
type hook struct {
	kind   string // "validate", "connect", "connected", "disconnected", or "user." and the event's name
	method string
	path   string // as sent
	header http.Header
	body   string
}

// hookAnswer is what the handler says to one.
type hookAnswer struct {
	status  int
	header  map[string]string
	body    string
	release <-chan struct{} // it says so only when this is closed; nil = at once
}

// maxHookBytes bounds what is read of one request.
const maxHookBytes = 2 << 20

func newHandler(ln net.Listener, hub string) *handler {
	h := &handler{ended: make(chan struct{}), hub: hub}
	h.server = http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0), // a caller's broken request is its own affair
	}
	go func() {
		defer close(h.ended)
		_ = h.server.Serve(ln) // http.ErrServerClosed
	}()
	return h
}

// close ends it at once.
func (h *handler) close() {
	_ = h.server.Close() // nothing is owed to who still asks
	<-h.ended
}

// begin has what comes go to in, until the next begin.
func (h *handler) begin(in *inbox) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.current = in
}

// ServeHTTP takes one request.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxHookBytes))
	if err != nil {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	k := &hook{method: r.Method, path: r.URL.EscapedPath(), header: r.Header, body: string(body)}
	k.kind = k.path[strings.LastIndexByte(k.path, '/')+1:]
	switch {
	case r.Method != http.MethodPost:
		k.kind = kindValidate
	case !strings.HasPrefix(r.Header.Get("ce-type"), "azure.webpubsub.sys"):
		k.kind = kindUser + k.kind
	}
	answer := h.take(k)
	if answer.release != nil {
		select {
		case <-answer.release:
		case <-r.Context().Done():
		}
	}
	for name, value := range answer.header {
		w.Header()[name] = []string{value}
	}
	if answer.header["Content-Type"] == "" {
		w.Header()["Content-Type"] = nil // and no guess
	}
	w.WriteHeader(answer.status)
	_, _ = io.WriteString(w, answer.body) // who has gone shows elsewhere
}

func (h *handler) take(k *hook) hookAnswer {
	h.mu.Lock()
	defer h.mu.Unlock()
	if k.kind == kindValidate && h.first == nil && k.names(h.hub) {
		h.first = k
	}
	if h.current == nil {
		return defaultAnswer(k.kind)
	}
	return h.current.take(k)
}

// validated returns the first request for permission to post the events of the hub.
func (h *handler) validated() *hook {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.first
}

// names says whether a request is about that hub: by its header, or by its path, which is
// all that a validation has.
func (k *hook) names(hub string) bool {
	return strings.EqualFold(k.header.Get("ce-hub"), hub) || strings.Contains(strings.ToLower(k.path)+"/", "/"+strings.ToLower(hub)+"/")
}

// The kinds of requests.
const (
	kindValidate     = "validate"
	kindConnect      = "connect"
	kindConnected    = "connected"
	kindDisconnected = "disconnected"
	kindUser         = "user." // and the event's name
)

func defaultAnswer(kind string) hookAnswer {
	switch {
	case kind == kindValidate:
		return hookAnswer{status: http.StatusOK, header: map[string]string{allowedOrigin: "*"}}
	case strings.HasPrefix(kind, kindUser):
		return hookAnswer{status: http.StatusOK}
	default:
		return hookAnswer{status: http.StatusNoContent}
	}
}

const allowedOrigin = "WebHook-Allowed-Origin"
