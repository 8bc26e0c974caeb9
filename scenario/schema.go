package scenario

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// shape is a JSON Schema of one value.
type shape map[string]any

// probe collects what the decoder would take at a node. A node with one stands for any
// value of its kind: the primitives of the decoder note there what they take instead of
// reading it. So the schema is the decoder's own word, and a key is added in one place.
type probe struct{ taken shape }

// Schema returns the JSON Schema (draft 7, which editors know best) of a scenario file.
// It accepts what [Parse] can read key by key; what values mean together is said by
// Parse alone.
func Schema() []byte {
	d := &decoder{places: places{}}
	root := d.shapeOf("", func(n *node) { d.scenario(n, &Scenario{}) })
	root["$schema"] = "http://json-schema.org/draft-07/schema#"
	root["title"] = "wpsbench scenario"
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		panic(err) // maps of texts, lists and booleans
	}
	return append(text, '\n')
}

// shapeOf asks a reader of the decoder for all kinds of value that it takes.
func (d *decoder) shapeOf(path string, into func(*node)) shape {
	var taken []any
	for _, kind := range []nodeKind{scalar, mapping, sequence} {
		n := &node{kind: kind, path: path, probe: &probe{}}
		into(n)
		if n.probe.taken != nil {
			taken = append(taken, n.probe.taken)
		}
	}
	one := shape{"anyOf": taken}
	if len(taken) == 1 {
		one = taken[0].(shape)
	}
	if text := describe(path); text != "" {
		one["description"] = text
	}
	return one
}

// takes notes what is taken of a node of a kind; it says whether the node is a probe.
func (n *node) takes(kind nodeKind, what func() shape) bool {
	if n.probe == nil {
		return false
	}
	if n.kind == kind {
		n.probe.taken = what()
	}
	return true
}

// takesOne is for single values.
func (n *node) takesOne(what shape) bool {
	return n.takes(scalar, func() shape { return what })
}

// eitherOf notes that an object has exactly one of some keys.
func (n *node) eitherOf(keys ...string) {
	if n.probe == nil || n.probe.taken == nil {
		return
	}
	var alternatives []any
	for _, key := range keys {
		alternatives = append(alternatives, shape{"required": []string{key}})
	}
	n.probe.taken["oneOf"] = alternatives
}

// allUnless notes that an object has all of some keys, but with that value of another one.
func (n *node) allUnless(key, value string, keys ...string) {
	if n.probe == nil || n.probe.taken == nil {
		return
	}
	excepted := shape{"properties": shape{key: shape{"const": value}}}
	n.probe.taken["anyOf"] = []any{excepted, shape{"required": keys}}
}

func (d *decoder) objectShape(path string, fields []field) shape {
	properties := shape{}
	var required []string
	for _, f := range fields {
		properties[f.key] = d.shapeOf(under(path, f.key), f.into)
		if f.required {
			required = append(required, f.key)
		}
	}
	s := shape{"type": "object", "additionalProperties": false, "properties": properties}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

func (d *decoder) eachShape(path string, into func(string, *node)) shape {
	anyName := d.shapeOf(under(path, "*"), func(n *node) { into("*", n) })
	return shape{"type": "object", "additionalProperties": anyName}
}

func (d *decoder) listShape(path string, into func(*node)) shape {
	return shape{"type": "array", "items": d.shapeOf(under(path, "*"), into)}
}

// valueShape is the notation of what a parser of the format's own kinds of value fills in.
func valueShape(dst any) shape {
	const number = `[0-9]+(\.[0-9]+)?`
	switch dst.(type) {
	case *time.Duration:
		return shape{"type": "string", "pattern": `^\+?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$`}
	case *Rate:
		return shape{"type": "string", "pattern": `^` + number + `/([0-9][0-9.]*)?(ns|us|µs|μs|ms|s|m|h)([0-9.]+(ns|us|µs|μs|ms|s|m|h))*$`}
	case *Share:
		return shape{"anyOf": []any{shape{"type": "integer", "minimum": 1},
			shape{"type": "string", "pattern": `^([1-9][0-9]*|(100(\.0+)?|[1-9][0-9]?(\.[0-9]+)?|0+\.[0-9]*[1-9][0-9]*)%)$`}}}
	case *int: // a size
		return shape{"anyOf": []any{shape{"type": "integer", "minimum": 0},
			shape{"type": "string", "pattern": `^[0-9]+(\.[0-9]+)? *(B|KiB|MiB)?$`}}}
	case *float64: // a factor
		return shape{"type": "string", "pattern": `^x` + number + `$`}
	default:
		return shape{"type": []string{"string", "number"}}
	}
}

// limitShape is the notation of a threshold of a metric.
func limitShape(metric string) shape {
	const number = `[0-9]+(\.[0-9]+)?`
	const compare = `\s*(<=?|>=?|===?|!=)\s*`
	aggregates := strings.Join(slices.DeleteFunc(slices.Clone(aggregates[metricKinds[metric]]), func(a string) bool { return a == "p(N)" }), "|")
	pattern := `^\s*(` + aggregates + `)` + compare + number + `\s*$`
	if metricKinds[metric] == timeMetric {
		pattern = `^\s*(count` + compare + number + `|(avg|min|med|max|p\(` + number + `\))` + compare + `[0-9.]+[a-zµμ][0-9a-zµμ.]*)\s*$`
	}
	return shape{"type": "string", "pattern": pattern, "examples": []string{example(metricKinds[metric])}}
}

// Metric is a figure that thresholds can limit.
type Metric struct {
	Name       string
	Aggregates []string
	Text       string // what it is, without a full stop
}

// Metrics returns every metric, sorted by name.
func Metrics() []Metric {
	list := make([]Metric, len(metricNames))
	for i, name := range metricNames {
		list[i] = Metric{Name: name, Aggregates: aggregates[metricKinds[name]], Text: descriptions["thresholds."+name]}
	}
	return list
}
