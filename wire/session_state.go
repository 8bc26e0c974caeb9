package wire

import (
	"math/rand/v2"
	"time"

	"github.com/wpsbench/wpsbench/wire/internal/frame"
)

// sessionState is where a Session stands between two inputs. The table holds
// every change of state; any other input leaves the state as it is. An input is
// what the transport or the caller does, or what a deadline brings; after the
// comma stands what makes it that row: "disabled" is Backoff.Disabled, "not
// recoverable" a connection that cannot be resumed.
//
//	| state      | input                           | next       |
//	|------------|---------------------------------|------------|
//	| idle       | Start                           | dialing    |
//	| idle       | Close                           | closed     |
//	| dialing    | Opened                          | connecting |
//	| dialing    | DialFailed                      | pausing    |
//	| dialing    | DialFailed, disabled            | closed     |
//	| dialing    | Close                           | closed     |
//	| pausing    | pause over                      | dialing    |
//	| pausing    | Close                           | closed     |
//	| connecting | connected                       | ready      |
//	| connecting | connected, groups               | joining    |
//	| connecting | timeout                         | pausing    |
//	| connecting | Lost                            | pausing    |
//	| connecting | close frame                     | pausing    |
//	| connecting | close frame 1008                | pausing    |
//	| connecting | protocol error                  | pausing    |
//	| connecting | Interrupt                       | closing    |
//	| connecting | Close                           | closing    |
//	| joining    | last join answered              | ready      |
//	| joining    | Lost                            | waiting    |
//	| joining    | Lost, not recoverable           | pausing    |
//	| joining    | close frame                     | waiting    |
//	| joining    | close frame 1008                | pausing    |
//	| joining    | protocol error                  | waiting    |
//	| joining    | Interrupt                       | closing    |
//	| joining    | Close                           | closing    |
//	| ready      | connected, other id, groups     | joining    |
//	| ready      | Lost                            | waiting    |
//	| ready      | Lost, not recoverable           | pausing    |
//	| ready      | Lost, not recoverable, disabled | closed     |
//	| ready      | close frame                     | waiting    |
//	| ready      | close frame 1008                | pausing    |
//	| ready      | protocol error                  | waiting    |
//	| ready      | Interrupt                       | closing    |
//	| ready      | Close                           | closing    |
//	| closing    | Lost                            | waiting    |
//	| closing    | close frame                     | waiting    |
//	| closing    | close frame 1008                | pausing    |
//	| closing    | protocol error                  | waiting    |
//	| closing    | timeout                         | waiting    |
//	| closing    | close frame, after code 1000    | pausing    |
//	| closing    | Lost, after code 1000           | pausing    |
//	| closing    | close frame, after Close        | closed     |
//	| closing    | timeout, after Close            | closed     |
//	| waiting    | pause over                      | resuming   |
//	| waiting    | window over                     | pausing    |
//	| waiting    | window over, disabled           | closed     |
//	| waiting    | Close                           | closed     |
//	| resuming   | Opened                          | ready      |
//	| resuming   | Opened, joins left              | joining    |
//	| resuming   | DialFailed                      | waiting    |
//	| resuming   | window over                     | pausing    |
//	| resuming   | Close                           | closed     |
type sessionState uint8

const (
	stateIdle       sessionState = iota // not started
	stateDialing                        // a dial of a new connection is pending
	statePausing                        // no connection; until timer, then dial
	stateConnecting                     // open, `connected` has not come; until timer
	stateJoining                        // connected, joins of the configured groups are unanswered
	stateReady                          // publishing is possible
	stateClosing                        // our close frame is out, the peer's has not come; until timer
	stateWaiting                        // detached; until timer, then dial to recover
	stateResuming                       // a dial to recover is pending
	stateClosed                         // finished
)

func (s sessionState) String() string {
	return [...]string{"idle", "dialing", "pausing", "connecting", "joining",
		"ready", "closing", "waiting", "resuming", "closed"}[s]
}

