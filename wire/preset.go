package wire

import (
	"sync"
	"time"
)

// presets are the official client libraries as the service's protocol notes describe
// their defaults (protocol.md 9). They differ in how they retry, reconnect, acknowledge
// and keep a connection alive; what a source does not say is as in JavaScript's.
//
// All of them take a new ack id for every retry, so a drop can duplicate messages. Only
// Python's bounds its start; where none is known ConnectedTimeout keeps its default.
var presets = map[string]SessionConfig{
	"sdk-js": {
		SequenceAck: AckPolicy{Every: time.Second},
		Reconnect:   Backoff{AtOnce: true, Base: time.Second, Max: time.Second},
		Retry:       RetryPolicy{Attempts: 3, Base: time.Second, NewAckID: true},
		Ping:        20 * time.Second,
		IdleTimeout: 120 * time.Second,
	},
	"sdk-python": {
		SequenceAck: AckPolicy{Every: time.Second},
		Reconnect:   Backoff{AtOnce: true, Base: 800 * time.Millisecond, Max: 120 * time.Second, Attempts: 3},
		Retry: RetryPolicy{Attempts: 3, Base: 800 * time.Millisecond, Max: 120 * time.Second, NewAckID: true,
			AckTimeout: 30 * time.Second},
		ConnectedTimeout: 30 * time.Second,
	},
	"sdk-dotnet": {
		SequenceAck: AckPolicy{Every: time.Second},
		Reconnect:   Backoff{AtOnce: true, Base: time.Second, Max: 5 * time.Second},
		Retry:       RetryPolicy{Attempts: 3, Base: 800 * time.Millisecond, Max: 60 * time.Second, NewAckID: true},
	},
	// Java's pauses of message retries were not read: Azure.Core's defaults stand in.
	"sdk-java": {
		SequenceAck: AckPolicy{Every: 5 * time.Second},
		Reconnect:   Backoff{AtOnce: true, Base: time.Second, Max: 30 * time.Second},
		Retry: RetryPolicy{Attempts: 3, Base: 800 * time.Millisecond, Max: 60 * time.Second, NewAckID: true,
			AckTimeout: 30 * time.Second},
	},
}

// Preset returns the behaviour of an official client library on json.reliable, their
// common default: sdk-js, sdk-python, sdk-dotnet or sdk-java. It is a value to adapt.
func Preset(name string) (cfg SessionConfig, ok bool) {
	if cfg, ok = presets[name]; ok {
		cfg.Subprotocol = JSONReliable
		cfg.Recovery = RecoveryPolicy{Window: 30 * time.Second, Pause: time.Second}
	}
	return cfg, ok
}

// defaultConfig is what a Session without a configuration gets: one for all of them.
var defaultConfig = sync.OnceValue(func() *SessionConfig {
	cfg, _ := Preset("sdk-js")
	return &cfg
})
