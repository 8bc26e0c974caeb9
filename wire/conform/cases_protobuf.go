package conform

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/gobwas/ws"
)

// The needs of the protobuf cases.
var (
	needPB         = []Need{NeedProtobuf}
	needPBKey      = []Need{NeedProtobuf, NeedKey}
	needPBRoles    = []Need{NeedProtobuf, NeedRoles}
	needPBReliable = []Need{NeedProtobufReliable, NeedRoles}
)

// The messages of protocol.md 5, by field numbers. An ack id of 0 is left out.

func pbJoin(group string, ackID uint64) pb  { return pb{{6, pbRequest(pb{{1, group}}, 2, ackID)}} }
func pbLeave(group string, ackID uint64) pb { return pb{{7, pbRequest(pb{{1, group}}, 2, ackID)}} }

func pbRequest(m pb, ackField int32, ackID uint64) pb {
	if ackID == 0 {
		return m
	}
	return append(m, pbField{pbNumber(ackField), ackID})
}

// pbPublish publishes one member of MessageData: text 1, binary 2, protobuf 3, JSON 4.
func pbPublish(group string, data pbField, ackID uint64) pb {
	return pb{{1, pbRequest(pb{{1, group}, {3, pb{data}}}, 2, ackID)}}
}

func pbSuccess(ackID uint64) pb { return pb{{1, pb{{1, ackID}, {2, true}, {3, pbAbsent{}}}}} }

func pbRefused(ackID uint64, name string) pb {
	return pb{{1, pb{{1, ackID}, {2, false}, {3, pb{{1, name}}}}}}
}

// pbMessage is data of a group, without a sequence id; pbNumbered with one.
func pbMessage(group string, data pbField) pb {
	return pb{{2, pb{{1, "group"}, {2, group}, {3, pb{data}}, {4, pbAbsent{}}}}}
}

func pbNumbered(group string, data pbField, sequenceID uint64) pb {
	return pb{{2, pb{{1, "group"}, {2, group}, {3, pb{data}}, {4, sequenceID}}}}
}

func pbHi() pbField { return pbField{1, "hi"} }

