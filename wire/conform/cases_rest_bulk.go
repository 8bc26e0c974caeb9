package conform

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

var needEntra = []Need{NeedKey, NeedREST, NeedEntra}

// restBulkCases address many connections at once: by user, by filter, page by page
// (protocol.md 7.4, rows 17, 19–21 and 25; 7.5).
var restBulkCases = []Case{
	{"rest/user-leaves-all-groups", "7.4", "All connections of a user are removed from all of their groups, other users' are not", Spec, needREST, func(t *T) {
		group, other, alice := t.group("room"), t.group("other"), t.user("alice")
		t.open(client{proto: plain, user: alice, groups: []string{group, other}})
		t.open(client{proto: plain, user: alice, groups: []string{group}})
		bob := t.open(client{proto: plain, user: t.user("bob"), groups: []string{group}})
		t.wantStatus(204, restCall{method: "DELETE", path: t.inHub("users", alice, "groups")})
		t.wantEventually(404, restCall{method: "HEAD", path: t.inHub("groups", other)})
		t.wantMembers(group, bob.id)
		t.wantStatus(204, restCall{method: "DELETE", path: t.inHub("users", t.user("nobody"), "groups")})
	}},
	{"rest/add-to-groups", "7.4", ":addToGroups adds every connection of the hub to each of the groups, and answers 200", Spec, needREST, func(t *T) {
		x, y := t.group("x"), t.group("y")
		a, b := t.open(client{proto: plain, roles: noRoles}), t.open(client{proto: plain, user: t.user("bob")})
		t.bulk(200, ":addToGroups", "", x, y)
		t.wantMembers(x, a.id, b.id)
		t.wantMembers(y, a.id, b.id)
		t.restSend("in", "", "groups", x)
		a.want(message(x, "in"))
		b.want(message(x, "in"))
	}},
	{"rest/add-to-groups-filter", "7.4", ":addToGroups with a filter adds the connections that match, if there are any", Spec, needREST, func(t *T) {
		group, alice := t.group("room"), t.user("alice")
		a, b := t.open(client{proto: plain, user: alice}), t.open(client{proto: plain, user: alice})
		t.open(client{proto: plain, user: t.user("bob")})
		t.bulk(200, ":addToGroups", "userId eq 'nobody'", group)
		t.wantStatus(404, restCall{method: "HEAD", path: t.inHub("groups", group)})
		t.bulk(200, ":addToGroups", "userId eq '"+alice+"'", group)
		t.wantMembers(group, a.id, b.id)
	}},
	{"rest/remove-from-groups", "7.4", ":removeFromGroups removes the connections that match, or every one, and answers 200", Spec, needREST, func(t *T) {
		x, y, alice := t.group("x"), t.group("y"), t.user("alice")
		t.open(client{proto: plain, user: alice, groups: []string{x, y}})
		b := t.open(client{proto: plain, groups: []string{x, y}})
		t.bulk(200, ":removeFromGroups", "userId eq '"+alice+"'", x)
		t.wantMembers(x, b.id)
		t.bulk(200, ":removeFromGroups", "", x, y)
		t.wantMembers(x)
		t.wantMembers(y)
		t.bulk(200, ":removeFromGroups", "", t.group("nobody"))
	}},
	{"rest/pages", "7.4", "A listing comes in pages of maxpagesize, ordered by connection id, each once, until nextLink is null", Spec, needREST, func(t *T) {
		group := t.group("room")
		var ids []string
		for range 3 {
			ids = append(ids, t.open(client{proto: plain, groups: []string{group}}).id)
		}
		slices.Sort(ids)
		pages := t.pages(group, "maxpagesize=2")
		if len(pages) != 2 || !slices.Equal(slices.Concat(pages...), ids) || len(pages[0]) != 2 {
			t.Errorf("the pages are %v, want %v in pages of 2", pages, ids)
		}
	}},
	{"rest/top", "7.4", "top limits a listing over all of its pages", Spec, needREST, func(t *T) {
		group := t.group("room")
		for range 4 {
			t.open(client{proto: plain, groups: []string{group}})
		}
		if pages := t.pages(group, "maxpagesize=2&top=3"); len(slices.Concat(pages...)) != 3 {
			t.Errorf("the pages are %v, want 3 connections in all", pages)
		}
	}},
	{"rest/page-limits", "7.4", "maxpagesize is 1 to 200 and top at least 1; anything else is answered 400", Emulator, needREST, func(t *T) {
		path := t.inHub("groups", t.group("room"), "connections")
		for query, status := range map[string]int{
			"maxpagesize=1&top=1": 200, "maxpagesize=200": 200,
			"maxpagesize=0": 400, "maxpagesize=201": 400, "maxpagesize=x": 400, "top=0": 400,
		} {
			t.wantStatus(status, restCall{method: "GET", path: path, query: query})
		}
	}},
	{"rest/filter", "7.5", "A send with a filter reaches the connections for which it is true", Spec, needREST, func(t *T) {
		room, alice := t.group("room"), t.user("alice")
		a := t.open(client{proto: plain, user: alice, groups: []string{room, t.group("x"), t.group("y")}})
		b := t.open(client{proto: plain})
		for i, row := range []struct {
			filter string
			a, b   bool
		}{
			{"userId eq null", false, true},
			{"'" + room + "' in groups and not startswith(userId,'bot-')", true, false},
			{"length(groups) gt 2", true, false},
			{"length(groups) le 2", false, true},
			{"connectionId in ('" + a.id + "','" + b.id + "')", true, true},
			{"userId ne '" + alice + "'", false, true},
			{"(userId eq '" + alice + "' or false) and toupper('it''s') eq 'IT''S'", true, false},
			{"startswith(userId,'b')", false, false}, // null makes it false
		} {
			text := string(rune('a' + i))
			t.restSend(text, "filter="+url.QueryEscape(row.filter))
			if row.a {
				a.want(server(text))
			}
			if row.b {
				b.want(server(text))
			}
		}
		t.restSend("end", "")
		a.want(server("end"))
		b.want(server("end"))
	}},
	{"rest/bad-filter", "7.5", "An invalid filter is answered 400 before any effect", Spec, needREST, func(t *T) {
		group := t.group("room")
		c := t.open(client{proto: plain})
		for _, filter := range []string{"nonsense eq 1", "userId eq", "userId eq 'x", "length(groups) gt 'x'"} {
			a := t.wantStatus(400, restCall{method: "POST", path: t.inHub(":send"), query: "filter=" + url.QueryEscape(filter), contentType: "text/plain", body: "x"})
			if got := a.header.Get("x-ms-error-code"); got != "Error.BadRequest" {
				t.Differf("x-ms-error-code is %q, the emulator's is Error.BadRequest", got)
			}
			t.bulk(400, ":addToGroups", filter, group)
		}
		t.wantStatus(404, restCall{method: "HEAD", path: t.inHub("groups", group)})
		t.restSend("end", "")
		c.want(server("end"))
	}},
	{"rest/generate-token", "7.4", "The bearer of a Microsoft Entra token gets client tokens, with the user, roles and groups asked for", Spec, needEntra, func(t *T) {
		room, other, alice := t.group("room"), t.group("other"), t.user("alice")
		query := url.Values{
			"userId": {alice}, "role": {"webpubsub.sendToGroup." + room}, "group": {room, other}, "minutesToExpire": {"5"},
		}
		a := t.wantStatus(200, restCall{method: "POST", path: t.inHub(":generateToken"), query: query.Encode(), token: t.target.EntraToken})
		var answer struct{ Token string }
		if json.Unmarshal([]byte(a.body), &answer) != nil || strings.Count(answer.Token, ".") != 2 {
			t.Fatalf(`no {"token": "…"} in the answer`)
		}
		t.log.secret(answer.Token)
		c := t.upgrade(t.tokenRequest(answer.Token))
		c.greeted(greeting(arrival{payload: []byte(c.take(`{"event":"connected","userId":` + js(alice) + `}`))}))
		t.wantMembers(room, c.id)
		t.wantMembers(other, c.id)
		c.send(publish(room, "x", "1"), publish(other, "x", "2"))
		c.want(messageBy(alice, room, "x"), success("1"), refused("2", "Forbidden"))
		t.wantStatus(400, restCall{method: "POST", path: t.inHub(":generateToken"), query: "minutesToExpire=0", token: t.target.EntraToken})
	}},
}

