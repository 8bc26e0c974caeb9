package metrics

// Incident is one occurrence of an injected fault, or all the drops that nobody injected.
type Incident struct {
	ID     string   `json:"id"`
	Kind   string   `json:"kind"`
	Hit    int      `json:"hit"`
	Missed int      `json:"missed"` // injections that met a session without a transport
	StartS float64  `json:"start_s"`
	EndS   *float64 `json:"end_s"` // all caught up; nil = not before the end
	// SteadyS is the start of the first second from EndS on whose p99 end to end is at
	// most one and a half times that from before the incident; nil = it never came.
	SteadyS   *float64                 `json:"steady_s"`
	Outcomes  IncidentOutcomes         `json:"outcomes"`
	Stages    map[string]*StageSummary `json:"stages"` // detect backoff queued negotiate tcp tls upgrade connected rejoin first_data catch_up recovery outage
	CaughtUpS map[string]*float64      `json:"caught_up_s"`
	Attempts  uint64                   `json:"attempts"` // dials of the sessions hit
	Replayed  uint64                   `json:"replayed"`
	Redundant uint64                   `json:"redundant"` // of replayed: acknowledged before
	PeakPerS  float64                  `json:"peak_connects_per_s"`
	Closes    []CloseReason            `json:"closes"` // how the drops looked to the clients
}

// IncidentOutcomes says what became of the sessions that were hit.
type IncidentOutcomes struct {
	Resumed       int `json:"resumed"`
	NewConnection int `json:"new_connection"`
	GaveUp        int `json:"gave_up"`
	Overflow      int `json:"overflow"`
	Held          int `json:"held"`      // the client misbehaved, and was not dropped for it
	HitAgain      int `json:"hit_again"` // another drop came before it had caught up
	Open          int `json:"open"`      // still recovering when the run ended
}

// Total counts the sessions hit.
func (o *IncidentOutcomes) Total() int {
	return o.Resumed + o.NewConnection + o.GaveUp + o.Overflow + o.Held + o.HitAgain + o.Open
}

// StageSummary is a small distribution in microseconds; nil = above an hour.
type StageSummary struct {
	P50       *int64            `json:"p50_us"`
	P95       *int64            `json:"p95_us"`
	P99       *int64            `json:"p99_us"`
	Max       *int64            `json:"max_us"`
	N         uint64            `json:"n"`
	Histogram *EncodedHistogram `json:"histogram,omitempty"`
}

// MaxInjections bounds the injections that a record shows one by one.
const MaxInjections = 2000

// Injections is the log of the nemesis.
type Injections struct {
	Count uint64      `json:"count"`
	Log   []Injection `json:"log"` // the first MaxInjections, in the order of time
}

// Injection joins one injection with what it led to.
type Injection struct {
	TS       float64 `json:"t_s"`
	Incident string  `json:"incident"`
	Kind     string  `json:"kind"`
	Session  int     `json:"session"` // connection id of the plan
	// Effect is one of the outcomes of an incident, or missed: the session had no
	// transport; or spared: the call that should close it failed.
	Effect string `json:"effect"`
	// The close as the client saw it first; "" = there was none.
	CloseSide string `json:"close_side"` // us, peer
	CloseCode int    `json:"close_code"` // 0 = no close frame
	CloseText string `json:"close_text"`
	// Nil = not reached, or not out at all.
	DetectMicros *int64 `json:"detect_us"`
	OutageMicros *int64 `json:"outage_us"`
}
