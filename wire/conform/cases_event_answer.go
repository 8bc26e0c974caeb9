package conform

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gobwas/ws"
)

// jsonAnswer decides about a connection.
func jsonAnswer(body string) hookAnswer {
	return hookAnswer{status: 200, header: map[string]string{"Content-Type": "application/json"}, body: body}
}

// connectCases are the event `connect` and what its answer decides (protocol.md 8.3).
var connectCases = []Case{
	{"event/connect-body", "8.3", "connect tells the claims, the query, the headers and the subprotocols offered, as arrays of texts", Spec, needEvents, func(t *T) {
		claims := t.claims(t.hub)
		claims["x-team"] = "blue"
		r := request{
			target: t.clientPath(t.hub) + "?access_token=" + t.sign(claims) + "&room=a&room=b",
			offer:  plain + ", other", header: []string{"X-Team: red"},
		}
		t.answer(kindConnect, jsonAnswer(`{"subprotocol":"`+plain+`"}`))
		t.upgrade(r)
		body := t.event(kindConnect).body
		if problem := mismatch(`{"claims":{"x-team":["blue"]},"query":{"room":["a","b"]},"headers":{},"subprotocols":["`+plain+`","other"],"clientCertificates":[]}`, []byte(body)); problem != "" {
			t.Errorf("%s in %s", problem, body)
		}
		t.check(strings.Contains(strings.ToLower(body), `"x-team":["red"]`), "the client's header is not in %s", body)
	}},
	{"event/connect-secrets", "8.3", "connect tells no token, neither the query's nor the header's", Spec, needEvents, func(t *T) {
		token := t.sign(t.claims(t.hub))
		t.upgrade(request{target: t.clientPath(t.hub) + "?access_token=" + token, offer: plain, header: []string{"Authorization: Bearer " + token}})
		body := t.event(kindConnect).body
		lower := strings.ToLower(body)
		t.check(!strings.Contains(body, token) && !strings.Contains(lower, `"access_token"`) && !strings.Contains(lower, `"authorization"`), "the token is in the body")
	}},
	{"event/connect-accept", "8.3", "204, an empty body and null accept the client as its token has it", Spec, needEvents, func(t *T) {
		alice := t.user("alice")
		for _, answer := range []hookAnswer{{status: 204}, {status: 200}, jsonAnswer("null"), jsonAnswer("{}")} {
			t.answer(kindConnect, answer)
			c := t.openEvents(client{proto: plain, user: alice})
			k := t.event(kindConnected)
			t.wantHeader(k, "ce-connectionId", c.id)
			t.wantHeader(k, "ce-userId", alice)
		}
	}},
	{"event/connect-user", "8.3", "userId in the answer to connect replaces the token's, even by nothing", Spec, needEvents, func(t *T) {
		alice, bob := t.user("alice"), t.user("bob")
		for _, row := range []struct{ decided, want string }{{bob, js(bob)}, {"", js(absent)}} {
			t.answer(kindConnect, jsonAnswer(`{"userId":`+js(row.decided)+`}`))
			c := t.upgrade(t.clientRequest(&client{proto: plain, user: alice, hub: t.hub}))
			a := c.next("`connected`")
			got, _ := decode(a.payload)
			m, _ := got.(map[string]any)
			user, _ := m["userId"].(string)
			t.check(m["event"] == "connected" && user == row.decided, "%s, want userId %s", describe(a.op, a.payload), row.want)
		}
	}},
	{"event/connect-groups", "8.3", "groups in the answer to connect replace the token's, unless they are empty", Spec, needEvents, func(t *T) {
		room, other := t.group("room"), t.group("other")
		t.answer(kindConnect, jsonAnswer(`{"groups":[`+js(other)+`]}`), jsonAnswer(`{"groups":[]}`), hookAnswer{status: 204})
		moved := t.openEvents(client{proto: plain, groups: []string{room}})
		kept := t.openEvents(client{proto: plain, groups: []string{room}})
		p := t.openEvents(client{proto: plain})
		p.send(publish(room, "1", "1"), publish(other, "2", "2"), publish(room, "3", "3"))
		moved.want(message(other, "2"))
		kept.want(message(room, "1"), message(room, "3"))
		moved.settled()
	}},
	{"event/connect-roles", "8.3", "roles in the answer to connect replace the token's, even by none", Spec, needEvents, func(t *T) {
		room := t.group("room")
		t.answer(kindConnect, jsonAnswer(`{"roles":["webpubsub.joinLeaveGroup.`+room+`"]}`), jsonAnswer(`{"roles":[]}`))
		c := t.openEvents(client{proto: plain})
		c.send(joinGroup(room, "1"), publish(room, "x", "2"))
		c.want(success("1"), refused("2", "Forbidden"))
		c = t.openEvents(client{proto: plain})
		c.send(joinGroup(room, "1"))
		c.want(refused("1", "Forbidden"))
	}},
	{"event/connect-subprotocol", "8.3", "The answer to connect chooses among the subprotocols that the client offers", Spec, needEventsReliable, func(t *T) {
		t.answer(kindConnect, jsonAnswer(`{"subprotocol":"`+reliable+`"}`))
		r := t.clientRequest(&client{proto: plain, hub: t.hub})
		r.offer = plain + ", " + reliable
		c := t.upgrade(r)
		t.check(c.proto == reliable, "the server chose %q, want %q", c.proto, reliable)
		c.connected()
	}},
	{"event/connect-custom", "1.4", "A subprotocol of the application's, chosen by the answer to connect, makes a simple client", Spec, needEventsSimple, func(t *T) {
		t.answer(kindConnect, jsonAnswer(`{"subprotocol":"mine.v1"}`))
		t.answer(kindUser+"message", echo())
		r := t.clientRequest(&client{proto: "mine.v1", hub: t.hub})
		c := t.upgrade(r)
		t.check(c.proto == "mine.v1", "the server chose %q, want mine.v1", c.proto)
		c.send("hi")
		c.wantFrame(ws.OpText, "answer")
	}},
	{"event/connect-refused", "8.3", "A status of 4xx in answer to connect is the client's, and there is no upgrade", Spec, needEvents, func(t *T) {
		for _, status := range []int{400, 401, 403, 429} {
			t.answer(kindConnect, hookAnswer{status: status})
			a := t.refusedBy(client{proto: plain}, status)
			if want := "The connect event handler rejected the connection."; a.body != want {
				t.Differf("the body is %q, the emulator's is %q", a.body, want)
			}
			_ = t.event(kindConnect)
			t.noEvent(kindConnect)
		}
	}},
	{"event/connect-malformed", "8.3", "An answer to connect that is not JSON or names an invalid group is the client's 500", Emulator, needEvents, func(t *T) {
		for _, body := range []string{"{", `{"groups":["  "]}`} {
			t.answer(kindConnect, jsonAnswer(body))
			t.refusedBy(client{proto: plain}, 500)
		}
	}},
	{"event/connect-last", "1.3", "The handler is asked after every other check: nobody without a good token or mode gets to it", Spec, needEvents, func(t *T) {
		good := t.clientRequest(&client{proto: plain, hub: t.hub})
		for _, r := range []request{
			{target: t.clientPath(t.hub), offer: plain},
			{target: t.clientPath(t.hub) + "?access_token=" + t.signWith(strings.Repeat("0", 40), t.claims(t.hub)), offer: plain},
			{target: good.target + "&webpubsub_mode=" + url.QueryEscape("no such mode"), offer: plain},
		} {
			t.check(t.handshake(r).conn == nil, "it is accepted")
		}
		c := t.openEvents(client{proto: plain})
		t.wantHeader(t.event(kindConnect), "ce-connectionId", c.id)
	}},
}

