package wire_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/wpsbench/wpsbench/wire"
)

// publishedDownstream are the messages of protocol.md 0.3, 3.3 as they stand there.
// canonical says that we write them the same way; the rest come from the service only.
var publishedDownstream = []struct {
	name, text string
	want       wire.Downstream
	canonical  bool
}{
	{
		"connected", `{"type":"system","event":"connected","userId":"alice","connectionId":"0a1b2c","reconnectionToken":"eyJ..."}`,
		wire.Downstream{Kind: wire.Connected, UserID: b("alice"), ConnectionID: b("0a1b2c"), ReconnectionToken: b("eyJ...")}, true,
	},
	{
		"disconnected", `{"type":"system","event":"disconnected","message":"Application server closed the connection. Reason: maintenance"}`,
		wire.Downstream{Kind: wire.Disconnected, Reason: b("Application server closed the connection. Reason: maintenance")}, true,
	},
	{"ack", `{"type":"ack","ackId":3,"success":true}`, wire.Downstream{Kind: wire.Ack, AckID: 3, Success: true}, true},
	{
		"refusal", `{"type":"ack","ackId":4,"success":false,"error":{"name":"Forbidden","message":"The client does not have permission to send to group 'room'."}}`,
		wire.Downstream{Kind: wire.Ack, AckID: 4, ErrorName: b("Forbidden"), ErrorMessage: b("The client does not have permission to send to group 'room'.")}, true,
	},
	{
		"group message", `{"type":"message","from":"group","group":"room","fromUserId":"alice","dataType":"json","data":{"x":1},"sequenceId":5}`,
		wire.Downstream{Kind: wire.GroupMessage, Group: b("room"), FromUserID: b("alice"), Data: b(`{"x":1}`), SequenceID: 5}, true,
	},
	{
		"group text", `{"type":"message","from":"group","group":"room","fromUserId":"alice","dataType":"text","data":"hi","sequenceId":1}`,
		wire.Downstream{Kind: wire.GroupMessage, Group: b("room"), FromUserID: b("alice"), DataType: wire.DataText, Data: b("hi"), SequenceID: 1}, true,
	},
	{
		"server message", `{"type":"message","from":"server","dataType":"text","data":"from REST","sequenceId":6}`,
		wire.Downstream{Kind: wire.ServerMessage, DataType: wire.DataText, Data: b("from REST"), SequenceID: 6}, true,
	},
	{"pong", `{"type":"pong"}`, wire.Downstream{Kind: wire.Pong}, true},
	{"stream accepted", `{"type":"streamAck","streamId":"s1","expectedSequenceId":1}`, wire.Downstream{}, false},
	{
		"group state", `{"type":"groupStateSnapshot","group":"room","items":[{"connectionId":"c1","userId":"alice","state":{"mood":"ok"},"updatedAt":1760000000000}],"sequenceId":9}`,
		wire.Downstream{SequenceID: 9}, false,
	},
}

