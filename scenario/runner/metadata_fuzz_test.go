package runner

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire"
)

// FuzzReceivedMetadata: whatever a service puts beside the data of a message, a JSON client
// and a protobuf client take it without harm, and X1 accuses it exactly when it is not what
// was published. What is no object at all is no message.
func FuzzReceivedMetadata(f *testing.F) {
	published := map[string]string{"trace": "a1", "q": "x"} // as in inflowText
	for _, object := range []string{
		`{"trace":"a1","q":"x"}`, ` { "q" : "\u0078" , "tr\u0061ce":"a1" } `, `{"trace":"a1"}`, `{"trace":"a1","q":"x","":""}`,
		`{"trace":"a1","trace":"a1"}`, `{"trace":"a1","q":1}`, `{"trace":{"q":"x"}}`, `{"trace":"a1","q":["x"]}`, `{"trace":"a1","q":"x\ud800"}`,
		`null`, `-1e999`, `[]`, `"trace"`, `{}`, `{"trace":"a1","q":"x"},"data":""`, `{"trace":"a1","q":"x`, "{\"trace\":\"a1\x00\"}", "{\"\xff\":\"\xfe\"}",
	} {
		f.Add(object)
	}
	for _, arrays := range []int{wire.MaxDepth - 2, wire.MaxDepth - 1} { // in two objects: as deep as may be, and deeper
		f.Add(`{"a":` + strings.Repeat("[", arrays) + strings.Repeat("]", arrays) + `}`)
	}
	f.Fuzz(func(t *testing.T, object string) {
		pairs, kind := pairsOf(object)
		in := newInflow(t, wire.JSONReliable, "text", 0)
		h := metrics.Header{RunID: 7, Address: in.w.run.topology.Publishers[0].Addresses[0], Message: 1}
		data := metrics.AppendPayload(nil, metrics.PayloadText, h, 64, 1)
		text := fmt.Appendf(nil, `{"type":"message","from":"group","group":%q,"dataType":"text","data":%q,"sequenceId":1,"metadata":%s}`,
			in.w.run.topology.Groups[h.Address], data, object)
		in.session.Received(time.Second, frameOf(wire.EncodingJSON, text))
		accused, broken := in.w.checker.Progress().Violations, in.w.funnel.ProtocolErrors
		switch {
		case kind == "object" && (broken != 0 || (accused == 0) != maps.Equal(pairs, published)):
			t.Errorf("%q: %d protocol errors, %d accusations", object, broken, accused)
		case kind == "null" && (broken != 0 || accused != 1):
			t.Errorf("%q: %d protocol errors, %d accusations, want it like none", object, broken, accused)
		case kind == "other" && broken != 1:
			t.Errorf("%q is taken for metadata", object)
		}
		if pairs == nil {
			return
		}
		in = newInflow(t, wire.ProtobufReliable, "text", 0)
		canonical, _ := json.Marshal(pairs)
		in.session.Received(time.Second, serverFrame(wire.EncodingProtobuf, &wire.Downstream{
			Kind: wire.GroupMessage, Group: []byte(in.w.run.topology.Groups[h.Address]), DataType: wire.DataText, Data: data,
			SequenceID: 1, Metadata: canonical,
		}))
		if accused := in.w.checker.Progress().Violations; (accused == 0) != maps.Equal(pairs, published) {
			t.Errorf("%q in protobuf: %d accusations", object, accused)
		}
	})
}

// pairsOf says what a JSON text is: an object, with its pairs if all are texts and none
// comes twice, null, other, which no message may hold there, or, where it is no JSON
// value, nothing.
func pairsOf(text string) (pairs map[string]string, kind string) {
	if !json.Valid([]byte(text)) || !utf8.ValidString(text) { // no text frame (RFC 6455 5.6)
		return nil, ""
	}
	d := decoderOf(text)
	switch first, _ := d.Token(); {
	case first == nil:
		return nil, "null"
	case first != json.Delim('{') || nesting(text) >= wire.MaxDepth:
		return nil, "other"
	}
	pairs = map[string]string{}
	for d.More() {
		key, _ := d.Token()
		value, _ := d.Token()
		v, isText := value.(string)
		if _, twice := pairs[key.(string)]; twice || !isText {
			return nil, "object"
		}
		pairs[key.(string)] = v
	}
	return pairs, "object"
}

// nesting is how deeply objects and arrays nest in a JSON text.
func nesting(text string) (deepest int) {
	d := decoderOf(text)
	for depth := 0; ; {
		token, err := d.Token()
		if err != nil {
			return deepest
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
			deepest = max(deepest, depth)
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
}

// decoderOf leaves numbers as they stand: one beyond float64 is JSON all the same, and
// its token would be an error.
func decoderOf(text string) *json.Decoder {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	return d
}
