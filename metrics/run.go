package metrics

import "time"

// SchemaVersion is that of the Run record: minor adds keys, major removes. Before the
// first release a minor may also change the form of a key, and older ones are read.
const SchemaVersion = "1.1"

// Run is the record of one finished run, and the whole of it: every report is a
// pure function of this value. Its JSON form is described by the schema that
// `wpsbench schema run` prints. Times since the start of the run are seconds
// (`_s`); latencies are whole microseconds (`_us`); absent is null, never 0.
type Run struct {
	Kind          string            `json:"kind"` // "wpsbench.run"
	SchemaVersion string            `json:"schema_version"`
	Info          RunInfo           `json:"run"`
	Verdict       Verdict           `json:"verdict"`
	Thresholds    []ThresholdResult `json:"thresholds"`
	Checks        []CheckResult     `json:"checks"`
	Totals        Totals            `json:"totals"`
	// Metrics is steady state, and the whole run for connect_time, join_rtt,
	// recovery_time and outage_time; Phases holds every phase, warm-up and drain too.
	Metrics     map[string]*MetricSummary `json:"metrics"`
	Phases      []PhaseResult             `json:"phases"`
	Populations []PopulationResult        `json:"populations"`
	Incidents   []Incident                `json:"incidents"`
	Injections  Injections                `json:"injections"`
	Connections Connections               `json:"connections"`
	Groups      Groups                    `json:"groups"`
	Series      Series                    `json:"series"`
	Events      []RunEvent                `json:"events"`
	Health      Health                    `json:"health"`
	Environment Environment               `json:"environment"`
	Scenario    ScenarioText              `json:"scenario"`
	Profile     string                    `json:"profile"` // "strict" or "spec"
	Residue     []Residue                 `json:"residue"`
}

// RunInfo names a run and says how far it came.
type RunInfo struct {
	ID        string            `json:"id"`
	Name      string            `json:"name"`
	Note      string            `json:"note,omitempty"`
	Tags      map[string]string `json:"tags,omitempty"`
	StartedAt time.Time         `json:"started_at"`
	EndedAt   time.Time         `json:"ended_at"`
	DurationS float64           `json:"duration_s"`
	Status    string            `json:"status"` // completed, interrupted, aborted
	Seed      uint64            `json:"seed"`
	Command   []string          `json:"command"` // redacted
	// Load is the planned load in words' numbers, for the headline figures.
	Load Load `json:"load"`
}

// Load is what the plan asked for, in steady state at rate x1.
type Load struct {
	Connections      int     `json:"connections"`
	Groups           int     `json:"groups"`
	PublishesPerS    float64 `json:"publishes_per_s"`
	DeliveriesPerS   float64 `json:"deliveries_per_s"`
	PayloadBytes     int     `json:"payload_bytes"` // largest population's
	DeliveredPerS    float64 `json:"delivered_per_s"`
	PublishedPerS    float64 `json:"published_per_s"`
	PeakMemoryBytes  uint64  `json:"peak_memory_bytes"` // of the harness process
	CPUSeconds       float64 `json:"cpu_s"`
	TargetCPUSeconds float64 `json:"target_cpu_s,omitempty"`
}

// Verdict heads a run. Result is one of violated, invalid_run, degraded, fail,
// inconclusive, pass, not_run.
type Verdict struct {
	Result   string   `json:"result"`
	ExitCode int      `json:"exit_code"`
	Headline string   `json:"headline"`
	Reasons  []Reason `json:"reasons"`
}

// Reason is one ground for the verdict; Ref is a JSON pointer into the record.
type Reason struct {
	Code     string `json:"code"`
	Severity string `json:"severity"` // fail, warn, info
	Text     string `json:"text"`
	Ref      string `json:"ref"`
}

// ThresholdResult is one limit, judged. Times are microseconds whatever the unit written.
type ThresholdResult struct {
	Metric      string   `json:"metric"`
	Expr        string   `json:"expr"`
	Phase       string   `json:"phase"` // steady, a stage, a fault, calm
	Population  string   `json:"population,omitempty"`
	Measured    *float64 `json:"measured"`
	Limit       float64  `json:"limit"`
	Unit        string   `json:"unit"` // us, count, per_s, ratio
	MarginRatio *float64 `json:"margin_ratio"`
	Result      string   `json:"result"` // pass, fail, not_judged, no_samples
	Source      Source   `json:"source"`
	BuiltIn     bool     `json:"built_in,omitempty"`
}

