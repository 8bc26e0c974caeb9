package wire

import (
	"errors"
	"time"
)

// Errors of requests made on a Session. The request was not sent and nothing is kept of it.
var (
	// ErrDetached: the Session is not ready, see [Session.Ready].
	ErrDetached = errors.New("session is not attached to a connection")
	// ErrInFlight: SessionConfig.MaxInFlight requests await their ack.
	ErrInFlight = errors.New("too many requests await their ack")
	// ErrTooLarge: the encoded message exceeds SessionConfig.MaxMessageBytes.
	ErrTooLarge = errors.New("message is larger than the limit")
)

// What a Session finds wrong by itself, as Event.Err.
var (
	// ErrNoConnected: the WebSocket opened, but `connected` did not come in time.
	ErrNoConnected = errors.New("no connected message within the timeout")
	// ErrNoCloseFrame: the peer did not answer our close frame in time.
	ErrNoCloseFrame = errors.New("no close frame within the timeout")
	// ErrIdle: nothing came for SessionConfig.IdleTimeout, or no answer to a Probe.
	ErrIdle = errors.New("nothing received within the idle timeout")
	// ErrUnanswered: the connection was lost before the answer to a request.
	ErrUnanswered = errors.New("connection lost before the answer")
	// ErrWindow: the recovery window passed while an attempt was pending.
	ErrWindow = errors.New("recovery window passed")
)

// SessionConfig is fixed for the life of a Session. One value may be shared by many.
type SessionConfig struct {
	Subprotocol Subprotocol
	// SequenceAck: on reliable subprotocols acknowledge received ids after so many
	// messages or so long after the first unacknowledged one, whichever comes first.
	SequenceAck AckPolicy
	Recovery    RecoveryPolicy
	Reconnect   Backoff
	// NoRejoin: a new connection after the first joins no groups by itself; the groups are
	// forgotten with the connection they were joined on.
	NoRejoin bool
	// Retry is for publishes and events that ask for an ack.
	Retry RetryPolicy
	// Ping is the longest silence of ours before a keep-alive `ping`, with an IdleTimeout
	// the peer's, too; 0 = none.
	Ping time.Duration
	// IdleTimeout is the longest silence of the peer before the transport is given up
	// (ErrIdle); it needs a shorter Ping to keep a quiet connection. 0 = none.
	IdleTimeout time.Duration
	// ConnectedTimeout bounds the wait for `connected` after the upgrade, and for
	// the peer's close frame after ours; 0 = 10 s.
	ConnectedTimeout time.Duration
	// MaxMessageBytes bounds one message, envelope included: incoming ones before
	// they are read, ours before they are sent; 0 = DefaultMaxMessageBytes.
	MaxMessageBytes int
	// MaxInFlight bounds the requests that await an ack; 0 = 1,000, the service's
	// ack store (protocol.md 3.4). Joins and leaves count, but are never refused.
	MaxInFlight int
}

func (c *SessionConfig) connectedTimeout() time.Duration {
	return orDefault(c.ConnectedTimeout, 10*time.Second)
}

func (c *SessionConfig) maxMessageBytes() int {
	return orDefault(c.MaxMessageBytes, DefaultMaxMessageBytes)
}

func (c *SessionConfig) maxInFlight() int { return orDefault(c.MaxInFlight, 1000) }

// orDefault is cmp.Or for settings, of which negative ones are not set either.
func orDefault[T int | time.Duration](v, def T) T {
	if v <= 0 {
		return def
	}
	return v
}

// DefaultMaxMessageBytes is above the service's 1 MiB so that its own envelope fits.
const DefaultMaxMessageBytes = 2 << 20

// AckPolicy says when a reliable session sends `sequenceAck`. Zero fields disable that half.
type AckPolicy struct {
	EveryMessages int
	Every         time.Duration
	// Along: a publish or event takes a sequenceAck along when the first unacknowledged
	// message came so long ago, which spares a write of its own later. 0 = never.
	Along time.Duration
}

