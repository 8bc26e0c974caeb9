package metrics

import (
	"testing"
	"unsafe"
)

// A (publisher, subscription) costs a pair; what else a connection keeps is per group
// or per connection. The README promises about 32 bytes.
func TestPairIsSmall(t *testing.T) {
	if got := unsafe.Sizeof(pair{}); got > 32 {
		t.Errorf("%d bytes per pair, want at most 32", got)
	}
	const members = 1000 // of one group, each a publisher: a million pairs
	topo := &Topology{RunID: 1, Groups: []string{"g"}, Populations: []string{"p"}}
	var owned []int
	for c := range members {
		topo.Subscribers = append(topo.Subscribers, Subscriber{Groups: []uint32{0}, Reliable: true})
		topo.Publishers = append(topo.Publishers, Publisher{Connection: c, Addresses: []uint32{0}})
		owned = append(owned, c)
	}
	topo.index()
	result := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			NewChecker(topo, Strict, owned)
		}
	})
	per := float64(result.AllocedBytesPerOp()) / (members * members)
	t.Logf("%.1f bytes of heap per pair, %d in the array", per, unsafe.Sizeof(pair{}))
	if per > 32 {
		t.Errorf("%.1f bytes of heap per pair, want at most 32", per)
	}
}
