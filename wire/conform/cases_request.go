package conform

import (
	"fmt"
	"strings"
)

// requestCases are joining, leaving, publishing and their acks (protocol.md 3.2–3.4).
var requestCases = []Case{
	{"request/join", "3.4", "A join is acknowledged, and the connection gets what is published from then on", Spec, needRoles, func(t *T) {
		group := t.group("room")
		publisher, c := t.open(client{proto: plain}), t.open(client{proto: plain})
		publisher.send(publish(group, "too early", "1"))
		publisher.want(success("1"))
		c.send(joinGroup(group, "1"))
		c.want(success("1"))
		publisher.send(publish(group, "hi", "2"))
		publisher.want(success("2"))
		c.want(`{"type":"message","from":"group","group":` + js(group) + `,"dataType":"text","data":"hi"}`)
	}},
	{"request/leave", "3.4", "A leave is acknowledged, and nothing of the group comes after it", Spec, needRoles, func(t *T) {
		group, marker := t.group("room"), t.group("marker")
		publisher, c := t.open(client{proto: plain}), t.open(client{proto: plain})
		c.send(joinGroup(group, "1"), joinGroup(marker, "2"), leaveGroup(group, "3"))
		c.want(success("1"), success("2"), success("3"))
		publisher.send(publish(group, "no", "1"), publish(marker, "yes", "2"))
		publisher.want(success("1"), success("2"))
		c.want(`{"type":"message","group":` + js(marker) + `,"data":"yes"}`)
	}},
	{"request/again", "3.4", "Joining a joined group and leaving a left one succeed, and one copy comes", Spec, needRoles, func(t *T) {
		group := t.group("room")
		c := t.open(client{proto: plain})
		c.send(joinGroup(group, "1"), joinGroup(group, "2"), publish(group, "once", ""))
		c.want(success("1"), success("2"), `{"type":"message","data":"once"}`)
		c.send(leaveGroup(group, "3"), leaveGroup(group, "4"))
		c.want(success("3"), success("4"))
		c.settled()
	}},
	{"request/empty-group", "3.4", "Publishing to a group without members succeeds", Spec, needRoles, func(t *T) {
		c := t.open(client{proto: plain})
		c.send(publish(t.group("nobody"), "hi", "1"))
		c.want(success("1"))
	}},
	{"request/sender", "3.3", "A message names the group and the sender's user", Spec, needKey, func(t *T) {
		group, alice := t.group("room"), t.user("alice")
		member := t.open(client{proto: plain, groups: []string{group}, roles: noRoles})
		publisher := t.open(client{proto: plain, user: alice})
		publisher.send(publish(group, "hi", "1"))
		publisher.want(success("1"))
		member.want(messageBy(alice, group, "hi"))
		anonymous := t.open(client{proto: plain})
		anonymous.send(publish(group, "ho", "1"))
		anonymous.want(success("1"))
		member.want(message(group, "ho"))
	}},
	{"request/group-case", "1.1", "Group names are case-sensitive", Spec, needRoles, func(t *T) {
		group := t.group("room")
		c := t.open(client{proto: plain})
		c.send(joinGroup(group, "1"), publish(strings.ToUpper(group), "no", "2"), publish(group, "yes", "3"))
		c.want(success("1"), success("2"), `{"type":"message","data":"yes"}`, success("3"))
	}},
	{"request/copy-per-group", "3.3", "A connection in several groups gets one copy per group it was addressed through", Spec, needRoles, func(t *T) {
		a, b := t.group("a"), t.group("b")
		c := t.open(client{proto: plain})
		c.send(joinGroup(a, "1"), joinGroup(b, "2"), publish(a, "x", ""), publish(b, "x", ""))
		c.want(success("1"), success("2"), `{"group":`+js(a)+`,"data":"x"}`, `{"group":`+js(b)+`,"data":"x"}`)
		c.settled()
	}},
	{"request/no-echo", "3.2", "noEcho spares the sending connection, not the other ones of its user", Spec, needKey, func(t *T) {
		group, alice := t.group("room"), t.user("alice")
		a := t.open(client{proto: plain, user: alice, groups: []string{group}})
		b := t.open(client{proto: plain, user: alice, groups: []string{group}})
		quiet := strings.TrimSuffix(publish(group, "quiet", "1"), "}") + `,"noEcho":true}`
		loud := strings.TrimSuffix(publish(group, "loud", "2"), "}") + `,"noEcho":false}`
		a.send(quiet, loud)
		b.want(messageBy(alice, group, "quiet"), messageBy(alice, group, "loud"))
		a.wantInAnyOrder(success("1"), success("2"), messageBy(alice, group, "loud"))
		a.settled()
	}},
	{"request/echo-before-ack", "3.4", "A publisher that is a member sees its own echo before the ack", Emulator, needRoles, func(t *T) {
		group := t.group("room")
		c := t.open(client{proto: plain})
		c.send(joinGroup(group, "1"))
		c.want(success("1"))
		for i := 2; i < 12; i++ {
			c.send(publish(group, fmt.Sprint(i), fmt.Sprint(i)))
			c.want(`{"type":"message","data":"`+fmt.Sprint(i)+`"}`, success(fmt.Sprint(i)))
		}
	}},
	{"request/order", "3.4", "The requests of one connection are handled in the order of arrival", Emulator, needRoles, func(t *T) {
		group := t.group("room")
		c := t.open(client{proto: plain})
		c.send(joinGroup(group, "1"), publish(group, "a", "2"), ping, leaveGroup(group, "3"), publish(group, "b", "4"),
			joinGroup(group, "5"), publish(group, "c", "6"), ping)
		c.want(success("1"), `{"data":"a"}`, success("2"), pong, success("3"), success("4"), success("5"), `{"data":"c"}`, success("6"), pong)
	}},
	{"request/publisher-order", "12", "A subscriber sees the messages of one publisher in the order in which they were sent", Spec, needRoles, func(t *T) {
		group := t.group("room")
		publisher, c := t.open(client{proto: plain}), t.open(client{proto: plain})
		c.send(joinGroup(group, "1"))
		c.want(success("1"))
		const messages = 200
		for i := range messages {
			publisher.send(publish(group, fmt.Sprint(i), ""))
		}
		for i := range messages {
			c.want(`{"type":"message","data":"` + fmt.Sprint(i) + `"}`)
		}
	}},
	{"request/fire-and-forget", "3.4", "Without an ack id success and failure are silent", Spec, needKey, func(t *T) {
		group := t.group("room")
		c := t.open(client{proto: plain, groups: []string{group}, roles: []string{"webpubsub.sendToGroup." + group}})
		c.send(publish(group, "echo", ""), publish(t.group("forbidden"), "x", ""), joinGroup(t.group("x"), ""), leaveGroup(t.group("x"), ""))
		c.want(message(group, "echo"))
		c.settled()
	}},
	{"request/ack-id-null", "3.1", "ackId: null is an absent one", Emulator, needRoles, func(t *T) {
		c := t.open(client{proto: plain})
		c.send(joinGroup(t.group("room"), "null"))
		c.settled()
	}},
	{"request/ack-id-range", "3.1", "An ack id may be anything from 0 to 2^64-1, and comes back exactly", Spec, needRoles, func(t *T) {
		c := t.open(client{proto: plain})
		for _, id := range []string{"0", "4294967296", "9007199254740993", "18446744073709551615"} {
			c.send(joinGroup(t.group("room"), id))
			c.want(success(id))
		}
	}},
	{"request/extra-properties", "3.1", "Unknown properties, white space and the order of properties do not matter", Spec, needRoles, func(t *T) {
		c := t.open(client{proto: plain})
		c.send(" {\n\t\"ackId\" : 1 , \"later\":{\"type\":\"x\"},\"group\":" + js(t.group("room")) + ", \"type\" : \"joinGroup\" }\r\n")
		c.want(success("1"))
	}},
	{"request/type-case", "3.1", "type and dataType are matched in any case of letters", Emulator, needRoles, func(t *T) {
		group := t.group("room")
		c := t.open(client{proto: plain})
		c.send(`{"type":"JOINGROUP","group":`+js(group)+`,"ackId":1}`, `{"type":"sendtogroup","group":`+js(group)+`,"dataType":"TEXT","data":"x"}`)
		c.want(success("1"), `{"type":"message","dataType":"text","data":"x"}`)
	}},
	{"request/ping", "3.2", "ping is answered with pong, and has no ack", Spec, nil, func(t *T) {
		c := t.open(client{proto: plain})
		c.send(ping, `{"type":"ping","ackId":1}`)
		c.want(pong, pong)
		c.settled()
	}},
	{"request/event-without-handler", "3.4", "An event that nobody handles fails with InternalServerError and leaves the connection open", Emulator, []Need{NeedUnhandled}, func(t *T) {
		c := t.open(client{proto: plain})
		c.send(`{"type":"event","event":"order.placed","dataType":"text","data":"42","ackId":1}`)
		c.want(refused("1", "InternalServerError"))
		c.send(`{"type":"event","event":"Order_2-b","data":{"a":1}}`)
		c.settled()
	}},
	{"request/group-length", "3.2", "A group name may have 1,024 characters", Spec, needRoles, func(t *T) {
		c := t.open(client{proto: plain})
		c.send(joinGroup(strings.Repeat("g", 1024), "1"), joinGroup(strings.Repeat("ü", 1024), "2"))
		c.want(success("1"), success("2"))
	}},
	{"request/sequence-ack-on-plain", "3.2", "A sequenceAck on the plain subprotocol is accepted and ignored", Emulator, nil, func(t *T) {
		c := t.open(client{proto: plain})
		c.send(sequenceAck(7))
		c.settled()
	}},
	{"request/plain-has-no-sequence", "4.1", "The plain subprotocol numbers nothing", Spec, needRoles, func(t *T) {
		group := t.group("room")
		c := t.open(client{proto: plain})
		c.send(joinGroup(group, "1"), publish(group, "x", ""))
		c.want(success("1"), `{"type":"message","sequenceId":"`+absent+`"}`)
	}},
}

