package scenario

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// MaxFileBytes is the largest scenario file that is read.
const MaxFileBytes = 1 << 20

// The subprotocols a population can speak (protocol.md 1.4).
const (
	ProtocolJSON             = "json.webpubsub.azure.v1"
	ProtocolJSONReliable     = "json.reliable.webpubsub.azure.v1"
	ProtocolProtobuf         = "protobuf.webpubsub.azure.v1"
	ProtocolProtobufReliable = "protobuf.reliable.webpubsub.azure.v1"
	// ProtocolSimple is the absence of one: bare payloads (protocol.md 6).
	ProtocolSimple = "simple"
	// ProtocolREST is no subprotocol: the population publishes over the REST API.
	ProtocolREST = "rest"
)

// reliable says whether the service keeps messages until they are acknowledged.
func reliable(protocol string) bool {
	return protocol == ProtocolJSONReliable || protocol == ProtocolProtobufReliable
}

// Scenario is a decoded file with every default filled in. Slices stand in the
// order of the file. Treat it as read-only: a [Plan] refers to it.
type Scenario struct {
	File      string   // as given to Load or Parse
	Text      []byte   // the file as written: ${NAME} is never resolved here
	Overrides []string // the changes that were made to it, as --set arguments, in order

	Name string
	Note string
	Tags map[string]string

	Protocol string // subprotocol of the populations that name none
	Seed     uint64 // root of every random choice; default 1

	Target      Target
	Upstream    Upstream
	Groups      []Family
	Populations []Population
	Phases      Phases
	Faults      []Fault
	Checks      Checks
	Thresholds  []Threshold
	Scales      []string // paths of what --scale multiplies

	places places
}