// protobufCases are the protobuf subprotocols (protocol.md 5): what they share with
// the JSON ones is tried there.
var protobufCases = []Case{
	{"protobuf/subprotocol", "1.4", "Each protobuf subprotocol that is offered alone is chosen and echoed", Spec, []Need{NeedProtobuf, NeedProtobufReliable}, func(t *T) {
		for _, name := range []string{protobuf, protobufReliable} {
			if a := t.handshake(t.clientRequest(&client{proto: name})); a.protocol() != name {
				t.Errorf("offered %s: %d, chose %q", name, a.status, a.protocol())
			}
		}
	}},
	{"protobuf/connected", "5", "The first message is `connected` with a connection_id, and no reconnection_token on the plain subprotocol", Spec, needPB, func(t *T) {
		c := t.upgrade(t.clientRequest(&client{proto: protobuf}))
		c.wantPB(pb{{3, pb{{1, pb{{1, pbPresent{}}, {3, pbAbsent{}}}}}}})
		c.settled()
	}},
	{"protobuf/connected-user", "5", "`connected` carries the user id of the token, an empty one for an anonymous client", Spec, needPBKey, func(t *T) {
		alice := t.user("älice")
		t.upgrade(t.clientRequest(&client{proto: protobuf, user: alice})).wantPB(pb{{3, pb{{1, pb{{2, alice}}}}}})
		t.upgrade(t.clientRequest(&client{proto: protobuf})).wantPB(pb{{3, pb{{1, pb{{2, pbAbsent{}}}}}}})
	}},
	{"protobuf/reliable-connected", "5", "On the reliable subprotocol `connected` carries a reconnection_token", Spec, []Need{NeedProtobufReliable}, func(t *T) {
		t.open(client{proto: protobufReliable}).settled()
	}},
	{"protobuf/ping", "5", "ping_message, 4a 00, is answered with pong_message", Spec, needPB, func(t *T) {
		c := t.open(client{proto: protobuf})
		c.writeFrame(ws.OpBinary, unhex("4a 00"))
		c.wantPB(pb{{4, pb{}}})
		c.settled()
	}},
	{"protobuf/published-bytes", "5", "The bytes of the reference are understood: join, publish without echo, sequenceAck", Spec, needPBRoles, func(t *T) {
		c, member := t.open(client{proto: protobuf}), t.open(client{proto: protobuf})
		c.writeFrame(ws.OpBinary, unhex("32 08 0a 04 72 6f 6f 6d 10 01"))
		c.wantPB(pbSuccess(1))
		member.sendPB(pbJoin("room", 1))
		member.wantPB(pbSuccess(1))
		c.writeFrame(ws.OpBinary, unhex("0a 10 0a 04 72 6f 6f 6d 10 07 1a 04 0a 02 68 69 20 01"))
		c.wantPB(pbSuccess(7))
		member.wantPB(pbMessage("room", pbHi()))
		c.writeFrame(ws.OpBinary, unhex("42 03 08 ac 02"))
		c.settled() // no echo, and nothing about the sequenceAck
	}},
	{"protobuf/leave", "5", "A leave is acknowledged, and nothing of the group comes after it", Spec, needPBRoles, func(t *T) {
		group := t.group("room")
		c := t.open(client{proto: protobuf})
		c.sendPB(pbJoin(group, 1), pbPublish(group, pbHi(), 0), pbLeave(group, 2), pbPublish(group, pbHi(), 3))
		c.wantPB(pbSuccess(1), pbMessage(group, pbHi()), pbSuccess(2), pbSuccess(3))
		c.settled()
	}},
	{"protobuf/ack-id-range", "5", "An ack id may be anything from 0 to 2^64-1; without one nothing is acknowledged", Spec, needPBRoles, func(t *T) {
		group := t.group("room")
		c := t.open(client{proto: protobuf})
		for _, id := range []uint64{0, 1 << 32, 1<<53 + 1, 1<<64 - 1} {
			c.sendPB(pb{{6, pb{{1, group}, {2, id}}}})
			c.wantPB(pbSuccess(id))
		}
		c.sendPB(pbJoin(group, 0), pbLeave(group, 0))
		c.settled()
	}},
	{"protobuf/duplicate", "3.4", "A request whose ack id has succeeded is answered Duplicate and not executed", Spec, needPBRoles, func(t *T) {
		group := t.group("room")
		c := t.open(client{proto: protobuf})
		c.sendPB(pbJoin(group, 1), pbLeave(group, 1), pbPublish(group, pbHi(), 0))
		c.wantPB(pbSuccess(1), pbRefused(1, "Duplicate"), pbMessage(group, pbHi()))
	}},
	{"protobuf/forbidden", "2.3", "Without a role requests are answered Forbidden, and the connection stays open", Spec, needPBKey, func(t *T) {
		group := t.group("room")
		c := t.open(client{proto: protobuf, roles: noRoles})
		c.sendPB(pbJoin(group, 1), pbLeave(group, 2), pbPublish(group, pbHi(), 3))
		c.wantPB(pbRefused(1, "Forbidden"), pbRefused(2, "Forbidden"), pbRefused(3, "Forbidden"))
		c.settled()
	}},
	{"protobuf/event-without-handler", "3.4", "An event that nobody handles fails with InternalServerError and leaves the connection open", Emulator, append([]Need{NeedUnhandled}, needPB...), func(t *T) {
		c := t.open(client{proto: protobuf})
		c.sendPB(pb{{5, pb{{1, "order.placed"}, {2, pb{{1, "42"}}}, {3, uint64(1)}}}})
		c.wantPB(pbRefused(1, "InternalServerError"))
		c.settled()
	}},
	{"protobuf/no-echo", "3.2", "no_echo spares the sending connection only", Spec, needPBRoles, func(t *T) {
		group := t.group("room")
		a, b := t.open(client{proto: protobuf}), t.open(client{proto: protobuf})
		a.sendPB(pbJoin(group, 1))
		b.sendPB(pbJoin(group, 1))
		a.wantPB(pbSuccess(1))
		b.wantPB(pbSuccess(1))
		a.sendPB(pb{{1, pb{{1, group}, {3, pb{{1, "quiet"}}}, {4, true}}}}, pb{{1, pb{{1, group}, {3, pb{{1, "loud"}}}, {4, false}}}})
		a.wantPB(pbMessage(group, pbField{1, "loud"}))
		b.wantPB(pbMessage(group, pbField{1, "quiet"}), pbMessage(group, pbField{1, "loud"}))
		a.settled()
	}},
	{"protobuf/data", "3.5", "Text, binary and protobuf data come out as they went in, empty ones too", Spec, needPBRoles, func(t *T) {
		group := t.group("room")
		c := t.open(client{proto: protobuf})
		c.sendPB(pbJoin(group, 1))
		c.wantPB(pbSuccess(1))
		anything := pb{{1, "type.googleapis.com/x"}, {2, []byte{1, 2, 0xff}}}
		for _, data := range []pbField{
			{1, "grüße 😀"}, {1, ""}, {2, []byte("\x00\x01\xff")}, {2, []byte{}}, {3, anything}, {1, strings.Repeat("long ", 20000)},
		} {
			c.sendPB(pbPublish(group, data, 0))
			c.wantPB(pbMessage(group, data))
		}
	}},
	{"protobuf/json-data", "3.5", "JSON comes out as the same text, in json_data; the documents of the service have text_data", Spec, needPBRoles, func(t *T) {
		group := t.group("room")
		c := t.open(client{proto: protobuf})
		c.sendPB(pbJoin(group, 1))
		c.wantPB(pbSuccess(1))
		for _, text := range []string{`{"x":[1,2]}`, `"quoted"`, `12345678901234567890123`} {
			c.sendPB(pbPublish(group, pbField{4, text}, 0))
			c.wantJSONData(group, text)
		}
	}},
	{"protobuf/from-json", "3.5", "What a JSON client publishes reaches a protobuf client: text, binary and JSON", Spec, needPBRoles, func(t *T) {
		group := t.group("room")
		from, c := t.open(client{proto: plain}), t.open(client{proto: protobuf})
		c.sendPB(pbJoin(group, 1))
		c.wantPB(pbSuccess(1))
		head := `{"type":"sendToGroup","group":` + js(group) + `,`
		from.send(head+`"dataType":"text","data":"\u00fc"}`, head+`"dataType":"binary","data":"AQID"}`, head+`"data":{"x":[1,2]}}`)
		c.wantPB(pbMessage(group, pbField{1, "ü"}), pbMessage(group, pbField{2, []byte{1, 2, 3}}))
		c.wantJSONData(group, `{"x":[1,2]}`)
	}},
	{"protobuf/to-json", "3.5", "What a protobuf client publishes reaches a JSON client: protobuf data as base64 of the Any", Spec, needPBRoles, func(t *T) {
		group := t.group("room")
		from, c := t.open(client{proto: protobuf}), t.open(client{proto: plain})
		c.send(joinGroup(group, "1"))
		c.want(success("1"))
		anything := pb{{1, "t"}, {2, []byte{1}}}
		for _, data := range []pbField{{1, "ü"}, {2, []byte{1, 2, 3}}, {4, `{"x":[1,2]}`}, {3, anything}} {
			from.sendPB(pbPublish(group, data, 0))
		}
		c.want(`{"dataType":"text","data":"ü"}`, `{"dataType":"binary","data":"AQID"}`, `{"dataType":"json","data":{"x":[1,2]}}`,
			`{"dataType":"protobuf","data":`+js(base64.StdEncoding.EncodeToString(anything.bytes()))+`}`)
	}},
	{"protobuf/to-simple", "3.5", "What a protobuf client publishes reaches a simple client bare: the Any in a binary frame", Spec, []Need{NeedProtobuf, NeedKey, NeedSimple}, func(t *T) {
		group := t.group("room")
		from, c := t.open(client{proto: protobuf}), t.open(client{groups: []string{group}})
		anything := pb{{1, "t"}, {2, []byte{1}}}
		from.sendPB(pbPublish(group, pbHi(), 0), pbPublish(group, pbField{4, `[1]`}, 0), pbPublish(group, pbField{2, []byte{9}}, 0), pbPublish(group, pbField{3, anything}, 0))
		c.wantFrame(ws.OpText, "hi")
		c.wantFrame(ws.OpText, "[1]")
		c.wantFrame(ws.OpBinary, "\x09")
		c.wantFrame(ws.OpBinary, string(anything.bytes()))
	}},
	{"protobuf/metadata", "3.2", "metadata is forwarded, and data may be left out beside it", Emulator, needPBRoles, func(t *T) {
		group := t.group("room")
		c := t.open(client{proto: protobuf})
		pair := pb{{1, "trace-id"}, {2, "a1"}}
		c.sendPB(pbJoin(group, 1), pb{{1, pb{{1, group}, {3, pb{pbHi()}}, {5, uint64(30)}, {6, pair}}}}, pb{{1, pb{{1, group}, {6, pair}}}})
		c.wantPB(pbSuccess(1), pb{{2, pb{{3, pb{pbHi()}}, {5, pair}}}}, pb{{2, pb{{3, pb{{1, ""}}}, {5, pair}}}})
	}},
	{"protobuf/unknown-fields", "5", "Fields that are not known are ignored", Spec, needPBRoles, func(t *T) {
		c := t.open(client{proto: protobuf})
		c.sendPB(pb{{6, pb{{99, "later"}, {1, t.group("room")}, {98, uint64(7)}, {2, uint64(1)}}}, {77, pb{}}})
		c.wantPB(pbSuccess(1))
	}},
	{"protobuf/rest", "7.4", "Messages of the application come from `server`, closing in a disconnected_message with its reason in field 2", Spec, []Need{NeedProtobuf, NeedKey, NeedREST}, func(t *T) {
		c := t.open(client{proto: protobuf})
		t.restSend("hi", "", "connections", c.id)
		c.wantPB(pb{{2, pb{{1, "server"}, {2, pbAbsent{}}, {3, pb{pbHi()}}}}})
		t.wantStatus(204, restCall{method: "DELETE", path: t.inHub("connections", c.id), query: "reason=bye"})
		c.wantPB(pb{{3, pb{{2, pb{{2, pbPresent{}}}}}}})
		c.wantClose(1000, "")
	}},
	{"protobuf/sequence", "4.2", "Data messages are numbered from 1 in sequence_id, and nothing else is", Spec, needPBReliable, func(t *T) {
		group := t.group("room")
		c := t.open(client{proto: protobufReliable})
		c.sendPB(pbJoin(group, 1))
		c.wantPB(pbSuccess(1))
		for i := uint64(1); i <= 10; i++ {
			c.sendPB(pbPublish(group, pbHi(), 0))
			c.wantPB(pbNumbered(group, pbHi(), i))
			c.settled()
		}
	}},
	{"protobuf/recovery", "4.5", "A recovery replays what no sequence_ack_message has released, then goes on", Spec, needPBReliable, func(t *T) {
		group := t.group("room")
		c := t.open(client{proto: protobufReliable})
		publisher := t.open(client{proto: protobuf})
		c.sendPB(pbJoin(group, 1))
		c.wantPB(pbSuccess(1))
		publish := func(from, to uint64) {
			for i := from; i <= to; i++ {
				publisher.sendPB(pbPublish(group, pbField{1, fmt.Sprint(i)}, i))
				publisher.wantPB(pbSuccess(i))
			}
		}
		want := func(from, to uint64) {
			for i := from; i <= to; i++ {
				c.wantPB(pbNumbered(group, pbField{1, fmt.Sprint(i)}, i))
			}
		}
		publish(1, 5)
		want(1, 5)
		c.sendPB(pb{{8, pb{{1, uint64(3)}}}})
		c.settled()
		c.drop()
		publish(6, 6)
		c = t.recover(c)
		want(4, 6)
		c.settled()
	}},
	{"protobuf/refused-recovery", "4.5", "A recovery with a bad token is refused: 101, then close 1008", Spec, needPBReliable, func(t *T) {
		c := t.open(client{proto: protobufReliable})
		r := t.recoverWith(c.id, "garbage")
		r.offer = protobufReliable
		t.refusedRecovery(r)
		c.settled()
	}},
	{"protobuf/text", "3.6", "A text message on a protobuf subprotocol is answered with close 1003", Emulator, needPB, func(t *T) {
		c := t.open(client{proto: protobuf})
		c.send(ping)
		c.wantClose(1003, "The "+protobuf+" subprotocol requires binary messages.")
	}},
	{"protobuf/too-large", "3.6", "A message of 1 MiB is accepted, a larger one answered with close 1009", Emulator, needPBRoles, func(t *T) {
		c := t.open(client{proto: protobuf})
		group := t.group("nobody")
		empty := len(pbPublish(group, pbField{1, strings.Repeat("x", 1<<20-300)}, 1).bytes()) - (1<<20 - 300)
		c.sendPB(pbPublish(group, pbField{1, strings.Repeat("x", maxMessage-empty)}, 1))
		c.wantPB(pbSuccess(1))
		c.sendPB(pbPublish(group, pbField{1, strings.Repeat("x", maxMessage-empty+1)}, 2))
		c.wantClose(1009, "The client message is too large.")
	}},
}

