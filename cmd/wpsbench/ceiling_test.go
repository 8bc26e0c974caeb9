package main

import (
	"errors"
	"testing"
)

// The search closes in on what a machine holds, whether or not it is alone on it.
func TestHighestHeld(t *testing.T) {
	const most = 12_000_000
	upTo := func(ceiling int) func(rate, nth int) bool {
		return func(rate, _ int) bool { return rate <= ceiling }
	}
	for _, tt := range []struct {
		name      string
		most      int
		holds     func(rate, nth int) bool // nth try of that rate, from 1
		low, high int                      // of the result
	}{
		{"monotone", most, upTo(200_000), 200_000 * 8 / 9, 200_000},
		{"monotone, below the first rate", most, upTo(5000), 5000 * 8 / 9, 5000},
		{"just the first rate", most, upTo(12_000), 12_000, 12_000},
		{"noisy: no rate at the first try", most, func(rate, nth int) bool { return nth > 1 && rate <= 200_000 }, 200_000 * 8 / 9, 200_000},
		{"noisy: one rate held by luck", most, func(rate, _ int) bool { return rate <= 200_000 || rate == 384_000 }, 384_000, 384_000},
		{"never fails", most, func(int, int) bool { return true }, most, most},
		{"never fails, a small bound", 1200, func(int, int) bool { return true }, 1200, 1200},
		{"never fails, the smallest bound", 1, func(int, int) bool { return true }, 1, 1},
		{"always fails", most, func(int, int) bool { return false }, 0, 0},
		{"always fails, a small bound", 10, func(int, int) bool { return false }, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tries := map[int]int{}
			total := 0
			got, err := highestHeld(12_000, tt.most, func(rate int) (bool, error) {
				if rate < 1 || rate > tt.most {
					t.Errorf("%d messages/s were tried, at most %d are allowed", rate, tt.most)
				}
				tries[rate]++
				if total++; total > 40 {
					t.Fatalf("no end: %v", tries)
				}
				return tt.holds(rate, tries[rate]), nil
			})
			if err != nil || got < tt.low || got > tt.high {
				t.Errorf("%d, %v; want %d to %d", got, err, tt.low, tt.high)
			}
			for rate, n := range tries {
				if n > 2 {
					t.Errorf("%d messages/s were tried %d times", rate, n)
				}
			}
		})
	}
	broken := errors.New("no emulator")
	if got, err := highestHeld(12_000, most, func(rate int) (bool, error) { return rate < 24_000, map[bool]error{rate >= 24_000: broken}[true] }); got != 0 || !errors.Is(err, broken) {
		t.Errorf("%d, %v; want the error of the try", got, err)
	}
}
