package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wpsbench/wpsbench/scenario"
)

// A run is spread only where each process knows all that it needs, and who is refused
// hears why.
func TestFleetFits(t *testing.T) {
	const (
		text = `name: spread
groups: {room: {count: 2}}
populations:
  members: {connections: 8, join: {room: 1}, publish: {to: room, rate: 1/s}}
phases: {steady: 10s}
`
		rest     = "populations={members: {connections: 7, join: {room: 1}}, server: {protocol: rest, connections: 1, publish: {to: {connection: members}, rate: 1/s}}}"
		byGroup  = "faults=[{name: F1, at: 5s, kind: rest-close, by: group, population: members, hit: 1}]"
		byItself = "faults=[{name: F1, at: 5s, kind: rest-close, population: members, hit: 1}]"
		joined   = "populations.members.join={room: 2}"
		target   = "target={url: ws://127.0.0.1:1/client/hubs/bench}"
	)
	for _, row := range []struct {
		name string
		set  string // --set, "" for none
		f    fleet
		says string // "": it fits
	}{
		{"as it is", "", fleet{Processes: 8, Emulators: 2}, ""},
		{"too many processes", "", fleet{Processes: 9, Emulators: 1}, "--processes 9: the scenario has 8 connections"},
		{"single connections", rest, fleet{Processes: 2, Emulators: 1}, "population server sends to single connections over REST"},
		{"single connections, one process", rest, fleet{Processes: 1, Emulators: 1}, ""},
		{"a whole group", byGroup, fleet{Processes: 2, Emulators: 1}, "the fault F1 closes all of a group, whose sessions may be in several processes"},
		{"a whole group, one process", byGroup, fleet{Processes: 1, Emulators: 1}, ""},
		{"each by itself", byItself, fleet{Processes: 2, Emulators: 1}, ""},
		{"REST and emulators", byItself, fleet{Processes: 1, Emulators: 2}, "need the one REST API of one emulator"},
		{"another target", target, fleet{Processes: 1, Emulators: 2}, "the scenario has a target"},
		{"groups that hang together", joined, fleet{Processes: 1, Emulators: 2}, "--emulators 2: "},
	} {
		t.Run(row.name, func(t *testing.T) {
			var set []string
			if row.set != "" {
				set = []string{row.set}
			}
			s, err := scenario.Parse("spread.yaml", []byte(text), scenario.Options{Set: set})
			if err != nil {
				t.Fatal(err)
			}
			err = row.f.fits(s.Plan())
			if said := fmt.Sprint(err); row.says == "" && err != nil || row.says != "" && !strings.Contains(said, row.says) {
				t.Errorf("it says %q, want %q", said, row.says)
			}
		})
	}
}
