package emulator

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
)

// liesPath is where a running emulator is told what to lie about.
const liesPath = "/wpsbench/lies"

// liesState is the body of both directions: GET and the answer to PUT hold both
// members, the body of PUT the first.
type liesState struct {
	// Lies holds the shares by name: {"swap": "1/1000"}. What a PUT leaves out is not told.
	Lies map[string]string `json:"lies"`
	// Told counts since the start, by name.
	Told map[string]uint64 `json:"told"`
}

// serveLies is the admin endpoint: GET says which lies are told and how often each was,
// PUT replaces them. Only this machine is served, and no page that a browser shows: the
// Host must be an address of the loopback interface, which a foreign name that resolves to one is
// not, and the content type of a PUT is one that no page may send elsewhere unasked.
func (s *Server) serveLies(w http.ResponseWriter, r *http.Request) {
	if !loopback(r.RemoteAddr) || !loopback(r.Host) {
		http.Error(w, "only for this machine", http.StatusForbidden)
		return
	}
	switch r.Method {
	case http.MethodGet:
	case http.MethodPut:
		if r.Header.Get("Content-Type") != "application/json" {
			http.Error(w, "want application/json", http.StatusUnsupportedMediaType)
			return
		}
		if err := s.replaceLies(http.MaxBytesReader(w, r.Body, 64<<10)); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	default:
		w.Header().Set("Allow", "GET, PUT")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	state := liesState{Lies: make(map[string]string)}
	if !s.do(func(c *core) {
		for i, share := range c.liar.lies {
			if share.N > 0 {
				state.Lies[Lie(i).String()] = share.String()
			}
		}
		state.Told = c.stats.clone().Lies
	}) {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(state) // the client may be gone
}

func (s *Server) replaceLies(body io.Reader) error {
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	var want struct {
		Lies map[string]string `json:"lies"`
	}
	if err := d.Decode(&want); err != nil {
		return err
	}
	var l Lies
	for name, share := range want.Lies {
		if err := l.Set(name + "=" + share); err != nil {
			return err
		}
	}
	return s.SetLies(l)
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
