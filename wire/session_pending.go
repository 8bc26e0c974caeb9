package wire

import (
	"cmp"
	"slices"
	"time"
)

// pendingRequest is a request whose ack has not come, with what it takes to send it again.
type pendingRequest struct {
	Request
	encoded []byte // unmasked, since every frame has a mask of its own
	sent    bool

	lastSent time.Duration
	retries  int           // pauses of SessionConfig.Retry so far
	due      time.Duration // when the present one ends
}

// pendingRequests holds the requests that await an ack, by ack id. Answers mostly
// come in order, so what is looked for is at the head or close to it.
type pendingRequests struct {
	list []*pendingRequest // live from head on, ack ids ascending; borrowed while there are any
	head int
}

func (p *pendingRequests) len() int { return len(p.list) - p.head }

// all returns the live requests, oldest first, until the next push or take.
func (p *pendingRequests) all() []*pendingRequest { return p.list[p.head:] }

// ackIDs returns those of the live requests.
func (p *pendingRequests) ackIDs() []uint64 {
	ids := make([]uint64, 0, p.len())
	for _, r := range p.all() {
		ids = append(ids, r.AckID)
	}
	return ids
}

// push adds a request with the largest ack id so far.
func (p *pendingRequests) push(w *workspace, r *pendingRequest) {
	if p.list == nil {
		p.list = w.list()
	}
	if len(p.list) == cap(p.list) && p.head > len(p.list)/2 {
		n := copy(p.list, p.list[p.head:])
		clear(p.list[n:])
		p.list, p.head = p.list[:n], 0
	}
	p.list = append(p.list, r)
}

// insert adds a request whose ack id need not be the largest.
func (p *pendingRequests) insert(w *workspace, r *pendingRequest) {
	i, _ := p.find(r.AckID)
	p.push(w, r)
	live := p.all()
	copy(live[i+1:], live[i:])
	live[i] = r
}

// find returns the index of the ack id among the live requests, or where it would be.
func (p *pendingRequests) find(ackID uint64) (i int, ok bool) {
	return slices.BinarySearchFunc(p.all(), ackID, func(r *pendingRequest, id uint64) int {
		return cmp.Compare(r.AckID, id)
	})
}

// take removes the request with the ack id; nil if none is waiting.
func (p *pendingRequests) take(w *workspace, ackID uint64) *pendingRequest {
	i, ok := p.find(ackID)
	if !ok {
		return nil
	}
	live := p.all()
	r := live[i]
	copy(live[1:i+1], live[:i])
	live[0] = nil
	p.head++
	if p.head == len(p.list) {
		w.recycleList(p.list)
		p.list, p.head = nil, 0
	}
	return r
}
