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

	"github.com/gobwas/ws"
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
	task, err := json.Marshal(childTask{Addr: target.Endpoint.Host, Request: request(b, target), Load: l})
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
// with what was sent and received in between. Then it waits for its end.
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
		if err := l.Send(i, joinFrame(group(i, &task.Load))); err != nil {
			return err
		}
	}
	if err := l.Receive(2*uint64(n), time.Minute); err != nil { // connected, ack of the join
		return err
	}
	frames := newFrames(&task.Load)
	debug.FreeOSMemory()
	fmt.Println("steady")
	if rate := task.Load.PerConnection * float64(n); rate > 0 {
		before := l.Received()
		sent, err := l.Publish(rate, task.Load.Steady, frames.next)
		if err != nil {
			return err
		}
		fmt.Println("drain", sent, l.Received()-before)
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func group(i int, l *load) string { return "room-" + strconv.Itoa(i%l.Groups) }

func joinFrame(group string) []byte {
	return frame.AppendFrame(nil, ws.OpText, []byte(`{"type":"joinGroup","group":"`+group+`","ackId":1}`), new([4]byte))
}

// frames are one publish per connection, which differs from one time to the next
// in the digits of its ack id only: the mask is zero, so they stand as they are.
type frames struct {
	publish [][]byte
	digits  []int // where the ack id stands
}

const firstAckID = "10000000"

func newFrames(l *load) *frames {
	f := &frames{}
	if l.PerConnection == 0 {
		return f
	}
	for i := range l.Connections {
		text := `{"type":"sendToGroup","group":"` + group(i, l) + `","ackId":` + firstAckID +
			`,"dataType":"text","data":"` + strings.Repeat("x", 128) + `"}`
		b := frame.AppendFrame(nil, ws.OpText, []byte(text), new([4]byte))
		f.publish = append(f.publish, slices.Clip(b))
		f.digits = append(f.digits, strings.Index(string(b), firstAckID))
	}
	return f
}

func (f *frames) next(i int) []byte {
	b := f.publish[i]
	for d := f.digits[i] + len(firstAckID) - 1; ; d-- {
		if b[d]++; b[d] <= '9' {
			return b
		}
		b[d] = '0'
	}
}
