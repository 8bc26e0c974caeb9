package bare

import (
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/internal/frame"
)

// childVariable holds the task of a process that is the bare loop and no test.
const childVariable = "WPSBENCH_BARE"

func TestMain(m *testing.M) {
	task := os.Getenv(childVariable)
	if task == "" {
		code := m.Run()
		if wpsbench.path != "" {
			_ = os.Remove(wpsbench.path)
		}
		os.Exit(code)
	}
	if err := child(task); err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

// childTask is what the bare loop is to do.
type childTask struct {
	Addr    string
	Request string
	Load    load
}

func runBare(b testing.TB, l load, target wire.ConnectionString) *process {
	b.Helper()
	task, err := json.Marshal(childTask{Addr: target.Endpoint.Host, Request: request(b, target, l.Protocol), Load: l})
	if err != nil {
		b.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childVariable+"="+string(task))
	return start(b, "bare loop", false, cmd)
}

// child opens the connections, joins them, says steady, publishes, and says drain
// with what was sent and received in between, and by how many reads. Then it waits for
// its end.
func child(text string) error {
	var task childTask
	if err := json.Unmarshal([]byte(text), &task); err != nil {
		return err
	}
	peer, err := netip.ParseAddrPort(task.Addr)
	if err != nil {
		return err
	}
	n := task.Load.Connections
	l, err := Open(peer, n, []byte(task.Request))
	if err != nil {
		return err
	}
	for i := range n {
		if err := l.Send(i, joinFrame(i, &task.Load)); err != nil {
			return err
		}
	}
	if err := l.Receive(2*uint64(n), time.Minute); err != nil { // connected, ack of the join
		return err
	}
	if task.Load.Protocol.Reliable() {
		l.Acknowledge(ackFrame(task.Load.Protocol))
	}
	frames := newFrames(&task.Load)
	debug.FreeOSMemory()
	fmt.Println("steady")
	if rate := task.Load.PerConnection * float64(n); rate > 0 {
		received, reads := l.Received(), l.Reads()
		sent, err := l.Publish(rate, uint64(max(task.Load.Burst, 1)), task.Load.Steady, frames.next)
		if err != nil {
			return err
		}
		fmt.Println("drain", sent, l.Received()-received, l.Reads()-reads)
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// group is connection i's.
func group(i int, l *load) string {
	if l.Neighbours {
		return "room-" + strconv.Itoa(i/(l.Connections/l.Groups))
	}
	return "room-" + strconv.Itoa(i%l.Groups)
}

// frameOf is a message in a frame whose mask is zero, so that what it holds stands as it is.
func frameOf(p wire.Subprotocol, m *wire.Upstream) []byte {
	e := p.Encoding()
	return slices.Clip(frame.AppendFrame(nil, e.OpCode(), e.AppendUpstream(nil, m), new([4]byte)))
}

func joinFrame(i int, l *load) []byte {
	return frameOf(l.Protocol, &wire.Upstream{Kind: wire.JoinGroup, Group: []byte(group(i, l)), HasAckID: true, AckID: 1})
}

// ackFrame acknowledges whatever has come: an id that is beyond the last one does, and
// reading no frame the bare loop knows no other (protocol.md 4.3).
func ackFrame(p wire.Subprotocol) []byte {
	return frameOf(p, &wire.Upstream{Kind: wire.SequenceAck, SequenceID: 1 << 40})
}

// frames are one publish per connection, which differs from one time to the next
// in its ack id only.
type frames struct {
	publish [][]byte
	ackIDs  []int // where the ack id stands
	next    func(i int) []byte
}

// The first ack ids, which are as long as all that follow, and how they are written.
const (
	firstAckID      = 10_000_000
	firstAckDigits  = "10000000"
	firstAckVarint  = "\x80\x80\x80\x40"
	firstAckVarints = 1 << 27
)

func newFrames(l *load) *frames {
	f := &frames{}
	first, written := uint64(firstAckID), firstAckDigits
	f.next = f.nextText
	if l.Protocol.Encoding() == wire.EncodingProtobuf {
		first, written = firstAckVarints, firstAckVarint
		f.next = f.nextBinary
	}
	if l.PerConnection == 0 {
		return f
	}
	for i := range l.Connections {
		b := frameOf(l.Protocol, &wire.Upstream{
			Kind: wire.SendToGroup, Group: []byte(group(i, l)), HasAckID: true, AckID: first,
			DataType: wire.DataText, Data: []byte(strings.Repeat("x", 128)), HasData: true,
		})
		f.publish = append(f.publish, b)
		f.ackIDs = append(f.ackIDs, strings.Index(string(b), written))
	}
	return f
}

// nextText counts in decimal digits.
func (f *frames) nextText(i int) []byte {
	b := f.publish[i]
	for d := f.ackIDs[i] + len(firstAckDigits) - 1; ; d-- {
		if b[d]++; b[d] <= '9' {
			return b
		}
		b[d] = '0'
	}
}

// nextBinary counts in a varint: seven bits a byte, the lowest first.
func (f *frames) nextBinary(i int) []byte {
	b := f.publish[i]
	for d := f.ackIDs[i]; ; d++ {
		more := b[d] & 0x80
		if b[d] = (b[d]+1)&0x7f | more; b[d]&0x7f != 0 {
			return b
		}
	}
}
