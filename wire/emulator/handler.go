package emulator

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Handler is an event handler: where the events of a hub go (protocol.md 8.1). Of
// several the first that matches gets an event.
type Handler struct {
	// Hub is the hub's name in any case of letters; "" = every hub.
	Hub string
	// URL is where events are posted. {hub} and {event} in it are replaced by the
	// escaped names; {event} must not be part of the host.
	URL string
	// SystemEvents are those of connect, connected and disconnected that it gets.
	SystemEvents []string
	// UserEvents are the user events that it gets, in any case of letters: "*" for
	// all, one name, or several separated by commas; "" = none.
	UserEvents string
}

// The system events (protocol.md 8.3).
const (
	eventConnect      = "connect"
	eventConnected    = "connected"
	eventDisconnected = "disconnected"
)

var systemEvents = []string{eventConnect, eventConnected, eventDisconnected}

// Validate returns everything that is wrong with h; Start refuses it then. The error
// does not hold the URL.
func (h *Handler) Validate() error {
	var problems []error
	if err := validTemplate(h.URL); err != nil {
		problems = append(problems, err)
	}
	for _, name := range h.SystemEvents {
		if !slices.Contains(systemEvents, name) {
			problems = append(problems, fmt.Errorf("system event %q: want connect, connected or disconnected", name))
		}
	}
	if h.UserEvents != "" {
		for name := range strings.SplitSeq(h.UserEvents, ",") {
			if strings.TrimSpace(name) == "" {
				problems = append(problems, fmt.Errorf("user events %q: an empty name", h.UserEvents))
			}
		}
	}
	return errors.Join(problems...)
}

func validTemplate(template string) error {
	u, err := url.Parse(fillTemplate(template, "hub", "event"))
	switch {
	case err != nil:
		return errors.New("URL: not a valid one") // err quotes it, and it may hold a secret
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return errors.New("URL: want http:// or https:// and a host")
	}
	_, host, _ := strings.Cut(template, "://")
	if i := strings.IndexAny(host, "/?#"); i >= 0 {
		host = host[:i]
	}
	if strings.Contains(host, "{event}") {
		return errors.New("URL: {event} in the host")
	}
	return nil
}

// fillTemplate replaces the parameters of a handler's URL.
func fillTemplate(template, hub, event string) string {
	return strings.NewReplacer("{hub}", escape(hub), "{event}", escape(event)).Replace(template)
}

// escape escapes s for a path and a query alike.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// handlerFor returns the handler of an event, nil without one.
func handlerFor(handlers []Handler, hub string, kind eventKind, name string) *Handler {
	for i := range handlers {
		h := &handlers[i]
		if h.serves(hub) && (kind == systemEvent && slices.Contains(h.SystemEvents, name) ||
			kind == userEvent && h.wants(name)) {
			return h
		}
	}
	return nil
}

func (h *Handler) serves(hub string) bool { return h.Hub == "" || strings.EqualFold(h.Hub, hub) }

func (h *Handler) wants(name string) bool {
	for wanted := range strings.SplitSeq(h.UserEvents, ",") {
		if wanted = strings.TrimSpace(wanted); wanted == "*" || strings.EqualFold(wanted, name) {
			return true
		}
	}
	return false
}
