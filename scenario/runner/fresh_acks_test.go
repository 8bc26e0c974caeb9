package runner

import (
	"testing"
	"time"
)

// Until its acknowledgements are surely there, the service may keep all that it has sent:
// of a rush from the first id on, both ends included, otherwise of the last moments.
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
	open := func(f freshAcks, now time.Duration, recovering bool) freshAcks {
		f.opened(now, recovering)
		return f
	}
	resumed := after(freshAcks{since: hour}, message{hour, 11, 10}, message{hour, 12, 10})
	steady := after(freshAcks{}, message{hour, 1, 0}, message{hour + ackAge, 51, 40}, message{hour + 2*ackAge - 1, 90, 80})
	for _, row := range []struct {
		name string
		f    freshAcks
		now  time.Duration
		seen uint64
		want uint64
	}{
		{"nothing at all", freshAcks{}, hour, 0, 0},
		{"a rush: the first alone", resumed, hour, 11, 1},
		{"a rush: ten", resumed, hour + time.Second, 20, 10},
		{"a rush: as long as it may take", after(resumed, message{hour + ackTravel, 21, 20}), hour + ackTravel, 20, 10},
		{"a rush: longer", after(resumed, message{hour + ackTravel, 21, 20}), hour + ackTravel + 1, 20, 0},
		{"a rush: seen less than the first", resumed, hour, 5, 0},
		{"after none were sent", begun(freshAcks{marked: 40, older: 40}, hour, 40), hour + ackTravel, 60, 20},
		{"on a new connection", open(steady, hour+3*ackAge, false), hour + 3*ackAge, 0, 0},
		{"resumed: the last acks may be lost", open(steady, hour+time.Minute, true), hour + time.Minute, 90, 50},
		{"resumed: until something comes", after(open(steady, hour+time.Minute, true), message{hour + time.Minute, 91, 90}), hour + time.Minute, 95, 5},
		{"right after a recovery, again none", begun(resumed, hour+time.Second, 12), hour + ackTravel + 1, 20, 10},
		{"steady: two marks ago", steady, hour + 2*ackAge - 1, 90, 90},
		{"steady: the last mark is old enough", steady, hour + 2*ackAge, 90, 50},
		{"steady: a mark later", after(steady, message{hour + 2*ackAge, 91, 85}), hour + 2*ackAge, 91, 51},
		{"steady: after a pause all are there", after(steady, message{hour + 4*ackAge, 91, 90}), hour + 4*ackAge, 91, 1},
	} {
		if got := row.f.kept(row.now, row.seen); got != row.want {
			t.Errorf("%s: %d, want %d", row.name, got, row.want)
		}
	}
}
