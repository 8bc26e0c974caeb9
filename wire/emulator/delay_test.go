package emulator

import (
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/wire"
)

// Every copy waits as long, in order, and nothing else does.
func TestDelay(t *testing.T) {
	message := func(data, number string) string {
		return `{"type":"message","from":"group","group":"room","fromUserId":null,"dataType":"text","data":"` + data + `"` + number + `}`
	}
	w := newWorld(t, Options{Delay: 50 * time.Millisecond})
	c := w.open(wire.JSON, withGroups("room"))
	other := w.open(wire.JSONReliable, withGroups("room"))
	gone := w.open(wire.JSON, withGroups("room"))
	other.frames() // connected
	c.send(`{"type":"sendToGroup","group":"room","dataType":"text","data":"a","ackId":1}`)
	c.want(`{"type":"ack","ackId":1,"success":true}`)
	w.advance(20 * time.Millisecond)
	c.send(`{"type":"sendToGroup","group":"room","dataType":"text","data":"b"}`, `{"type":"ping"}`)
	c.want(`{"type":"pong"}`)
	gone.lost() // what is under way to it is nobody's
	w.advance(29 * time.Millisecond)
	c.want()
	w.advance(time.Millisecond)
	c.want(message("a", ""))
	other.want(message("a", `,"sequenceId":1`))
	w.advance(20 * time.Millisecond)
	c.want(message("b", ""))
	other.want(message("b", `,"sequenceId":2`))
	if n := w.core.stats.Deliveries; n != 4 {
		t.Errorf("%d deliveries, want 4", n)
	}
}
