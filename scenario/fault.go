package scenario

import (
	"time"
)

// The values of [Fault.Kind] (design.md 7.6).
const (
	FaultRST   = "rst"   // the connection is reset
	FaultFIN   = "fin"   // TCP ends without a WebSocket close
	FaultClose = "close" // a WebSocket close with Code
	// FaultZombie leaves the socket open and silent and recovers on another one.
	FaultZombie = "zombie"
	// FaultBlackhole makes the connection half-open: nothing gets through either way, and
	// nobody is told. The clients' IdleTimeout finds it, then they recover on another socket.
	FaultBlackhole = "blackhole"
	// FaultRESTClose has the service close the connection over its REST API, or all that By
	// says; it needs a target with a key or an Entra token.
	FaultRESTClose = "rest-close"
	// FaultRestart runs Command, or restarts the embedded target. Whom that drops while Lasts
	// is the fault's doing.
	FaultRestart = "restart"
	// FaultStopAcking and FaultSlowReader are clients that misbehave while Lasts: they
	// send no sequenceAck, or read nothing. Nothing drops them but the service.
	FaultStopAcking = "stop-acking"
	FaultSlowReader = "slow-reader"
)

var faultKinds = []string{FaultRST, FaultFIN, FaultClose, FaultZombie, FaultBlackhole, FaultRESTClose, FaultRestart, FaultStopAcking, FaultSlowReader}

// The values of [Fault.By] (protocol.md 7.4, rows 9, 11 and 12).
const (
	ByConnection = "connection"
	ByUser       = "user"
	ByGroup      = "group"
)

// Waits says whether the fault leaves the transport alone: while Lasts the service may
// drop it, or not.
func (f *Fault) Waits() bool {
	return f.Kind == FaultStopAcking || f.Kind == FaultSlowReader || f.Kind == FaultRestart
}

// Fault says which connections of a population are hit, how and when. The zero values
// of all but the first five make it one burst.
type Fault struct {
	Name       string
	At         time.Duration // since the start of the steady state
	Kind       string
	Population string // of a restart "": all of them
	Hit        Share  // with Rate those that may be hit, else those that are

	// Over spreads the injections of one occurrence evenly, or in so many Batches.
	Over    time.Duration `json:",omitzero"`
	Batches int           `json:",omitzero"`
	// Every repeats the whole, each time on other connections, while For lasts.
	Every time.Duration `json:",omitzero"`
	// Rate is how often each connection is hit on average, as a Poisson process of its
	// own, while For lasts.
	Rate Rate `json:",omitzero"`
	// For is 0 until the end of the steady state.
	For time.Duration `json:",omitzero"`

	// Lasts is how long each client misbehaves, or a restart may take and drop sessions.
	Lasts time.Duration `json:",omitzero"`

	// Command of a restart is run without a shell: the program and its arguments.
	Command []string `json:",omitempty"`
	// KeepsSessions: the embedded target comes back with its reliable sessions.
	KeepsSessions bool `json:",omitempty"`

	// By ByUser or ByGroup makes each injection of a rest-close one call for all sessions
	// of a user, or in a group: Hit counts the users of Population, or the groups of the
	// families that it joins. Who else is in them is hit, too. Empty: ByConnection.
	By string `json:",omitempty"`

	Code int // of a close; default 1000, which ends a reliable session
	Pos  Pos `json:"-"`
}

// needsREST says whether the service itself makes the fault.
func (f *Fault) needsREST() bool { return f.Kind == FaultRESTClose }

func (d *decoder) faults(n *node, s *Scenario) {
	d.list(n, false, func(n *node) {
		f := Fault{Pos: n.value.pos(), Hit: Share{Percent: 100, IsPercent: true}}
		victims := required
		if kind := n.slot("kind"); n.probe != nil || kind != nil && (*kind).text == FaultRestart {
			victims = optional // whom a restart hits is not ours to choose
		}
		d.object(n,
			required("name", d.text(&f.Name)),
			required("at", value(d, &f.At, needsDuration, parseDuration)),
			required("kind", d.choice(&f.Kind, faultKinds)),
			victims("population", d.text(&f.Population)),
			victims("hit", value(d, &f.Hit, needsShare, parseShare)),
			optional("over", value(d, &f.Over, needsDuration, parseDuration)),
			optional("batches", d.whole(&f.Batches)),
			optional("every", value(d, &f.Every, needsDuration, parseDuration)),
			optional("rate", value(d, &f.Rate, needsRate, parseRate)),
			optional("for", value(d, &f.For, needsDuration, parseDuration)),
			optional("lasts", value(d, &f.Lasts, needsDuration, parseDuration)),
			optional("by", d.choice(&f.By, []string{ByConnection, ByUser, ByGroup})),
			optional("code", d.whole(&f.Code)),
			optional("command", func(n *node) {
				f.Command = []string{}
				d.list(n, false, func(n *node) {
					var word string
					d.text(&word)(n)
					f.Command = append(f.Command, word)
				})
			}),
			optional("keeps_sessions", d.flag(&f.KeepsSessions)),
		)
		n.allUnless("kind", FaultRestart, "population", "hit")
		if f.Kind == FaultClose && n.slot("code") == nil {
			f.Code = defaultCloseCode
		}
		if f.By == ByConnection && f.Kind == FaultRESTClose {
			f.By = "" // as when it is left out
		}
		s.Faults = append(s.Faults, f)
	})
}
