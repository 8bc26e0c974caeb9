package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"unicode/utf8"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/scenario"
)

// payloadBodies reads every population's payload_file, which is named relative to
// the scenario, and cuts or repeats it to the payload's size. Nil = none has one.
func payloadBodies(plan *scenario.Plan) ([][]byte, error) {
	var bodies [][]byte
	for i, p := range plan.Scenario.Populations {
		if p.PayloadFile == "" || p.Publish == nil {
			continue
		}
		file := p.PayloadFile
		if !filepath.IsAbs(file) {
			file = filepath.Join(filepath.Dir(plan.Scenario.File), file)
		}
		content, err := os.ReadFile(file)
		if err == nil {
			err = fits(content, p.Publish.DataType)
		}
		if err != nil {
			return nil, failf(exitUsage, "populations.%s.payload_file: %w", p.Name, err)
		}
		if bodies == nil {
			bodies = make([][]byte, len(plan.Scenario.Populations))
		}
		bodies[i] = bodyOf(content, p.Publish.DataType, p.Publish.Size)
	}
	return bodies, nil
}

// fits says why a file cannot be the payload of a data type. In JSON only what
// every serializer writes as it is may stand: a service that reads and writes the
// value again must not change a byte.
func fits(content []byte, dataType string) error {
	switch {
	case len(content) == 0:
		return fmt.Errorf("the file is empty")
	case dataType == "text" && !utf8.Valid(content):
		return fmt.Errorf("the file is not UTF-8; data_type: binary takes any bytes")
	case dataType == "json" && bytes.ContainsFunc(content, func(r rune) bool {
		return r < ' ' || r > '~' || r == '"' || r == '\\' || r == '<' || r == '>' || r == '&' || r == '\''
	}):
		return fmt.Errorf("the file holds characters that JSON may escape; use data_type: text or binary")
	default:
		return nil
	}
}

// bodyOf is what stands behind the header of a payload of that size.
func bodyOf(content []byte, dataType string, size int) []byte {
	header := metrics.MinPayloadBytes(metrics.PayloadText)
	if dataType == "binary" {
		header = metrics.MinPayloadBytes(metrics.PayloadBinary)
	}
	n := size - header
	body := bytes.Repeat(content, n/len(content)+1)[:n]
	if dataType != "text" {
		return body
	}
	// A character cut in half at the end is replaced by blanks.
	for cut := len(body); cut > 0 && !utf8.Valid(body); cut-- {
		body[cut-1] = ' '
	}
	return body
}
