package conform

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gobwas/ws"
)

// member opens a reliable client that has joined group.
func (t *T) member(group string) *conn {
	c := t.open(client{proto: reliable})
	c.send(joinGroup(group, "1"))
	c.want(success("1"))
	return c
}

// publisher opens a plain client; send waits for its acks.
type publisher struct {
	*conn
	group string
	ackID int
}

func (t *T) publisher(group string) *publisher {
	return &publisher{conn: t.open(client{proto: plain}), group: group}
}

func (p *publisher) publish(texts ...string) {
	first := p.ackID + 1
	for _, text := range texts {
		p.ackID++
		p.send(publish(p.group, text, fmt.Sprint(p.ackID)))
	}
	for id := first; id <= p.ackID; id++ {
		p.want(success(fmt.Sprint(id)))
	}
}

func numbers(from, to int) []string {
	var texts []string
	for i := from; i <= to; i++ {
		texts = append(texts, fmt.Sprint(i))
	}
	return texts
}

// wantNumbers wants texts that say their own sequence id, and returns them as they came.
func (c *conn) wantNumbers(group string, from, to int) []string {
	var got []string
	for i := from; i <= to; i++ {
		got = append(got, c.take(numbered(group, fmt.Sprint(i), i)))
	}
	return got
}

// sequenceCases are sequence ids and their acks (protocol.md 4.2, 4.3).
var sequenceCases = []Case{
	{"sequence/from-one", "4.2", "Data messages are numbered from 1, by 1, and nothing else is", Spec, needReliable, func(t *T) {
		group := t.group("room")
		c := t.member(group)
		for i := 1; i <= 20; i++ {
			c.send(publish(group, fmt.Sprint(i), fmt.Sprint(100+i)), ping)
			c.wantInAnyOrder(numbered(group, fmt.Sprint(i), i), success(fmt.Sprint(100+i)))
			c.want(pong)
		}
	}},
	{"sequence/per-connection", "4.2", "Each connection has sequence ids of its own", Spec, needReliable, func(t *T) {
		group, other := t.group("room"), t.group("other")
		a, b := t.member(group), t.member(group)
		b.send(joinGroup(other, "2"))
		b.want(success("2"))
		t.publisher(other).publish("x")
		b.want(numbered(other, "x", 1))
		t.publisher(group).publish("1")
		a.want(numbered(group, "1", 1))
		b.want(numbered(group, "1", 2))
	}},
	{"sequence/rest", "4.2", "Messages of the application are numbered in the same row", Spec, []Need{NeedKey, NeedReliable, NeedREST}, func(t *T) {
		group := t.group("room")
		c := t.member(group)
		t.publisher(group).publish("1")
		c.want(numbered(group, "1", 1))
		t.restSend("2", "", "connections", c.id)
		c.want(`{"type":"message","from":"server","dataType":"text","data":"2","sequenceId":2}`)
		t.restSend("3", "", "groups", group)
		c.want(numbered(group, "3", 3))
	}},
	{"sequence/ack-silent", "4.3", "A sequenceAck has no answer", Spec, needReliable, func(t *T) {
		group := t.group("room")
		c := t.member(group)
		t.publisher(group).publish(numbers(1, 3)...)
		c.wantNumbers(group, 1, 3)
		c.send(sequenceAck(3), sequenceAck(3), sequenceAck(1), sequenceAck(0))
		c.settled()
	}},
	{"sequence/ack-cumulative", "4.3", "A sequenceAck releases every message up to its id", Spec, needReliable, func(t *T) {
		group := t.group("room")
		c := t.member(group)
		t.publisher(group).publish(numbers(1, 10)...)
		c.wantNumbers(group, 1, 10)
		c.send(sequenceAck(7))
		c.settled()
		c.drop()
		c = t.recover(c)
		c.wantNumbers(group, 8, 10)
		c.settled()
	}},
	{"sequence/ack-repeated", "4.3", "Smaller and repeated sequenceAcks do no harm", Spec, needReliable, func(t *T) {
		group := t.group("room")
		c := t.member(group)
		t.publisher(group).publish(numbers(1, 5)...)
		c.wantNumbers(group, 1, 5)
		c.send(sequenceAck(3), sequenceAck(1), sequenceAck(3))
		c.settled()
		c.drop()
		c = t.recover(c)
		c.wantNumbers(group, 4, 5)
		c.settled()
	}},
	{"sequence/ack-beyond", "4.3", "A sequenceAck beyond the last id releases everything, and numbering goes on", Emulator, needReliable, func(t *T) {
		group := t.group("room")
		c, p := t.member(group), t.publisher(group)
		p.publish("1", "2")
		c.wantNumbers(group, 1, 2)
		c.send(sequenceAck(1_000_000))
		c.settled()
		c.drop()
		c = t.recover(c)
		c.settled()
		p.publish("3")
		c.wantNumbers(group, 3, 3)
	}},
}

