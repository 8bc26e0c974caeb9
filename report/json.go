package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/wpsbench/wpsbench/metrics"
)

// WriteJSON writes the record as an indented JSON document that ends in a newline:
// the same bytes for the same record. Lists and maps are never null; lists of plain
// values stay on one line, so that a long series does not drown the rest.
func WriteJSON(w io.Writer, r *metrics.Run) error {
	doc, err := marshalRun(r)
	if err != nil {
		return err
	}
	if _, err := w.Write(doc); err != nil {
		return fmt.Errorf("write run record: %w", err)
	}
	return nil
}

func marshalRun(r *metrics.Run) ([]byte, error) {
	var compact bytes.Buffer
	enc := json.NewEncoder(&compact)
	enc.SetEscapeHTML(false) // limits read p(99)<50ms; the page holds the record encoded
	normal := normalRun(r)
	dropRepeats(normal)
	normal.SchemaVersion = metrics.SchemaVersion // it is written in that form, whatever it was read from
	if err := enc.Encode(normal); err != nil {
		return nil, fmt.Errorf("encode run record: %w", err)
	}
	return append(indent(nil, bytes.TrimSpace(compact.Bytes())), '\n'), nil
}

// indent lays out compact JSON two spaces per level. A list without an object in it
// stays on its line.
func indent(dst, src []byte) []byte {
	depth := 0
	newline := func() {
		dst = append(dst, '\n')
		for range depth {
			dst = append(dst, "  "...)
		}
	}
	for i := 0; i < len(src); i++ {
		switch c := src[i]; c {
		case '"':
			end := stringEnd(src, i)
			dst = append(dst, src[i:end]...)
			i = end - 1
		case '{', '[':
			if end := flatEnd(src, i); end > 0 {
				dst = append(dst, src[i:end]...)
				i = end - 1
				continue
			}
			dst = append(dst, c)
			depth++
			newline()
		case '}', ']':
			depth--
			newline()
			dst = append(dst, c)
		case ',':
			dst = append(dst, c)
			newline()
		case ':':
			dst = append(dst, ": "...)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// flatEnd returns the end of the list or empty object that starts at i, or 0 when it
// must be broken into lines.
func flatEnd(src []byte, i int) int {
	if src[i] == '{' {
		if src[i+1] == '}' {
			return i + 2
		}
		return 0
	}
	depth := 0
	for ; i < len(src); i++ {
		switch src[i] {
		case '"':
			i = stringEnd(src, i) - 1
		case '{':
			return 0
		case '[':
			depth++
		case ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}

// stringEnd returns the index after the string that starts at i.
func stringEnd(src []byte, i int) int {
	for i++; src[i] != '"'; i++ {
		if src[i] == '\\' {
			i++
		}
	}
	return i + 1
}