// RecoveryPolicy bounds the attempts to resume a reliable session after a drop
// (protocol.md 4.5): the first at once, then one after each Pause, until Window has passed.
type RecoveryPolicy struct {
	Window time.Duration // 0 = no recovery
	Pause  time.Duration // 0 = 1 s
}

// Backoff is the pause before each attempt at a new connection but the very
// first: Base doubling up to Max, starting over once a connection is made; with
// FullJitter a uniform draw between 0 and that.
type Backoff struct {
	Base       time.Duration // 0 = 1 s
	Max        time.Duration // 0 = 30 s
	FullJitter bool
	AtOnce     bool // the first attempt after a loss comes without a pause
	Attempts   int  // with a pause; when all have failed the Session ends. 0 = no limit
	Disabled   bool // after a loss the Session ends instead
}

// Request is one thing asked of the service that awaits (or never gets) an ack.
type Request struct {
	Kind    UpstreamKind
	AckID   uint64
	Tag     uint64        // the caller's, from Publish or SendEvent
	Due     time.Duration // the caller's, from Publish or SendEvent
	SentAt  time.Duration // of the first send; 0 = never sent
	Resends int           // after recoveries and failures, with the same ack id
	// Renumbered counts the retries under a new ack id, see RetryPolicy.NewAckID: the
	// service took each for a message of its own.
	Renumbered int
	Group      string // JoinGroup, LeaveGroup
}

// Publish is a message for a group. On the Simple subprotocol only DataType and
// Data mean anything.
type Publish struct {
	Group    string
	DataType DataType
	Data     []byte // copied before the call returns
	NoEcho   bool
	Ack      bool   // ask for an ack; kept and resent with the same ack id until one comes
	Tag      uint64 // comes back in Event.Request
	// Due is when the message should have left; it comes back in Event.Request and means
	// nothing to the Session.
	Due time.Duration
	// TTLSeconds: after so long the service may drop the message instead of delivering
	// it to a slow client; 0 to MaxTTLSeconds, 0 = never (protocol.md 3.2).
	TTLSeconds uint32
	// Metadata is delivered beside the data: a JSON object of string to string within
	// the limits of protocol.md 3.2, which are not checked here; nil = none.
	Metadata []byte
}

// UserEvent is a message for the service's event handler. On the Simple subprotocol,
// where it is always called message, only DataType and Data mean anything.
type UserEvent struct {
	Name     string
	DataType DataType
	Data     []byte        // copied before the call returns
	Ack      bool          // as Publish.Ack
	Tag      uint64        // comes back in Event.Request
	Due      time.Duration // as Publish.Due
	Metadata []byte        // as Publish.Metadata
}

// EventKind names what an Event tells.
type EventKind uint8

// Everything that a Session reports, in the order of a connection's life.
const (
	// EventDialing: an attempt starts. Recovering says of which kind. EventOpened or
	// EventDialFailed follows, unless the Session is closed first.
	EventDialing EventKind = iota + 1
	// EventDialFailed: the attempt failed with Err. The Session goes on by its policy.
	EventDialFailed
	// EventOpened: the WebSocket is open. With Recovering the session is resumed: the
	// unacknowledged requests have been resent and publishing may go on.
	EventOpened
	// EventConnected: the service named a new connection (ConnectionID), by Message, which
	// is nil on the Simple subprotocol. A `connected` that follows a recovery and names the
	// same one is EventConfirmed.
	EventConnected
	// EventReady: every join of the configured groups is answered (at once when there
	// are none); publishing may start. Success is false if any was refused: which one
	// its EventAcked has told. Raised once per new connection.
	EventReady
	// EventMessage: a data message, Message. Fresh is false for one that the
	// sequence ids show to be a repetition; the application never sees those.
	EventMessage
	// EventAcked: Request is answered, by Message. Duplicate counts as success. An error
	// that SessionConfig.Retry retries is not reported.
	EventAcked
	// EventUnexpectedAck: Message answers no request that is waiting.
	EventUnexpectedAck
	// EventNotice: the service's `disconnected` system message, Message.
	EventNotice
	// EventDropped: the transport is gone; Err, CloseCode, CloseReason, ByPeer say how.
	EventDropped
	// EventUnanswered: Request will never be answered: its connection is over, or its last
	// retry failed. One per request; for a connection's last ones before EventEnded.
	EventUnanswered
	// EventEnded: this connectionId is over; Reason says why. A new one follows unless the Session is closed.
	EventEnded
	// EventClosed: the Session is finished; nothing follows.
	EventClosed
	// EventProtocolError: the peer sent what no server may send (Err). The transport is being dropped.
	EventProtocolError
	// EventRetried: Request was sent again under a new ack id, see RetryPolicy.NewAckID.
	EventRetried
	// EventNumbered: a message of a kind unknown to us carried a sequence id, as group
	// state does (protocol.md 4.2); Message holds that and nothing else. Fresh as with
	// EventMessage.
	EventNumbered
	// EventConfirmed: a `connected` named the connection that we have, as a service may do
	// after a recovery (protocol.md 4.5), by Message.
	EventConfirmed
)