// recoveryCases are recoveries that succeed (protocol.md 4.5).
var recoveryCases = []Case{
	{"recovery/replay", "4.5", "A recovery replays what is not acknowledged, in order and byte for byte", Spec, needReliable, func(t *T) {
		group := t.group("room")
		c := t.member(group)
		t.publisher(group).publish(numbers(1, 50)...)
		before := c.wantNumbers(group, 1, 50)
		c.drop()
		c = t.recover(c)
		after := c.wantNumbers(group, 1, 50)
		for i := range before {
			if before[i] != after[i] {
				t.Differf("replayed as %s, sent as %s", after[i], before[i])
				break
			}
		}
		c.settled()
	}},
	{"recovery/nothing-to-replay", "4.3", "Nothing is replayed when everything is acknowledged", Spec, needReliable, func(t *T) {
		group := t.group("room")
		c := t.member(group)
		t.publisher(group).publish(numbers(1, 3)...)
		c.wantNumbers(group, 1, 3)
		c.send(sequenceAck(3))
		c.settled()
		c.drop()
		c = t.recover(c)
		c.settled()
	}},
	{"recovery/while-away", "4.5", "What is published while the client is away is numbered on and comes after the replay", Spec, needReliable, func(t *T) {
		group := t.group("room")
		c, p := t.member(group), t.publisher(group)
		p.publish(numbers(1, 3)...)
		c.wantNumbers(group, 1, 3)
		c.drop()
		p.publish(numbers(4, 6)...)
		c = t.recover(c)
		p.publish(numbers(7, 9)...)
		c.wantNumbers(group, 1, 9)
		c.settled()
	}},
	{"recovery/again", "4.5", "A session is recovered as often as need be", Spec, needReliable, func(t *T) {
		group := t.group("room")
		c, p := t.member(group), t.publisher(group)
		for i := 1; i <= 5; i++ {
			p.publish(fmt.Sprint(i))
			c.wantNumbers(group, 1, i)
			c.drop()
			c = t.recover(c)
		}
		c.wantNumbers(group, 1, 5)
	}},
	{"recovery/acks-not-replayed", "4.2", "Acks are not replayed: the request is repeated and answered Duplicate", Spec, needReliable, func(t *T) {
		group := t.group("room")
		c := t.member(group)
		c.send(publish(group, "1", "7"), ping)
		c.wantInAnyOrder(numbered(group, "1", 1), success("7"))
		c.want(pong)
		c.drop()
		c = t.recover(c)
		c.want(numbered(group, "1", 1))
		c.settled()
		c.send(publish(group, "1", "7"))
		c.want(refused("7", "Duplicate"))
		c.settled()
	}},
	{"recovery/no-connected", "4.5", "A recovery brings no `connected`", Emulator, needReliable, func(t *T) {
		c := t.open(client{proto: reliable})
		c.drop()
		c = t.upgrade(t.recovery(c)) // t.recover would put up with one
		c.settled()
	}},
	{"recovery/stale-access-token", "1.2", "A recovery whose URL still holds the access token is not judged by it", Spec, needKeyReliable, func(t *T) {
		c := t.open(client{proto: reliable})
		c.drop()
		r := t.recovery(c)
		claims := t.claims("")
		claims["exp"] = 1
		r.target = strings.Replace(r.target, "?", "?access_token="+t.sign(claims)+"&", 1)
		t.recoverBy(r, c).settled()
	}},
	{"recovery/keeps-session", "4.1", "Groups, permissions and user survive a recovery", Spec, needKeyReliable, func(t *T) {
		group, other, alice := t.group("room"), t.group("other"), t.user("alice")
		c := t.open(client{proto: reliable, user: alice, groups: []string{group}, roles: []string{"webpubsub.sendToGroup." + group}})
		c.drop()
		c = t.recover(c)
		c.send(publish(group, "hi", "1"), publish(other, "no", "2"), joinGroup(other, "3"))
		c.wantInAnyOrder(messageBy(alice, group, "hi"), success("1"))
		c.want(refused("2", "Forbidden"), refused("3", "Forbidden"))
	}},
	{"recovery/keeps-subprotocol", "1.4", "The subprotocol of the session stays, whatever the recovery offers", Emulator, needReliable, func(t *T) {
		group := t.group("room")
		c := t.member(group)
		c.drop()
		r := t.recovery(c)
		r.offer = plain
		n := t.recoverBy(r, c)
		t.publisher(group).publish("1")
		n.want(numbered(group, "1", 1))
	}},
	{"recovery/attached", "4.5", "A recovery takes over a session that is still attached, and its old connection ends", Spec, needReliable, func(t *T) {
		group := t.group("room")
		old, p := t.member(group), t.publisher(group)
		p.publish("1")
		old.wantNumbers(group, 1, 1)
		c := t.recover(old)
		if code := old.wantEnd(); code != 0 {
			t.Differf("the old connection ended with close %d, the emulator's ends without a close frame", code)
		}
		p.publish("2")
		c.wantNumbers(group, 1, 2)
		c.settled()
		c.drop()
		c = t.recover(c) // the end of the old one has not harmed the session
		c.wantNumbers(group, 1, 2)
	}},
	{"recovery/close-codes", "4.6", "Every client's close code but 1000, and none at all, leaves the session recoverable", Emulator, needReliable, func(t *T) {
		for _, code := range []int{0, 1001, 1011, 3000, 4999} {
			c := t.open(client{proto: reliable})
			c.close(code)
			t.recover(c).settled()
		}
	}},
	{"recovery/window", "4.5", "A dropped session is kept for the whole recovery window, and not longer", Emulator, []Need{NeedRoles, NeedReliable, NeedTime}, func(t *T) {
		window := t.target.Window
		margin := min(window/3, 2*time.Second)
		kept, lost := t.open(client{proto: reliable}), t.open(client{proto: reliable})
		lost.drop()
		kept.drop()
		t.pause(window - margin)
		kept = t.recover(kept)
		kept.settled()
		t.pause(2 * margin)
		t.refusedRecovery(t.recovery(lost))
	}},
	{"recovery/plain-ends", "4.6", "A plain session ends with its connection: its groups are gone at once", Spec, []Need{NeedKey, NeedREST}, func(t *T) {
		group := t.group("room")
		c := t.open(client{proto: plain, groups: []string{group}})
		t.wantStatus(200, restCall{method: "HEAD", path: t.inHub("groups", group)})
		c.close(1001)
		t.wantEventually(404, restCall{method: "HEAD", path: t.inHub("groups", group)})
	}},
}

