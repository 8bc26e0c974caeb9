package metrics

import (
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"testing"
	"time"
)

// stream is an endless one of in-order deliveries to one subscriber, binary so
// that stamping the next number is cheap.
type stream struct {
	c *Checker
	d Delivery
	n uint64
}

func newStream(reliable bool) *stream {
	topo := worldTopology(reliable)
	topo.Publishers[0].Kind = PayloadBinary
	s := &stream{c: NewChecker(topo, Strict, []int{0, 1, 2, 3})}
	for c := range topo.Subscribers {
		s.c.Opened(0, c, false)
		s.c.Joined(0, c)
	}
	h := Header{RunID: worldRun, Message: 1}
	s.d = Delivery{Group: []byte("room-0"), Kind: PayloadBinary, Fresh: true, Data: AppendPayload(nil, PayloadBinary, h, 128, 1)}
	return s
}

func (s *stream) next() DeliveryResult {
	s.n++
	binary.BigEndian.PutUint64(s.d.Data[14:], s.n)
	crc := crc32.Update(0, castagnoli, s.d.Data[:32])
	binary.BigEndian.PutUint32(s.d.Data[32:], crc32.Update(crc, castagnoli, s.d.Data[36:]))
	if s.c.conn(1).reliable {
		s.d.SequenceID = s.n
	}
	return s.c.Deliver(time.Duration(s.n), 1, &s.d)
}

func TestHotPathAllocations(t *testing.T) {
	for _, reliable := range []bool{false, true} {
		s := newStream(reliable)
		for range ringFrames + 1 {
			s.next()
		}
		if n := testing.AllocsPerRun(1000, func() {
			if !s.next().Counted {
				t.Fatal("not in order")
			}
		}); n != 0 {
			t.Errorf("reliable %v: Deliver allocates %v times", reliable, n)
		}
		m := uint64(0)
		if n := testing.AllocsPerRun(1000, func() {
			m++
			s.c.Sent(0, 0, m, time.Millisecond)
			s.c.Outcome(0, 0, m, OutcomeOK)
			s.c.SequenceAcked(1, m)
		}); n != 0 {
			t.Errorf("reliable %v: Sent and Outcome allocate %v times", reliable, n)
		}
	}
}

func BenchmarkDeliver(b *testing.B) {
	s := newStream(true)
	b.ReportAllocs()
	for b.Loop() {
		s.next()
	}
}

// BenchmarkPlace is the checker's part of a delivery without the payload: 1 M
// pairs in random order.
func BenchmarkPlace(b *testing.B) {
	const n = 1 << 20
	s := state{pairs: make([]pair, n)}
	for i := range s.pairs {
		s.pairs[i] = pair{next: 1, session: 1}
	}
	x := uint64(1)
	for b.Loop() {
		x = x*6364136223846793005 + 1442695040888963407
		i := int(x >> 44)
		s.place(i, s.pairs[i].next, 1)
	}
}

// BenchmarkIntervals is what the end of a run takes for one metric: of 1,000 s with 400
// values each, which lie in some thousand cells.
func BenchmarkIntervals(b *testing.B) {
	chance := rand.New(rand.NewPCG(1, 2))
	seconds := make([][]time.Duration, 1000)
	for i := range seconds {
		for range 400 {
			seconds[i] = append(seconds[i], time.Duration(2e6+chance.Int64N(1e7)+chance.Int64N(1e7)))
		}
	}
	s := stretchesOf(seconds)
	b.ReportAllocs()
	for b.Loop() {
		s.intervals(1)
	}
}