// EndReason says why a connectionId is over.
type EndReason uint8

// The reasons of EventEnded.
const (
	EndUnknown EndReason = iota
	EndDropped           // a drop on a subprotocol (or at a moment) without recovery
	EndRefused           // recovery was answered with close code 1008, or with another connection
	EndExpired           // the recovery window passed
	EndByPeer            // close code 1008 outside a recovery, which rules one out (protocol.md 9)
	EndByUs              // we closed with code 1000, or Close was called
)

// Event is what a Session reports. It and what it points to are borrowed: valid
// until the handler returns.
type Event struct {
	Kind       EventKind
	Fresh      bool // EventMessage
	Recovering bool // EventDialing, EventDialFailed, EventOpened
	ByPeer     bool // EventDropped: the peer's close frame, end of stream or reset came first
	Success    bool // EventAcked: success, or Duplicate; EventReady
	// Duplicate: EventAcked by Duplicate; EventUnexpectedAck by Duplicate, where one is no
	// surprise: after a recovery the first processing may be answered on the new
	// transport, and what was resent on it once more (protocol.md 3.4, 4.7).
	Duplicate bool
	Reason    EndReason // EventEnded; EventUnanswered if its connection is over, and with it the request
	CloseCode uint16    // EventDropped; 0 = no close frame, 1005 = one without a code
	Epoch     uint32    // the how manieth WebSocket of this Session, from 1
	// Connection is the how manieth connection of this Session, from 1; before
	// EventConnected that of the one to come. One that is lost before EventConnected
	// uses up a number all the same: its messages may have come first.
	Connection uint32

	Err          error
	ConnectionID string
	CloseReason  string
	Request      *Request
	Message      *Downstream
	Trace        *DialTrace // EventOpened
}

// DialTrace holds the instants of one dial; zero = not reached or not passed through.
type DialTrace struct {
	// Begun is when a dial of a Client had its turn; between it and Start a new connection
	// asks for its URL.
	Begun                     time.Duration
	Start, TCP, TLS, Upgraded time.Duration
}

// Handler receives the events of one Session, on the goroutine that drives it.
// It may call the Session's request methods, Close and Interrupt, but not the
// inputs of its transport; it must not keep the event.
type Handler interface {
	Event(now time.Duration, ev *Event)
}

// Command is what a Session wants done with its transport.
type Command uint8

// The commands.
const (
	CommandNone Command = iota
	// CommandDial: open a WebSocket. Session.Recovery tells whether to append the recovery parameters.
	CommandDial
	// CommandClose: write Output, then close the socket.
	CommandClose
	// CommandAbort: close the socket, or give up the pending dial, at once.
	CommandAbort
)

// SessionStats counts what a Session, or all those of a Loop with one configuration,
// have done over their life and raise no event for.
type SessionStats struct {
	SequenceAcks uint64 // sent
	Pings        uint64 // keep-alives of ours
	Pongs        uint64 // answers to them
	LateAcks     uint64 // of requests given up before, see RetryPolicy.NewAckID
	Unknown      uint64 // messages of a type unknown to us, which were ignored
	BytesIn      uint64 // of the WebSocket, frame headers included
	BytesOut     uint64
}