// Source is a place in the scenario file; Line 0 = not from a file.
type Source struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// CheckResult is the answer of one invariant of the delivery checker.
type CheckResult struct {
	ID            string    `json:"id"`
	Name          string    `json:"name"`
	Profile       string    `json:"profile"`
	Result        string    `json:"result"` // ok, violated, unknown, not_exercised
	Checked       uint64    `json:"checked"`
	Violations    uint64    `json:"violations"`
	CoverageRatio float64   `json:"coverage_ratio"`
	Reason        string    `json:"reason,omitempty"`
	Examples      []Example `json:"examples"` // at most 20
	// WithoutExample is how many violations there are beyond the examples.
	WithoutExample uint64 `json:"without_example,omitempty"`
}

// Example is one offence in context.
type Example struct {
	TS              float64 `json:"t_s"`
	Group           string  `json:"group"`
	Publisher       int     `json:"publisher"`  // global id; -1 = unknown
	Subscriber      int     `json:"subscriber"` // global connection id
	ExpectedMessage uint64  `json:"expected_message"`
	GotMessage      uint64  `json:"got_message"`
	SequenceID      uint64  `json:"sequence_id"`
	Incident        string  `json:"incident,omitempty"`
	// Context is what the subscriber saw around the offence, a line each: at most 12 up to
	// it, and 4 after a line that marks it.
	Context []string `json:"context,omitempty"`
	// Arrivals are the messages of that publisher in that group that the subscriber got
	// around it, in the order in which they came: at most 12 up to it and 4 after it.
	Arrivals []Arrival `json:"arrivals,omitempty"`
}

// Arrival is one message at a subscriber.
type Arrival struct {
	TS         float64 `json:"t_s"`
	Message    uint64  `json:"message"`
	SequenceID uint64  `json:"sequence_id"` // 0 = without reliability
	Replayed   bool    `json:"replayed,omitempty"`
}

// Totals cover every message of the run, whatever the phase.
type Totals struct {
	Publishes  Publishes  `json:"publishes"`
	Deliveries Deliveries `json:"deliveries"`
	Outcomes   Outcomes   `json:"outcomes"`
	Bytes      Bytes      `json:"bytes"`
	Messages   Messages   `json:"messages"`
	// Coverage is nil when the whole of the generator reported to its end.
	Coverage *Coverage `json:"coverage,omitempty"`
}

// Coverage says of which part of the generator figures are, when the rest was lost: its
// processes reported until then, and what they had not yet reported is missing.
type Coverage struct {
	Processes       int `json:"processes"`
	LostProcesses   int `json:"lost_processes"`
	Connections     int `json:"connections"` // planned
	LostConnections int `json:"lost_connections"`
}

// Publishes counts requests: Scheduled = Sent + Dropped, Sent = OK + Fail + Indeterminate.
type Publishes struct {
	Scheduled     uint64 `json:"scheduled"`
	Sent          uint64 `json:"sent"`
	OK            uint64 `json:"ok"`
	Fail          uint64 `json:"fail"`
	Indeterminate uint64 `json:"indeterminate"`
	Errored       uint64 `json:"errored"` // of Indeterminate: answered, with an error that leaves the delivery open
	Dropped       uint64 `json:"dropped"` // never sent: past the lag limit, or still queued at the end
	// Absent came due while their session was away by churn: not scheduled, and not sent.
	Absent    uint64 `json:"absent,omitempty"`
	Resent    uint64 `json:"resent"` // extra sends with an old ack id
	Duplicate uint64 `json:"duplicate"`
}

