package wire

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
)

// Exists says whether there is somebody in an audience: the connection itself, a
// member of the group, a connection of the user. Detached sessions count. All is no
// audience that can be asked for.
func (r *REST) Exists(ctx context.Context, a Audience) (bool, error) {
	if a.kind == "" {
		return false, errors.New("exists: all is not an audience that can be asked for")
	}
	return r.check(ctx, &restCall{name: a.String() + " exists", path: r.path(a.segments...)})
}

// check makes a HEAD request, to which 404 is an answer too.
func (r *REST) check(ctx context.Context, c *restCall) (bool, error) {
	c.method, c.want = http.MethodHead, http.StatusOK
	_, err := r.call(ctx, c)
	var refused *RESTError
	if errors.As(err, &refused) && refused.Status == http.StatusNotFound {
		return false, nil
	}
	return err == nil, err
}

// Close has the service close the connections of an audience for good, but for those
// excluded (by connection id; not with ToConnection), and tell the clients the reason,
// empty = none. That there are none is no error.
func (r *REST) Close(ctx context.Context, a Audience, reason string, excluded ...string) error {
	query := url.Values{}
	if reason != "" {
		query.Set("reason", reason)
	}
	if len(excluded) > 0 {
		query["excluded"] = excluded
	}
	c := &restCall{name: "close " + a.String(), method: http.MethodPost, query: query, want: http.StatusNoContent}
	if a.kind == "connection" {
		c.method, c.path = http.MethodDelete, r.path(a.segments...)
	} else {
		c.path = r.path(append(slices.Clone(a.segments), ":closeConnections")...)
	}
	_, err := r.call(ctx, c)
	return err
}
