package main

import (
	"slices"
	"testing"

	"github.com/wpsbench/wpsbench/scenario"
)

func TestFaultLines(t *testing.T) {
	const text = `name: faults
groups: {room: {count: 1}}
populations:
  members: {connections: 100, join: {room: 1}, publish: {rate: 1/s}}
phases: {warmup: 10s, steady: 100s}
faults:
  - {name: A, at: 5s, kind: rst, population: members, hit: 20%}
  - {name: B, at: 5s, kind: fin, population: members, hit: 20, over: 20s}
  - {name: C, at: 5s, kind: rst, population: members, hit: 3, every: 10s, for: 61s}
  - {name: D, at: 20s, kind: zombie, population: members, hit: 50%, rate: 1/10s}
  - {name: E, at: 80s, kind: restart, lasts: 2s}
`
	s, err := scenario.Parse("t.yaml", []byte(text), scenario.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"A: rst, 20 injections into members at 15s",
		"B: fin, 20 injections into members from 15s to 35s",
		"C.1: rst, 3 injections into members at 15s",
		"C.2: rst, 3 injections into members at 25s",
		"C.3: rst, 3 injections into members at 35s",
		"C.4: rst, 3 injections into members at 45s",
		"C.5: rst, 3 injections into members at 55s",
		"C: 2 more, the last at 1m15s",
		"D: zombie, about 400 injections into members from 30s to 1m50s",
		"E: restart, 100 injections at 1m30s",
	}
	if got := faultLines(s.Plan()); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