// Deliveries counts copies. Expected = Delivered + Lost + Undelivered + Excused.Total().
// Recovered (indeterminate, yet delivered) are part of Delivered.
type Deliveries struct {
	Expected        uint64  `json:"expected"`
	Delivered       uint64  `json:"delivered"`
	Lost            uint64  `json:"lost"`
	Undelivered     uint64  `json:"undelivered"`
	Excused         Excused `json:"excused"`
	Duplicated      uint64  `json:"duplicated"`
	Reordered       uint64  `json:"reordered"`
	Unexpected      uint64  `json:"unexpected"`
	Foreign         uint64  `json:"foreign"`
	Corrupt         uint64  `json:"corrupt"` // with a damaged header or padding
	Recovered       uint64  `json:"recovered"`
	ClientRetry     uint64  `json:"client_retry"` // twice or late because the publishing client sent it again
	RedundantReplay uint64  `json:"redundant_replay"`
	Replayed        uint64  `json:"replayed"`
}

// Excused counts missing copies that the subprotocol does not promise, by why.
type Excused struct {
	Disconnect   uint64 `json:"disconnect"`
	JoinRace     uint64 `json:"join_race"`
	Rejected     uint64 `json:"rejected"`
	SessionEnded uint64 `json:"session_ended"`
	Overflow     uint64 `json:"overflow"`
	// Unacknowledged: the publisher never learned the outcome, so nothing was promised.
	Unacknowledged uint64 `json:"unacknowledged"`
}

// Total is the sum over all classes.
func (e Excused) Total() uint64 {
	return e.Disconnect + e.JoinRace + e.Rejected + e.SessionEnded + e.Overflow + e.Unacknowledged
}

// Outcomes is the acknowledged × delivered matrix over expected copies.
type Outcomes struct {
	AckedDelivered   uint64 `json:"acked_delivered"`
	AckedMissing     uint64 `json:"acked_missing"`
	UnackedDelivered uint64 `json:"unacked_delivered"`
	UnackedMissing   uint64 `json:"unacked_missing"`
}

// Bytes counts WebSocket bytes of the harness, and payload bytes within them.
type Bytes struct {
	Sent            uint64 `json:"sent_bytes"`
	Received        uint64 `json:"received_bytes"`
	PayloadSent     uint64 `json:"payload_sent_bytes"`
	PayloadReceived uint64 `json:"payload_received_bytes"`
}

// Messages counts protocol messages of the harness by kind.
type Messages struct {
	SequenceAcks uint64 `json:"sequence_acks"`
	Pings        uint64 `json:"pings"`
	Pongs        uint64 `json:"pongs"`
	Unknown      uint64 `json:"unknown"` // well-formed messages of a kind we do not know
}

// PopulationResult holds the totals of one population: publishes of its members,
// deliveries to its members.
type PopulationResult struct {
	Name        string  `json:"name"`
	Subprotocol string  `json:"subprotocol"`
	Connections int     `json:"connections"`
	Totals      Totals  `json:"totals"`
	ReachRatio  float64 `json:"reach_ratio"`
}

// MetricSummary describes one metric over one window.
type MetricSummary struct {
	Unit        string            `json:"unit"`  // "us"
	Basis       string            `json:"basis"` // intended, sent, event
	Phase       string            `json:"phase"`
	Count       uint64            `json:"count"`
	Min         *int64            `json:"min"` // nil without samples
	Mean        *float64          `json:"mean"`
	Max         *int64            `json:"max"`
	Percentiles map[string]*int64 `json:"percentiles"` // p50 p90 p95 p99 p99_9; nil = not enough samples or censored
	// CI95 are the 95 % intervals of Percentiles, each [low, high] in Unit; absent below a
	// minute of steady state.
	CI95       map[string][]int64 `json:"ci95,omitempty"`
	Censored   uint64             `json:"censored"` // never delivered: +∞ in the percentiles
	OutOfRange uint64             `json:"out_of_range"`
	Negative   uint64             `json:"negative"`
	// Histogram is nil without samples. In a document, that of a phase is null as well
	// where Run.Metrics holds the very same one.
	Histogram *EncodedHistogram `json:"histogram"`
}

// EncodedHistogram is an HDR histogram in the interchange encoding V2.
type EncodedHistogram struct {
	Encoding string `json:"encoding"` // "hdr-v2-deflate-base64"
	Unit     string `json:"unit"`     // "ns": what the histogram's values are
	Digits   int    `json:"digits"`
	Lowest   int64  `json:"lowest"`
	Highest  int64  `json:"highest"`
	Data     string `json:"data"`
}

