package wire

import (
	"context"
	"net/http"
	"net/url"
)

// Permission is a right of a connection that can change while it lives, for one
// group at a time (protocol.md 7.4, rows 22 to 24).
type Permission string

// The permissions there are: to publish to the group, and to join or leave it.
const (
	PermissionSend      Permission = "sendToGroup"
	PermissionJoinLeave Permission = "joinLeaveGroup"
)

// Grant gives a connection a permission for a group, by its literal name. A
// connection that does not exist comes back as a *RESTError of status 404.
func (r *REST) Grant(ctx context.Context, connectionID string, p Permission, group string) error {
	_, err := r.call(ctx, r.permission("grant permission", http.MethodPut, http.StatusOK, connectionID, p, group))
	return err
}

// Revoke takes the permission away, also one that the connection's token gave. It
// ends no membership, and a connection that does not exist is no error.
func (r *REST) Revoke(ctx context.Context, connectionID string, p Permission, group string) error {
	_, err := r.call(ctx, r.permission("revoke permission", http.MethodDelete, http.StatusNoContent, connectionID, p, group))
	return err
}

// Permitted says whether the connection exists and has the permission.
func (r *REST) Permitted(ctx context.Context, connectionID string, p Permission, group string) (bool, error) {
	return r.check(ctx, r.permission("check permission", http.MethodHead, http.StatusOK, connectionID, p, group))
}

func (r *REST) permission(name, method string, want int, connectionID string, p Permission, group string) *restCall {
	return &restCall{name: name, method: method, path: r.path("permissions", string(p), "connections", connectionID),
		query: url.Values{"targetName": {group}}, want: want}
}