// publishedUpstream are the messages of protocol.md 0.3, 3.2, 4.3 as they stand there.
var publishedUpstream = []struct {
	name, text string
	want       wire.Upstream
}{
	{"join", `{"type":"joinGroup","group":"room","ackId":1}`, wire.Upstream{Kind: wire.JoinGroup, Group: b("room"), HasAckID: true, AckID: 1}},
	{"leave", `{"type":"leaveGroup","group":"room","ackId":2}`, wire.Upstream{Kind: wire.LeaveGroup, Group: b("room"), HasAckID: true, AckID: 2}},
	{
		"send JSON", `{"type":"sendToGroup","group":"room","dataType":"json","data":{"x":1},"noEcho":true,"ackId":3}`,
		wire.Upstream{Kind: wire.SendToGroup, Group: b("room"), HasData: true, Data: b(`{"x":1}`), NoEcho: true, HasAckID: true, AckID: 3},
	},
	{
		"send binary", `{"type":"sendToGroup","group":"room","dataType":"binary","data":"AQID"}`,
		wire.Upstream{Kind: wire.SendToGroup, Group: b("room"), DataType: wire.DataBinary, HasData: true, Data: b("\x01\x02\x03")},
	},
	{
		"send text", `{"type":"sendToGroup","group":"room","dataType":"text","data":"bye","ttlSeconds":30,"metadata":{"trace-id":"a1"},"ackId":4}`,
		wire.Upstream{
			Kind: wire.SendToGroup, Group: b("room"), DataType: wire.DataText, HasData: true, Data: b("bye"), TTLSeconds: 30,
			Metadata: b(`{"trace-id":"a1"}`), HasAckID: true, AckID: 4,
		},
	},
	{
		"event", `{"type":"event","event":"order.placed","dataType":"text","data":"42","ackId":5}`,
		wire.Upstream{Kind: wire.SendEvent, Event: b("order.placed"), DataType: wire.DataText, HasData: true, Data: b("42"), HasAckID: true, AckID: 5},
	},
	{"sequence ack", `{"type":"sequenceAck","sequenceId":17}`, wire.Upstream{Kind: wire.SequenceAck, SequenceID: 17}},
	{"ping", `{"type":"ping"}`, wire.Upstream{Kind: wire.Ping}},
}

func b(s string) []byte { return []byte(s) }

func TestDownstreamPublished(t *testing.T) {
	var d wire.Decoder
	for _, tt := range publishedDownstream {
		t.Run(tt.name, func(t *testing.T) {
			wantDownstream(t, &d, tt.text, tt.want)
		})
	}
}

func TestUpstreamPublished(t *testing.T) {
	var d wire.Decoder
	for _, tt := range publishedUpstream {
		t.Run(tt.name, func(t *testing.T) {
			wantUpstream(t, &d, tt.text, tt.want)
		})
	}
}

