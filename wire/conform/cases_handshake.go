package conform

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// handshakeCases are the checks before the upgrade and the greeting after it
// (protocol.md 1).
var handshakeCases = []Case{
	{"handshake/no-upgrade", "1.3", "A request that is no WebSocket upgrade is answered 400, whatever else is wrong with it", Emulator, needKey, func(t *T) {
		t.wantRefusal(request{target: t.clientPath(""), noUpgrade: true}, http.StatusBadRequest, "")
		t.wantRefusal(request{target: t.target.base + "client/", noUpgrade: true}, http.StatusBadRequest, "")
	}},
	{"handshake/blank-hub", "1.3", "A missing or blank hub is answered 400 before the token is looked at", Emulator, needKey, func(t *T) {
		t.wantRefusal(request{target: t.target.base + "client/hubs/%20", offer: plain}, http.StatusBadRequest, "")
		t.wantRefusal(request{target: t.target.base + "client/", offer: plain}, http.StatusBadRequest, "")
	}},
	{"handshake/no-token", "1.3", "A connection without a token is answered 401", Spec, needKey, func(t *T) {
		t.wantRefusal(request{target: t.clientPath(""), offer: plain}, http.StatusUnauthorized, "")
	}},
	{"handshake/token-before-mode", "1.3", "The token is checked before webpubsub_mode", Emulator, needKey, func(t *T) {
		t.wantRefusal(request{target: t.clientPath("") + "?webpubsub_mode=x"}, http.StatusUnauthorized, "")
		t.wantRefusal(request{target: t.clientPath("") + "?access_token=x&webpubsub_mode=x"}, http.StatusUnauthorized, "")
	}},
	{"handshake/token-before-groups", "1.3", "The signature is checked before the groups of the token", Emulator, needKey, func(t *T) {
		claims := t.claims("")
		claims["webpubsub.group"] = []string{" "}
		t.wantRefusal(t.tokenRequest(t.signWith(strings.Repeat("0", 40), claims)), http.StatusUnauthorized, "")
	}},
	{"handshake/groups-before-mode", "1.3", "A group of the token that is no group name is answered 400, before webpubsub_mode is checked", Emulator, needKey, func(t *T) {
		const body = "The token contains an invalid group name."
		for _, group := range []string{" ", strings.Repeat("g", 1025)} {
			r := t.clientRequest(&client{proto: plain, groups: []string{group}})
			t.wantRefusal(r, http.StatusBadRequest, body)
			r.target += "&webpubsub_mode=x"
			t.wantRefusal(r, http.StatusBadRequest, body)
		}
	}},
	{"handshake/mode", "1.3", "A bad webpubsub_mode, group or noEcho is answered 400, to PubSub clients too", Emulator, needKey, func(t *T) {
		for _, bad := range []struct{ query, body string }{
			{"&webpubsub_mode=x", "Invalid webpubsub_mode. Valid modes are sendToGroup and sendEvent."},
			{"&webpubsub_mode=sendEvent&webpubsub_mode=x", "Invalid webpubsub_mode. Valid modes are sendToGroup and sendEvent."},
			{"&webpubsub_mode=sendToGroup", "The raw sendToGroup group name is invalid."},
			{"&webpubsub_mode=sendToGroup&group=%20", "The raw sendToGroup group name is invalid."},
			{"&noEcho=yes", "Invalid noEcho. Valid values are true and false."},
		} {
			for _, proto := range []string{simple, plain} {
				t.wantRefusal(t.clientRequest(&client{proto: proto, query: bad.query}), http.StatusBadRequest, bad.body)
			}
		}
	}},
	{"handshake/mode-values", "1.2", "Modes are matched in any case of letters, empty means absent, and the last one counts", Emulator, needKey, func(t *T) {
		for _, query := range []string{"&webpubsub_mode=SENDEVENT", "&webpubsub_mode=", "&webpubsub_mode=x&webpubsub_mode=sendEvent", "&noEcho=TRUE", "&noEcho="} {
			t.open(client{proto: plain, query: query})
		}
	}},
	{"handshake/recovery-before-token", "1.3", "A request with awps_connection_id is a recovery and needs no access token: its verdict comes after the upgrade", Spec, needKeyReliable, func(t *T) {
		t.refusedRecovery(t.recoverWith("nobody", "nothing"))
		r := t.recoverWith("nobody", "nothing")
		r.target += "&access_token=x&webpubsub_mode=x"
		t.refusedRecovery(r)
	}},
	{"handshake/bearer-header", "1.2", "The token may come in the Authorization header", Spec, needKey, func(t *T) {
		r := request{target: t.clientPath(""), offer: plain, header: []string{"Authorization: Bearer " + t.sign(t.claims(""))}}
		t.upgrade(r).connected()
	}},
	{"handshake/bearer-case", "1.2", "The word Bearer is matched in any case of letters", Emulator, needKey, func(t *T) {
		r := request{target: t.clientPath(""), offer: plain, header: []string{"Authorization: bEARER " + t.sign(t.claims(""))}}
		t.upgrade(r).connected()
	}},
	{"handshake/query-token-wins", "1.2", "A token in the query wins over one in the header", Emulator, needKey, func(t *T) {
		header := []string{"Authorization: Bearer " + t.sign(t.claims(""))}
		t.wantRefusal(request{target: t.clientPath("") + "?access_token=x", offer: plain, header: header}, http.StatusUnauthorized, "")
	}},
	{"handshake/hub-in-query", "1.1", "The hub may stand in the query: /client/?hub=", Spec, needKey, func(t *T) {
		r := request{offer: plain, target: t.target.base + "client/?hub=" + url.QueryEscape(t.target.Hub) + "&access_token=" + t.sign(t.claims(""))}
		t.upgrade(r).connected()
	}},
	{"handshake/hub-case", "1.1", "Hub names are case-insensitive: one hub, however it is written", Emulator, needKey, func(t *T) {
		group := t.group("room")
		member := t.open(client{proto: plain, groups: []string{group}, hub: strings.ToUpper(t.target.Hub)})
		publisher := t.open(client{proto: plain})
		publisher.send(publish(group, "hi", "1"))
		publisher.want(success("1"))
		member.want(message(group, "hi"))
	}},
	{"handshake/subprotocol-echo", "1.4", "Each subprotocol that is offered alone is chosen and echoed", Spec, nil, func(t *T) {
		for _, name := range []string{plain, reliable} {
			if a := t.handshake(t.clientRequest(&client{proto: name})); a.protocol() != name {
				t.Errorf("offered %s: %d, chose %q", name, a.status, a.protocol())
			}
		}
	}},
	{"handshake/subprotocol-choice", "1.4", "Of several subprotocols the first known one is chosen, in the client's order and spelling", Emulator, []Need{NeedReliable}, func(t *T) {
		for _, row := range []struct{ offer, want string }{
			{"mine, " + reliable + ", " + plain, reliable},
			{plain + ", " + reliable, plain},
			{"JSON.webpubsub.azure.V1", "JSON.webpubsub.azure.V1"},
		} {
			r := t.clientRequest(&client{proto: row.offer})
			if a := t.handshake(r); a.protocol() != row.want {
				t.Errorf("offered %q: %d, chose %q, want %q", row.offer, a.status, a.protocol(), row.want)
			}
		}
	}},
	{"handshake/subprotocol-unknown", "1.4", "Where no offered subprotocol is known none is echoed", Spec, []Need{NeedSimple}, func(t *T) {
		if a := t.handshake(t.clientRequest(&client{proto: "mine"})); a.conn == nil || a.protocol() != "" {
			t.Errorf("offered mine: %v, chose %q; want 101 without a subprotocol", a, a.protocol())
		}
	}},
	{"connected/first", "1.5", "The first message is `connected` with a connectionId and no sequenceId", Spec, nil, func(t *T) {
		c := t.open(client{proto: plain})
		c.settled()
	}},
	{"connected/reliable", "4.1", "On the reliable subprotocol `connected` carries a reconnectionToken too", Spec, []Need{NeedReliable}, func(t *T) {
		c := t.open(client{proto: reliable})
		c.settled()
	}},
	{"connected/plain-no-token", "3.3", "On the plain subprotocol there is no reconnectionToken", Spec, nil, func(t *T) {
		c := t.upgrade(t.clientRequest(&client{proto: plain}))
		c.want(`{"type":"system","event":"connected","reconnectionToken":"` + absent + `"}`)
	}},
	{"connected/user", "3.3", "`connected` carries the user id of the token, none or null for an anonymous client", Spec, needKey, func(t *T) {
		alice := t.user("älice \"x\"")
		t.upgrade(t.clientRequest(&client{proto: plain, user: alice})).want(`{"event":"connected","userId":` + js(alice) + `}`)
		c := t.upgrade(t.clientRequest(&client{proto: plain}))
		c.want(`{"event":"connected","userId":"` + absent + `"}`)
	}},
	{"connected/unique", "1.5", "Connection ids are unique", Spec, nil, func(t *T) {
		seen := map[string]bool{}
		for range 5 {
			c := t.open(client{proto: plain})
			t.check(!seen[c.id], "connection id %q twice", c.id)
			seen[c.id] = true
		}
	}},
	{"connected/before-data", "1.3", "`connected` is the first frame even while the groups of the token are busy", Emulator, needKey, func(t *T) {
		group := t.group("busy")
		publisher := t.open(client{proto: plain})
		for range 20 {
			for range 20 {
				publisher.send(publish(group, "x", ""))
			}
			t.open(client{proto: plain, groups: []string{group}}) // takes `connected` first
		}
	}},
	{"connected/token-groups", "2.2", "The groups of the token are joined at connect, without a role for it", Spec, needKey, func(t *T) {
		a, b := t.group("a"), t.group("b")
		member := t.open(client{proto: plain, groups: []string{a, b}, roles: noRoles})
		publisher := t.open(client{proto: plain})
		publisher.send(publish(a, "1", "1"), publish(b, "2", "2"))
		publisher.want(success("1"), success("2"))
		member.want(message(a, "1"), message(b, "2"))
	}},
}