// PhaseResult is one phase (connect, warmup, each stage of steady, drain).
type PhaseResult struct {
	Name    string                    `json:"name"`
	StartS  float64                   `json:"start_s"`
	EndS    float64                   `json:"end_s"`
	Steady  bool                      `json:"steady"`
	Metrics map[string]*MetricSummary `json:"metrics"`
}

// Connections tells who got in, who fell out and why.
type Connections struct {
	Funnel       Funnel        `json:"funnel"`
	CloseReasons []CloseReason `json:"close_reasons"`
	Budget       *Budget       `json:"budget,omitempty"`
}

// Funnel counts sessions by how far they came, and what happened to them.
type Funnel struct {
	Planned        int    `json:"planned"`
	Attempted      int    `json:"attempted"`
	Opened         int    `json:"opened"`
	Connected      int    `json:"connected"`
	Joined         int    `json:"joined"`
	AtEnd          int    `json:"at_end"`
	FailedDials    uint64 `json:"failed_dials"`
	Recovered      uint64 `json:"recovered"`
	NewConnections uint64 `json:"new_connections"`
	// By churn, that is on purpose: they are neither drops nor new connections after one.
	SessionsLeft     uint64 `json:"sessions_left,omitempty"`
	SessionsReturned uint64 `json:"sessions_returned,omitempty"`
	GroupsLeft       uint64 `json:"groups_left,omitempty"`
	GroupsRejoined   uint64 `json:"groups_rejoined,omitempty"`
	GroupsSwitched   uint64 `json:"groups_switched,omitempty"` // left to join another one instead

	Drops            uint64 `json:"drops"`
	UninjectedDrops  uint64 `json:"uninjected_drops"`
	FailedJoins      uint64 `json:"failed_joins"`
	ProtocolErrors   uint64 `json:"protocol_errors"`
	RefusedRecovery  uint64 `json:"refused_recovery"`
	RecoveryTimeouts uint64 `json:"recovery_timeouts"`
}

// CloseReason counts the ends of transports by who ended them and how.
type CloseReason struct {
	Side  string `json:"side"` // us, peer
	Code  int    `json:"code"` // 0 = no close frame
	Text  string `json:"text"`
	Count uint64 `json:"count"`
}

// Groups says how far publishes reached.
type Groups struct {
	Count      int          `json:"count"`
	ReachRatio float64      `json:"reach_ratio"`
	Worst      []GroupReach `json:"worst"` // incomplete ones, at most 50
	// Fanout is nil when no message of steady state had several subscribers.
	Fanout *Fanout `json:"fanout,omitempty"`
}

// GroupReach is one incomplete group.
type GroupReach struct {
	Name      string `json:"name"`
	Members   int    `json:"members"`
	Expected  uint64 `json:"expected"`
	Delivered uint64 `json:"delivered"`
}

// Series is columnar: Columns["t_s"][i] is the start of interval i, every other
// column has the same length; nil = no samples in that interval. In the record of a run
// of more than SeriesPoints seconds an interval is several, see Coalesced.
type Series struct {
	IntervalS float64               `json:"interval_s"`
	Columns   map[string][]*float64 `json:"columns"`
	Heatmap   *Heatmap              `json:"heatmap"`
}

// Heatmap counts e2e latencies. Cells holds runs of neighbours: column (interval), row,
// and the counts of that row and of those above it, none of them 0. Row r holds
// [1 µs × 2^(r/rows_per_octave), …).
type Heatmap struct {
	RowsPerOctave int       `json:"rows_per_octave"`
	Cells         [][]int64 `json:"cells"`
}

// Each calls fn for every cell. Runs without a count are left out.
func (h *Heatmap) Each(fn func(column, row, count int64)) {
	for _, run := range h.Cells {
		for i := 2; i < len(run); i++ {
			fn(run[0], run[1]+int64(i-2), run[i])
		}
	}
}

// RunEvent is one line of the run's log.
type RunEvent struct {
	TS   float64 `json:"t_s"`
	Kind string  `json:"kind"` // phase, fault, gate, violation, note
	Text string  `json:"text"`
	Ref  string  `json:"ref,omitempty"`
}