// echo answers a user event with a text.
func echo() hookAnswer {
	return hookAnswer{status: 200, header: map[string]string{"Content-Type": "text/plain"}, body: "answer"}
}

// userEventCases are the events of clients and their answers (protocol.md 8.3).
var userEventCases = []Case{
	{"event/answer", "8.3", "The body of an answer goes to the client as a message of the server, its type from Content-Type, binary without", Spec, needEvents, func(t *T) {
		c := t.openEvents(client{proto: plain})
		for i, row := range []struct{ contentType, body, want string }{
			{"text/plain", "ü", `"dataType":"text","data":"ü"`},
			{"text/plain; charset=utf-8", "x", `"dataType":"text","data":"x"`},
			{"application/json", `{"x":[1,null]}`, `"dataType":"json","data":{"x":[1,null]}`},
			{"application/octet-stream", "\x01\x02\x03", `"dataType":"binary","data":"AQID"`},
			{"", "\x01\x02\x03", `"dataType":"binary","data":"AQID"`},
		} {
			ackID := strconv.Itoa(i + 1)
			answer := hookAnswer{status: 200, header: map[string]string{}, body: row.body}
			if row.contentType != "" {
				answer.header["Content-Type"] = row.contentType
			}
			t.answer(kindOrder, answer)
			c.send(order(ackID))
			c.wantInAnyOrder(`{"type":"message","from":"server",`+row.want+`}`, success(ackID))
		}
	}},
	{"event/answer-empty", "8.3", "An empty answer is no message, and the event succeeds", Spec, needEvents, func(t *T) {
		c := t.openEvents(client{proto: plain})
		t.answer(kindOrder, hookAnswer{status: 200}, hookAnswer{status: 204})
		c.send(order("1"), order("2"), order(""))
		c.want(success("1"), success("2"))
		c.settled()
	}},
	{"event/answer-metadata", "8.3", "Metadata of an answer go with it; an empty answer is an empty text then", Emulator, needEvents, func(t *T) {
		c := t.openEvents(client{proto: plain})
		with := echo()
		with.header["X-WebPubSub-Metadata-Trace"] = "a1"
		bare := hookAnswer{status: 200, header: map[string]string{"X-WebPubSub-Metadata-Trace": "a2"}}
		t.answer(kindOrder, with, bare)
		c.send(order(""), order(""))
		c.want(`{"type":"message","from":"server","data":"answer","metadata":{"trace":"a1"}}`,
			`{"type":"message","from":"server","dataType":"text","data":"","metadata":{"trace":"a2"}}`)
	}},
	{"event/answer-to-sender", "8.3", "The answer goes to the client that sent the event, and to nobody else", Spec, needEvents, func(t *T) {
		alice := t.user("alice")
		a, b := t.openEvents(client{proto: plain, user: alice}), t.openEvents(client{proto: plain, user: alice})
		t.answer(kindOrder, echo())
		a.send(order(""))
		a.want(server("answer"))
		b.settled()
	}},
	{"event/answer-numbered", "4.2", "On a reliable subprotocol an answer is data, and numbered", Spec, needEventsReliable, func(t *T) {
		c := t.openEvents(client{proto: reliable})
		t.answer(kindOrder, echo())
		c.send(order(""), order(""))
		c.want(`{"type":"message","from":"server","data":"answer","sequenceId":1}`, `{"type":"message","from":"server","data":"answer","sequenceId":2}`)
	}},
	{"event/failed", "8.3", "An event that the handler refuses fails with InternalServerError; without an ack id nothing is said; the connection stays", Emulator, needEvents, func(t *T) {
		c := t.openEvents(client{proto: plain})
		t.answer(kindOrder, hookAnswer{status: 400, header: map[string]string{"Content-Type": "text/plain"}, body: "no"})
		c.send(order("1"), order(""))
		c.want(refused("1", "InternalServerError"))
		c.settled()
	}},
	{"event/failed-simple", "6", "A simple client whose event the handler refuses is closed with 1011", Emulator, needEventsSimple, func(t *T) {
		c := t.openEvents(client{})
		t.answer(kindUser+"message", hookAnswer{status: 400})
		c.send("hi")
		c.wantClose(1011, "*")
	}},
	{"event/simple", "6", "Each frame of a simple client is an event named message, and the answer a bare frame", Spec, needEventsSimple, func(t *T) {
		c := t.openEvents(client{})
		t.answer(kindUser+"message", echo(), hookAnswer{status: 200, body: "\x01\x02"})
		c.send("hi")
		c.wantFrame(ws.OpText, "answer")
		c.writeFrame(ws.OpBinary, []byte{3, 4})
		c.wantFrame(ws.OpBinary, "\x01\x02")
		for _, want := range []struct{ contentType, body string }{{"text/plain", "hi"}, {"application/octet-stream", "\x03\x04"}} {
			k := t.event(kindUser + "message")
			mediaType, _, _ := strings.Cut(k.header.Get("Content-Type"), ";")
			t.check(mediaType == want.contentType && k.body == want.body, "%q, %q, want %q, %q", mediaType, k.body, want.contentType, want.body)
		}
	}},
	{"event/blocks", "8.3", "While the handler has an event, later frames of its connection wait, and nobody else's", Spec, needEvents, func(t *T) {
		a, b := t.openEvents(client{proto: plain}), t.openEvents(client{proto: plain})
		gate := make(chan struct{})
		release := sync.OnceFunc(func() { close(gate) })
		defer release()
		held := echo()
		held.release = gate
		t.answer(kindOrder, held)
		a.send(order("1"), ping)
		_ = t.event(kindOrder)
		b.settled()
		release()
		a.wantInAnyOrder(server("answer"), success("1"))
		a.want(pong)
	}},
	{"event/no-role", "2.3", "A client without any role may send events", Spec, needEvents, func(t *T) {
		c := t.openEvents(client{proto: plain, roles: noRoles})
		c.send(order("1"))
		c.want(success("1"))
	}},
	{"event/retries", "8.3", "503 is tried again, 1 s later", Emulator, needEvents, func(t *T) {
		c := t.openEvents(client{proto: plain})
		t.answer(kindOrder, hookAnswer{status: http.StatusServiceUnavailable}, hookAnswer{status: 200})
		c.send(order("1"))
		_ = t.event(kindOrder)
		t.pause(time.Second)
		_ = t.event(kindOrder)
		c.want(success("1"))
	}},
	{"event/no-retries", "8.3", "429 and other statuses of 4xx are final", Emulator, needEvents, func(t *T) {
		c := t.openEvents(client{proto: plain})
		for i, status := range []int{400, 429} {
			ackID := strconv.Itoa(i + 1)
			t.answer(kindOrder, hookAnswer{status: status}, hookAnswer{status: 200})
			c.send(order(ackID))
			c.want(refused(ackID, "InternalServerError"))
			_ = t.event(kindOrder)
			t.noEvent(kindOrder)
		}
	}},
}
