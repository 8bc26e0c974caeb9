package emulator

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/wire"
)

// say publishes one text to a group.
func (c *client) say(group, text string) {
	c.send(`{"type":"sendToGroup","group":"` + group + `","dataType":"text","data":"` + text + `"}`)
}

// heard returns the texts that a client got, in order, and fails unless their
// sequence ids ascend by one from first.
func (c *client) heard(first int) []string {
	c.w.t.Helper()
	var d wire.Decoder
	var m wire.Downstream
	var texts []string
	for _, f := range c.frames() {
		if err := d.Downstream([]byte(f), &m); err != nil || m.Kind != wire.GroupMessage {
			c.w.t.Fatalf("%s got %s, %v", c.id, f, err)
		}
		if want := uint64(first + len(texts)); m.SequenceID != want {
			c.w.t.Errorf("%s: sequence id %d, want %d", c.id, m.SequenceID, want)
		}
		texts = append(texts, string(m.Data))
	}
	return texts
}

// swapping tells LieSwap at every nth opportunity; 0 = never.
func swapping(n int) (l Lies) {
	if n > 0 {
		l[LieSwap] = Share{1, n}
	}
	return l
}

func TestSwap(t *testing.T) {
	type step func(w *world, a, b, sub *client)
	say := func(who, group, text string) step {
		return func(_ *world, a, b, _ *client) {
			if who == "a" {
				a.say(group, text)
			} else {
				b.say(group, text)
			}
		}
	}
	wait := func(d time.Duration) step { return func(w *world, _, _, _ *client) { w.advance(d) } }
	tests := []struct {
		name  string
		every int
		steps []step
		want  string
		told  uint64
	}{
		{"every second", 2, []step{say("a", "room", "1"), say("a", "room", "2"), say("a", "room", "3"), say("a", "room", "4"), say("a", "room", "5"), say("a", "room", "6")},
			"1 3 2 4 6 5", 2},
		{"every one", 1, []step{say("a", "room", "1"), say("a", "room", "2"), say("a", "room", "3"), say("a", "room", "4")},
			"2 1 4 3", 2},
		{"other publishers and groups pass by", 1, []step{say("a", "room", "1"), say("b", "room", "x"), say("a", "hall", "y"), say("a", "room", "2")},
			"x y 2 1", 1},
		{"no next one in time", 1, []step{say("a", "room", "1"), wait(2 * time.Second), say("b", "room", "x"), wait(2 * time.Second)},
			"1 x", 0},
		{"just in time", 1, []step{say("a", "room", "1"), wait(2*time.Second - 1), say("a", "room", "2")},
			"2 1", 1},
		{"not before a leave", 1, []step{say("a", "room", "1"),
			func(_ *world, _, _, sub *client) { sub.send(`{"type":"leaveGroup","group":"room"}`) }, say("a", "room", "2")},
			"1", 0},
		{"off", 0, []step{say("a", "room", "1"), say("a", "room", "2")}, "1 2", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, Options{Lies: swapping(tt.every), KeepAlive: -1})
			a, b := w.open(wire.JSON), w.open(wire.JSON)
			sub := w.open(wire.JSONReliable, withGroups("room", "hall"))
			for _, s := range tt.steps {
				s(w, a, b, sub)
			}
			if got := strings.Join(sub.heard(1), " "); got != tt.want {
				t.Errorf("heard %s, want %s", got, tt.want)
			}
			if got := w.core.stats.Lies["swap"]; got != tt.told {
				t.Errorf("%d lies counted, want %d", got, tt.told)
			}
			w.advance(time.Hour)
			if got := w.core.stats.Lies["swap"]; got != tt.told || len(w.core.liar.swaps.held) != 0 {
				t.Errorf("later: %d lies, %d held back", got, len(w.core.liar.swaps.held))
			}
		})
	}
}

func TestSwapAcrossADrop(t *testing.T) {
	w := newWorld(t, Options{Lies: swapping(1), KeepAlive: -1})
	a := w.open(wire.JSON)
	sub := w.open(wire.JSONReliable, withGroups("room"))
	a.say("room", "1")
	sub.lost()
	a.say("room", "2")
	again := sub.recover()
	if got := again.heard(1); !slices.Equal(got, []string{"1"}) {
		t.Errorf("replayed %v, want the one held back at the drop", got)
	}
	a.say("room", "3")
	if got := again.heard(2); !slices.Equal(got, []string{"3", "2"}) {
		t.Errorf("heard %v, want 3 before 2", got)
	}
}

func TestSwapForSimpleClients(t *testing.T) {
	w := newWorld(t, Options{Lies: swapping(1)})
	a := w.open(wire.JSON)
	sub := w.open(wire.Simple, withGroups("room"))
	a.say("room", "1")
	a.say("room", "2")
	sub.want("2", "1")
}

func TestSwapLeavesTheOwnEchoAlone(t *testing.T) {
	w := newWorld(t, Options{Lies: swapping(1)})
	a := w.open(wire.JSONReliable, withGroups("room"))
	a.say("room", "1")
	a.say("room", "2")
	if got := a.heard(1); !slices.Equal(got, []string{"1", "2"}) {
		t.Errorf("heard %v", got)
	}
}

// TestWrongGroupIsNoChance: who gets what is not for him is the same whenever all else is.
func TestWrongGroupIsNoChance(t *testing.T) {
	var lies Lies
	lies[LieWrongGroup] = Share{1, 1}
	for range 10 {
		w := newWorld(t, Options{Lies: lies})
		var members []*client
		for i := range 16 {
			members = append(members, w.open(wire.JSON, withGroups(fmt.Sprint(i))))
		}
		members[0].send(`{"type":"sendToGroup","group":"0","noEcho":true,"data":1}`)
		for i, c := range members[1:] {
			if got := len(c.frames()); got > 0 != (i == 0) {
				t.Errorf("member %d got %d messages", i+1, got)
			}
		}
	}
}
