package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report/compare"
)

func compileSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(RunSchema()))
	must(t, err)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	must(t, c.AddResource("run.json", doc))
	s, err := c.Compile("run.json")
	must(t, err)
	return s
}

func TestRecordsFollowTheSchema(t *testing.T) {
	schema := compileSchema(t)
	for name, build := range records {
		var b bytes.Buffer
		must(t, WriteJSON(&b, build(t)))
		doc, err := jsonschema.UnmarshalJSON(&b)
		must(t, err)
		if err := schema.Validate(doc); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Removing any key that a record always has must be noticed, and so must a renamed one.
func TestSchemaMissesEveryKey(t *testing.T) {
	schema := compileSchema(t)
	r := violatedRun(t)
	r.Series = series(6)
	r.Groups.Worst = []metrics.GroupReach{{Name: "room-003"}}
	var b bytes.Buffer
	must(t, WriteJSON(&b, r))
	var doc any
	must(t, json.Unmarshal(b.Bytes(), &doc))
	required := alwaysThere(reflect.TypeFor[metrics.Run]())
	tried := map[string]bool{}
	walk(doc, func(object map[string]any) {
		for _, key := range slices.Sorted(maps.Keys(object)) {
			if !required[key] || tried[signature(object)+key] {
				continue
			}
			tried[signature(object)+key] = true
			value := object[key]
			delete(object, key)
			object["x_"+key] = value
			if schema.Validate(doc) == nil {
				t.Errorf("key %q of {%s} was renamed, and the schema did not notice", key, signature(object))
			}
			delete(object, "x_"+key)
			object[key] = value
		}
	})
	if len(tried) < 150 {
		t.Errorf("only %d keys were tried", len(tried))
	}
}

func signature(object map[string]any) string {
	return strings.Join(slices.Sorted(maps.Keys(object)), " ")
}

func walk(doc any, visit func(map[string]any)) {
	switch v := doc.(type) {
	case map[string]any:
		visit(v)
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if key != "columns" { // by name, not by the schema
				walk(v[key], visit)
			}
		}
	case []any:
		for _, x := range v {
			walk(x, visit)
		}
	}
}

// alwaysThere lists the keys that some struct of the record always writes and none
// writes only sometimes.
func alwaysThere(root reflect.Type) map[string]bool {
	always, sometimes := map[string]bool{}, map[string]bool{}
	eachStruct(root, func(s reflect.Type) {
		for i := range s.NumField() {
			if key, optional := jsonKey(s.Field(i)); optional {
				sometimes[key] = true
			} else {
				always[key] = true
			}
		}
	})
	maps.DeleteFunc(always, func(key string, _ bool) bool { return sometimes[key] })
	return always
}

func jsonKey(f reflect.StructField) (key string, optional bool) {
	key, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	return key, strings.Contains(options, "omitempty")
}

func eachStruct(t reflect.Type, visit func(reflect.Type)) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		eachStruct(t.Elem(), visit)
	case reflect.Struct:
		if t.PkgPath() != reflect.TypeFor[metrics.Run]().PkgPath() {
			return
		}
		visit(t)
		for i := range t.NumField() {
			eachStruct(t.Field(i).Type, visit)
		}
	default:
	}
}

// The schema describes exactly the keys that the record has.
func TestSchemaNamesEveryKey(t *testing.T) {
	schema := parseSchema(t, RunSchema())
	compareKeys(t, "", reflect.TypeFor[metrics.Run](), schema, schema)
}

func parseSchema(t *testing.T, text []byte) (schema map[string]any) {
	t.Helper()
	must(t, json.Unmarshal(text, &schema))
	return schema
}

func compareKeys(t *testing.T, path string, typ reflect.Type, node, root map[string]any) {
	t.Helper()
	node = resolve(t, node, root)
	switch typ.Kind() {
	case reflect.Pointer:
		compareKeys(t, path, typ.Elem(), node, root)
	case reflect.Slice:
		if items, ok := node["items"].(map[string]any); ok {
			compareKeys(t, path+"[]", typ.Elem(), items, root)
		} else {
			t.Errorf("%s: the schema does not describe the items", path)
		}
	case reflect.Map:
		if values, ok := node["additionalProperties"].(map[string]any); ok {
			compareKeys(t, path+"{}", typ.Elem(), values, root)
		} else {
			t.Errorf("%s: the schema does not describe the values", path)
		}
	case reflect.Struct:
		if pkg := typ.PkgPath(); pkg != reflect.TypeFor[metrics.Run]().PkgPath() && pkg != reflect.TypeFor[compare.Result]().PkgPath() {
			return // a time
		}
		properties, _ := node["properties"].(map[string]any)
		var want, required []string
		for i := range typ.NumField() {
			key, optional := jsonKey(typ.Field(i))
			if key == "-" || !typ.Field(i).IsExported() {
				continue
			}
			want = append(want, key)
			if !optional {
				required = append(required, key)
			}
			if p, ok := properties[key].(map[string]any); ok {
				compareKeys(t, path+"/"+key, typ.Field(i).Type, p, root)
			}
		}
		slices.Sort(want)
		slices.Sort(required)
		if got := slices.Sorted(maps.Keys(properties)); !slices.Equal(got, want) {
			t.Errorf("%s: properties\n got %v\nwant %v", path, got, want)
		}
		var got []string
		for _, k := range anySlice(node["required"]) {
			got = append(got, fmt.Sprint(k))
		}
		slices.Sort(got)
		if !slices.Equal(got, required) {
			t.Errorf("%s: required\n got %v\nwant %v", path, got, required)
		}
	default:
	}
}

func anySlice(v any) []any { s, _ := v.([]any); return s }

// resolve follows $ref, and takes the branch of oneOf that is not null.
func resolve(t *testing.T, node, root map[string]any) map[string]any {
	t.Helper()
	for _, branch := range anySlice(node["oneOf"]) {
		if b := branch.(map[string]any); b["type"] != "null" {
			return resolve(t, b, root)
		}
	}
	ref, ok := node["$ref"].(string)
	if !ok {
		return node
	}
	name := strings.TrimPrefix(ref, "#/$defs/")
	target, ok := root["$defs"].(map[string]any)[name].(map[string]any)
	if !ok {
		t.Fatalf("the schema refers to %s, which it does not define", ref)
	}
	return resolve(t, target, root)
}

// The caller owns what RunSchema returns.
func TestRunSchemaIsACopy(t *testing.T) {
	RunSchema()[0] = 'x'
	if RunSchema()[0] != '{' {
		t.Error("a caller changed the schema for everybody")
	}
}