// wantInAnyOrder takes as many messages; each must be one of the wanted.
func (c *conn) wantInAnyOrder(wanted ...string) {
	for len(wanted) > 0 {
		a := c.next(wanted[0])
		if a.err != nil {
			c.t.Fatalf("%s: the connection ended (%s), want %s", c.name, endText(a.err), wanted[0])
		}
		found := -1
		for i, w := range wanted {
			if mismatch(w, a.payload) == "" {
				found = i
			}
		}
		if found < 0 {
			c.t.Fatalf("%s: %s, want one of %s", c.name, describe(a.op, a.payload), strings.Join(wanted, " or "))
		}
		wanted = append(wanted[:found], wanted[found+1:]...)
	}
}

// duplicateCases are the idempotency store (protocol.md 3.4).
var duplicateCases = []Case{
	{"duplicate/not-executed", "3.4", "A request whose ack id has succeeded is answered Duplicate and not executed", Spec, needRoles, func(t *T) {
		group := t.group("room")
		c := t.open(client{proto: plain})
		c.send(joinGroup(group, "1"), publish(group, "once", "2"))
		c.want(success("1"))
		c.wantInAnyOrder(`{"type":"message","data":"once"}`, success("2"))
		c.send(publish(group, "twice", "2"))
		c.want(refused("2", "Duplicate"))
		c.settled()
	}},
	{"duplicate/all-types", "3.4", "All types of messages share the ack ids: a leave with the id of a join is not executed", Spec, needRoles, func(t *T) {
		group := t.group("room")
		c := t.open(client{proto: plain})
		c.send(joinGroup(group, "1"), leaveGroup(group, "1"), publish(group, "still here", ""))
		c.want(success("1"), refused("1", "Duplicate"), `{"type":"message","data":"still here"}`)
	}},
	{"duplicate/failures", "3.4", "A request that failed may be repeated with the same ack id, and is executed", Emulator, needKey, func(t *T) {
		group := t.group("room")
		c := t.open(client{proto: plain, roles: []string{"webpubsub.joinLeaveGroup." + group}})
		c.send(joinGroup(t.group("other"), "1"), joinGroup(group, "1"), joinGroup(group, "1"))
		c.want(refused("1", "Forbidden"), success("1"), refused("1", "Duplicate"))
	}},
	{"duplicate/per-connection", "4.7", "Ack ids belong to a connection: another one may use the same", Spec, needRoles, func(t *T) {
		group := t.group("room")
		for range 2 {
			c := t.open(client{proto: plain})
			c.send(joinGroup(group, "1"))
			c.want(success("1"))
		}
	}},
	{"duplicate/history", "3.4", "The last 1,000 successes are remembered, first in first out", Emulator, needRoles, func(t *T) {
		c := t.open(client{proto: plain})
		group := t.group("room")
		for i := 1; i <= 1000; i++ {
			c.send(leaveGroup(group, fmt.Sprint(i)))
		}
		for i := 1; i <= 1000; i++ {
			c.want(success(fmt.Sprint(i)))
		}
		c.send(leaveGroup(group, "1"), leaveGroup(group, "1001"), leaveGroup(group, "2"), leaveGroup(group, "1"))
		// 1001 pushes 1 out, and 1 when it is executed anew pushes 2 out.
		c.want(refused("1", "Duplicate"), success("1001"), refused("2", "Duplicate"), success("1"))
		c.send(leaveGroup(group, "2"))
		c.want(success("2"))
	}},
	{"duplicate/after-recovery", "3.4", "The ack ids survive a recovery", Spec, needReliable, func(t *T) {
		group := t.group("room")
		c := t.open(client{proto: reliable})
		c.send(joinGroup(group, "1"))
		c.want(success("1"))
		c.drop()
		c = t.recover(c)
		c.send(leaveGroup(group, "1"), leaveGroup(group, "2"))
		c.want(refused("1", "Duplicate"), success("2"))
	}},
}
