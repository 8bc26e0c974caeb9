package emulator

import (
	"encoding/json"
	"net"
	"net/http"
)

// adminPath is where a running emulator is watched, told what to lie about and restarted.
const adminPath = "/wpsbench/"

// serveAdmin is the admin endpoint. Only this machine is served, and no page that a
// browser shows: the Host must be an address of the loopback interface, which a foreign
// name that resolves to one is not.
func (s *Server) serveAdmin(w http.ResponseWriter, r *http.Request, name string) {
	if !loopback(r.RemoteAddr) || !loopback(r.Host) {
		http.Error(w, "only for this machine", http.StatusForbidden)
		return
	}
	switch name {
	case "lies":
		s.serveLies(w, r)
	case "stats":
		s.serveStats(w, r)
	case "restart":
		s.serveRestart(w, r)
	default:
		http.NotFound(w, r)
	}
}

// serveStats says what the server has done so far.
func (s *Server) serveStats(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", "GET")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	stats := s.Stats()
	answerJSON(w, &stats)
}

func answerJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}

// loopback tells of an address, with or without a port, of this machine alone.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
