package wire

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// TestTrace: every frame of the traced Session is shown, in order, and none of others'.
func TestTrace(t *testing.T) {
	st := newSteady(JSONReliable)
	other := newSteady(JSONReliable)
	other.s.work = st.s.work
	var seen []string
	st.s.work.traced = st.s
	st.s.work.trace = func(now time.Duration, f Frame) {
		direction := "<-"
		if f.Sent {
			direction = "->"
		}
		payload := string(f.Payload)
		if f.Kind() == "close" {
			payload = fmt.Sprintf("%x", payload)
		}
		seen = append(seen, fmt.Sprintf("%s %s %s %s", now, direction, f.Kind(), payload))
	}
	st.p.Data, st.p.Ack = []byte("x"), true
	if _, err := st.s.Publish(time.Second, &st.p); err != nil {
		t.Fatal(err)
	}
	if _, err := other.s.Publish(time.Second, &other.p); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		st.prepare()
		st.s.Received(2*time.Second, st.in)
	}
	st.s.Close(3*time.Second, 1000)
	want := []string{
		`1s -> text {"type":"sendToGroup","group":"room","dataType":"text","data":"x","ackId":1}`,
	}
	for i := 1; i <= 3; i++ {
		want = append(want, fmt.Sprintf(`2s <- text {"type":"message","from":"group","group":"room","fromUserId":null,"dataType":"text","data":"hi","sequenceId":%d}`, i))
		if i == 3 {
			want = append(want, `2s -> text {"type":"sequenceAck","sequenceId":3}`)
		}
		want = append(want, fmt.Sprintf(`2s <- text {"type":"ack","ackId":%d,"success":true}`, i), "2s <- ping p1", "2s -> pong p1")
	}
	want = append(want, "3s -> close 03e8")
	if !slices.Equal(seen, want) {
		t.Errorf("saw\n%q\nwant\n%q", seen, want)
	}
}
