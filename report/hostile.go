package report

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/wpsbench/wpsbench/metrics"
)

const (
	maxTextRunes     = 240     // of a name, a reason, a close text
	maxScenarioRunes = 128_000 // of the scenario as written
)

// plain says how foreign text is made fit to show.
type plain struct {
	ascii    bool // everything beyond ASCII becomes an escape
	commands bool // break up what build servers would take for a command
}

// copyRun returns a deep copy of a record that is safe to show to people: every
// text made visible and cut, lists never nil. Walking the type means that a text
// added to the record later cannot be forgotten here. The encoded histograms are
// data and stay as they are.
func (p plain) copyRun(r *metrics.Run) *metrics.Run {
	return deepCopy(reflect.ValueOf(r), p.text).Interface().(*metrics.Run)
}

// MapText returns a deep copy of a record with f applied to every text in it,
// encoded histograms excepted: for whoever has to keep something out of all of them.
func MapText(r *metrics.Run, f func(string) string) *metrics.Run {
	return deepCopy(reflect.ValueOf(r), f).Interface().(*metrics.Run)
}

// Visible makes foreign text fit for a line of a terminal: control characters and
// bidi overrides become escapes, commands to build servers are broken up, long text
// is cut. Without utf8 everything beyond ASCII is escaped too.
func Visible(text string, utf8 bool) string {
	return plain{ascii: !utf8, commands: true}.text(text)
}

// normalRun is a deep copy with empty lists and maps in place of nil ones, and texts
// that are UTF-8, as JSON wants them.
func normalRun(r *metrics.Run) *metrics.Run {
	utf8Only := func(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
	return deepCopy(reflect.ValueOf(r), utf8Only).Interface().(*metrics.Run)
}

func (p plain) text(s string) string { return p.visible(s, maxTextRunes, false) }

// deepCopy copies v with mapText applied to every string.
func deepCopy(v reflect.Value, mapText func(string) string) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.String:
		out.SetString(mapText(v.String()))
	case reflect.Pointer:
		if !v.IsNil() {
			out.Set(reflect.New(v.Type().Elem()))
			out.Elem().Set(deepCopy(v.Elem(), mapText))
		}
	case reflect.Struct:
		copyStruct(out, v, mapText)
	case reflect.Slice:
		if numbers, ok := copyNumbers(v.Interface()); ok {
			return reflect.ValueOf(numbers)
		}
		out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
		for i := range v.Len() {
			out.Index(i).Set(deepCopy(v.Index(i), mapText))
		}
	case reflect.Map:
		out.Set(reflect.MakeMapWithSize(v.Type(), v.Len()))
		copyMap(out, v, mapText)
	default: // numbers, booleans, arrays of them
		out.Set(v)
	}
	return out
}

// copyNumbers copies the lists that a long run has most of, which hold no text: the columns
// of its series and of its heatmap. Element by element they took a fifth of a page's time.
func copyNumbers(list any) (any, bool) {
	switch list := list.(type) {
	case []int64:
		return append(make([]int64, 0, len(list)), list...), true
	case []*float64:
		values, pointers := make([]float64, len(list)), make([]*float64, len(list))
		for i, v := range list {
			if v != nil {
				values[i] = *v
				pointers[i] = &values[i]
			}
		}
		return pointers, true
	}
	return nil, false
}

// copyMap goes by key order: when two keys look the same once cut, the same one of
// them wins every time.
func copyMap(out, v reflect.Value, mapText func(string) string) {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	for _, key := range keys {
		out.SetMapIndex(deepCopy(key, mapText), deepCopy(v.MapIndex(key), mapText))
	}
}

func copyStruct(out, v reflect.Value, mapText func(string) string) {
	out.Set(v) // unexported fields too, such as those of a time
	if _, opaque := v.Interface().(metrics.EncodedHistogram); opaque {
		return
	}
	for i := range v.NumField() {
		if v.Type().Field(i).IsExported() {
			out.Field(i).Set(deepCopy(v.Field(i), mapText))
		}
	}
}

// visible cuts s to a number of runes and replaces every character that does not
// print, or that changes how its neighbours are shown, by an escape. Line breaks and
// tabs survive where lines are wanted.
func (p plain) visible(s string, maxRunes int, lines bool) string {
	var b strings.Builder
	count := 0
	for i := 0; i < len(s); {
		if count == maxRunes {
			b.WriteString(p.ellipsis())
			break
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case lines && (r == '\n' || r == '\t'):
			b.WriteRune(r)
		case r < utf8.RuneSelf && unicode.IsPrint(r):
			b.WriteRune(r)
		case r >= utf8.RuneSelf && !p.ascii && (unicode.IsPrint(r) || unicode.Is(unicode.Zs, r)):
			b.WriteRune(r)
		default:
			b.WriteString(escapeRune(r))
		}
		i += size
		count++
	}
	if p.commands {
		return breakCommands(b.String())
	}
	return b.String()
}

func (p plain) ellipsis() string {
	if p.ascii {
		return "..."
	}
	return "…"
}

func escapeRune(r rune) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case r < 0x80:
		return fmt.Sprintf(`\x%02x`, r)
	case r > 0xffff:
		return fmt.Sprintf(`\U%08x`, r)
	default:
		return fmt.Sprintf(`\u%04x`, r)
	}
}

// breakCommands puts a space into what Azure Pipelines (anywhere in a line) and
// GitHub Actions (at its start) would execute.
func breakCommands(s string) string {
	s = strings.ReplaceAll(s, "##", "# #")
	if strings.HasPrefix(strings.TrimLeft(s, " "), "::") {
		s = strings.Replace(s, "::", ": :", 1)
	}
	return s
}
