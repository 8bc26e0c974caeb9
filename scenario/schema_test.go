package scenario

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("scenario.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("scenario.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// plain is what an editor's YAML parser makes of a file.
func plain(n *node) any {
	switch n.kind {
	case mapping:
		m := map[string]any{}
		for _, e := range n.entries {
			m[e.key] = plain(e.value)
		}
		return m
	case sequence:
		list := []any{}
		for _, item := range n.items {
			list = append(list, plain(item))
		}
		return list
	case scalar:
	}
	switch {
	case n.null:
		return nil
	case n.quoted:
		return n.text
	case n.text == "true", n.text == "false":
		return n.text == "true"
	case json.Valid([]byte(n.text)):
		return json.Number(n.text)
	}
	return n.text
}

// The schema refuses exactly the files that the decoder refuses. What only Validate
// refuses, which sees values together, the schema accepts.
func TestSchemaAgreesWithDecoder(t *testing.T) {
	schema := compiledSchema(t)
	var files []string
	for _, pattern := range []string{"../scenarios/*.yaml", "testdata/bad/*.yaml"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("no files for %s: %v", pattern, err)
		}
		files = append(files, found...)
	}
	refused := 0
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		root, problem := readTree(file, src)
		if problem != nil || root == nil {
			continue // not YAML
		}
		assignPaths(root, "")
		d := &decoder{places: places{}}
		d.scenario(root, &Scenario{})
		err = schema.Validate(plain(root))
		if (err != nil) != shapeRefused(d.problems) {
			t.Errorf("%s: the schema says %v, the decoder %v", file, err, d.problems)
		}
		if err != nil {
			refused++
		}
	}
	if refused < 5 {
		t.Errorf("only %d files were refused, want those of testdata/bad with a wrong shape", refused)
	}
}

// shapeRefused leaves out what no schema can say: keys given twice, and paths.
func shapeRefused(problems Problems) bool {
	return slices.ContainsFunc(problems, func(p Problem) bool {
		return !strings.HasSuffix(p.Message, "is given twice") && !strings.HasPrefix(p.Message, "unknown path")
	})
}