// Health says whether the measurement can be trusted.
type Health struct {
	Result       string   `json:"result"`      // valid, warn, invalid
	BadWindows   int      `json:"bad_windows"` // bad by any gate
	Windows      int      `json:"windows"`     // seconds of steady state, from FromS on
	FromS        float64  `json:"from_s"`
	Untrusted    []Span   `json:"untrusted"` // the bad ones, neighbours joined
	Gates        []Gate   `json:"gates"`
	Clock        Clock    `json:"clock"`
	CeilingPerS  *float64 `json:"ceiling_per_s"`
	MaxLagMicros int64    `json:"max_lag_us"`
	PushBack     PushBack `json:"push_back"`
}

// Span is a stretch of time since the start of the run, half open.
type Span struct {
	FromS float64 `json:"from_s"`
	ToS   float64 `json:"to_s"`
}

// PushBack is the target's doing, not the generator's: publishes that came due while
// their session was attached but would take no more, because the peer did not read
// or the answers to too many others were owed.
type PushBack struct {
	Windows int    `json:"windows"` // seconds of the run in which it happened
	Held    uint64 `json:"held"`    // publishes that waited, or were never sent
}

// Gate is one condition of a trustworthy measurement.
type Gate struct {
	ID         string   `json:"id"`
	Value      *float64 `json:"value"`
	Unit       string   `json:"unit"`
	Warn       float64  `json:"warn"`
	Invalid    float64  `json:"invalid"`
	Below      bool     `json:"below,omitempty"` // bad below its limits, not above them
	Result     string   `json:"result"`          // ok, warn, invalid, not_measured
	BadWindows int      `json:"bad_windows"`
	Bad        []Span   `json:"bad"`     // the bad windows, neighbours joined
	Meaning    string   `json:"meaning"` // of the value, in words
	Advice     string   `json:"advice"`  // what helps
}

// Clock bounds the error between the two stamps of one latency.
type Clock struct {
	BoundMicros int64 `json:"bound_us"`
}

// Environment is what one would need to repeat the run.
type Environment struct {
	Tool   Tool   `json:"tool"`
	Host   Host   `json:"host"`
	Target Target `json:"target"`
	Nodes  []Node `json:"nodes"`
}

// Tool is the harness that made the record.
type Tool struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Dirty   bool   `json:"dirty"`
	Go      string `json:"go"`
}

// Host is the machine of the harness.
type Host struct {
	OS          string   `json:"os"`
	Arch        string   `json:"arch"`
	Kernel      string   `json:"kernel"`
	CPU         string   `json:"cpu"`
	Cores       int      `json:"cores"`
	QuotaCores  *float64 `json:"quota_cores"`
	MemoryBytes uint64   `json:"memory_bytes"`
	GOMAXPROCS  int      `json:"gomaxprocs"`
	GOGC        string   `json:"gogc"`
	GOMEMLIMIT  string   `json:"gomemlimit"`
	Transport   string   `json:"transport,omitempty"` // how its loops waited for their sockets: loop or goroutine; "" = not known
}

// Target is what was measured. Kind is emulator (ours, embedded), loopback or remote.
type Target struct {
	Kind        string `json:"kind"`
	Endpoint    string `json:"endpoint"` // without query and user info
	Subprotocol string `json:"subprotocol"`
	Hub         string `json:"hub"`
	// Lies is what an embedded emulator admits to having done on purpose, by switch.
	Lies map[string]uint64 `json:"lies,omitempty"`
	// Counted is what an embedded emulator counted itself: publishes, deliveries without
	// replays, recoveries and others.
	Counted map[string]uint64 `json:"counted,omitempty"`
}

// Node is one process of the generator.
type Node struct {
	PID             int    `json:"pid"`
	Connections     int    `json:"connections"`
	PeakMemoryBytes uint64 `json:"peak_memory_bytes"`
}

// ScenarioText is the scenario as written, secrets never resolved in it.
type ScenarioText struct {
	File   string `json:"file"`
	SHA256 string `json:"sha256"`
	Text   string `json:"text"`
	// Overrides are the --set values that were applied to it; what --scale multiplied is
	// there as the --set it amounts to.
	Overrides []string `json:"overrides"`
}

// Residue is one key that two runs must share to be compared.
type Residue struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}
