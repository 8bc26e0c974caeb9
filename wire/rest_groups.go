package wire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

// AddToGroup makes a connection, or every present connection of a user, a member of
// a group. An audience in which nobody is comes back as a *RESTError of status 404.
func (r *REST) AddToGroup(ctx context.Context, a Audience, group string) error {
	return r.member(ctx, "add to group", http.MethodPut, http.StatusOK, a, group)
}

// RemoveFromGroup ends the membership of a connection or of a user's connections.
// That they are no members is no error.
func (r *REST) RemoveFromGroup(ctx context.Context, a Audience, group string) error {
	return r.member(ctx, "remove from group", http.MethodDelete, http.StatusNoContent, a, group)
}

func (r *REST) member(ctx context.Context, name, method string, want int, a Audience, group string) error {
	c := &restCall{name: name, method: method, want: want}
	switch a.kind {
	case "connection":
		c.path = r.path("groups", group, "connections", a.segments[1])
	case "user":
		c.path = r.path("users", a.segments[1], "groups", group)
	default:
		return fmt.Errorf("%s: only a connection or a user can be named", name)
	}
	_, err := r.call(ctx, c)
	return err
}

// RemoveFromAllGroups ends every membership of a connection or of a user's connections.
func (r *REST) RemoveFromAllGroups(ctx context.Context, a Audience) error {
	if a.kind != "connection" && a.kind != "user" {
		return errors.New("remove from all groups: only a connection or a user can be named")
	}
	_, err := r.call(ctx, &restCall{name: "remove from all groups", method: http.MethodDelete,
		path: r.path(append(slices.Clone(a.segments), "groups")...), want: http.StatusNoContent})
	return err
}

// AddToGroups makes every connection of the hub that the filter takes (protocol.md
// 7.5; "" = every one) a member of the groups, of which there must be one.
func (r *REST) AddToGroups(ctx context.Context, groups []string, filter string) error {
	return r.groups(ctx, "add to groups", ":addToGroups", groups, filter)
}

// RemoveFromGroups ends such memberships, like AddToGroups.
func (r *REST) RemoveFromGroups(ctx context.Context, groups []string, filter string) error {
	return r.groups(ctx, "remove from groups", ":removeFromGroups", groups, filter)
}

func (r *REST) groups(ctx context.Context, name, action string, groups []string, filter string) error {
	body, err := json.Marshal(struct {
		Groups []string `json:"groups"`
		Filter string   `json:"filter,omitempty"`
	}{groups, filter})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	_, err = r.call(ctx, &restCall{name: name, method: http.MethodPost, path: r.path(action),
		contentType: "application/json", body: body, want: http.StatusOK})
	return err
}

// Member is one connection of a group. UserID is empty when it is anonymous.
type Member struct{ ConnectionID, UserID string }

// Members lists the connections of a group by connection id, top at most; 0 = all. It
// reads page after page, each as it is at that moment.
func (r *REST) Members(ctx context.Context, group string, top int) ([]Member, error) {
	query := url.Values{}
	if top > 0 {
		query.Set("top", strconv.Itoa(top))
	}
	var members []Member
	asked := make(map[string]bool) // queries: each leads on, or the listing would never end
	for {
		asked[query.Encode()] = true
		c := &restCall{name: "list group", method: http.MethodGet, path: r.path("groups", group, "connections"), query: query, want: http.StatusOK}
		body, err := r.call(ctx, c)
		if err != nil {
			return nil, err
		}
		var page struct {
			Value    []Member
			NextLink string
		}
		if err := json.Unmarshal(body, &page); err != nil {
			return nil, errors.New("list group: the answer is not a page of members")
		}
		members = append(members, page.Value...)
		if page.NextLink == "" {
			return members, nil
		}
		// Only the query is taken: the next page is asked for where this one was, so that
		// no answer can send a token elsewhere.
		next, err := url.Parse(page.NextLink)
		if err != nil {
			return nil, errors.New("list group: the link to the next page is no URL")
		}
		if query = next.Query(); asked[query.Encode()] {
			return nil, errors.New("list group: the next page leads back to an earlier one")
		}
	}
}
