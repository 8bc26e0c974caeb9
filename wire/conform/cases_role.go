package conform

import (
	"fmt"
	"strings"
)

// roleCases are the permissions of a token (protocol.md 2.3).
var roleCases = []Case{
	{"role/none", "2.3", "Without a role a client may not join, leave or publish: Forbidden, and the connection stays open", Spec, needKey, func(t *T) {
		group := t.group("room")
		c := t.open(client{proto: plain, roles: noRoles})
		c.send(joinGroup(group, "1"), leaveGroup(group, "2"), publish(group, "x", "3"))
		c.want(refused("1", "Forbidden"), refused("2", "Forbidden"), refused("3", "Forbidden"))
		c.settled()
	}},
	{"role/error-text", "3.4", "The text of Forbidden and of Duplicate is free; the emulator's is known", Emulator, needKey, func(t *T) {
		group := t.group("room")
		c := t.open(client{proto: plain, roles: []string{"webpubsub.joinLeaveGroup.mine"}})
		c.send(joinGroup(group, "1"), leaveGroup(group, "2"), publish(group, "x", "3"), joinGroup("mine", "4"), joinGroup("mine", "4"))
		for i, act := range []string{"join", "leave", "send to"} {
			c.want(fmt.Sprintf(`{"ackId":%d,"error":{"name":"Forbidden","message":"The client does not have permission to %s group '%s'."}}`, i+1, act, group))
		}
		c.want(success("4"), `{"ackId":4,"error":{"name":"Duplicate","message":"Message with ack-id: 4 has been processed"}}`)
	}},
	{"role/publish-only", "2.3", "Publishing needs no membership, and the role for it does not permit to join", Spec, needKey, func(t *T) {
		group := t.group("room")
		c := t.open(client{proto: plain, roles: []string{"webpubsub.sendToGroup"}})
		c.send(publish(group, "x", "1"), joinGroup(group, "2"), leaveGroup(group, "3"))
		c.want(success("1"), refused("2", "Forbidden"), refused("3", "Forbidden"))
	}},
	{"role/join-only", "2.3", "The role to join permits to leave too, and membership does not permit to publish", Spec, needKey, func(t *T) {
		group := t.group("room")
		c := t.open(client{proto: plain, roles: []string{"webpubsub.joinLeaveGroup"}})
		c.send(joinGroup(group, "1"), publish(group, "x", "2"), leaveGroup(group, "3"))
		c.want(success("1"), refused("2", "Forbidden"), success("3"))
	}},
	{"role/literal", "2.3", "A role with a group permits that group, dots and all, and no other", Spec, needKey, func(t *T) {
		t.wantRole("sendToGroup.room.a", map[string]bool{"room.a": true, "room": false, "room.b": false, "room.a.b": false, "Room.a": false, "*": false})
	}},
	{"role/literal-star", "2.3", "A literal role has no wildcards", Spec, needKey, func(t *T) {
		t.wantRole("sendToGroup.a*", map[string]bool{"a*": true, "ab": false})
	}},
	{"role/join-literal", "2.3", "The role to join may name a group too", Spec, needKey, func(t *T) {
		t.wantRole("joinLeaveGroup.room", map[string]bool{"room": true, "room2": false})
	}},
	{"role/pattern", "2.3", "? stands for one character and * for any number, but not for a dot; ** for anything", Spec, needKey, func(t *T) {
		t.wantRole("sendToGroups.a?c", map[string]bool{"abc": true, "a.c": false, "ac": false, "abcd": false})
		t.wantRole("sendToGroups.team.*", map[string]bool{"team.": true, "team.x": true, "team.x.y": false, "team": false, "xteam.x": false})
		t.wantRole("sendToGroups.team.**", map[string]bool{"team.x": true, "team.x.y": true, "teams": false})
		t.wantRole("sendToGroups.**", map[string]bool{"anything.at all": true})
		t.wantRole("joinLeaveGroups.*-in", map[string]bool{"all-in": true, "all-out": false, "a.b-in": false})
	}},
	{"role/pattern-escape", "2.3", `\ escapes *, ? and \ in a pattern`, Spec, needKey, func(t *T) {
		t.wantRole(`sendToGroups.a\*b\?c\\d*`, map[string]bool{`a*b?c\d`: true, `a*b?c\dx`: true, `axb?c\d`: false})
	}},
	{"role/invalid", "2.3", "An invalid pattern or group in a role is ignored, and the connection accepted", Emulator, needKey, func(t *T) {
		for _, role := range []string{`sendToGroups.a\b`, `sendToGroups.a\`, "sendToGroups.*a*b*c*d*e*f", "sendToGroups.**a**b**", "sendToGroup.", "sendToGroups.", "unknown"} {
			t.wantRole(role, map[string]bool{"a": false, "abcdef": false})
		}
	}},
	{"role/pattern-limit", "2.3", "Nine patterns of one permission count, further ones are ignored", Emulator, needKey, func(t *T) {
		var roles []string
		for i := range 12 {
			roles = append(roles, fmt.Sprintf("webpubsub.sendToGroups.p%d-*", i))
		}
		c := t.open(client{proto: plain, roles: roles})
		c.send(publish("p0-x", "x", "1"), publish("p8-x", "x", "2"), publish("p9-x", "x", "3"))
		c.want(success("1"), success("2"), refused("3", "Forbidden"))
	}},
	{"role/several", "2.3", "Roles add up", Spec, needKey, func(t *T) {
		c := t.open(client{proto: plain, roles: []string{"webpubsub.sendToGroup.a", "webpubsub.sendToGroup.b", "webpubsub.joinLeaveGroup.c"}})
		c.send(publish("a", "x", "1"), publish("b", "x", "2"), joinGroup("c", "3"), publish("c", "x", "4"), joinGroup("a", "5"))
		c.want(success("1"), success("2"), success("3"), refused("4", "Forbidden"), refused("5", "Forbidden"))
	}},
}

// wantRole tries one role, without its prefix, on groups that it permits or not.
func (t *T) wantRole(role string, groups map[string]bool) {
	c := t.open(client{proto: plain, roles: []string{"webpubsub." + role}})
	id := 0
	for group, permitted := range groups {
		id++
		request := publish(group, "x", fmt.Sprint(id))
		if strings.HasPrefix(role, "join") {
			request = joinGroup(group, fmt.Sprint(id))
		}
		c.send(request)
		want := refused(fmt.Sprint(id), "Forbidden")
		if permitted {
			want = success(fmt.Sprint(id))
		}
		a := c.next(want)
		if problem := mismatch(want, a.payload); a.err != nil || problem != "" {
			t.Fatalf("role %s, group %s: %s", role, group, describe(a.op, a.payload))
		}
	}
}