// Session is the logic of one client: it connects, joins its groups, keeps the
// requests that await an ack and the sequence ids, recovers after a drop and
// opens new connections when it must (protocol.md 1, 3, 4, 9). It does no I/O and
// has no clock and no goroutine: instants and what the transport did come in,
// bytes, a [Command] and a deadline go out, and a [Handler] is told. The outputs
// are to be taken after every input. Session is not safe for concurrent use.
//
// Ack ids start at 1 and grow over the Session's life, whatever its connections.
type Session struct {
	cfg      *SessionConfig
	encoding Encoding
	handler  Handler
	// Masks and jitter. RFC 6455 5.3 wants masks nobody can predict, so that a
	// page in a browser cannot choose the bytes a proxy on the way sees. Nothing
	// here runs foreign scripts: who chooses the payload also chose the seed, and
	// a seed makes runs repeatable.
	random rand.PCG

	state sessionState
	timer time.Duration // the state's own deadline, where the state has one
	now   time.Duration // of the input at work

	// The socket.
	epoch    uint32
	probe    uint32 // the how manieth, see Probe
	openedAt time.Duration
	proven   bool          // it has brought something that shows the service to serve us
	parser   *frame.Parser // nil between two messages
	out      []byte        // of the workspace, nil while there is nothing to write
	command  Command
	after    afterClose    // what follows our close frame
	rest     time.Duration // how long after it the next connection waits
	lastSent time.Duration // of anything
	pingAt   time.Duration // when to look at lastSent next
	lastRead time.Duration // of anything
	idleAt   time.Duration // when to look at lastRead next
	probeAt  time.Duration // when to give up the wait for the pong of probe; 0 = none is awaited

	// The connection: what lives until EventEnded.
	connection   uint32 // ended so far
	begun        bool   // its first socket was opened
	named        bool   // `connected` came
	connectionID string
	token        string
	sequence     sequence
	acksHeld     bool // see HoldSequenceAcks
	inputHeld    bool // see HoldInput
	joinsLeft    int  // joins that are not answered
	joinRefused  bool // one was refused
	readied      bool // EventReady was raised
	windowEnd    time.Duration
	givenUp      map[uint64]struct{} // ack ids that may still be answered

	// The Session: what outlives connections.
	groups    []string
	pending   pendingRequests
	retries   []*pendingRequest // put aside after a failure, until due
	ackAt     time.Duration     // when to look for missing answers next; 0 = never
	lastAckID uint64
	// resentUpTo is the largest ack id that was sent more than once.
	resentUpTo uint64
	attempts   int // pauses since the last connection was made

	work  *workspace
	stats *SessionStats // of all Sessions with this configuration
}

// NewSession returns a Session that waits for Start. cfg must not change any
// more, nil is Preset("sdk-js"), the behaviour of the official JavaScript client; seed
// draws the masks and the jitter of its pauses.
func NewSession(cfg *SessionConfig, h Handler, seed uint64) *Session {
	s := &Session{}
	s.init(cfg, h, seed, newWorkspace())
	return s
}

// init makes s a new Session beside others of the same goroutine.
func (s *Session) init(cfg *SessionConfig, h Handler, seed uint64, w *workspace) {
	if cfg == nil {
		cfg = defaultConfig()
	}
	*s = Session{cfg: cfg, encoding: cfg.Subprotocol.Encoding(), handler: h, work: w, stats: w.statsOf(cfg)}
	s.random.Seed(seed, 0)
}

// Ready reports whether Publish and SendEvent are possible: the socket is open
// and the configured groups are joined. They may still fail by a limit.
func (s *Session) Ready() bool { return s.state == stateReady }

// Attached reports whether a WebSocket is open and not being closed by us.
func (s *Session) Attached() bool { return s.open() && s.state != stateClosing }

// ConnectionID returns the service's name of the connection; "" before `connected`.
func (s *Session) ConnectionID() string { return s.connectionID }

// InFlight returns the number of requests that await their ack or a retry, joins and
// leaves included.
func (s *Session) InFlight() int { return s.pending.len() + len(s.retries) }

