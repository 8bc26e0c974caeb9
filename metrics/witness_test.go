package metrics

import (
	"slices"
	"strings"
	"testing"
)

// TestContextAfter: an example holds what came after the offence, too, however soon
// the ring has turned over.
func TestContextAfter(t *testing.T) {
	others := func(w *world, n int) {
		for range n {
			w.publish(2, 0) // to connection 2 alone
		}
	}
	swap := func(w *world) {
		a, b := w.publish(0, 0, 1), w.publish(0, 0, 1)
		w.deliver(1, 0, 0, b)
		w.deliver(1, 0, 0, a)
	}
	for _, row := range []struct {
		name     string
		run      func(w *world)
		check    string
		upTo     string   // the last line up to the offence ends so
		after    []string // the lines after it end so
		arrivals []uint64 // the last messages of the publisher, from the offence on
	}{
		{"nothing came after", swap, "R6", "message 1  sequence id 2", nil, []uint64{1}},
		{"more than are kept", func(w *world) {
			swap(w)
			for range 6 {
				w.publish(0, 0)
			}
		}, "R6", "message 1  sequence id 2",
			[]string{"message 3  sequence id 3", "message 4  sequence id 4", "message 5  sequence id 5", "message 6  sequence id 6"}, []uint64{1, 3, 4, 5, 6}},
		{"few, and much of others' since", func(w *world) {
			swap(w)
			w.publish(0, 0)
			w.publish(1, 0)
			others(w, 3*ringFrames)
		}, "R6", "message 1  sequence id 2", []string{"publisher 0  message 3  sequence id 3", "publisher 1  message 1  sequence id 4"}, []uint64{1, 3}},
		{"among the frames that complete a half of the ring", func(w *world) {
			others(w, ringFrames/2-4-len(w.topo.Subscribers)*2-2)
			swap(w)
			w.publish(0, 0)
			others(w, 3*ringFrames)
		}, "R6", "message 1  sequence id 2", []string{"message 3  sequence id 3"}, []uint64{1, 3}},
		{"late in the run, and one before a half of the ring is complete", func(w *world) {
			others(w, 2*ringFrames+ringFrames/2-2*len(w.topo.Subscribers)-30)
			swap(w)
			others(w, 60)
			w.publish(0, 0)
			others(w, 3*ringFrames)
		}, "R6", "message 1  sequence id 2", []string{"message 3  sequence id 3"}, []uint64{1, 3}},
		{"what is not ours", func(w *world) {
			swap(w)
			d := w.delivery(1, 0, 0, 1)
			d.Data = []byte("somebody else's")
			w.c.Deliver(w.now, 1, &d)
			d = w.delivery(1, 0, 0, 1)
			d.Data[len(d.Data)-1] ^= 1
			w.c.Deliver(w.now, 1, &d)
		}, "R6", "message 1  sequence id 2", []string{"foreign data  sequence id 3", "corrupt data  sequence id 4"}, []uint64{1}},
		{"more before it than is kept", func(w *world) {
			for range 2 * contextLines {
				w.publish(0, 0)
			}
			w.ids[1]++
			w.publish(0, 0)
		}, "R1s", "message 25  sequence id 26", nil, []uint64{25}},
		{"a message that never came", func(w *world) {
			w.publish(0, 0)
			w.publish(0, 0, 1)
			for range 3 {
				w.publish(1, 0)
			}
		}, "R4", "publisher 0  message 1  sequence id 1",
			[]string{"publisher 1  message 1  sequence id 2", "publisher 1  message 2  sequence id 3", "publisher 1  message 3  sequence id 4"}, []uint64{1}},
		{"a message that nobody sent", func(w *world) {
			w.publish(0, 0)
			w.now += worldEvery
			w.deliver(1, 0, 0, 2)
			w.publish(1, 0)
		}, "X1", "publisher 0  message 2  sequence id 2", []string{"publisher 1  message 1  sequence id 3"}, []uint64{2}},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, true, Strict)
			row.run(w)
			c := w.judge(JudgeOptions{}).check(row.check)
			if len(c.Examples) == 0 {
				t.Fatalf("%s has no example: %+v", row.check, c)
			}
			e := c.Examples[0]
			upTo, after := e.Context, []string(nil)
			if i := slices.Index(e.Context, OffenceMark); i >= 0 {
				upTo, after = e.Context[:i], e.Context[i+1:]
			}
			if !strings.HasSuffix(upTo[len(upTo)-1], row.upTo) {
				t.Errorf("up to the offence:\n%s\nwant the last to end in %q", strings.Join(upTo, "\n"), row.upTo)
			}
			if len(upTo) > contextLines {
				t.Errorf("%d lines up to the offence, want at most %d", len(upTo), contextLines)
			}
			if !slices.EqualFunc(after, row.after, strings.HasSuffix) {
				t.Errorf("after the offence:\n%s\nwant\n%s", strings.Join(after, "\n"), strings.Join(row.after, "\n"))
			}
			var arrivals []uint64
			for _, a := range e.Arrivals {
				arrivals = append(arrivals, a.Message)
			}
			if n := len(arrivals) - len(row.arrivals); row.arrivals != nil && (n < 0 || !slices.Equal(arrivals[n:], row.arrivals)) {
				t.Errorf("arrivals %v, want them to end in %v", arrivals, row.arrivals)
			}
		})
	}
}

// TestMoreThanExamples: what has no example is said to have none.
func TestMoreThanExamples(t *testing.T) {
	w := newWorld(t, true, Strict)
	for range maxExamples + 5 {
		a, b := w.publish(0, 0, 1), w.publish(0, 0, 1)
		w.deliver(1, 0, 0, b)
		w.deliver(1, 0, 0, a)
	}
	w.publish(0, 0, 1)
	j := w.judge(JudgeOptions{})
	if c := j.check("R6"); c.Violations != maxExamples+5 || len(c.Examples) != maxExamples || c.WithoutExample != 5 {
		t.Errorf("R6: %d violations, %d examples, %d without", c.Violations, len(c.Examples), c.WithoutExample)
	}
	if c := j.check("R4"); c.Violations != 1 || len(c.Examples) != 1 || c.WithoutExample != 0 {
		t.Errorf("R4: %d violations, %d examples, %d without", c.Violations, len(c.Examples), c.WithoutExample)
	}
}
