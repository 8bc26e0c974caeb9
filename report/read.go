package report

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/wpsbench/wpsbench/metrics"
)

const (
	runKind = "wpsbench.run"
	// maxRecordBytes bounds a record, as read and after decompression.
	maxRecordBytes = 64 << 20
	// blockStart and blockEnd enclose the record in a page. Text on the page cannot
	// hold them: its quotes and angle brackets are escaped.
	blockStart = `<script type="application/gzip" id="wpsbench-run">`
	blockEnd   = `</script>`
)

// ErrNotRun is returned by ReadRun for a document that is no run record this version
// can read: another kind, or another major schema version.
var ErrNotRun = errors.New("not a readable run record")

// ReadRun reads a record from its JSON document, or from the page that WriteHTML
// made of it. Keys it does not know are ignored. Documents above 64 MiB are refused.
func ReadRun(r io.Reader) (*metrics.Run, error) {
	doc, err := readBounded(r)
	if err != nil {
		return nil, fmt.Errorf("read run record: %w", err)
	}
	if bytes.HasPrefix(bytes.TrimSpace(doc), []byte("<")) {
		if doc, err = unpackPage(doc); err != nil {
			return nil, fmt.Errorf("read run record of an HTML report: %w", err)
		}
	}
	var head struct {
		Kind          string `json:"kind"`
		SchemaVersion string `json:"schema_version"`
	}
	if err := json.Unmarshal(doc, &head); err != nil {
		return nil, unreadable(err)
	}
	if head.Kind != runKind {
		return nil, fmt.Errorf("%w: kind %q, want %q", ErrNotRun, head.Kind, runKind)
	}
	if got, want := major(head.SchemaVersion), major(metrics.SchemaVersion); got != want {
		return nil, fmt.Errorf("%w: schema version %q, want %s.x", ErrNotRun, head.SchemaVersion, want)
	}
	run := new(metrics.Run)
	if err := json.Unmarshal(doc, run); err != nil {
		return nil, unreadable(err)
	}
	restoreRepeats(run)
	return run, nil
}

// unreadable words what the decoder has against a document without the names of Go's types.
func unreadable(err error) error {
	var wrong *json.UnmarshalTypeError
	switch {
	case !errors.As(err, &wrong):
		return fmt.Errorf("read run record: %w", err)
	case wrong.Field == "":
		return fmt.Errorf("%w: it is a JSON %s, want an object", ErrNotRun, wrong.Value)
	default:
		return fmt.Errorf("%w: %s is a JSON %s, which it cannot be", ErrNotRun, wrong.Field, wrong.Value)
	}
}

func major(version string) string {
	m, _, _ := strings.Cut(version, ".")
	return m
}

func readBounded(r io.Reader) ([]byte, error) {
	doc, err := io.ReadAll(io.LimitReader(r, maxRecordBytes+1))
	if err != nil {
		return nil, err
	}
	if len(doc) > maxRecordBytes {
		return nil, fmt.Errorf("larger than %d MiB", maxRecordBytes>>20)
	}
	return doc, nil
}

// packRecord returns the text of the page's record block.
func packRecord(doc []byte) (string, error) {
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.DefaultCompression)
	if err != nil {
		return "", fmt.Errorf("pack run record: %w", err)
	}
	if _, err := z.Write(doc); err != nil {
		return "", fmt.Errorf("pack run record: %w", err)
	}
	if err := z.Close(); err != nil {
		return "", fmt.Errorf("pack run record: %w", err)
	}
	return base64.StdEncoding.EncodeToString(packed.Bytes()), nil
}

func unpackPage(page []byte) ([]byte, error) {
	_, rest, found := bytes.Cut(page, []byte(blockStart))
	if !found {
		return nil, fmt.Errorf("%w: the page holds no record", ErrNotRun)
	}
	block, _, found := bytes.Cut(rest, []byte(blockEnd))
	if !found {
		return nil, errors.New("the record is cut off")
	}
	z, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, bytes.NewReader(bytes.TrimSpace(block))))
	if err != nil {
		return nil, err
	}
	return readBounded(z)
}