// Protocols are those of the populations, each once, in the file's order.
func (s *Scenario) Protocols() []string {
	var list []string
	for i := range s.Populations {
		if p := s.Populations[i].Protocol; !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	return list
}

// population is the index of the population of that name, -1 without one.
func (s *Scenario) population(name string) int {
	return slices.IndexFunc(s.Populations, func(p Population) bool { return p.Name == name })
}

// Pos is a place in the file, counted from 1 in lines and characters. The zero
// Pos belongs to what stands in no file: a default, or a --set.
type Pos struct{ Line, Column int }

// Target says where to connect. Its texts may hold ${NAME} or start with @file;
// whoever connects resolves them, so that no secret gets into a record.
type Target struct {
	Set bool // false: the embedded emulator

	ConnectionString string
	URL              string // ws:// or wss://, may carry a token
	Negotiate        string // http:// or https://; {user} stands for the user id
	Endpoint         string // http:// or https:// of a service whose key is not known, with
	EntraToken       string // a token of Microsoft Entra for it: the service signs client tokens
	Hub              string

	TLS     TLS
	Headers map[string]string // sent with the upgrade request
	Pos     Pos
}

// Upstream is an event handler that the harness hosts (protocol.md 8). The embedded
// emulator calls it by itself; a service must have it registered for the hub.
type Upstream struct {
	Set    bool
	Listen string // host:port; no host = every interface, port 0 = a free one
	Reply  string // echo: every user event is answered with its payload
	Pos    Pos
}

// hasREST says whether the target's REST API can be called.
func (t *Target) hasREST() bool { return !t.Set || t.ConnectionString != "" || t.EntraToken != "" }

// signs says whether the harness makes the clients' tokens, or has the service make them.
func (t *Target) signs() bool { return t.hasREST() && t.Negotiate == "" && t.URL == "" }

// tellsUsers says whether the sessions have the users of the scenario.
func (t *Target) tellsUsers() bool {
	return t.signs() || strings.Contains(t.Negotiate, "{user}") || strings.Contains(t.Negotiate, "${") || strings.HasPrefix(t.Negotiate, "@")
}

// TLS changes how the target's certificate is checked. The zero value is the
// system's roots and the host of the URL.
type TLS struct {
	CA         string // PEM file that replaces the system's roots
	ServerName string
	Insecure   bool // accept any certificate
}

// Family is a set of groups with one name. Either Count is given and the groups
// are called after the family, or Names lists them and Count is its length.
type Family struct {
	Name  string
	Count int
	Names []string
	Pos   Pos `json:"-"`
}

// Group names the i-th group of the family, 0 ≤ i < Count. Numbers are padded to
// the digits of Count and at least 3: room-000 … room-099.
func (f *Family) Group(i int) string {
	if len(f.Names) > 0 {
		return f.Names[i]
	}
	return fmt.Sprintf("%s-%0*d", f.Name, max(3, digits(f.Count)), i)
}

// groupBytes is the length of Group(i).
func (f *Family) groupBytes(i int) int {
	if len(f.Names) > 0 {
		return len(f.Names[i])
	}
	return len(f.Name) + 1 + max(3, digits(f.Count))
}

func digits(n int) int {
	d := 1
	for n >= 10 {
		n, d = n/10, d+1
	}
	return d
}

// Population is a number of connections that behave alike.
type Population struct {
	Name        string
	Protocol    string
	Connections int
	ConnectRate Rate // default 100/s; populations connect side by side
	Join        []Join
	Client      Client
	Publish     *Publish // nil: its connections only listen
	Users       string   // user id; {n} stands for the connection's id. Default user-{n}
	Roles       []string // of the token; default: what Join and Publish need, for any group
	Churn       *Churn   `json:",omitempty"` // nil: its sessions stay
	PayloadFile string   // fills payloads behind the header instead of seeded text
	Pos         Pos      `json:"-"`
}

// Join makes each connection join Count groups of a family, dealt evenly.
type Join struct {
	Family string
	Count  int
}

// Client is the behaviour of the client that is imitated.
type Client struct {
	Preset        string        // bench, sdk-js, sdk-python, sdk-dotnet or sdk-java
	AckMessages   int           // a sequenceAck leaves after so many messages (0 = by time only) …
	AckEvery      time.Duration // … or this long after the first unacknowledged one
	ReconnectBase time.Duration // delay before the first attempt after a drop
	ReconnectMax  time.Duration // the delay doubles up to this
	FullJitter    bool          // each delay is drawn between 0 and its value

	Ping        time.Duration `json:",omitzero"` // a keep-alive leaves after so long a silence, of either side with IdleTimeout; 0 = none
	IdleTimeout time.Duration `json:",omitzero"` // a connection over which nothing came for so long is given up; 0 = never

	RecoveryWindow time.Duration `json:",omitzero"` // a dropped session is given up after so long; 0 = 30 s
	RecoveryPause  time.Duration `json:",omitzero"` // between two attempts to recover, the first is made at once; 0 = 1 s
}

// Publish is what a population sends.
type Publish struct {
	To []string // families; empty: the joined ones
	// Audience, when given, is who gets each message instead of groups; To is empty then.
	Audience Audience `json:",omitzero"`
	// Event, when given, names the user event that carries each message to the event
	// handler, whose echo the connection expects; To is empty then.
	Event string `json:",omitempty"`
	// TTL is when the service may drop a message that a slow client has not got; 0 = never.
	TTL       time.Duration     `json:",omitzero"`
	Metadata  map[string]string `json:",omitempty"` // delivered beside the data
	Rate      Rate              // each sender's mean; 0 when TotalRate is given
	TotalRate Rate              // all senders together; 0 when Rate is given
	Senders   Share             // the first so many connections; default all
	Arrival   Arrival
	Ack       bool // ask for an ack; default true
	NoEcho    bool
	DataType  string // text (default), json or binary
	Size      int    // payload bytes before JSON quoting or base64; default 128
	Pos       Pos    `json:"-"`
}

// The values of [Arrival.Kind].
const (
	ArrivalConstant = "constant"
	ArrivalPoisson  = "poisson"
	ArrivalBurst    = "burst"
)

// Arrival says how the instants of one sender's messages lie around its mean rate.
type Arrival struct {
	Kind   string
	Burst  int           // messages of a burst; a burst comes every Burst/rate
	Within time.Duration // its messages are spread evenly over this time
}

// Rate is a number per second.
type Rate float64

// Share is a part of a population, as a count or in percent.
type Share struct {
	Count     int
	Percent   float64 // 0 < Percent ≤ 100
	IsPercent bool
}

// Of returns the share of n: a percentage is rounded to the nearest whole number
// and is at least 1 of a population that has any.
func (s Share) Of(n int) int {
	if !s.IsPercent {
		return min(s.Count, n)
	}
	return min(n, max(1, int(float64(n)*s.Percent/100+0.5)))
}

// Phases are the lengths of a run's phases after everybody is connected.
type Phases struct {
	Warmup time.Duration
	Stages []Stage       // the steady state; a single one is called steady
	Drain  time.Duration // a maximum: the drain ends when everything has arrived
}

// Steady is the length of the steady state, all stages together.
func (p *Phases) Steady() time.Duration {
	var d time.Duration
	for i := range p.Stages {
		d += p.Stages[i].For
	}
	return d
}

// NeedsREST says whether the run uses the target's REST API, for which it needs the
// access key or an Entra token.
func (s *Scenario) NeedsREST() bool {
	return slices.ContainsFunc(s.Faults, func(f Fault) bool { return f.needsREST() }) ||
		slices.ContainsFunc(s.Populations, func(p Population) bool { return p.Protocol == ProtocolREST })
}

// Stage is a part of the steady state with its own multiple of every rate.
type Stage struct {
	Name   string
	For    time.Duration
	Factor float64
	Pos    Pos `json:"-"`
}

// Checks choose how strictly delivery is judged (design.md 7.4).
type Checks struct {
	Profile string // spec, strict, or empty: strict for the embedded target, else spec
	// Pairs bounds the pairs of a publisher's group and a subscriber that are judged
	// message by message: if there are more, a sample of the subscribers is; 0 = no bound.
	Pairs int
}

// Threshold is one limit, in k6's grammar.
type Threshold struct {
	Metric string
	Expr   string // as written

	Aggregate string  // avg min med max p count rate
	Quantile  float64 // of p: 0 < Quantile < 1
	Op        string  // < <= > >= == !=
	Limit     float64 // microseconds for times, else a plain number

	During      string // a phase, stage or fault, or calm; empty: the metric's usual window
	Population  string // empty: all
	AbortOnFail bool
	Pos         Pos
}

// Options change a file while it is read.
type Options struct {
	// Scale multiplies what the file's scales names, before Set: 1% or x0.01. Empty: nothing.
	Scale string
	// Set holds PATH=VALUE edits, applied to the tree before it is decoded:
	// phases.steady=5s, faults.0.at=2s.
	Set []string
	// Target replaces target: in the file, all but its hub, before Set. It is emulator, a
	// connection string (literal, ${NAME} or @file), a ws:// or wss:// URL, or the
	// http:// or https:// URL of a negotiate endpoint.
	Target string
}

// embeddedTarget is the Options.Target that means no target: the embedded emulator.
const embeddedTarget = "emulator"

// Load reads and parses a file. The error is a [Problems] when the file's
// content is at fault, and wraps the operating system's when it cannot be read.
func Load(file string, o Options) (*Scenario, error) {
	src, err := ReadFile(file)
	if err != nil {
		return nil, err
	}
	return Parse(file, src, o)
}

// ReadFile reads a scenario file, up to one byte more than [Parse] takes.
func ReadFile(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("open scenario: %w", err)
	}
	defer func() { _ = f.Close() }()
	src, err := io.ReadAll(io.LimitReader(f, MaxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read scenario %s: %w", file, err)
	}
	return src, nil
}

// Parse decodes and validates src; file is only its name in messages. The error
// is a [Problems] with every mistake of file and options. The scenario is
// returned also with problems as long as src is YAML, for tools that show it.
func Parse(file string, src []byte, o Options) (*Scenario, error) {
	root, problem := readTree(file, src)
	if problem != nil {
		return nil, Problems{*problem}
	}
	if root == nil {
		return nil, Problems{{File: file, Message: "the file holds no scenario"}}
	}
	d := &decoder{places: places{}}
	if o.Target != "" && o.Target != embeddedTarget && root.kind == mapping {
		overrideTarget(root, o.Target)
	}
	overrides := o.Set
	if o.Scale != "" && root.kind == mapping {
		scaled, problems := applyScale(root, o.Scale)
		d.problems = append(d.problems, problems...)
		overrides = slices.Concat(scaled, o.Set)
	}
	for _, arg := range o.Set {
		if p := applySet(root, arg); p != nil {
			d.problems = append(d.problems, *p)
		}
	}
	assignPaths(root, "")
	s := &Scenario{File: file, Text: src, Overrides: overrides, places: d.places}
	d.scenario(root, s)
	if o.Target == embeddedTarget {
		s.Target = Target{Hub: s.Target.Hub}
	}
	problems := d.problems
	if root.kind == mapping {
		for _, p := range s.Validate() {
			if !d.places.spoiled(p.path) {
				problems = append(problems, p)
			}
		}
	}
	if len(problems) == 0 {
		return s, nil
	}
	problems.sort()
	return s, problems
}