// UnackedSequence returns how far the largest sequence id received is ahead of
// the last one acknowledged by `sequenceAck`.
func (s *Session) UnackedSequence() uint64 { return s.sequence.seen - s.sequence.acked }

// UnackedBytes returns the size of the messages received since the last
// `sequenceAck`, repetitions included.
func (s *Session) UnackedBytes() int { return s.sequence.bytes }

// Stats returns the counts so far; of a Session on a Loop see [Loop.Stats].
func (s *Session) Stats() SessionStats { return *s.stats }

// Output returns the bytes to write to the socket and forgets them. They are
// borrowed until the next call of any input or request method.
func (s *Session) Output() []byte {
	out := s.out
	if s.out = nil; out != nil {
		s.work.lend(out)
	}
	return out
}

// dropBuffers forgets what is not written yet, and what has been read of a message.
func (s *Session) dropBuffers() {
	s.work.dropParser(s)
	s.work.recycleOutput(s.out)
	s.out = nil
}

// Command returns what is to be done with the transport, after Output has been
// written, and forgets it. There is never more than one: what follows a close is
// due at the Deadline.
func (s *Session) Command() Command {
	c := s.command
	s.command = CommandNone
	return c
}

// Deadline returns when Tick is to be called at the latest; false: no need. It
// may lie in the past, meaning at once.
func (s *Session) Deadline() (time.Duration, bool) {
	at, ok := s.stateDeadline()
	if retry, waits := s.retryAt(); waits && (!ok || retry < at) {
		at, ok = retry, true
	}
	if s.ackAt > 0 && s.state != stateClosed && (!ok || s.ackAt < at) {
		at, ok = s.ackAt, true
	}
	return at, ok
}

func (s *Session) stateDeadline() (time.Duration, bool) {
	switch s.state {
	case statePausing, stateConnecting, stateClosing:
		return s.timer, true
	case stateWaiting:
		return min(s.timer, s.windowEnd), true
	case stateResuming:
		return s.windowEnd, true
	case stateJoining, stateReady:
		at, ok := s.sequence.deadline(s.cfg.SequenceAck)
		ok = ok && !s.acksHeld
		if s.cfg.Ping > 0 && (!ok || s.pingAt < at) {
			at, ok = s.pingAt, true
		}
		if s.cfg.IdleTimeout > 0 && (!ok || s.idleAt < at) {
			at, ok = s.idleAt, true
		}
		if s.probeAt > 0 && (!ok || s.probeAt < at) {
			at, ok = s.probeAt, true
		}
		return at, ok
	default:
		return 0, false
	}
}

// Tick does what is due. To be called at or after the Deadline; too early does nothing.
func (s *Session) Tick(now time.Duration) {
	s.now = now
	s.checkAcks()
	s.retry()
	switch s.state {
	case statePausing:
		if now >= s.timer {
			s.dial(stateDialing)
		}
	case stateConnecting:
		if now >= s.timer {
			s.abort(ErrNoConnected)
		}
	case stateClosing:
		if now >= s.timer {
			s.abort(ErrNoCloseFrame)
		}
	case stateWaiting, stateResuming:
		s.tickRecovery()
	case stateJoining, stateReady:
		s.acknowledge()
		s.keepAlive()
		s.checkIdle()
		s.checkProbe()
	default:
	}
}

// open reports whether there is a socket.
func (s *Session) open() bool {
	switch s.state {
	case stateConnecting, stateJoining, stateReady, stateClosing:
		return true
	default:
		return false
	}
}

// established reports whether requests may be written.
func (s *Session) established() bool {
	return s.state == stateJoining || s.state == stateReady
}

// emit tells the handler. The Event lives in the workspace, except when the handler
// closes a Session inside an event: what that raises must not overwrite it.
func (s *Session) emit(ev Event) {
	ev.Epoch, ev.Connection, ev.ConnectionID = s.epoch, s.connection+1, s.connectionID
	p, outer := &s.work.event, s.work.emitting
	if outer {
		p = new(Event)
	}
	*p = ev
	s.work.emitting = true
	s.handler.Event(s.now, p)
	s.work.emitting = outer
}
