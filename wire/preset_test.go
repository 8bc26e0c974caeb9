package wire

import (
	"testing"
	"time"
)

// The rows are those of protocol.md 9.
func TestPresets(t *testing.T) {
	const s = time.Second
	tests := []struct {
		name        string
		sequenceAck time.Duration
		ping        time.Duration
		idle        time.Duration
		ackTimeout  time.Duration
		start       time.Duration
		retries     [3]time.Duration // pauses before them
		reconnects  []time.Duration  // pauses after a loss; the last one repeats unless ends
		ends        bool
	}{
		{"sdk-js", s, 20 * s, 120 * s, 0, 0, [3]time.Duration{s, s, s}, []time.Duration{0, s, s, s}, false},
		{"sdk-python", s, 0, 0, 30 * s, 30 * s, [3]time.Duration{s * 8 / 10, s * 16 / 10, s * 32 / 10},
			[]time.Duration{0, s * 8 / 10, s * 16 / 10, s * 32 / 10}, true},
		{"sdk-dotnet", s, 0, 0, 0, 0, [3]time.Duration{s * 8 / 10, s * 16 / 10, s * 32 / 10},
			[]time.Duration{0, s, 2 * s, 4 * s, 5 * s, 5 * s}, false},
		{"sdk-java", 5 * s, 0, 0, 30 * s, 0, [3]time.Duration{s * 8 / 10, s * 16 / 10, s * 32 / 10},
			[]time.Duration{0, s, 2 * s, 4 * s, 8 * s}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg, ok := Preset(tt.name)
			if !ok || cfg.Subprotocol != JSONReliable || cfg.Recovery.Window != 30*s || cfg.Recovery.pause() != s {
				t.Fatalf("%v, %+v", ok, cfg)
			}
			if cfg.SequenceAck != (AckPolicy{Every: tt.sequenceAck}) || cfg.Ping != tt.ping || cfg.Retry.AckTimeout != tt.ackTimeout {
				t.Errorf("got %+v", cfg)
			}
			if cfg.IdleTimeout != tt.idle || cfg.ConnectedTimeout != tt.start {
				t.Errorf("idle timeout %v, start timeout %v; want %v, %v", cfg.IdleTimeout, cfg.ConnectedTimeout, tt.idle, tt.start)
			}
			if cfg.NoRejoin || cfg.Reconnect.Disabled || cfg.Reconnect.FullJitter || cfg.Reconnect.Base == 0 {
				t.Errorf("reconnect %+v, no rejoin %v; all of them reconnect and rejoin, without jitter", cfg.Reconnect, cfg.NoRejoin)
			}
			if !cfg.Retry.NewAckID || cfg.Retry.Attempts != 3 {
				t.Errorf("retries %+v, want 3 under new ack ids", cfg.Retry)
			}
			for i, want := range tt.retries {
				if got := cfg.Retry.pause(i); got != want {
					t.Errorf("pause before retry %d is %v, want %v", i+1, got, want)
				}
			}
			session := NewSession(&cfg, nil, 1)
			for i, want := range tt.reconnects {
				if got := session.backoff(); got != want || session.exhausted() {
					t.Errorf("pause before attempt %d is %v (exhausted %v), want %v", i+1, got, session.exhausted(), want)
				}
			}
			session.backoff()
			if session.exhausted() != tt.ends {
				t.Errorf("exhausted after %d attempts: %v, want %v", len(tt.reconnects), session.exhausted(), tt.ends)
			}
		})
	}
	js, _ := Preset("sdk-js")
	if byDefault := NewSession(nil, nil, 1); *byDefault.cfg != js {
		t.Errorf("the default is %+v, want sdk-js", byDefault.cfg)
	}
	if _, ok := Preset("bench"); ok {
		t.Error("bench is no official client")
	}
}

func TestReconnectAttemptsRunOut(t *testing.T) {
	cfg := reliable()
	cfg.Subprotocol = JSON
	cfg.Reconnect = Backoff{AtOnce: true, Base: time.Second, Attempts: 1}
	r := readyRig(t, cfg)
	r.lost(errReset)
	r.due()
	r.want(list{"dropped", "ended one dropped", "dialing"}, list{"dial"}) // at once
	r.dialFailed(errReset)
	r.pass(time.Second)
	r.want(list{"dial failed", "dialing"}, list{"dial"})
	r.dialFailed(errReset)
	r.want(list{"dial failed", "closed"}, nil)
}

func TestIdleTimeout(t *testing.T) {
	cfg := reliable()
	cfg.Ping, cfg.IdleTimeout = 20*time.Second, 120*time.Second
	r := readyRig(t, cfg)
	r.pass(100 * time.Second)
	r.receive(`{"type":"pong"}`)
	r.reset()
	r.pass(120*time.Second - 1)
	if len(r.events) != 0 {
		t.Fatalf("events %q before the timeout", r.events)
	}
	r.reset()
	r.pass(1)
	if r.events[0] != "dropped" || r.sent[len(r.sent)-2] != "abort" || r.sent[len(r.sent)-1] != "dial" {
		t.Errorf("events %q, sent %q; want the transport given up and a recovery", r.events, r.sent)
	}
}

func TestAckTimeout(t *testing.T) {
	cfg := reliable()
	cfg.Retry = RetryPolicy{Attempts: 1, NewAckID: true, AckTimeout: 30 * time.Second}
	r := readyRig(t, cfg)
	r.publish("a", 7)
	r.pass(10 * time.Second)
	r.publish("b", 8)
	r.receive(ack(2))
	r.reset()
	r.pass(21*time.Second - 1)
	r.want(nil, nil)
	r.pass(1)
	r.want(list{"retried 3 tag 7"}, list{send("a", "3")})
	r.receive(ack(1)) // late: the first attempt has been given up
	r.want(nil, nil)
	if got := r.s.Stats().LateAcks; got != 1 {
		t.Errorf("late acks %d, want 1", got)
	}
	r.receive(ack(1))
	r.want(list{"unexpected ack 1"}, nil)
	r.pass(30 * time.Second)
	r.want(list{"unanswered 3 tag 7"}, nil)
	r.pass(time.Hour)
	r.want(nil, nil)
}