// The needs of most cases.
var (
	needKey         = []Need{NeedKey}
	needRoles       = []Need{NeedRoles}
	needKeyReliable = []Need{NeedKey, NeedReliable}
	needReliable    = []Need{NeedRoles, NeedReliable}
)

// wantRefusal wants an HTTP answer in place of the upgrade. The body is the
// emulator's.
func (t *T) wantRefusal(r request, status int, body string) {
	a := t.handshake(r)
	if a.status != status {
		t.Errorf("GET %s: %v, want %d", r.target, a, status)
		return
	}
	if a.body != body {
		t.Differf("GET %s: the body is %q, the emulator's is %q", r.target, a.body, body)
	}
}

// tokenCases are the rules for client tokens (protocol.md 2.2).
var tokenCases = []Case{
	{"token/good", "2.2", "A token signed with the access key opens a connection", Spec, needKey, func(t *T) {
		t.wantToken(true, t.sign(t.claims("")))
	}},
	{"token/signature", "2.2", "A token signed with another key, altered or not signed at all is answered 401", Spec, needKey, func(t *T) {
		good := t.sign(t.claims(""))
		head, signature := good[:strings.LastIndexByte(good, '.')+1], good[strings.LastIndexByte(good, '.')+1:]
		t.wantToken(false, t.signWith(strings.Repeat("0", 40), t.claims("")))
		t.wantToken(false, head+flip(signature))
		t.wantToken(false, head)
		t.wantToken(false, "eyJhbGciOiJub25lIn0"+head[strings.IndexByte(head, '.'):])
		t.wantToken(false, "garbage")
	}},
	{"token/audience", "2.2", "aud is the http or https URL of the client endpoint, as a whole", Spec, needKey, func(t *T) {
		aud, _ := t.claims("")["aud"].(string)
		ws := "ws" + strings.TrimPrefix(aud, "http")
		for _, bad := range []any{nil, "", aud + "/", aud + "x", ws, strings.TrimSuffix(aud, "client/hubs/"+t.target.Hub), "https://webpubsub.azure.com"} {
			t.wantClaim(false, "aud", bad)
		}
	}},
	{"token/audience-hub", "2.2", "A token for one hub does not open another", Spec, needKey, func(t *T) {
		t.wantToken(false, t.sign(t.claims(t.target.Hub+"x")))
	}},
	{"token/audience-case", "2.2", "aud is compared without regard to the case of letters, and may be a list", Emulator, needKey, func(t *T) {
		aud, _ := t.claims("")["aud"].(string)
		t.wantClaim(true, "aud", strings.ToUpper(aud))
		t.wantClaim(true, "aud", []string{"https://example.org/", aud})
	}},
	{"token/expiry", "2.2", "A token that has expired is answered 401", Spec, needKey, func(t *T) {
		t.wantClaim(false, "exp", time.Now().Add(-time.Hour).Unix())
	}},
	{"token/expiry-required", "2.2", "A token without exp is answered 401", Emulator, needKey, func(t *T) {
		t.wantClaim(false, "exp", nil)
	}},
	{"token/not-before", "2.2", "A token that is not valid yet is answered 401", Spec, needKey, func(t *T) {
		t.wantClaim(false, "nbf", time.Now().Add(time.Hour).Unix())
		t.wantClaim(true, "nbf", time.Now().Add(-time.Hour).Unix())
	}},
	{"token/skew", "2.2", "exp and nbf may be off by five minutes", Emulator, needKey, func(t *T) {
		t.wantClaim(true, "exp", time.Now().Add(-4*time.Minute).Unix())
		t.wantClaim(false, "exp", time.Now().Add(-6*time.Minute).Unix())
		t.wantClaim(true, "nbf", time.Now().Add(4*time.Minute).Unix())
		t.wantClaim(false, "nbf", time.Now().Add(6*time.Minute).Unix())
	}},
	{"token/unchecked-claims", "2.2", "iat, iss and claims of the application do not matter", Spec, needKey, func(t *T) {
		claims := t.claims("")
		claims["iss"], claims["iat"], claims["tenant"] = "me", time.Now().Add(24*time.Hour).Unix(), []string{"a", "b"}
		t.wantToken(true, t.sign(claims))
	}},
	{"token/single-role-and-group", "2.2", "role and webpubsub.group may be one text instead of a list", Spec, needKey, func(t *T) {
		group := t.group("room")
		claims := t.claims("")
		claims["role"], claims["webpubsub.group"] = "webpubsub.sendToGroup", group
		c := t.upgrade(t.tokenRequest(t.sign(claims)))
		c.connected()
		c.send(publish(group, "hi", ""))
		c.want(message(group, "hi"))
	}},
}

// flip changes the first character of a text.
func flip(s string) string {
	if s[0] == 'A' {
		return "B" + s[1:]
	}
	return "A" + s[1:]
}

// wantClaim changes one claim of a good token, nil = leaves it out.
func (t *T) wantClaim(accepted bool, name string, value any) {
	claims := t.claims("")
	claims[name] = value
	if value == nil {
		delete(claims, name)
	}
	t.log.add("-", "  ", "(token with "+name+" = "+js(value)+")")
	t.wantToken(accepted, t.sign(claims))
}

func (t *T) wantToken(accepted bool, token string) {
	a := t.handshake(t.tokenRequest(token))
	switch {
	case accepted && a.conn == nil:
		t.Errorf("%v, want 101", a)
	case !accepted && a.status != http.StatusUnauthorized:
		t.Errorf("%v, want 401", a)
	case !accepted && a.body != "":
		t.Differf("the body of the 401 is %q, the emulator's is empty", a.body)
	}
}
