package conform

import (
	"strings"

	"github.com/gobwas/ws"
)

var needSimple = []Need{NeedKey, NeedSimple}

// simpleCases are clients without a subprotocol (protocol.md 6).
var simpleCases = []Case{
	{"simple/no-greeting", "6", "A simple client gets no `connected`: the first frame is data", Spec, needSimple, func(t *T) {
		group := t.group("room")
		c := t.open(client{groups: []string{group}})
		t.publisher(group).publish("hi")
		c.wantFrame(ws.OpText, "hi")
	}},
	{"simple/receives", "3.5", "A simple client gets bare payloads: text and JSON as text, binary as binary", Spec, needSimple, func(t *T) {
		group := t.group("room")
		c, p := t.open(client{groups: []string{group}}), t.open(client{proto: plain})
		head := `{"type":"sendToGroup","group":` + js(group) + `,`
		p.send(head+`"dataType":"text","data":"\u00fc\n"}`, head+`"data":{"x":[1,2]}}`, head+`"data":"quoted"}`,
			head+`"dataType":"binary","data":"AQID"}`, head+`"dataType":"text","data":""}`)
		c.wantFrame(ws.OpText, "ü\n")
		c.wantFrame(ws.OpText, `{"x":[1,2]}`)
		c.wantFrame(ws.OpText, `"quoted"`)
		c.wantFrame(ws.OpBinary, "\x01\x02\x03")
		c.wantFrame(ws.OpText, "")
	}},
	{"simple/send-to-group", "6", "With webpubsub_mode=sendToGroup each frame is published to the group; its sender does not become a member", Emulator, needSimple, func(t *T) {
		group, alice := t.group("room"), t.user("alice")
		member := t.open(client{proto: plain, groups: []string{group}})
		c := t.open(client{user: alice, query: "&webpubsub_mode=sendToGroup&group=" + group})
		c.send("hi")
		c.writeFrame(ws.OpBinary, []byte{1, 2, 3})
		c.send("")
		member.want(messageBy(alice, group, "hi"), `{"dataType":"binary","data":"AQID"}`, `{"dataType":"text","data":""}`)
		t.awaitSimple(c)
	}},
	{"simple/echo", "6", "A simple publisher that is a member gets an echo, unless noEcho=true", Emulator, needSimple, func(t *T) {
		group := t.group("room")
		member := t.open(client{proto: plain, groups: []string{group}})
		query := "&webpubsub_mode=sendToGroup&group=" + group
		loud := t.open(client{groups: []string{group}, query: query})
		loud.send("loud")
		loud.wantFrame(ws.OpText, "loud")
		quiet := t.open(client{groups: []string{group}, query: query + "&noEcho=true"})
		quiet.send("quiet")
		loud.wantFrame(ws.OpText, "quiet")
		t.awaitSimple(quiet)
		member.want(message(group, "loud"), message(group, "quiet"))
	}},
	{"simple/forbidden", "6", "A simple client without the role to publish is closed with 1008 at its first frame", Emulator, needSimple, func(t *T) {
		c := t.open(client{roles: noRoles, query: "&webpubsub_mode=sendToGroup&group=" + t.group("room")})
		c.send("hi")
		c.wantClose(1008, "The connection is not authorized for raw sendToGroup mode.")
	}},
	{"simple/event-without-handler", "6", "A simple client whose event nobody handles is closed with 1011", Emulator, append([]Need{NeedUnhandled}, needSimple...), func(t *T) {
		c := t.open(client{})
		c.send("hi")
		c.wantClose(1011, "*")
	}},
	{"simple/no-envelope", "6", "What a simple client sends is data, even when it looks like a request", Emulator, needSimple, func(t *T) {
		group := t.group("room")
		member := t.open(client{proto: plain, groups: []string{group}})
		c := t.open(client{query: "&webpubsub_mode=sendToGroup&group=" + group})
		c.send(ping, joinGroup(group, "1"))
		member.want(message(group, ping), message(group, joinGroup(group, "1")))
		t.awaitSimple(c)
	}},
	{"simple/too-large", "6", "A simple client's message of more than 1 MiB is answered with close 1009", Emulator, needSimple, func(t *T) {
		c := t.open(client{query: "&webpubsub_mode=sendToGroup&group=" + t.group("room")})
		c.send(strings.Repeat("x", maxMessage+1))
		c.wantClose(1009, "The client message is too large.")
	}},
	{"simple/closed-by-application", "6", "A simple client that the application closes gets close 1000 and no message before", Spec, []Need{NeedKey, NeedSimple, NeedREST}, func(t *T) {
		alice := t.user("alice")
		c := t.open(client{user: alice})
		t.wantStatus(204, restCall{method: "POST", path: t.inHub("users", alice, ":closeConnections"), query: "reason=bye"})
		c.wantClose(1000, "")
	}},
}
