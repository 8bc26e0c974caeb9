package emulator

import (
	"encoding/json"
	"io"
	"net/http"
)

// liesState is the body of both directions: GET and the answer to PUT hold both
// members, the body of PUT the first.
type liesState struct {
	// Lies holds the shares by name: {"swap": "1/1000"}. What a PUT leaves out is not told.
	Lies map[string]string `json:"lies"`
	// Told counts since the start, by name.
	Told map[string]uint64 `json:"told"`
}

// serveLies says with GET which lies are told and how often each was; PUT replaces them.
// Its content type is one that no page may send elsewhere unasked.
func (s *Server) serveLies(w http.ResponseWriter, r *http.Request) {
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
	answerJSON(w, &state)
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
