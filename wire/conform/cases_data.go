package conform

import (
	"encoding/base64"
	"strings"
)

// dataCases are payloads (protocol.md 3.2, 3.5).
var dataCases = []Case{
	{"data/text", "3.5", "Text comes out as it went in", Spec, needRoles, func(t *T) {
		t.roundTrips("text", `""`, `"hi"`, `"gr\u00fc\u00dfe \ud83d\ude00 `+"\u2028"+`"`, `"\"\\\/\b\f\n\r\t\u0000\u001f"`, js(strings.Repeat("long ", 20000)))
	}},
	{"data/json", "3.5", "JSON comes out as the same value, whatever its kind", Spec, needRoles, func(t *T) {
		t.roundTrips("json", `{}`, `{"a":{"b":[1,2,{"c":null}]},"type":"ack"}`, `[]`, `[1,"x",null]`, `"text"`, `true`, `false`, `0`, `-1.5e3`)
	}},
	{"data/json-verbatim", "3.5", "JSON is embedded verbatim: numbers keep every digit", Emulator, needRoles, func(t *T) {
		t.roundTrips("json", `12345678901234567890123`, `1.10`, `{"n":0.1000}`)
	}},
	{"data/json-default", "3.2", "Without a dataType data is JSON", Spec, needRoles, func(t *T) {
		group := t.group("room")
		c := t.open(client{proto: plain})
		c.send(joinGroup(group, "1"), `{"type":"sendToGroup","group":`+js(group)+`,"data":{"x":1}}`)
		c.want(success("1"), `{"type":"message","dataType":"json","data":{"x":1}}`)
	}},
	{"data/binary", "3.5", "Binary data comes out as it went in, in base64", Spec, needRoles, func(t *T) {
		all := make([]byte, 256)
		for i := range all {
			all[i] = byte(i)
		}
		t.roundTrips("binary", `""`, `"AA=="`, `"AQID"`, js(base64.StdEncoding.EncodeToString(all)))
	}},
	{"data/metadata", "3.2", "metadata is forwarded to the receivers", Emulator, needRoles, func(t *T) {
		group := t.group("room")
		c := t.open(client{proto: plain})
		c.send(joinGroup(group, "1"), `{"type":"sendToGroup","group":`+js(group)+`,"dataType":"text","data":"x","ttlSeconds":30,"metadata":{"trace-id":"a1","Trace-Id":"b"}}`)
		c.want(success("1"), `{"type":"message","data":"x","metadata":{"trace-id":"a1","Trace-Id":"b"}}`)
	}},
	{"data/metadata-alone", "3.2", "data may be left out beside metadata, and is empty text then", Emulator, needRoles, func(t *T) {
		group := t.group("room")
		c := t.open(client{proto: plain})
		c.send(joinGroup(group, "1"), `{"type":"sendToGroup","group":`+js(group)+`,"metadata":{"k":"v"}}`)
		c.want(success("1"), `{"type":"message","dataType":"text","data":"","metadata":{"k":"v"}}`)
	}},
	{"data/reliable", "3.5", "Every type of data passes between the plain and the reliable subprotocol", Spec, needReliable, func(t *T) {
		group := t.group("room")
		a, b := t.open(client{proto: plain}), t.open(client{proto: reliable})
		a.send(joinGroup(group, "1"))
		b.send(joinGroup(group, "1"))
		a.want(success("1"))
		b.want(success("1"))
		for _, from := range []*conn{a, b} {
			for _, data := range []string{`"dataType":"text","data":"x"`, `"dataType":"json","data":[1]`, `"dataType":"binary","data":"AQID"`} {
				from.send(`{"type":"sendToGroup","group":` + js(group) + `,` + data + `}`)
				a.want(`{"type":"message",` + data + `}`)
				b.want(`{"type":"message",` + data + `}`)
			}
		}
	}},
}

// roundTrips publishes data, given as JSON, and wants it back.
func (t *T) roundTrips(dataType string, data ...string) {
	group := t.group("room")
	c := t.open(client{proto: plain})
	c.send(joinGroup(group, "1"))
	c.want(success("1"))
	for _, d := range data {
		typed := `"dataType":"` + dataType + `","data":` + d + `}`
		c.send(`{"type":"sendToGroup","group":` + js(group) + `,` + typed)
		c.want(`{"type":"message","group":` + js(group) + `,` + typed)
	}
}