func TestDownstreamVariants(t *testing.T) {
	text := func(data string) wire.Downstream {
		return wire.Downstream{Kind: wire.ServerMessage, DataType: wire.DataText, Data: b(data)}
	}
	tests := []struct {
		name, text string
		want       wire.Downstream
	}{
		{"white space and another order", " {\n\t\"success\" : true ,\r\"ackId\" : 18446744073709551615 , \"type\":\"ack\" } ", wire.Downstream{Kind: wire.Ack, Success: true, AckID: 1<<64 - 1}},
		{"ack id 0", `{"type":"ack","ackId":0,"success":true}`, wire.Downstream{Kind: wire.Ack, Success: true}},
		{"error of a success", `{"type":"ack","ackId":1,"success":true,"error":7}`, wire.Downstream{Kind: wire.Ack, Success: true, AckID: 1}},
		{"refusal without words", `{"type":"ack","ackId":1,"success":false,"error":null}`, wire.Downstream{Kind: wire.Ack, AckID: 1}},
		{"type in other letters", `{"type":"PONG"}`, wire.Downstream{Kind: wire.Pong}},
		{"type with an escape", `{"\u0074ype":"\u0070ong"}`, wire.Downstream{Kind: wire.Pong}},
		{"type that only Unicode folds", `{"type":"meſſage","from":"server"}`, wire.Downstream{}},
		{"last of repeated members", `{"type":"ack","type":"pong"}`, wire.Downstream{Kind: wire.Pong}},
		{"anonymous by null", `{"type":"system","event":"connected","userId":null,"connectionId":"c"}`, wire.Downstream{Kind: wire.Connected, ConnectionID: b("c")}},
		{"anonymous by absence", `{"type":"system","event":"connected","connectionId":"c"}`, wire.Downstream{Kind: wire.Connected, ConnectionID: b("c")}},
		{"anonymous by emptiness", `{"type":"system","event":"connected","userId":"","connectionId":"c"}`, wire.Downstream{Kind: wire.Connected, ConnectionID: b("c")}},
		{"data before its type", `{"data":"AQID","dataType":"Binary","from":"server","type":"message"}`, wire.Downstream{Kind: wire.ServerMessage, DataType: wire.DataBinary, Data: b("\x01\x02\x03")}},
		{"protobuf", `{"type":"message","from":"server","dataType":"protobuf","data":"AQ=="}`, wire.Downstream{Kind: wire.ServerMessage, DataType: wire.DataProtobuf, Data: b("\x01")}},
		{"base64 with escapes", `{"type":"message","from":"server","dataType":"binary","data":"\u002B\/8="}`, wire.Downstream{Kind: wire.ServerMessage, DataType: wire.DataBinary, Data: b("\xfb\xff")}},
		{"JSON string keeps its quotes", `{"type":"message","from":"server","data":"a\n"}`, wire.Downstream{Kind: wire.ServerMessage, Data: b(`"a\n"`)}},
		{"JSON is verbatim", `{"type":"message","from":"server","data": [ 1.50 , {"b":"\u0041"} ] }`, wire.Downstream{Kind: wire.ServerMessage, Data: b(`[ 1.50 , {"b":"\u0041"} ]`)}},
		{"no data", `{"type":"message","from":"server","stream":{"streamId":"s","endOfStream":true}}`, wire.Downstream{Kind: wire.ServerMessage}},
		{"text with escapes", `{"type":"message","from":"server","dataType":"text","data":"\u00e9\ud83d\ude00\"\\"}`, text("é😀\"\\")},
		{"lone surrogate", `{"type":"message","from":"server","dataType":"text","data":"\udead"}`, text("\ufffd")},
		{"sequence id null", `{"type":"message","from":"server","sequenceId":null,"dataType":"text","data":"a"}`, text("a")},
		{"metadata", `{"type":"message","from":"server","dataType":"text","data":"","metadata":{"k":"v"}}`, wire.Downstream{Kind: wire.ServerMessage, DataType: wire.DataText, Metadata: b(`{"k":"v"}`)}},
		{"unknown members", `{"type":"pong","a":{"b":[1,{"c":null}]},"d":-1.5E+3}`, wire.Downstream{Kind: wire.Pong}},
		{"unknown event", `{"type":"system","event":"later"}`, wire.Downstream{}},
		{"unknown origin", `{"type":"message","from":"moon"}`, wire.Downstream{}},
		{"no type", `{}`, wire.Downstream{}},
		{"type not text", `{"type":1}`, wire.Downstream{}},
		{"names are case-sensitive", `{"Type":"pong"}`, wire.Downstream{}},
		{"depth at the limit", `{"a":` + nest(wire.MaxDepth-1) + `}`, wire.Downstream{}},
	}
	var d wire.Decoder
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { wantDownstream(t, &d, tt.text, tt.want) })
	}
}

