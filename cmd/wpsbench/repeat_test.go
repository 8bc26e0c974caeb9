package main

import (
	"testing"
	"time"
)

func TestRepetitionSaysWhatIsLeft(t *testing.T) {
	for _, test := range []struct {
		name    string
		done, n int
		took    time.Duration
		want    string
	}{
		{"the first", 0, 6, 0, "run 1 of 6 into A/001"},
		{"the second", 1, 6, 30 * time.Second, "run 2 of 6 into A/001, about 3 min left"},
		{"the last", 5, 6, 150 * time.Second, "run 6 of 6 into A/001, about 30 s left"},
	} {
		if got := repetition(test.done, test.n, "A/001", test.took); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}
