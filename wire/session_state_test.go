package wire

import (
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// transition is a row of the table above sessionState.
type transition struct{ state, input, next string }

// transitions reads the table from its comment, so that it cannot go stale.
func transitions(t *testing.T) (rows []transition) {
	file, err := parser.ParseFile(token.NewFileSet(), "session_state.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range file.Comments {
		for _, c := range group.List {
			cells := strings.Split(strings.Trim(c.Text, "/\t |"), "|")
			if len(cells) == 3 && !strings.Contains(c.Text, "--") {
				rows = append(rows, transition{strings.TrimSpace(cells[0]), strings.TrimSpace(cells[1]), strings.TrimSpace(cells[2])})
			}
		}
	}
	if len(rows) < 2 || rows[0] != (transition{"state", "input", "next"}) {
		t.Fatalf("no table found: %v", rows)
	}
	return rows[1:]
}

// always holds the inputs that can come in any state.
var always = map[string]func(r *rig){
	"Start":            (*rig).start,
	"Opened":           (*rig).opened,
	"DialFailed":       func(r *rig) { r.dialFailed(errors.New("refused")) },
	"Lost":             func(r *rig) { r.lost(io.EOF) },
	"Close":            func(r *rig) { r.close(1000) },
	"Interrupt":        func(r *rig) { r.interrupt(1001) },
	"Join":             func(r *rig) { r.s.Join(r.now, "x"); r.pump() },
	"Leave":            func(r *rig) { r.s.Leave(r.now, "x"); r.pump() },
	"connected":        func(r *rig) { r.receive(helloOne) },
	"data message":     func(r *rig) { r.receive(groupMessage("m", 1)) },
	"unexpected ack":   func(r *rig) { r.receive(ack(99)) },
	"ping":             func(r *rig) { r.frames(ws.NewPingFrame(nil)) },
	"close frame":      func(r *rig) { r.closed(1001, "") },
	"close frame 1008": func(r *rig) { r.closed(1008, "") },
	"protocol error":   func(r *rig) { r.receive("{") },
	"early Tick":       func(r *rig) { r.s.Tick(r.now - 1); r.pump() },
}

// sometimes holds those that need a state.
var sometimes = map[string]func(r *rig){
	"pause over":          func(r *rig) { r.tickAt(r.s.timer) },
	"timeout":             func(r *rig) { r.tickAt(r.s.timer) },
	"window over":         func(r *rig) { r.tickAt(r.s.windowEnd) },
	"last join answered":  func(r *rig) { r.receive(ack(1)) },
	"connected, other id": func(r *rig) { r.receive(helloTwo) },
}

func input(name string) func(r *rig) {
	if do := sometimes[name]; do != nil {
		return do
	}
	return always[name]
}

func (r *rig) tickAt(at time.Duration) { r.now = at; r.s.Tick(at); r.pump() }

// inState returns a Session in that state. conditions are those of the table.
func inState(t *testing.T, state, conditions string) *rig {
	has := func(c string) bool { return strings.Contains(conditions, c) }
	cfg := reliable()
	cfg.Reconnect.Disabled = has("disabled") && state != "pausing"
	if has("not recoverable") {
		cfg.Subprotocol = JSON
	}
	r := newRig(t, cfg)
	joining := state == "joining" || has("joins left")
	if joining || has("groups") {
		r.s.Join(r.now, "room")
	}
	connected := func() {
		r.start()
		r.opened()
		r.receive(helloOne)
		if !joining && r.s.InFlight() > 0 {
			r.receive(ack(1))
		}
	}
	switch state {
	case "dialing":
		r.start()
	case "pausing":
		r.start()
		r.dialFailed(errors.New("refused"))
	case "connecting":
		r.start()
		r.opened()
	case "joining", "ready":
		connected()
	case "closing":
		connected()
		switch {
		case has("after Close"):
			r.close(1000)
		case has("after code 1000"):
			r.interrupt(1000)
		default:
			r.interrupt(1001)
		}
	case "waiting":
		connected()
		r.lost(io.EOF)
	case "resuming":
		connected()
		r.lost(io.EOF)
		r.due()
	case "closed":
		r.close(1000)
	}
	if got := r.s.state.String(); got != state {
		t.Fatalf("the way to %s led to %s", state, got)
	}
	return r
}

func TestTransitionTable(t *testing.T) {
	listed := map[transition]bool{}
	for _, row := range transitions(t) {
		name, conditions := row.input, ""
		do := input(name)
		for ; do == nil; do = input(name) {
			i := strings.LastIndex(name, ", ")
			if i < 0 {
				t.Fatalf("row %v: unknown input", row)
			}
			name, conditions = name[:i], conditions+name[i:]
		}
		if conditions == "" {
			listed[transition{state: row.state, input: name}] = true
		}
		t.Run(fmt.Sprintf("%s/%s", row.state, row.input), func(t *testing.T) {
			r := inState(t, row.state, conditions)
			do(r)
			if got := r.s.state.String(); got != row.next {
				t.Errorf("got %s, want %s; events %q", got, row.next, r.events)
			}
		})
	}
	for state := stateIdle; state <= stateClosed; state++ {
		for name, do := range always {
			if listed[transition{state: state.String(), input: name}] {
				continue
			}
			t.Run(fmt.Sprintf("%s/%s changes nothing", state, name), func(t *testing.T) {
				r := inState(t, state.String(), "")
				do(r)
				if r.s.state != state {
					t.Errorf("got %s, which the table does not say; events %q", r.s.state, r.events)
				}
			})
		}
	}
}
