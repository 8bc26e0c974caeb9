package conform

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/gobwas/ws"
	"google.golang.org/protobuf/encoding/protowire"
)

// pb is a protobuf message written down by field numbers (protocol.md 5), to be sent or
// to be wanted: a field is a bool or an int (varint), a string, a []byte, a pb, or
// pbAbsent. A field may come more than once.
type pb []pbField

type pbField struct {
	number protowire.Number
	value  any
}

// pbAbsent wants a field not to be there, or to have its default.
type pbAbsent struct{}

// pbPresent wants a text that is not empty.
type pbPresent struct{}

// bytes encodes m as it is written down.
func (m pb) bytes() []byte {
	var b []byte
	for _, f := range m {
		switch v := f.value.(type) {
		case bool:
			b = protowire.AppendTag(b, f.number, protowire.VarintType)
			b = protowire.AppendVarint(b, protowire.EncodeBool(v))
		case uint64:
			b = protowire.AppendTag(b, f.number, protowire.VarintType)
			b = protowire.AppendVarint(b, v)
		case string:
			b = protowire.AppendTag(b, f.number, protowire.BytesType)
			b = protowire.AppendString(b, v)
		case []byte:
			b = protowire.AppendTag(b, f.number, protowire.BytesType)
			b = protowire.AppendBytes(b, v)
		case pb:
			b = protowire.AppendTag(b, f.number, protowire.BytesType)
			b = protowire.AppendBytes(b, v.bytes())
		}
	}
	return b
}

// mismatch compares a message with the wanted one and returns what is wrong, "" if
// nothing. Fields that are not wanted may be there; their order does not matter, and of
// several the last counts, but for those that are wanted more than once.
func (m pb) mismatch(got []byte) string { return m.differ("message", got) }

func (m pb) differ(path string, got []byte) string {
	fields, err := pbParse(got)
	if err != nil {
		return fmt.Sprintf("%s is not protobuf (%v)", path, err)
	}
	taken := map[protowire.Number]int{}
	for _, f := range m {
		name := fmt.Sprintf("%s.%d", path, f.number)
		values := fields[f.number]
		var value any
		if n := len(values); n > 0 {
			value = values[n-1]
			if m.count(f.number) > 1 {
				if taken[f.number] >= n {
					return name + " is there too seldom"
				}
				value = values[taken[f.number]]
				taken[f.number]++
			}
		}
		if problem := f.differ(name, value); problem != "" {
			return problem
		}
	}
	return ""
}

func (m pb) count(number protowire.Number) int {
	n := 0
	for _, f := range m {
		if f.number == number {
			n++
		}
	}
	return n
}

// differ compares one field; got is an uint64, a []byte, or nil if it is not there,
// which is also how a default is written outside a oneof.
func (f pbField) differ(name string, got any) string {
	number, _ := got.(uint64)
	text, isText := got.([]byte)
	wrong := func(want any) string { return fmt.Sprintf("%s is %s, want %v", name, pbText(got), want) }
	switch want := f.value.(type) {
	case pbAbsent:
		if number != 0 || len(text) != 0 {
			return wrong("none")
		}
	case pbPresent:
		if len(text) == 0 {
			return wrong("a text")
		}
	case bool:
		if isText || number != protowire.EncodeBool(want) {
			return wrong(want)
		}
	case uint64:
		if isText || number != want {
			return wrong(want)
		}
	case string:
		if string(text) != want || number != 0 {
			return wrong(fmt.Sprintf("%q", shorten(want)))
		}
	case []byte:
		if string(text) != string(want) || number != 0 {
			return wrong(hex.EncodeToString(want[:min(len(want), 64)]))
		}
	case pb:
		if !isText {
			return wrong("a message")
		}
		return want.differ(name, text)
	}
	return ""
}

func pbText(v any) string {
	switch v := v.(type) {
	case nil:
		return "missing"
	case []byte:
		if utf8.Valid(v) {
			return fmt.Sprintf("%q", shorten(string(v)))
		}
		return hex.EncodeToString(v[:min(len(v), 64)])
	default:
		return fmt.Sprint(v)
	}
}

// pbParse returns the fields of a message in the order in which they came.
func pbParse(b []byte) (map[protowire.Number][]any, error) {
	fields := map[protowire.Number][]any{}
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return nil, protowire.ParseError(n)
		}
		b = b[n:]
		var value any
		switch kind {
		case protowire.VarintType:
			value, n = protowire.ConsumeVarint(b)
		case protowire.BytesType:
			value, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(number, kind, b)
		}
		if n < 0 {
			return nil, protowire.ParseError(n)
		}
		if value != nil {
			fields[number] = append(fields[number], value)
		}
		b = b[n:]
	}
	return fields, nil
}

// pbConnected returns the connection id and the reconnection token of a `connected`.
func pbConnected(b []byte) (id, token string) {
	for _, number := range []protowire.Number{3, 1} {
		fields, err := pbParse(b)
		if err != nil || len(fields[number]) == 0 {
			return "", ""
		}
		b, _ = fields[number][0].([]byte)
	}
	fields, err := pbParse(b)
	if err != nil {
		return "", ""
	}
	text := func(number protowire.Number) string {
		if len(fields[number]) == 0 {
			return ""
		}
		b, _ := fields[number][0].([]byte)
		return string(b)
	}
	return text(1), text(3)
}

// pbWithoutToken blots out the reconnection token of a `connected`: a transcript shows
// binary messages as hex, in which no secret would be recognised.
func pbWithoutToken(b []byte) []byte {
	_, token := pbConnected(b)
	if token == "" {
		return b
	}
	return bytes.ReplaceAll(b, []byte(token), bytes.Repeat([]byte("*"), len(token)))
}

type pbNumber = protowire.Number

// sendPB sends messages in protobuf.
func (c *conn) sendPB(messages ...pb) {
	for _, m := range messages {
		c.writeFrame(ws.OpBinary, m.bytes())
	}
}

// wantPB takes as many messages in protobuf and compares them.
func (c *conn) wantPB(messages ...pb) {
	for _, want := range messages {
		_ = c.takePB(want)
	}
}

// takePB takes the next message, which must be as wanted.
func (c *conn) takePB(want pb) []byte {
	a := c.nextBinary(fmt.Sprintf("a message like %x", want.bytes()))
	if problem := want.mismatch(a.payload); problem != "" {
		c.t.Fatalf("%s: %s in %x", c.name, problem, a.payload)
	}
	return a.payload
}

// nextBinary takes the next message, which must be binary.
func (c *conn) nextBinary(what string) arrival {
	a := c.next(what)
	switch {
	case a.err != nil:
		c.t.Fatalf("%s: the connection ended (%s), want %s", c.name, endText(a.err), what)
	case a.op != ws.OpBinary:
		c.t.Fatalf("%s: %s, want %s", c.name, describe(a.op, a.payload), what)
	}
	return a
}

// unhex is bytes as protocol.md writes them: "4a 00".
func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic("conform: a literal is not hex: " + s)
	}
	return b
}