// malformed are messages that cannot be parsed or break a rule of a field
// (protocol.md 3.1, 3.2, 3.6). The group stands for one that exists.
var malformed = []struct{ name, message string }{
	{"not-json", `hello`},
	{"empty-message", ``},
	{"not-an-object", `[{"type":"ping"}]`},
	{"truncated", `{"type":"ping"`},
	{"two-values", `{"type":"ping"}{"type":"ping"}`},
	{"type-missing", `{"group":"g"}`},
	{"type-not-text", `{"type":1}`},
	{"type-unknown", `{"type":"dance"}`},
	{"group-missing", `{"type":"joinGroup","ackId":1}`},
	{"group-empty", `{"type":"joinGroup","group":"","ackId":1}`},
	{"group-blank", `{"type":"joinGroup","group":" \t","ackId":1}`},
	{"group-too-long", `{"type":"joinGroup","group":"` + strings.Repeat("g", 1025) + `","ackId":1}`},
	{"group-not-text", `{"type":"leaveGroup","group":7,"ackId":1}`},
	{"event-missing", `{"type":"event","dataType":"text","data":"x"}`},
	{"event-name", `{"type":"event","event":"1st","dataType":"text","data":"x"}`},
	{"event-characters", `{"type":"event","event":"a b","dataType":"text","data":"x"}`},
	{"event-too-long", `{"type":"event","event":"` + strings.Repeat("e", 129) + `","dataType":"text","data":"x"}`},
	{"data-missing", `{"type":"sendToGroup","group":"g","dataType":"text","ackId":1}`},
	{"data-null", `{"type":"sendToGroup","group":"g","data":null,"ackId":1}`},
	{"data-type-unknown", `{"type":"sendToGroup","group":"g","dataType":"xml","data":"x","ackId":1}`},
	{"data-type-protobuf", `{"type":"sendToGroup","group":"g","dataType":"protobuf","data":"AQID","ackId":1}`},
	{"text-not-text", `{"type":"sendToGroup","group":"g","dataType":"text","data":{"x":1},"ackId":1}`},
	{"binary-not-base64", `{"type":"sendToGroup","group":"g","dataType":"binary","data":"!!","ackId":1}`},
	{"binary-not-padded", `{"type":"sendToGroup","group":"g","dataType":"binary","data":"AQI","ackId":1}`},
	{"binary-not-text", `{"type":"sendToGroup","group":"g","dataType":"binary","data":7,"ackId":1}`},
	{"no-echo-null", `{"type":"sendToGroup","group":"g","noEcho":null,"data":1,"ackId":1}`},
	{"no-echo-text", `{"type":"sendToGroup","group":"g","noEcho":"true","data":1,"ackId":1}`},
	{"ttl-too-long", `{"type":"sendToGroup","group":"g","ttlSeconds":301,"data":1,"ackId":1}`},
	{"ttl-negative", `{"type":"sendToGroup","group":"g","ttlSeconds":-1,"data":1,"ackId":1}`},
	{"ttl-fraction", `{"type":"sendToGroup","group":"g","ttlSeconds":1.5,"data":1,"ackId":1}`},
	{"metadata-not-object", `{"type":"sendToGroup","group":"g","metadata":["a"],"data":1,"ackId":1}`},
	{"metadata-value", `{"type":"sendToGroup","group":"g","metadata":{"a":1},"data":1,"ackId":1}`},
	{"metadata-key", `{"type":"sendToGroup","group":"g","metadata":{"a b":"x"},"data":1,"ackId":1}`},
	{"metadata-not-ascii", `{"type":"sendToGroup","group":"g","metadata":{"a":"\u00fc"},"data":1,"ackId":1}`},
	{"metadata-key-too-long", `{"type":"sendToGroup","group":"g","metadata":{"` + strings.Repeat("k", 257) + `":"x"},"data":1,"ackId":1}`},
	{"metadata-value-too-long", `{"type":"sendToGroup","group":"g","metadata":{"a":"` + strings.Repeat("v", 1025) + `"},"data":1,"ackId":1}`},
	{"metadata-too-much", `{"type":"sendToGroup","group":"g","metadata":{` + manyPairs() + `},"data":1,"ackId":1}`},
	{"ack-id-quoted", `{"type":"joinGroup","group":"g","ackId":"1"}`},
	{"ack-id-negative", `{"type":"joinGroup","group":"g","ackId":-1}`},
	{"ack-id-fraction", `{"type":"joinGroup","group":"g","ackId":1.5}`},
	{"ack-id-too-large", `{"type":"joinGroup","group":"g","ackId":18446744073709551616}`},
	{"sequence-id-missing", `{"type":"sequenceAck"}`},
	{"sequence-id-quoted", `{"type":"sequenceAck","sequenceId":"1"}`},
	{"old-sequence-ack", `{"type":"ack","sequenceId":1}`},
}

// manyPairs is metadata of 9 KB, each value as long as it may be.
func manyPairs() string {
	var pairs []string
	for _, key := range strings.Split("abcdefghi", "") {
		pairs = append(pairs, `"`+key+`":"`+strings.Repeat("v", 1000)+`"`)
	}
	return strings.Join(pairs, ",")
}

// malformedCases makes a case of each malformed message: the connection is closed
// with 1007.
func malformedCases() []Case {
	cases := make([]Case, 0, len(malformed))
	for _, m := range malformed {
		cases = append(cases, Case{
			"malformed/" + m.name, "3.6", "A malformed message is answered with close 1007 (" + strings.ReplaceAll(m.name, "-", " ") + ")",
			Emulator, needRoles, func(t *T) {
				c := t.open(client{proto: plain})
				c.settled()
				c.send(m.message)
				c.wantClose(1007, "The client message is not a valid JSON protocol message.")
			},
		})
	}
	return cases
}
