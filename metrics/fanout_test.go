package metrics

import (
	"slices"
	"testing"
	"time"
)

// Three subscribers on two workers; the figures are counted by hand.
func TestFanoutOfShards(t *testing.T) {
	topology := &Topology{
		Groups:      []string{"a", "b"},
		Publishers:  []Publisher{{Connection: 0, Addresses: []uint32{0, 1}}},
		Subscribers: []Subscriber{{Groups: []uint32{0, 1}}, {Groups: []uint32{0}}, {Groups: []uint32{0}}},
	}
	const ms = time.Millisecond
	note := func(s *FanoutSampler, group uint32, message uint64, intended, after time.Duration) {
		s.Note(&Header{Address: group, Message: message, Intended: intended}, after)
	}
	one, two := NewFanoutSampler(1, time.Second, 0), NewFanoutSampler(1, time.Second, 0)
	note(one, 0, 1, time.Second-1, 9*time.Second) // in the warm-up
	note(one, 0, 2, time.Second, 3*ms)
	note(two, 0, 2, time.Second, 1*ms)
	note(two, 0, 2, time.Second, 8*ms)
	note(two, 0, 3, 2*time.Second, 4*ms) // one of three never came
	note(one, 0, 3, 2*time.Second, 2*ms)
	note(one, 1, 2, time.Second, 5*ms) // the same number in another group
	f := NewFanout(topology, 1, one.Shard(), two.Shard())
	if f.Publishes != 3 || f.GroupCount != 2 {
		t.Errorf("%d publishes in %d groups, want 3 in 2", f.Publishes, f.GroupCount)
	}
	for name, got := range map[string]struct {
		s         StageSummary
		p50, most int64
	}{"first": {f.First, 2000, 5000}, "median": {f.Median, 3000, 5000}, "last": {f.Last, 5000, 8000}} {
		if *got.s.P50 != got.p50 || *got.s.Max != got.most || got.s.N != 3 || got.s.P95 != nil || got.s.P99 != nil {
			t.Errorf("%s: p50 %d, max %d of %d; want %d and %d of 3, no other percentiles", name, *got.s.P50, *got.s.Max, got.s.N, got.p50, got.most)
		}
	}
	want := []GroupFanout{{"a", 3, 2, 8000}, {"b", 1, 1, 5000}}
	if !slices.Equal(f.Groups, want) {
		t.Errorf("groups %v, want %v", f.Groups, want)
	}
	if got := NewFanout(topology, 1, FanoutShard{Arrivals: one.Shard().Arrivals[2:]}); got != nil {
		t.Errorf("of single copies: %+v, want nothing", got)
	}
}

// The sample of a run, as chance would have it, fits into the room that was taken for it.
func TestFanoutRoom(t *testing.T) {
	const publishers, messages, members = 1000, 600, 10
	oneIn := FanoutOneIn(publishers * messages * members)
	s := NewFanoutSampler(oneIn, 0, publishers*messages*members)
	room := cap(s.shard.Arrivals)
	if most := fanoutCopies + fanoutCopies/16; room < fanoutCopies*9/10 || room > most {
		t.Fatalf("room for %d arrivals, want about %d", room, fanoutCopies)
	}
	for p := range publishers {
		for m := range messages {
			for range members {
				s.Note(&Header{Publisher: uint32(p), Address: uint32(p / members), Message: uint64(m)}, time.Millisecond)
			}
		}
	}
	if n := len(s.Shard().Arrivals); n < fanoutCopies*9/10 || cap(s.shard.Arrivals) != room {
		t.Errorf("%d arrivals, room for %d has become %d", n, room, cap(s.shard.Arrivals))
	}
}

func TestFanoutPercentilesNeedSamples(t *testing.T) {
	for _, tt := range []struct {
		n        int
		p95, p99 bool
	}{{199, false, false}, {200, true, false}, {999, true, false}, {1000, true, true}} {
		values := make([]time.Duration, tt.n)
		for i := range values {
			values[i] = time.Duration(tt.n-i) * time.Microsecond
		}
		s := rankSummary(values)
		if (s.P95 != nil) != tt.p95 || (s.P99 != nil) != tt.p99 || *s.Max != int64(tt.n) || *s.P50 != int64(tt.n+1)/2 {
			t.Errorf("%d values: %v %v, p50 %d, max %d", tt.n, s.P95, s.P99, *s.P50, *s.Max)
		}
	}
}

// The sample is as large as it says, whatever the numbers run along: messages,
// publishers or groups.
func TestFanoutSampleIsEven(t *testing.T) {
	const n, oneIn = 100_000, 10
	for name, header := range map[string]func(i int) Header{
		"messages":   func(i int) Header { return Header{Message: uint64(i)} },
		"publishers": func(i int) Header { return Header{Publisher: uint32(i), Message: 1} },
		"groups":     func(i int) Header { return Header{Address: uint32(i), Message: 7} },
	} {
		hits := 0
		for i := range n {
			h := header(i)
			if fanoutSampled(&h, oneIn) {
				hits++
			}
		}
		if hits < n/oneIn*9/10 || hits > n/oneIn*11/10 { // ten times the standard deviation
			t.Errorf("by %s: %d of %d, want about %d", name, hits, n, n/oneIn)
		}
	}
	if got := FanoutOneIn(0); got != 1 {
		t.Errorf("a run without messages samples one in %d", got)
	}
	if got := FanoutOneIn(1_000_000); got != 21 {
		t.Errorf("of a million copies one publish in %d, want 21", got)
	}
}
