package emulator

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"testing"

	"github.com/gobwas/ws"

	"github.com/wpsbench/wpsbench/wire"
)

// nullLink forgets what it is given.
type nullLink struct{}

func (nullLink) Write([]byte)     {}
func (nullLink) Buffered() int    { return 0 }
func (nullLink) CloseAfterWrite() {}
func (nullLink) Abort()           {}
func (nullLink) Pause()           {}
func (nullLink) Resume()          {}

// room is a publisher and its group of reliable members, and what they send.
type room struct {
	w                    *world
	publisher            *client
	members              []*client
	publish, acknowledge []byte
	scratch              []byte
}

func newRoom(t testing.TB, members int) *room {
	r := &room{w: newWorld(t, Options{ReplayMessages: 4000})}
	r.publisher = r.w.open(wire.JSON)
	r.publisher.k.link = nullLink{}
	for range members {
		m := r.w.open(wire.JSONReliable, withGroups("room"))
		m.k.link = nullLink{}
		r.members = append(r.members, m)
	}
	r.publish = ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame(
		[]byte(`{"type":"sendToGroup","group":"room","dataType":"text","data":"` + string(make128()) + `","noEcho":true,"ackId":18446744073709551615}`))))
	r.acknowledge = ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame(
		[]byte(`{"type":"sequenceAck","sequenceId":18446744073709551615}`))))
	return r
}

func make128() []byte {
	b := make([]byte, 128)
	for i := range b {
		b[i] = 'x'
	}
	return b
}

// round publishes one message and has every member acknowledge it. The frames
// are copied because the parser unmasks them in place. A repeated ack id would be
// a duplicate, so the history is emptied.
func (r *room) round() {
	s := r.publisher.k.session
	s.acks.ids = s.acks.ids[:0]
	r.scratch = append(r.scratch[:0], r.publish...)
	r.publisher.raw(r.scratch)
	for _, m := range r.members {
		r.scratch = append(r.scratch[:0], r.acknowledge...)
		m.raw(r.scratch)
	}
}

func TestFanOutDoesNotAllocate(t *testing.T) {
	r := newRoom(t, 20)
	before := r.w.core.stats
	if got := testing.AllocsPerRun(200, r.round); got != 0 {
		t.Errorf("%v allocations per publish, want 0", got)
	}
	after := r.w.core.stats
	if n := after.Publishes - before.Publishes; after.Deliveries-before.Deliveries != 20*n || n < 200 || after.Duplicates > 0 {
		t.Errorf("%d publishes, %d deliveries, %d duplicates", n, after.Deliveries-before.Deliveries, after.Duplicates)
	}
	if n := len(r.w.core.messages.free); n != 1 {
		t.Errorf("%d messages came back to the pool, want 1", n)
	}
}

func BenchmarkFanOut(b *testing.B) {
	for _, members := range []int{1, 100} {
		b.Run(strconv.Itoa(members), func(b *testing.B) {
			r := newRoom(b, members)
			b.ReportAllocs()
			for b.Loop() {
				r.round()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*members), "ns/delivery")
		})
	}
}

// What an idle reliable session costs above its link decides how many a machine
// holds.
func TestIdleSessionIsSmall(t *testing.T) {
	const sessions = 2000
	w := newWorld(t, Options{})
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	keep := make([]*socket, sessions)
	before := heap()
	for i := range keep {
		k := w.core.newSocket()
		k.link = nullLink{}
		keep[i] = k
		a := &admission{hub: "chat", subprotocol: wire.JSONReliable, id: newConnectionID(), groups: []string{"room"}, token: "TOK"}
		a.send, a.join = roles(allRoles)
		w.core.open(w.now, k, a)
	}
	per := (heap() - before) / sessions
	t.Logf("%d bytes per session", per)
	if per > 2048 {
		t.Errorf("%d bytes per idle session, want at most 2,048", per)
	}
	runtime.KeepAlive(keep)
}

func TestReplayBufferAgainstAList(t *testing.T) {
	type entry struct {
		f  *form
		id uint64
	}
	rnd := rand.New(rand.NewPCG(3, 4))
	var pool messagePool
	var b replayBuffer
	var model []entry
	nextID, bytes := uint64(1), 0
	for range 100_000 {
		if rnd.IntN(3) > 0 {
			m := pool.take(&wire.Downstream{Kind: wire.ServerMessage, Data: make([]byte, rnd.IntN(50))})
			f := m.in(wire.EncodingJSON)
			size := f.numberedSize(nextID)
			want := len(model) < 150 && bytes+size <= 6000
			if got := b.add(f, nextID, 150, 6000); got != want {
				t.Fatalf("add: %v with %d messages and %d+%d bytes", got, len(model), bytes, size)
			} else if got {
				model = append(model, entry{f, nextID})
				bytes += size
				nextID++
			}
			pool.release(m)
		} else {
			upTo := nextID - uint64(rnd.IntN(100)) // may wrap: a value never sent
			for len(model) > 0 && model[0].id <= upTo {
				bytes -= model[0].f.numberedSize(model[0].id)
				model = model[1:]
			}
			b.release(upTo, &pool)
		}
		var got []entry
		if rnd.IntN(50) == 0 {
			b.each(func(f *form, id uint64) { got = append(got, entry{f, id}) })
			if !slices.Equal(got, model) {
				t.Fatalf("holds %v, want %v", got, model)
			}
		}
		if b.len() != len(model) || b.bytes != bytes {
			t.Fatalf("holds %d messages of %d bytes, want %d of %d", b.len(), b.bytes, len(model), bytes)
		}
	}
	if b.releaseAll(&pool); b.len() != 0 || b.bytes != 0 || b.ring != nil {
		t.Errorf("after releaseAll: %+v", b)
	}
}
