package metrics

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// fanoutCopies is about how many arrivals all samplers of a run keep: less than a
// megabyte, since they are kept until the end.
const fanoutCopies = 50_000

// maxFanoutGroups bounds Fanout.Groups.
const maxFanoutGroups = 500

// FanoutSampler notes when the copies of some publishes came to the subscribers of one
// worker. Every sampler of a run picks the same publishes, so that their shards know
// all copies of each.
type FanoutSampler struct {
	oneIn uint64
	from  time.Duration
	shard FanoutShard
}

// FanoutShard is what one sampler leaves.
type FanoutShard struct{ Arrivals []fanoutArrival }

// fanoutArrival is one copy.
type fanoutArrival struct {
	publisher, group uint32
	message          uint32 // enough to tell the sampled ones of a publisher apart
	after            uint32 // its end-to-end latency in µs, response time; an hour at the most
}

func (a fanoutArrival) latency() time.Duration { return time.Duration(a.after) * time.Microsecond }

// FanoutOneIn is how many publishes one sampled one stands for in a run of that many
// copies.
func FanoutOneIn(copies uint64) uint64 { return copies/fanoutCopies + 1 }

// NewFanoutSampler samples one in so many of the publishes intended from an instant
// since T0 on. About that many copies will come, sampled or not: the room for the sample
// is taken at once, so that no message allocates it and the memory of a run does not
// grow with it.
func NewFanoutSampler(oneIn uint64, from time.Duration, copies uint64) *FanoutSampler {
	s := &FanoutSampler{oneIn: max(oneIn, 1), from: from}
	room := copies / s.oneIn
	room += room / 16 // what chance may add
	s.shard.Arrivals = make([]fanoutArrival, room)
	clear(s.shard.Arrivals) // now the system has given it, too
	s.shard.Arrivals = s.shard.Arrivals[:0]
	return s
}

// Note takes the arrival of a copy, so long after it was intended.
func (s *FanoutSampler) Note(h *Header, after time.Duration) {
	if h.Intended < s.from || !fanoutSampled(h, s.oneIn) {
		return
	}
	after = min(max(after, 0), time.Duration(histogramHighest))
	s.shard.Arrivals = append(s.shard.Arrivals, fanoutArrival{h.Publisher, h.Address, uint32(h.Message), uint32(after / time.Microsecond)})
}

// Shard is what has been noted.
func (s *FanoutSampler) Shard() FanoutShard { return s.shard }

// fanoutSampled spreads the sample evenly, whatever the pattern of numbers.
func fanoutSampled(h *Header, oneIn uint64) bool {
	x := (uint64(h.Publisher)<<40 ^ uint64(h.Address)<<20 ^ h.Message) * 0x9e3779b97f4a7c15
	x = (x ^ x>>29) * 0xbf58476d1ce4e5b9
	return (x>>32)*oneIn>>32 == 0
}

// Fanout says when the first, the median and the last subscriber got a message, of those
// who got it.
type Fanout struct {
	OneIn     uint64 `json:"one_in"`    // publishes for each sampled one
	Publishes int    `json:"publishes"` // sampled
	// Over the sampled publishes; the median of an even number is the lower one.
	First  StageSummary `json:"first"`
	Median StageSummary `json:"median"`
	Last   StageSummary `json:"last"`
	// Groups are those with the slowest last subscribers, slowest first, at most 500 of
	// GroupCount.
	GroupCount int           `json:"group_count"`
	Groups     []GroupFanout `json:"groups"`
}

// GroupFanout is one group's last subscribers.
type GroupFanout struct {
	Name      string `json:"name"`
	Members   int    `json:"members"`
	Publishes int    `json:"publishes"`   // sampled
	LastP99   int64  `json:"last_p99_us"` // the slowest of fewer than 100
}

// NewFanout puts the shards of all workers together; nil when no sampled message had
// more than one subscriber.
func NewFanout(t *Topology, oneIn uint64, shards ...FanoutShard) *Fanout {
	var all []fanoutArrival
	for _, s := range shards {
		all = append(all, s.Arrivals...)
	}
	slices.SortFunc(all, func(a, b fanoutArrival) int {
		return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.publisher, b.publisher), cmp.Compare(a.message, b.message), cmp.Compare(a.after, b.after))
	})
	f := &Fanout{OneIn: oneIn}
	var first, median, last []time.Duration
	several := false
	for from := 0; from < len(all); {
		to, group := from, all[from].group
		groupFrom := len(last)
		for to < len(all) && all[to].group == group {
			begin := to
			for to < len(all) && all[to].group == group && all[to].publisher == all[begin].publisher && all[to].message == all[begin].message {
				to++
			}
			several = several || to-begin > 1
			first = append(first, all[begin].latency())
			median = append(median, all[begin+(to-begin-1)/2].latency())
			last = append(last, all[to-1].latency())
		}
		f.Groups = append(f.Groups, GroupFanout{
			Name: t.groupName(int64(group)), Members: len(t.index().members[group]), Publishes: len(last) - groupFrom,
			LastP99: micros(int64(nearestRank(last[groupFrom:], 0.99))),
		})
		from = to
	}
	if !several {
		return nil
	}
	slices.SortStableFunc(f.Groups, func(a, b GroupFanout) int { return cmp.Compare(b.LastP99, a.LastP99) })
	f.Publishes, f.GroupCount = len(last), len(f.Groups)
	f.Groups = f.Groups[:min(len(f.Groups), maxFanoutGroups)]
	f.First, f.Median, f.Last = rankSummary(first), rankSummary(median), rankSummary(last)
	return f
}

// rankSummary has no percentile that fewer than ten values lie above, but for the median.
func rankSummary(values []time.Duration) StageSummary {
	s := StageSummary{N: uint64(len(values))}
	at := func(q float64) *int64 {
		if q > 0.5 && q < 1 && float64(len(values))*(1-q) < 10 {
			return nil
		}
		return new(micros(int64(nearestRank(values, q))))
	}
	s.P50, s.P95, s.P99, s.Max = at(0.5), at(0.95), at(0.99), at(1)
	return s
}

// nearestRank sorts values and is their q-quantile.
func nearestRank(values []time.Duration, q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]
}