// refusalCases are recoveries that must fail with 101 and then 1008 (protocol.md 4.5).
var refusalCases = []Case{
	{"refused/unknown-connection", "4.5", "A recovery of a connection that never was is refused", Spec, needReliable, func(t *T) {
		c := t.open(client{proto: reliable})
		t.refusedRecovery(t.recoverWith("nobody", c.token))
		c.settled()
	}},
	{"refused/bad-token", "4.5", "A recovery with a bad reconnection token is refused, and the session untouched", Spec, needReliable, func(t *T) {
		c := t.open(client{proto: reliable})
		t.refusedRecovery(t.recoverWith(c.id, "garbage"))
		t.refusedRecovery(t.recoverWith(c.id, flip(c.token)))
		c.settled()
	}},
	{"refused/no-token", "4.5", "A recovery without a reconnection token is refused, and the session untouched", Spec, needReliable, func(t *T) {
		c := t.open(client{proto: reliable})
		t.refusedRecovery(t.recoverWith(c.id, ""))
		r := t.recoverWith(c.id, "")
		r.target = strings.TrimSuffix(r.target, "&awps_reconnection_token=")
		t.refusedRecovery(r)
		c.settled()
	}},
	{"refused/token-of-another", "2.4", "A reconnection token is good for its own connection only", Spec, needReliable, func(t *T) {
		a, b := t.open(client{proto: reliable}), t.open(client{proto: reliable})
		t.refusedRecovery(t.recoverWith(a.id, b.token))
		a.settled()
		b.settled()
	}},
	{"refused/other-hub", "4.5", "A recovery through another hub is refused, and the session untouched", Spec, needKeyReliable, func(t *T) {
		c := t.open(client{proto: reliable})
		r := t.recovery(c)
		r.target = strings.Replace(r.target, t.clientPath(""), t.clientPath(t.target.Hub+"x"), 1)
		t.refusedRecovery(r)
		c.settled()
	}},
	{"refused/closed-session", "4.6", "A session that its client closed with 1000 is gone at once", Spec, needReliable, func(t *T) {
		c := t.open(client{proto: reliable})
		c.close(1000)
		t.refusedRecovery(t.recovery(c))
	}},
	{"refused/closed-by-application", "4.6", "A session that the application closed is gone", Spec, []Need{NeedKey, NeedReliable, NeedREST}, func(t *T) {
		c := t.open(client{proto: reliable})
		t.wantStatus(204, restCall{method: "DELETE", path: t.inHub("connections", c.id)})
		c.wantEndAfterDisconnected()
		t.refusedRecovery(t.recovery(c))
	}},
	{"refused/plain-session", "4.5", "A session of the plain subprotocol cannot be recovered", Spec, needReliable, func(t *T) {
		c, other := t.open(client{proto: plain}), t.open(client{proto: reliable})
		t.refusedRecovery(t.recoverWith(c.id, other.token))
		c.settled()
	}},
}