// wantJSONData wants JSON in json_data. Elsewhere than in the emulator it may be in
// text_data (protocol.md 3.5).
func (c *conn) wantJSONData(group, text string) {
	a := c.nextBinary("a message with JSON")
	want := pbMessage(group, pbField{4, text})
	problem := want.mismatch(a.payload)
	if problem != "" && pbMessage(group, pbField{1, text}).mismatch(a.payload) == "" {
		c.t.Differf("%s: JSON came in text_data, the emulator's comes in json_data", c.name)
		return
	}
	if problem != "" {
		c.t.Fatalf("%s: %s", c.name, problem)
	}
}

// malformedPB are messages that cannot be parsed or break a rule of a field
// (protocol.md 3.2, 3.6, 5).
var malformedPB = []struct {
	name  string
	bytes []byte
}{
	{"empty", nil},
	{"truncated", unhex("32 08 0a 04 72 6f")},
	{"not-protobuf", []byte("hello")},
	{"json", []byte(ping)},
	{"unknown-member", unhex("12 00")},
	{"group-missing", pbRaw(6, pb{{2, uint64(1)}})},
	{"group-blank", pbRaw(6, pb{{1, " "}, {2, uint64(1)}})},
	{"group-too-long", pbRaw(6, pb{{1, strings.Repeat("g", 1025)}, {2, uint64(1)}})},
	{"group-not-utf-8", pbRaw(6, pb{{1, []byte("\xff")}, {2, uint64(1)}})},
	{"event-name", pbRaw(5, pb{{1, "1st"}, {2, pb{{1, "x"}}}})},
	{"data-missing", pbRaw(1, pb{{1, "g"}, {2, uint64(1)}})},
	{"data-of-no-kind", pbRaw(1, pb{{1, "g"}, {2, uint64(1)}, {3, pb{}}})},
	{"ttl-too-long", pbRaw(1, pb{{1, "g"}, {2, uint64(1)}, {3, pb{{1, "x"}}}, {5, uint64(301)}})},
	{"metadata-key", pbRaw(1, pb{{1, "g"}, {2, uint64(1)}, {3, pb{{1, "x"}}}, {6, pb{{1, "a b"}, {2, "x"}}}})},
	{"metadata-not-ascii", pbRaw(1, pb{{1, "g"}, {2, uint64(1)}, {3, pb{{1, "x"}}}, {6, pb{{1, "a"}, {2, "ü"}}}})},
}

func pbRaw(member int32, m pb) []byte { return pb{{pbNumber(member), m}}.bytes() }

func malformedPBCases() []Case {
	cases := make([]Case, 0, len(malformedPB))
	for _, m := range malformedPB {
		cases = append(cases, Case{
			"protobuf/malformed-" + m.name, "3.6", "A malformed message is answered with close 1007 (" + strings.ReplaceAll(m.name, "-", " ") + ")",
			Emulator, needPBRoles, func(t *T) {
				c := t.open(client{proto: protobuf})
				c.settled()
				c.writeFrame(ws.OpBinary, m.bytes)
				c.wantClose(1007, "*")
			},
		})
	}
	return cases
}
