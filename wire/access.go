package wire

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Access is what a client is let in with.
type Access struct {
	UserID string   // empty: anonymous
	Roles  []string // protocol.md 2.3
	Groups []string // joined at connect, no role needed
	Life   time.Duration
}

// SignedURL makes client URLs with tokens signed by the service's key, each good for
// a.Life from the moment it is asked for.
func SignedURL(service ConnectionString, hub string, a Access) URLFunc {
	return SignedURLs(service, hub)(a)
}

// SignedURLs is SignedURL for many clients of one hub.
func SignedURLs(service ConnectionString, hub string) func(a Access) URLFunc {
	audience, base := service.ClientAudience(hub), service.ClientURL(hub)
	return func(a Access) URLFunc {
		return func(context.Context) (string, error) {
			now := time.Now()
			token, err := ClientToken{
				Audience: audience, UserID: a.UserID, Roles: a.Roles, Groups: a.Groups,
				IssuedAt: now, ExpiresAt: now.Add(a.Life),
			}.Sign(service.AccessKey)
			if err != nil {
				return "", err
			}
			return base + "?access_token=" + token, nil
		}
	}
}

// GeneratedURL makes client URLs with tokens that the service itself signs, for
// callers without its key (protocol.md 7.4, row 25). Every one is a REST call.
func GeneratedURL(r *REST, a Access) URLFunc {
	base := r.Service.ClientURL(r.Hub)
	return func(ctx context.Context) (string, error) {
		token, err := r.GenerateToken(ctx, a.UserID, a.Roles, a.Groups, a.Life)
		if err != nil {
			return "", err
		}
		return base + "?access_token=" + url.QueryEscape(token), nil
	}
}

// NegotiatedURL asks an application server for every client URL, see Negotiate;
// {user} in the template stands for the user id.
func NegotiatedURL(client *http.Client, template, userID string) URLFunc {
	address := strings.ReplaceAll(template, "{user}", url.QueryEscape(userID))
	return func(ctx context.Context) (string, error) { return Negotiate(ctx, client, address) }
}

// FixedURL returns the same client URL for every connection.
func FixedURL(rawURL string) URLFunc {
	return func(context.Context) (string, error) { return rawURL, nil }
}

// RawGroupURL has the connections of next, simple clients, publish each message to group
// instead of sending it as a user event; noEcho spares them their own (protocol.md 1.2, 6).
func RawGroupURL(next URLFunc, group string, noEcho bool) URLFunc {
	mode := url.Values{"webpubsub_mode": {"sendToGroup"}, "group": {group}}
	if noEcho {
		mode.Set("noEcho", "true")
	}
	return func(ctx context.Context) (string, error) {
		raw, err := next(ctx)
		if err != nil {
			return "", err
		}
		if strings.Contains(raw, "?") {
			return raw + "&" + mode.Encode(), nil
		}
		return raw + "?" + mode.Encode(), nil
	}
}