// bulk changes the groups of the connections that match; "" = no filter.
func (t *T) bulk(status int, operation, filter string, groups ...string) {
	body := map[string]any{"groups": groups}
	if filter != "" {
		body["filter"] = filter
	}
	t.wantStatus(status, restCall{method: "POST", path: t.inHub(operation), contentType: "application/json", body: js(body)})
}

// wantMembers wants a group to consist of those connections.
func (t *T) wantMembers(group string, ids ...string) {
	got := slices.Concat(t.pages(group, "")...)
	slices.Sort(got)
	slices.Sort(ids)
	if !slices.Equal(got, ids) {
		t.Errorf("the group's members are %v, want %v", got, ids)
	}
}

// maxPages ends a listing that goes on for ever.
const maxPages = 100

// pages returns the connection ids in the pages of a listing, following nextLink.
func (t *T) pages(group, query string) (pages [][]string) {
	next := restCall{method: "GET", path: t.inHub("groups", group, "connections"), query: query}
	for range maxPages {
		var page struct {
			Value    []struct{ ConnectionID string }
			NextLink *string
		}
		a := t.wantStatus(200, next)
		if err := json.Unmarshal([]byte(a.body), &page); err != nil {
			t.Fatalf("the listing is not JSON of the documented form: %v", err)
		}
		var ids []string
		for _, member := range page.Value {
			ids = append(ids, member.ConnectionID)
		}
		pages = append(pages, ids)
		if page.NextLink == nil || *page.NextLink == "" {
			return pages
		}
		next = restCall{method: "GET", link: *page.NextLink}
	}
	t.Fatalf("the listing has more than %d pages", maxPages)
	return nil
}
