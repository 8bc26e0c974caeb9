package emulator

import (
	"cmp"
	"net/http"
	"slices"
)

// closeGoingAway is what a service that restarts is taken to close with: the notes on it
// leave open 1001, 1006 or 1008 (protocol.md 13).
const closeGoingAway = 1001

// restartReason is what the clients hear.
const restartReason = "The service is restarting."

// Restart does to the clients what a restart of the service does: every WebSocket is closed
// with code 1001. Sessions end with it, as protocol.md 4.6 has it, so that a recovery is refused; with
// keep the reliable ones stay to be resumed, as on a service that moves its clients.
// It returns how many WebSockets that were.
func (s *Server) Restart(keep bool) (closed int) {
	s.do(func(c *core) { closed = c.restart(keep) })
	return closed
}

func (c *core) restart(keep bool) (closed int) {
	var all []*session
	for _, h := range c.hubs {
		for _, s := range h.sessions {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b *session) int { return cmp.Compare(a.number, b.number) }) // ids are random, a simulation is not
	for _, s := range all {
		if keep {
			c.release(s) // which may be one message too many for it
		}
		k := s.socket
		switch {
		case !keep:
			c.end(s, restartReason)
		case k != nil:
			c.lost(s, restartReason)
		}
		if k != nil {
			k.close(closeGoingAway, restartReason)
			closed++
		}
	}
	return closed
}

// serveRestart is POST of the admin endpoint: ?keep=true keeps the sessions. The content type
// is one that no page may send elsewhere unasked.
func (s *Server) serveRestart(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		w.WriteHeader(http.StatusMethodNotAllowed)
	case r.Header.Get("Content-Type") != "application/json":
		http.Error(w, "want application/json", http.StatusUnsupportedMediaType)
	default:
		answerJSON(w, map[string]int{"closed": s.Restart(r.URL.Query().Get("keep") == "true")})
	}
}