// wantEndAfterDisconnected wants the farewell of a server that closes.
func (c *conn) wantEndAfterDisconnected() {
	c.want(`{"type":"system","event":"disconnected","sequenceId":"` + absent + `"}`)
	c.wantClose(1000, "")
}

// overflowCases are the limits of the replay buffer (protocol.md 4.4).
var overflowCases = []Case{
	{"overflow/thousand", "4.4", "1,000 unacknowledged messages are kept and replayed", Spec, needReliable, func(t *T) {
		group := t.group("room")
		c := t.member(group)
		t.publisher(group).publish(numbers(1, 1000)...)
		c.wantNumbers(group, 1, 1000)
		c.drop()
		c = t.recover(c)
		c.wantNumbers(group, 1, 1000)
		c.settled()
	}},
	{"overflow/attached", "4.4", "The 1,001st unacknowledged message ends the session for good, and its publisher is not told", Spec, needReliable, func(t *T) {
		group := t.group("room")
		c, p := t.member(group), t.publisher(group)
		p.publish(numbers(1, 1000)...)
		c.wantNumbers(group, 1, 1000)
		c.settled()
		p.publish("1001")
		c.wantOverflow()
		t.refusedRecovery(t.recovery(c))
		p.settled()
	}},
	{"overflow/detached", "4.4", "The buffer of a session that is away fills up all the same", Spec, needReliable, func(t *T) {
		group := t.group("room")
		c, p := t.member(group), t.publisher(group)
		c.drop()
		p.publish(numbers(1, 1001)...)
		t.refusedRecovery(t.recovery(c))
	}},
	{"overflow/acks-make-room", "4.4", "A client that acknowledges in time gets any number of messages", Spec, needReliable, func(t *T) {
		group := t.group("room")
		c, p := t.member(group), t.publisher(group)
		for i := range 5 {
			p.publish(numbers(400*i+1, 400*i+400)...)
			c.wantNumbers(group, 400*i+1, 400*i+400)
			c.send(sequenceAck(400*i + 400))
			c.settled()
		}
	}},
	{"overflow/bytes", "4.4", "16 MiB of unacknowledged messages are kept, more end the session", Spec, []Need{NeedRoles, NeedReliable, NeedTraffic}, func(t *T) {
		group := t.group("room")
		c, p := t.member(group), t.publisher(group)
		large := strings.Repeat("x", 1<<20-200) // 16 of them are 16 MiB less a little
		for i := 1; i <= 16; i++ {
			p.publish(large)
			c.want(fmt.Sprintf(`{"type":"message","sequenceId":%d}`, i))
		}
		c.settled()
		p.publish(large)
		c.wantOverflow()
		t.refusedRecovery(t.recovery(c))
	}},
}

// wantOverflow wants the end of a client that was too slow: close 1008, or none at
// all (protocol.md 4.4, 13).
func (c *conn) wantOverflow() {
	a := c.next("the end of the connection")
	if a.err != nil {
		c.t.Differf("%s: the connection ended without a close frame, the emulator closes with 1008", c.name)
		return
	}
	if code, _ := closeBody(a.payload); a.op != ws.OpClose || !slices.Contains([]int{1008, 1013}, code) {
		c.t.Fatalf("%s: %s, want close 1008 or the end", c.name, describe(a.op, a.payload))
	}
}