func TestDownstreamRefused(t *testing.T) {
	tests := []struct {
		name, text string
		offset     int
	}{
		{"nothing", ``, 0},
		{"not an object", `[]`, 0},
		{"null", `null`, 0},
		{"cut in a key", `{"type`, 1},
		{"cut in a value", `{"type":"po`, 8},
		{"cut in an escape", `{"type":"\`, 9},
		{"cut after a value", `{"type":"pong"`, 14},
		{"comma before the end", `{"type":"pong",}`, 15},
		{"two commas", `{"type":"pong",,"a":1}`, 15},
		{"no colon", `{"type" "pong"}`, 8},
		{"key without quotes", `{type:"pong"}`, 1},
		{"data after the message", `{"type":"pong"} {}`, 16},
		{"a zero byte after the message", "{\"type\":\"pong\"}\x00", 15},
		{"a byte order mark", "\ufeff{}", 0},
		{"number with a leading zero", `{"a":01}`, 6},
		{"number without a fraction", `{"a":1.}`, 5},
		{"number without an exponent", `{"a":1e}`, 5},
		{"number with a plus", `{"a":+1}`, 5},
		{"a lone minus", `{"a":-}`, 5},
		{"literal", `{"a":nul}`, 5},
		{"literal in capitals", `{"a":True}`, 5},
		{"array without an end", `{"a":[1,2}`, 9},
		{"array with a last comma", `{"a":[1,]}`, 8},
		{"control character", "{\"a\":\"\x1f\"}", 6},
		{"unknown escape", `{"a":"\x"}`, 6},
		{"short escape", `{"a":"\u12G4"}`, 6},
		{"invalid UTF-8 in a value", "{\"a\":\"12345678\xff\"}", 14},
		{"overlong UTF-8", "{\"a\":\"\xc0\x80\"}", 6},
		{"surrogate in UTF-8", "{\"a\":\"\xed\xa0\x80\"}", 6},
		{"depth beyond the limit", `{"a":` + nest(wire.MaxDepth) + `}`, 5 + wire.MaxDepth - 1},
		{"ack without id", `{"type":"ack","success":true}`, 0},
		{"ack with null id", `{"type":"ack","ackId":null,"success":true}`, 22},
		{"ack without success", `{"type":"ack","ackId":1}`, 0},
		{"quoted id", `{"type":"ack","ackId":"1","success":true}`, 23},
		{"negative id", `{"type":"ack","ackId":-1,"success":true}`, 22},
		{"fractional id", `{"type":"ack","ackId":1.0,"success":true}`, 22},
		{"exponential id", `{"type":"ack","ackId":1e3,"success":true}`, 22},
		{"id of 65 bits", `{"type":"ack","ackId":18446744073709551616,"success":true}`, 22},
		{"id of 20 nines", `{"type":"ack","ackId":99999999999999999999,"success":true}`, 22},
		{"error of a refusal not an object", `{"type":"ack","ackId":1,"success":false,"error":7}`, 48},
		{"name of an error not text", `{"type":"ack","ackId":1,"success":false,"error":{"name":7}}`, 56},
		{"bad object inside", `{"a":{"b"}}`, 9},
		{"bad value inside", `{"a":{"b":}}`, 10},
		{"quoted success", `{"type":"ack","ackId":1,"success":"true"}`, 35},
		{"connected without id", `{"type":"system","event":"connected"}`, 0},
		{"user id not text", `{"type":"system","event":"connected","connectionId":"c","userId":7}`, 65},
		{"no group", `{"type":"message","from":"group","data":1}`, 0},
		{"unknown data type", `{"type":"message","from":"server","dataType":"xml","data":"a"}`, 46},
		{"text not text", `{"type":"message","from":"server","dataType":"text","data":1}`, 59},
		{"base64 without padding", `{"type":"message","from":"server","dataType":"binary","data":"AQ"}`, 62},
		{"base64 of the URL alphabet", `{"type":"message","from":"server","dataType":"binary","data":"-_8="}`, 62},
		{"base64 in lines", `{"type":"message","from":"server","dataType":"binary","data":"AQID\n"}`, 62},
		{"base64 with four line breaks", `{"type":"message","from":"server","dataType":"binary","data":"AQID\n\n\n\n"}`, 62},
		{"metadata not an object", `{"type":"message","from":"server","metadata":[]}`, 45},
	}
	var d wire.Decoder
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := wire.Downstream{Kind: wire.Pong, Group: b("left over")}
			wantRefused(t, d.Downstream(b(tt.text), &m), tt.offset)
			if !reflect.DeepEqual(m, wire.Downstream{}) {
				t.Errorf("message is not zero: %+v", m)
			}
		})
	}
}

func TestUpstreamVariants(t *testing.T) {
	metadata := func(member string) string { return `{"type":"event","event":"e","metadata":{` + member + `}}` }
	onlyMetadata := func(member string) wire.Upstream {
		return wire.Upstream{Kind: wire.SendEvent, Event: b("e"), DataType: wire.DataText, Metadata: b(`{` + member + `}`)}
	}
	eightKiB := make([]string, 0, 8)
	for i := range 8 {
		eightKiB = append(eightKiB, fmt.Sprintf(`"k%d":"%s"`, i, strings.Repeat("v", 1022)))
	}
	tests := []struct {
		name, text string
		want       wire.Upstream
	}{
		{"ack id null", `{"type":"joinGroup","group":"g","ackId":null}`, wire.Upstream{Kind: wire.JoinGroup, Group: b("g")}},
		{"ack id 0", `{"type":"joinGroup","group":"g","ackId":0}`, wire.Upstream{Kind: wire.JoinGroup, Group: b("g"), HasAckID: true}},
		{"largest ack id", `{"type":"leaveGroup","group":"g","ackId":18446744073709551615}`, wire.Upstream{Kind: wire.LeaveGroup, Group: b("g"), HasAckID: true, AckID: 1<<64 - 1}},
		{"type in other letters", `{"TYPE":0,"type":"JOINGROUP","group":"g"}`, wire.Upstream{Kind: wire.JoinGroup, Group: b("g")}},
		{"group of 1,024 characters", `{"type":"joinGroup","group":"` + strings.Repeat("é", 1024) + `"}`, wire.Upstream{Kind: wire.JoinGroup, Group: b(strings.Repeat("é", 1024))}},
		{"group of 512 pairs", `{"type":"joinGroup","group":"` + strings.Repeat("😀", 512) + `"}`, wire.Upstream{Kind: wire.JoinGroup, Group: b(strings.Repeat("😀", 512))}},
		{"group with spaces", `{"type":"joinGroup","group":" a "}`, wire.Upstream{Kind: wire.JoinGroup, Group: b(" a ")}},
		{"event of 128 characters", `{"type":"event","event":"E` + strings.Repeat("-", 127) + `","data":1}`, wire.Upstream{Kind: wire.SendEvent, Event: b("E" + strings.Repeat("-", 127)), HasData: true, Data: b("1")}},
		{"data of false", `{"type":"sendToGroup","group":"g","data":false}`, wire.Upstream{Kind: wire.SendToGroup, Group: b("g"), HasData: true, Data: b("false")}},
		{"empty text", `{"type":"sendToGroup","group":"g","data":"","dataType":"TEXT"}`, wire.Upstream{Kind: wire.SendToGroup, Group: b("g"), DataType: wire.DataText, HasData: true}},
		{"longest life", `{"type":"sendToGroup","group":"g","data":1,"ttlSeconds":300,"noEcho":false,"stream":null}`, wire.Upstream{Kind: wire.SendToGroup, Group: b("g"), HasData: true, Data: b("1"), TTLSeconds: 300}},
		{"metadata alone is empty text", metadata(`"a":"b"`), onlyMetadata(`"a":"b"`)},
		{"metadata of every legal character", metadata(`"!#$%&'*+-.^_` + "`" + `|~09azAZ":"\u0000\u007f"`), onlyMetadata(`"!#$%&'*+-.^_` + "`" + `|~09azAZ":"\u0000\u007f"`)},
		{"metadata keys in two cases", metadata(`"a":"","A":""`), onlyMetadata(`"a":"","A":""`)},
		{"metadata of 8,192 bytes", metadata(strings.Join(eightKiB, ",")), onlyMetadata(strings.Join(eightKiB, ","))},
		{"ping with a bad ack id", `{"type":"ping","ackId":"x"}`, wire.Upstream{Kind: wire.Ping}},
		{"sequence ack 0", `{"type":"sequenceAck","sequenceId":0}`, wire.Upstream{Kind: wire.SequenceAck}},
	}
	var d wire.Decoder
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { wantUpstream(t, &d, tt.text, tt.want) })
	}
}

func TestUpstreamRefused(t *testing.T) {
	send := func(members string) string { return `{"type":"sendToGroup","group":"g",` + members + `}` }
	nineKeys := make([]string, 0, 9)
	for i := range 9 {
		nineKeys = append(nineKeys, fmt.Sprintf(`"k%d":"%s"`, i, strings.Repeat("v", 909)))
	}
	tests := []struct {
		name, text string
		offset     int
	}{
		{"no type", `{"group":"g"}`, 0},
		{"type not text", `{"type":null}`, 8},
		{"unknown type", `{"type":"joinGrouq","group":"g"}`, 9},
		{"optional type", `{"type":"streamEnd","streamId":"s"}`, 9},
		{"downstream type", `{"type":"pong"}`, 9},
		{"no group", `{"type":"joinGroup"}`, 0},
		{"empty group", `{"type":"joinGroup","group":""}`, 29},
		{"group of white space", `{"type":"joinGroup","group":" \t\u00a0\u2003"}`, 29},
		{"group of 1,025 characters", `{"type":"joinGroup","group":"` + strings.Repeat("é", 1025) + `"}`, 29},
		{"group of 513 pairs", `{"type":"joinGroup","group":"` + strings.Repeat("😀", 513) + `"}`, 29},
		{"group not text", `{"type":"leaveGroup","group":1}`, 29},
		{"quoted ack id", `{"type":"joinGroup","group":"g","ackId":"1"}`, 41},
		{"fractional ack id", `{"type":"joinGroup","group":"g","ackId":1.0}`, 40},
		{"quoted sequence id", `{"type":"sequenceAck","sequenceId":"17"}`, 36},
		{"no sequence id", `{"type":"sequenceAck"}`, 0},
		{"sequence id null", `{"type":"sequenceAck","sequenceId":null}`, 35},
		{"event with a digit first", `{"type":"event","event":"1a","data":1}`, 25},
		{"event with a space", `{"type":"event","event":"a b","data":1}`, 25},
		{"event of 129 characters", `{"type":"event","event":"` + strings.Repeat("a", 129) + `","data":1}`, 25},
		{"event with a letter outside ASCII", `{"type":"event","event":"é","data":1}`, 25},
		{"no data", `{"type":"sendToGroup","group":"g"}`, 0},
		{"data null", send(`"data":null`), 41},
		{"data null beside metadata", send(`"data":null,"metadata":{"a":"b"}`), 41},
		{"text not text", send(`"dataType":"text","data":{}`), 59},
		{"binary not base64", send(`"dataType":"binary","data":"a"`), 62},
		{"protobuf", send(`"dataType":"protobuf","data":"AQ=="`), 46},
		{"data type null", send(`"dataType":null,"data":1`), 45},
		{"noEcho null", send(`"noEcho":null,"data":1`), 43},
		{"noEcho quoted", send(`"noEcho":"true","data":1`), 44},
		{"life of 301 s", send(`"ttlSeconds":301,"data":1`), 47},
		{"life below 0", send(`"ttlSeconds":-1,"data":1`), 47},
		{"life null", send(`"ttlSeconds":null,"data":1`), 47},
		{"stream", send(`"stream":{"streamId":"s1"}`), 43},
		{"metadata null", send(`"metadata":null`), 45},
		{"metadata not text", send(`"metadata":{"a":1},"data":1`), 50},
		{"metadata key empty", send(`"metadata":{"":"a"},"data":1`), 47},
		{"metadata key with a space", send(`"metadata":{"a b":"a"},"data":1`), 47},
		{"metadata key of 257 bytes", send(`"metadata":{"` + strings.Repeat("k", 257) + `":"a"},"data":1`), 47},
		{"metadata key twice", send(`"metadata":{"a":"1","b":"2","\u0061":"3"},"data":1`), 45},
		{"metadata value outside ASCII", send(`"metadata":{"a":"é"},"data":1`), 51},
		{"metadata value of 1,025 bytes", send(`"metadata":{"a":"` + strings.Repeat("v", 1025) + `"},"data":1`), 51},
		{"metadata of 8,199 bytes", send(`"metadata":{` + strings.Join(nineKeys, ",") + `},"data":1`), 47 + 8*917},
	}
	var d wire.Decoder
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := wire.Upstream{Kind: wire.Ping, Group: b("left over")}
			wantRefused(t, d.Upstream(b(tt.text), &m), tt.offset)
			if !reflect.DeepEqual(m, wire.Upstream{}) {
				t.Errorf("message is not zero: %+v", m)
			}
		})
	}
}

