// Package metrics turns what a run observes into what its record says.
//
// Data moves in one direction. A publisher stamps each payload with a [Header];
// a worker hands every send, ack and delivery of its connections to its own
// [Checker], which folds them into a few integers per subscription, and every
// latency to its own [Recorder]. Once per tick the recorder's interval goes to
// the [Collector]; after the drain each checker yields a [Shard]. [Judge] reads
// all shards together and answers what was lost, duplicated or reordered; each
// [Threshold] is evaluated over a [MetricSummary]; [Decide] combines both with
// the health of the measurement into the one [Verdict] of the [Run].
//
// The package is a leaf: it knows neither scenario files nor the wire. All ids
// (connections, publishers, groups) are the plan's dense global ones. Instants
// are time.Duration on one monotonic clock; "intended" ones count from T0, the
// start of the warm-up.
package metrics
