package runner

import (
	"testing"
	"time"
)

// Until its acknowledgements are surely there, the service may keep all that it has sent:
// of a rush from the first id on, both ends included, otherwise of the last moments before
// the socket was lost.
func TestKept(t *testing.T) {
	t.Parallel()
	const hour = time.Hour
	type message struct {
		at        time.Duration
		id, acked uint64
	}
	after := func(f freshAcks, all ...message) freshAcks {
		for _, m := range all {
			f.data(m.at, m.id, m.acked)
		}
		return f
	}
	begun := func(f freshAcks, now time.Duration, acked uint64) freshAcks {
		f.begin(now, acked)
		return f
	}
	resumed := after(ackedBefore(hour, 10, true), message{hour, 11, 10}, message{hour, 12, 10})
	later := after(resumed, message{hour + ackTravel, 21, 20})
	steady := after(ackedBefore(hour, 0, false), message{hour, 1, 0}, message{hour + ackAge, 51, 40}, message{hour + 2*ackAge - 1, 90, 80})
	for _, row := range []struct {
		name           string
		f              freshAcks
		at             time.Duration
		acked, unacked uint64
		want           uint64
	}{
		{"a new connection", ackedBefore(hour, 0, false), hour, 0, 0, 0},
		{"a new connection, unacknowledged", ackedBefore(hour, 0, false), hour, 0, 7, 7},
		{"resumed: nothing has come", ackedBefore(hour, 500, true), hour, 500, 0, 0},
		{"resumed: the first alone", resumed, hour, 10, 1, 1},
		{"resumed: ten", resumed, hour + time.Second, 20, 0, 10},
		{"resumed: as long as it may take", later, hour + ackTravel, 21, 0, 11},
		{"resumed: longer", later, hour + ackTravel + 1, 21, 0, 1},
		{"resumed: longer, and long since the last", later, hour + 2*ackTravel, 21, 0, 0},
		{"none were sent for a while", begun(ackedBefore(hour, 40, false), hour+time.Minute, 40), hour + time.Minute + ackTravel, 60, 0, 20},
		{"none were sent right after a recovery", begun(resumed, hour+time.Second, 12), hour + ackTravel + 1, 20, 0, 10},
		{"steady: two marks ago", steady, hour + 2*ackAge - 1, 90, 0, 90},
		{"steady: the last mark is old enough", steady, hour + 2*ackAge, 85, 5, 50},
		{"steady: all are old", steady, hour + 3*ackAge, 85, 5, 5},
		{"steady: lost before the last mark", steady, hour, 85, 5, 90},
		{"steady: a mark later", after(steady, message{hour + 2*ackAge, 91, 85}), hour + 2*ackAge, 91, 0, 51},
		{"steady: after a pause", after(steady, message{hour + 4*ackAge, 91, 90}), hour + 4*ackAge, 91, 0, 1},
	} {
		if got := row.f.kept(row.at, row.acked, row.unacked); got != row.want {
			t.Errorf("%s: %d, want %d", row.name, got, row.want)
		}
	}
}