func TestSyntaxErrorHoldsNothingOfTheMessage(t *testing.T) {
	var d wire.Decoder
	var m wire.Downstream
	err := d.Downstream(b(`{"type":"ack","ackId":"secret","success":true}`), &m)
	if want := "message is invalid at byte 23: ackId: of the wrong type"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestDecodedSlicesCannotGrowIntoTheirNeighbours(t *testing.T) {
	var d wire.Decoder
	var m wire.Upstream
	text := b(`{"type":"sendToGroup","group":"room","dataType":"text","data":"a\tb","metadata":{"a":"b"}}`)
	before := string(text)
	if err := d.Upstream(text, &m); err != nil {
		t.Fatal(err)
	}
	_, _, _ = append(m.Group, '!'), append(m.Data, '!'), append(m.Metadata, '!')
	if got := string(text); got != before {
		t.Errorf("message became %s", got)
	}
}

func nest(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

func wantRefused(t *testing.T, err error, offset int) {
	t.Helper()
	var syntax *wire.SyntaxError
	if !errors.As(err, &syntax) {
		t.Fatalf("got error %v, want a *wire.SyntaxError", err)
	}
	if syntax.Offset != offset {
		t.Errorf("got offset %d, want %d: %v", syntax.Offset, offset, err)
	}
}

func wantDownstream(t *testing.T, d *wire.Decoder, text string, want wire.Downstream) {
	t.Helper()
	m := wire.Downstream{Kind: wire.Ack, Success: true, AckID: 99, Group: b("left over")}
	if err := d.Downstream(b(text), &m); err != nil {
		t.Fatal(err)
	}
	if got := show(m); got != show(want) {
		t.Errorf("got  %s\nwant %s", got, show(want))
	}
}

func wantUpstream(t *testing.T, d *wire.Decoder, text string, want wire.Upstream) {
	t.Helper()
	m := wire.Upstream{Kind: wire.SendEvent, NoEcho: true, AckID: 99, Group: b("left over")}
	if err := d.Upstream(b(text), &m); err != nil {
		t.Fatal(err)
	}
	if got := show(m); got != show(want) {
		t.Errorf("got  %s\nwant %s", got, show(want))
	}
}

// show makes messages comparable: an empty slice is as good as none.
func show(m any) string {
	v := reflect.ValueOf(m)
	var s strings.Builder
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Slice {
			fmt.Fprintf(&s, "%s:%q ", v.Type().Field(i).Name, f.Bytes())
		} else {
			fmt.Fprintf(&s, "%s:%v ", v.Type().Field(i).Name, f.Interface())
		}
	}
	return s.String()
}

func TestValidJSON(t *testing.T) {
	nested := func(open string, n int, inside, end string) string {
		return strings.Repeat(open, n) + inside + strings.Repeat(end, n)
	}
	for _, tt := range []struct {
		name, text string
		want       bool
	}{
		{"object", ` {"a":[1,"x",null]}` + "\n", true},
		{"null", "null", true},
		{"nothing", "", false},
		{"white space", " ", false},
		{"two values", "1 2", false},
		{"cut", `{"a":`, false},
		{"not UTF-8", "\"\xff\"", false},
		{"as deep as a message may be", nested("[", wire.MaxDepth-1, "", "]"), true},
		{"deeper", nested("[", wire.MaxDepth, "", "]"), false},
		{"deeper objects", nested(`{"a":`, wire.MaxDepth, "1", "}"), false},
	} {
		if got := wire.ValidJSON([]byte(tt.text)); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
		if !tt.want {
			continue
		}
		// What is valid arrives.
		var d wire.Decoder
		var m wire.Downstream
		message := wire.AppendDownstream(nil, &wire.Downstream{Kind: wire.ServerMessage, Data: []byte(tt.text), SequenceID: 1})
		if err := d.Downstream(message, &m); err != nil || strings.TrimSpace(string(m.Data)) != strings.TrimSpace(tt.text) {
			t.Errorf("%s: arrives as %.40q, %v", tt.name, m.Data, err)
		}
	}
}
