package emulator

import (
	"cmp"
	"encoding/base64"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

// maxPageSize is the largest page of a listing, and what is used when the request
// asks for none.
const maxPageSize = 200

// member is one line of a listing.
type member struct {
	ConnectionID string  `json:"connectionId"`
	UserID       *string `json:"userId"` // nil: anonymous
}

// listGroup lists the members of a group, ordered by connection id, a page at a
// time (protocol.md 7.4, row 21). A page knows only where the one before ended, so that
// who comes and goes between two of them is listed once or not at all.
func (c *call) listGroup() {
	if !c.validGroup(0) {
		return
	}
	size, ok := c.limit("maxpagesize", maxPageSize, maxPageSize)
	if !ok {
		return
	}
	top, ok := c.limit("top", math.MaxInt32, 0)
	if !ok {
		return
	}
	after, ok := c.continuation()
	if !ok {
		return
	}
	members := []member{} // not null in JSON
	c.each(func(h *hub) []*session { return h.ofGroup(c.args[0]) }, func(_ *core, s *session) {
		if s.id > after {
			m := member{ConnectionID: s.id}
			if user := string(s.user); user != "" {
				m.UserID = &user
			}
			members = append(members, m)
		}
	})
	slices.SortFunc(members, func(a, b member) int { return cmp.Compare(a.ConnectionID, b.ConnectionID) })
	page := members[:min(len(members), size, cmp.Or(top, size))]
	var next *string
	if len(page) < len(members) && (top == 0 || len(page) < top) {
		link := c.nextPage(page[len(page)-1].ConnectionID, size, top-len(page))
		next = &link
	}
	c.reply(http.StatusOK, struct {
		Value    []member `json:"value"`
		NextLink *string  `json:"nextLink"`
	}{page, next})
}

// limit reads a number from 1 to most; false if it has answered with an error.
func (c *call) limit(name string, most, otherwise int) (int, bool) {
	values, given := c.query[name]
	if !given {
		return otherwise, true
	}
	n, err := strconv.Atoi(values[0])
	if len(values) > 1 || err != nil || n < 1 || n > most {
		c.invalid(name)
		return 0, false
	}
	return n, true
}

// continuation returns the connection id after which the page begins.
func (c *call) continuation() (after string, ok bool) {
	values, given := c.query["continuationToken"]
	if !given {
		return "", true
	}
	id, err := base64.RawURLEncoding.DecodeString(values[0])
	if len(values) > 1 || err != nil || len(id) == 0 {
		c.invalid("continuationToken")
		return "", false
	}
	return string(id), true
}

// nextPage is the link to the page after the one that ended with that connection
// id; top is what remains of the limit on all pages, and not positive without one.
func (c *call) nextPage(id string, size, top int) string {
	query := url.Values{
		"api-version":       {cmp.Or(c.query.Get("api-version"), apiVersions[len(apiVersions)-1])},
		"maxpagesize":       {strconv.Itoa(size)},
		"continuationToken": {base64.RawURLEncoding.EncodeToString([]byte(id))},
	}
	if top > 0 {
		query.Set("top", strconv.Itoa(top))
	}
	return requestOrigin(c.r) + c.r.URL.EscapedPath() + "?" + query.Encode()
}
