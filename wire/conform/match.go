package conform

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Placeholders in a wanted message.
const (
	absent  = "<absent>" // missing or null: protocol.md 13 lets a server choose
	present = "<text>"   // any text that is not empty
)

// mismatch compares a JSON message with the wanted one and returns what is wrong,
// "" if nothing: every property that is wanted must be there with that value,
// others may be (protocol.md 3.1), but not within data and metadata. Order and
// spelling of JSON do not matter; numbers are compared as written.
func mismatch(want string, got []byte) string {
	g, err := decode(got)
	if err != nil {
		return fmt.Sprintf("not JSON (%v)", err)
	}
	w, err := decode([]byte(want))
	if err != nil {
		return "the wanted message is not JSON: " + err.Error()
	}
	return differ("", w, g)
}

func decode(b []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one value")
	}
	return v, nil
}

func differ(path string, want, got any) string {
	name := strings.TrimPrefix(path, ".")
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return fmt.Sprintf("%s is %s, want an object", orMessage(name), text(got))
		}
		for _, key := range slices.Sorted(maps.Keys(w)) {
			if path == "" && (key == "data" || key == "metadata") && !isPlaceholder(w[key]) {
				if !reflect.DeepEqual(w[key], g[key]) {
					return fmt.Sprintf("%s is %s, want %s", key, text(g[key]), text(w[key]))
				}
				continue
			}
			if problem := differ(path+"."+key, w[key], g[key]); problem != "" {
				return problem
			}
		}
		return ""
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return fmt.Sprintf("%s is %s, want %s", orMessage(name), text(got), text(want))
		}
		for i := range w {
			if problem := differ(fmt.Sprintf("%s[%d]", path, i), w[i], g[i]); problem != "" {
				return problem
			}
		}
		return ""
	}
	switch want {
	case absent:
		if got == nil {
			return ""
		}
		return fmt.Sprintf("%s is %s, want none", name, text(got))
	case present:
		if s, ok := got.(string); ok && s != "" {
			return ""
		}
		return fmt.Sprintf("%s is %s, want a text", name, text(got))
	}
	if want != got {
		return fmt.Sprintf("%s is %s, want %s", orMessage(name), text(got), text(want))
	}
	return ""
}

func isPlaceholder(v any) bool { return v == absent || v == present }

func orMessage(name string) string {
	if name == "" {
		return "the message"
	}
	return name
}

func text(v any) string {
	if v == nil {
		return "missing or null"
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return shorten(string(b))
}

// js returns v as JSON.
func js(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "null" // texts and numbers always marshal
	}
	return string(b)
}
