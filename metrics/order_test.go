package metrics

import "testing"

// Order is promised for a publisher's connection, not across two of them.
func TestOrderIsPerConnection(t *testing.T) {
	for _, row := range []struct {
		name              string
		first, late, next uint8 // connections of messages 1 (comes last), 2 and 3
		reordered         uint64
	}{
		{"one connection", 1, 1, 1, 1},
		{"left behind by an older connection", 1, 2, 2, 0},
		{"within the newer one", 2, 2, 2, 1},
		{"the number wraps", 255, 0, 0, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, false, Strict)
			by := map[uint64]uint8{1: row.first, 2: row.late, 3: row.next}
			for range by {
				w.ok(0, 0, w.send(0, 0))
			}
			for _, m := range []uint64{2, 3, 1} {
				for _, c := range []int{0, 1, 2} {
					d := w.delivery(c, 0, 0, m)
					h, _ := ParsePayload(d.Data, PayloadText, worldRun)
					h.Session = by[m]
					d.Data = AppendPayload(nil, PayloadText, h, 64, 1)
					w.c.Deliver(w.now, c, &d)
				}
			}
			d := w.judge(JudgeOptions{}).Totals.Deliveries
			if d.Reordered != 3*row.reordered || d.Delivered != 9 || d.Lost != 0 {
				t.Errorf("reordered %d, delivered %d, lost %d; want %d, 9, 0", d.Reordered, d.Delivered, d.Lost, 3*row.reordered)
			}
		})
	}
}
