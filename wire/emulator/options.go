package emulator

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/wpsbench/wpsbench/wire"
)

// Options sets up a server. The zero value is the service as protocol.md
// describes it, on a free port of the loopback interface.
type Options struct {
	// Addr is where to listen; "" = 127.0.0.1:0.
	Addr string
	// AccessKey signs the tokens, at least 32 bytes; "" = wire.EmulatorKey.
	AccessKey string
	// TLS serves https and wss; nil = http and ws. It is cloned.
	TLS *tls.Config
	// Transport moves the bytes of WebSockets; "" = the system's default.
	Transport wire.Transport

	// Simulation is where to live instead of listening on a socket: WebSockets and the
	// REST API are served, event handlers and TLS are not. nil = not simulated.
	Simulation *wire.Simulation

	// RecoveryWindow is how long a reliable session lives without a WebSocket;
	// 0 = 30 s (protocol.md 4.5).
	RecoveryWindow time.Duration
	// ReplayMessages and ReplayBytes bound what a reliable session holds
	// unacknowledged; 0 = 1,000 and 16 MiB (protocol.md 4.4).
	ReplayMessages int
	ReplayBytes    int
	// OutboundMessages and OutboundBytes bound what waits to be written to one
	// client; 0 = 1,000 and 16 MiB. Messages are estimated from the bytes.
	OutboundMessages int
	OutboundBytes    int
	// AckHistory is how many successful ack ids a session remembers; 0 = 1,000.
	AckHistory int
	// MaxMessageBytes bounds one message of a client and one REST body; 0 = 1 MiB.
	MaxMessageBytes int
	// KeepAlive is the period of WebSocket pings; a client of which nothing comes
	// for a whole one is dropped. 0 = 20 s, negative = none.
	KeepAlive time.Duration

	// HandshakeTimeout is how long a client has for the header of a request, from the
	// connection on, or, where the loop accepts, for its first bytes and again for the
	// rest; 0 = 10 s. Who takes longer is dropped.
	HandshakeTimeout time.Duration
	// MaxHandshakeBytes bounds that header, 431 is the answer to a larger one; 0 = 64 KiB.
	// About 4 KiB more are put up with.
	MaxHandshakeBytes int
	// MaxHandshakes bounds the connections of which no whole header has come yet. What
	// comes on top of them is closed at once; 0 = 4,096.
	MaxHandshakes int

	// AllowKeyGenerateToken serves :generateToken to bearers of an access-key
	// token too, which the service refuses with 401 (protocol.md 7.4, row 25).
	AllowKeyGenerateToken bool
	// EntraToken is taken for a token of Microsoft Entra: its bearer may call the whole
	// REST API, :generateToken included, without a key. Whatever it looks like, it is
	// compared and not validated. "" = none.
	EntraToken string
	// ConnectedOnRecovery sends `connected` with a new reconnection token after a
	// recovery, which clients must put up with (protocol.md 4.5).
	ConnectedOnRecovery bool
	// JSONAsText gives protobuf clients JSON in text_data, as the service's documents
	// have it, instead of json_data, as its schema does (protocol.md 3.5).
	JSONAsText bool
	// AbortOnOverflow ends a client that is too slow without a close frame instead
	// of code 1008 (protocol.md 4.4).
	AbortOnOverflow bool

	// Handlers are the event handlers (protocol.md 8); without one that matches a user
	// event fails.
	Handlers []Handler
	// EventFailed is told of every event that no handler took; the error holds no
	// secret of a handler's URL. The server waits for it: it must return at once.
	// nil = only counted.
	EventFailed func(err error)

	// Web serves the paths that are none of the service's, such as a negotiate server
	// beside it; nil = 404.
	Web http.Handler

	// Delay holds every copy of a published message back for so long; acks are not
	// held. It is the residence time of a target whose latency is known.
	Delay time.Duration
	// AckDelay holds every ack back for so long.
	AckDelay time.Duration
	// RefuseRecovery is asked about every attempt to recover a session, from any
	// goroutine. A status of 400 or more is the HTTP answer to it, and no verdict
	// on the session; 0 lets the attempt pass. nil = all pass.
	RefuseRecovery func(connectionID string) (status int)
	// Lies are faults told on purpose.
	Lies Lies
	// Admin serves this machine GET /wpsbench/stats, the Stats as JSON, and GET and PUT
	// /wpsbench/lies, which says what is told and how often, and changes it:
	// {"lies": {"swap": "1/1000"}}; and POST /wpsbench/restart, see Server.Restart.
	Admin bool
}

// withDefaults fills in what is zero.
func (o Options) withDefaults() Options {
	setDefault(&o.Addr, "127.0.0.1:0")
	setDefault(&o.AccessKey, wire.EmulatorKey)
	setDefault(&o.RecoveryWindow, 30*time.Second)
	setDefault(&o.ReplayMessages, 1000)
	setDefault(&o.ReplayBytes, 16<<20)
	setDefault(&o.OutboundMessages, 1000)
	setDefault(&o.OutboundBytes, 16<<20)
	setDefault(&o.AckHistory, 1000)
	setDefault(&o.MaxMessageBytes, 1<<20)
	setDefault(&o.KeepAlive, 20*time.Second)
	setDefault(&o.HandshakeTimeout, 10*time.Second)
	setDefault(&o.MaxHandshakeBytes, 64<<10)
	setDefault(&o.MaxHandshakes, 4096)
	o.Handlers = slices.Clone(o.Handlers)
	if o.TLS != nil {
		o.TLS = o.TLS.Clone()
		o.TLS.NextProtos = []string{"http/1.1"} // a WebSocket needs it
	}
	return o
}

func setDefault[T comparable](v *T, otherwise T) {
	var zero T
	if *v == zero {
		*v = otherwise
	}
}

// validate returns every problem of o at once; it expects the defaults to be in place.
func (o Options) validate() error {
	var problems []error
	if len(o.AccessKey) < 32 || strings.TrimSpace(o.AccessKey) != o.AccessKey ||
		strings.ContainsFunc(o.AccessKey, func(r rune) bool { return r == ';' || r < ' ' || r == 0x7f }) {
		problems = append(problems, errors.New("access key: want at least 32 bytes without control characters, ';' or white space around them"))
	}
	for _, limit := range []struct {
		name  string
		value int
	}{
		{"ReplayMessages", o.ReplayMessages},
		{"ReplayBytes", o.ReplayBytes},
		{"OutboundMessages", o.OutboundMessages},
		{"OutboundBytes", o.OutboundBytes},
		{"AckHistory", o.AckHistory},
		{"MaxMessageBytes", o.MaxMessageBytes},
		{"HandshakeTimeout", int(o.HandshakeTimeout)},
		{"MaxHandshakeBytes", o.MaxHandshakeBytes},
		{"MaxHandshakes", o.MaxHandshakes},
		{"RecoveryWindow", int(o.RecoveryWindow)},
		{"Delay", int(o.Delay)},
		{"AckDelay", int(o.AckDelay)},
	} {
		if limit.value < 0 {
			problems = append(problems, fmt.Errorf("%s: must not be negative", limit.name))
		}
	}
	if o.Simulation != nil && (len(o.Handlers) > 0 || o.TLS != nil) {
		problems = append(problems, errors.New("a simulation has neither event handlers nor TLS"))
	}
	if err := o.Lies.validate(); err != nil {
		problems = append(problems, err)
	}
	for i := range o.Handlers {
		if err := o.Handlers[i].Validate(); err != nil {
			problems = append(problems, fmt.Errorf("event handler %d: %w", i+1, err))
		}
	}
	return errors.Join(problems...)
}
