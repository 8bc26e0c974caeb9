package runner

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
)

// What the controller and a process that executes a share of the run say to each other:
// a JSON value per line, each way in order.
//
//	controller                              share
//	                                        PREPARED: its workers are made
//	CONNECT: open from this instant on      NEWS, ten times a second from here on
//	                                        READY: every session is
//	START: T0
//	STOP: the schedule ended at this instant
//	BEAT, PROBE, EVIDENCE, CLOSE            ANSWER to each: NEWS as of now, or shards
//	OVER: an incident is; VOIDS: of others
//	END: take the last intervals            DONE: what the workers leave
//
// The end of either stream is the end of the other process.
const (
	sayPrepared = "PREPARED"
	sayReady    = "READY"
	sayNews     = "NEWS"
	sayAnswer   = "ANSWER"
	sayDone     = "DONE"

	orderConnect  = "CONNECT"
	orderStart    = "START"
	orderStop     = "STOP"
	orderBeat     = "BEAT"
	orderProbe    = "PROBE"
	orderEvidence = "EVIDENCE"
	orderClose    = "CLOSE"
	orderOver     = "OVER"
	orderVoids    = "VOIDS"
	orderEnd      = "END"
)

// order is a line of the controller.
type order struct {
	Order    string         `json:"order"`
	At       time.Duration  `json:"at,omitempty"`       // CONNECT, START, STOP: on CLOCK_MONOTONIC; OVER: since T0
	Incident int            `json:"incident,omitempty"` // OVER
	Voids    []metrics.Void `json:"voids,omitempty"`
}

// dispatch is a line of a share.
type dispatch struct {
	Say      string `json:"say"`
	Workers  int    `json:"workers,omitempty"`  // PREPARED
	Sessions int    `json:"sessions,omitempty"` // PREPARED

	// NEWS and ANSWER
	Standing  standing           `json:"standing,omitzero"`
	Connected bool               `json:"connected,omitempty"` // a session has been
	DialError string             `json:"dial_error,omitempty"`
	Refused   string             `json:"refused,omitempty"` // why the run cannot be set up
	Events    []metrics.RunEvent `json:"events,omitempty"`
	Voids     []metrics.Void     `json:"voids,omitempty"`
	// Package exact wrote the rest: these are no numbers for others.
	Tallies   []byte          `json:"tallies,omitempty"` // map of incidents
	Pressures []byte          `json:"pressures,omitempty"`
	Intervals []interval      `json:"intervals,omitempty"`
	Evidence  [][]byte        `json:"evidence,omitempty"` // ANSWER to EVIDENCE: shards
	Done      json.RawMessage `json:"done,omitempty"`     // remains
}

// interval is one worker's of one tick.
type interval struct {
	Tick int    `json:"tick"`
	Data []byte `json:"data"`
}

// remains is what a share leaves.
type remains struct {
	PID         int     `json:"pid"`
	Connections int     `json:"connections"`
	PeakBytes   uint64  `json:"peak_bytes"`
	CPUSeconds  float64 `json:"cpu_s"`
	Workers     []byte  `json:"workers"` // the leavings, by package exact
}

func writeLine(w io.Writer, v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = w.Write(append(line, '\n'))
	return err
}

func readLine(r *bufio.Reader, v any) error {
	line, err := r.ReadBytes('\n')
	if err != nil {
		return err
	}
	if err := json.Unmarshal(bytes.TrimSpace(line), v); err != nil {
		return fmt.Errorf("not a line of ours: %w", err)
	}
	return nil
}
