package metrics

// Metric is a latency that is recorded into histograms, in nanoseconds.
type Metric uint8

// The metrics.
const (
	// E2ELatency: intended send to arrival, per delivered copy.
	E2ELatency Metric = iota
	// E2EService: actual send to arrival, per delivered copy.
	E2EService
	// AckLatency: intended send to ack, per publish.
	AckLatency
	// AckRTT: actual send to ack, per publish.
	AckRTT
	// ConnectTime: dial to `connected`, per connection.
	ConnectTime
	// JoinRTT: join request to join ack.
	JoinRTT
	// RecoveryTime: drop detected to caught up.
	RecoveryTime
	// OutageTime: drop to caught up, detection included.
	OutageTime
	// ScheduleLag: intended to actual send, per publish.
	ScheduleLag
	// AckClosed is the closed view of AckRTT: only of those publishes that a script
	// would have made which waits for each ack before it sends again. It is shown for
	// what it hides, and no limit can be set on it.
	AckClosed
	// ReceiveDelay: kernel arrival to read, of the sockets that are sampled.
	ReceiveDelay

	metricCount
)

// metricInfos: basis says where a metric's clock starts: at the intended or the
// actual send, or at another event.
var metricInfos = [metricCount]struct{ name, basis string }{
	E2ELatency:   {"e2e_latency", "intended"},
	E2EService:   {"e2e_service", "sent"},
	AckLatency:   {"ack_latency", "intended"},
	AckRTT:       {"ack_rtt", "sent"},
	ConnectTime:  {"connect_time", "event"},
	JoinRTT:      {"join_rtt", "sent"},
	RecoveryTime: {"recovery_time", "event"},
	OutageTime:   {"outage_time", "event"},
	ScheduleLag:  {"schedule_lag", "intended"},
	AckClosed:    {"ack_closed", "sent"},
	ReceiveDelay: {"receive_delay", "event"},
}

// String is the metric's name in scenarios and records.
func (m Metric) String() string { return metricInfos[m].name }

// Basis is where the metric's clock starts: intended, sent or event.
func (m Metric) Basis() string { return metricInfos[m].basis }

// PerSession says that the metric is of what happens to a session now and then: it is
// reported for the whole run, not for steady state.
func (m Metric) PerSession() bool {
	switch m {
	case ConnectTime, JoinRTT, RecoveryTime, OutageTime:
		return true
	default:
		return false
	}
}

// Metrics are all of them, in order.
func Metrics() []Metric {
	all := make([]Metric, metricCount)
	for i := range all {
		all[i] = Metric(i)
	}
	return all
}

// ParseMetric finds a metric by its name.
func ParseMetric(name string) (m Metric, ok bool) {
	for m := range metricCount {
		if metricInfos[m].name == name {
			return m, true
		}
	}
	return 0, false
}