// One change to a valid scenario, which both must judge alike.
func TestSchemaValues(t *testing.T) {
	schema := compiledSchema(t)
	for _, test := range []struct {
		set string
		ok  bool
	}{
		{"name=other", true}, {"name=7", false}, {`name="7"`, true}, {"nme=x", false},
		{"seed=3", true}, {"seed=-3", false}, {"seed=x", false},
		{"phases.steady=250ms", true}, {"phases.steady=1h2m3.5s", true}, {"phases.steady=20", false}, {"phases.steady=soon", false},
		{"phases.steady=[{name: a, for: 5s, rate: x2}]", true}, {"phases.steady=[{name: a}]", false},
		{"phases.steady=[{name: a, for: 5s, rate: 2}]", false},
		{"groups.room={count: 3, names: [a]}", false}, {"groups.room={}", false}, {"groups.room={names: [a, b]}", true},
		{"populations.members.connections=1.5", false}, {"populations.members.connections=many", false},
		{"populations.members.publish.rate=1/30s", true}, {"populations.members.publish.rate=1/m", true}, {"populations.members.publish.rate=1", false},
		{"populations.members.publish.rate=1/", false}, {"populations.members.publish.total_rate=1/s", false},
		{"populations.members.publish.senders=20%", true}, {"populations.members.publish.senders=3", true},
		{"populations.members.publish.senders=0", false}, {"populations.members.publish.senders=0%", false}, {"populations.members.publish.senders=101%", false},
		{"populations.members.publish.size=2KiB", true}, {"populations.members.publish.size=128", true}, {"populations.members.publish.size=2KB", false},
		{"populations.members.publish.ack=yes", false}, {"populations.members.publish.ack=false", true},
		{"populations.members.publish.to=room", true}, {"populations.members.publish.to=[room]", true},
		{"populations.members.publish.to={user: a, all: true}", false}, {"populations.members.publish.to={everybody: true}", false},
		{"populations.members.publish.arrival=poisson", true}, {"populations.members.publish.arrival=sometimes", false},
		{"populations.members.publish.arrival={burst: 5, within: 2s}", true}, {"populations.members.publish.arrival={burst: 5}", false},
		{"populations.members.publish.data_type=protobuf", false},
		{"populations.members.client=sdk-js", true}, {"populations.members.client=sdk-c", false},
		{"populations.members.client={preset: sdk-js, reconnect: {max: 1m}}", true}, {"populations.members.client={preset: sdk-c}", false},
		{"populations.members.client={reconnect: {jitter: some}}", false},
		{`thresholds={e2e_latency: "p(99)<250ms"}`, true}, {`thresholds={e2e_latency: ["p(99.9) <= 1m30s", "count>0"]}`, true},
		{`thresholds={e2e_latency: "p(99)<250"}`, false}, {`thresholds={e2e_latency: "p99<250ms"}`, false}, {`thresholds={late: "count==0"}`, false},
		{`thresholds={lost: "count==0"}`, true}, {`thresholds={lost: "p(99)<1s"}`, false},
		{`thresholds={lost: {threshold: "rate<0.5", abort_on_fail: true}}`, true}, {`thresholds={lost: {during: steady}}`, false},
		{"upstream={listen: \"127.0.0.1:1\", reply: echo}", true}, {"upstream={}", false},
		{"faults=[{name: F1, at: 1s, kind: rst, population: members, hit: 20%}]", true},
		{"faults=[{name: F1, at: 1s, kind: gently, population: members, hit: 20%}]", false},
		{"scales=[groups.room.count]", true}, {"scales=groups.room.count", false},
	} {
		root, problem := readTree("test.yaml", []byte(minimal))
		if problem == nil {
			problem = applySet(root, test.set)
		}
		if problem != nil {
			t.Fatalf("%s: %v", test.set, problem)
		}
		assignPaths(root, "")
		d := &decoder{places: places{}}
		d.scenario(root, &Scenario{})
		if got := len(d.problems) == 0; got != test.ok {
			t.Errorf("%s: the decoder says %v, want ok = %v", test.set, d.problems, test.ok)
		}
		if err := schema.Validate(plain(root)); (err == nil) != test.ok {
			t.Errorf("%s: the schema says %v, want ok = %v", test.set, err, test.ok)
		}
	}
}

// paths collects every path of a schema: keys, and * for what has any.
func paths(into map[string]bool, path string, s map[string]any) {
	for _, one := range asList(s["anyOf"]) {
		paths(into, path, one.(map[string]any))
	}
	if one, ok := s["items"].(map[string]any); ok {
		paths(into, under(path, "*"), one)
	}
	if one, ok := s["additionalProperties"].(map[string]any); ok {
		into[under(path, "*")] = true
		paths(into, under(path, "*"), one)
	}
	properties, _ := s["properties"].(map[string]any)
	for key, one := range properties {
		into[under(path, key)] = true
		paths(into, under(path, key), one.(map[string]any))
	}
}

func asList(v any) []any {
	list, _ := v.([]any)
	return list
}

// Every key has a description, and every description a key.
func TestDescriptions(t *testing.T) {
	var schema map[string]any
	if err := json.Unmarshal(Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"": true}
	paths(known, "", schema)
	described := map[string]bool{}
	for path := range known {
		text := describe(path)
		if text == "" && !textMap[path] {
			t.Errorf("%s has no description", path)
		}
		described[text] = true
	}
	for path, text := range descriptions {
		if !described[text] {
			t.Errorf("%s is described, but is no key of the format", path)
		}
	}
}

// textMap are the values under names that are the user's own.
var textMap = map[string]bool{"tags.*": true, "target.headers.*": true, "populations.*.publish.metadata.*": true}

// The reference in the package comment names every key of the format.
func TestReferenceNamesEveryKey(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for path := range descriptions {
		key := path[strings.LastIndexByte(path, '.')+1:]
		if key != "*" && !strings.Contains(string(doc), key) {
			t.Errorf("doc.go does not name %s", path)
		}
	}
}
