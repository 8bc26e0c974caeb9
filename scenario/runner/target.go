package runner

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/wire"
)

// Target is where the sessions go.
type Target struct {
	Kind     string // emulator, loopback or remote
	Endpoint string // for people and the record: no query, no user info
	Hub      string
	// Prefix stands before every group name on the wire, so that two runs on one hub
	// do not see each other. Empty where no other run can be on the hub, or where a
	// token that is not ours names the groups.
	Prefix string
	// OwnTokens: no token makes a session the member of a group that it could join itself.
	OwnTokens bool
	// URL yields the client URL of one connection; it is called for every new connection.
	URL func(connection int) wire.URLFunc
	// AtOnce: what URL yields waits for nobody.
	AtOnce bool
	// Restart makes a restart of the target, as the fault says, and tells in few words what it
	// was. An error says that it failed; the fault's sessions are then held. nil = it cannot
	// be restarted. In a Simulation it is called on the world's goroutine, otherwise on one of its own.
	Restart func(ctx context.Context, f *scenario.Fault) (said string, err error)
	// REST is the service's REST API, nil where there is no key for it. Run gives it
	// an HTTP client when it has none.
	REST *wire.REST
}

// tokenMargin is added to the planned length of a run when tokens are signed, so
// that a slow connect phase and reconnects late in the drain still get in.
const tokenMargin = time.Hour

// GroupPrefix makes the group names of one run unlike those of any other.
func GroupPrefix(runID uint32) string { return fmt.Sprintf("wb%08x-", runID) }

// ConnectionStringTarget signs a token per connection with the key of cs, holding
// exactly the roles and the user of its population.
func ConnectionStringTarget(cs wire.ConnectionString, hub, prefix string, plan *scenario.Plan) Target {
	access, signed := accessOf(plan, prefix), wire.SignedURLs(cs, hub)
	return Target{
		Endpoint: wire.RedactURL(cs.ClientURL(hub)),
		Hub:      hub,
		Prefix:   prefix,
		REST:     &wire.REST{Service: cs, Hub: hub},

		OwnTokens: true,
		AtOnce:    true,
		URL:       func(connection int) wire.URLFunc { return signed(access(connection)) },
	}
}

// GeneratedTarget has the service sign a token per connection, like ConnectionStringTarget.
// Its REST API is called with the token of rest, by a client of its own.
func GeneratedTarget(rest *wire.REST, prefix string, plan *scenario.Plan) Target {
	access := accessOf(plan, prefix)
	return Target{
		Endpoint: wire.RedactURL(rest.Service.ClientURL(rest.Hub)),
		Hub:      rest.Hub,
		Prefix:   prefix,
		REST:     &wire.REST{Service: rest.Service, Hub: rest.Hub, Entra: rest.Entra},

		OwnTokens: true,
		URL:       func(connection int) wire.URLFunc { return wire.GeneratedURL(rest, access(connection)) },
	}
}

// accessOf says what each connection is let in with.
func accessOf(plan *scenario.Plan, prefix string) func(connection int) wire.Access {
	roles := make([][]string, len(plan.Scenario.Populations))
	for i, p := range plan.Scenario.Populations {
		for _, role := range p.Roles {
			roles[i] = append(roles[i], prefixRole(role, prefix))
		}
	}
	return func(connection int) wire.Access {
		population := plan.PopulationOf(connection)
		access := wire.Access{
			UserID: plan.User(connection),
			Roles:  roles[population],
			Life:   plan.Length() + tokenMargin,
		}
		if isSimple(plan, population) { // it cannot join by itself
			for _, g := range plan.Joins(nil, connection) {
				access.Groups = append(access.Groups, prefix+plan.GroupName(g))
			}
		}
		return access
	}
}

// prefixRole limits a role to the group as it is called on the wire; a pattern too
// is a whole name, and no character of a prefix is special in one (protocol.md 2.3).
func prefixRole(role, prefix string) string {
	rest, ok := strings.CutPrefix(role, "webpubsub.")
	permission, group, limited := strings.Cut(rest, ".")
	if !ok || !limited {
		return role
	}
	return "webpubsub." + permission + "." + prefix + group
}

// URLTarget uses one complete client URL, token and all, for every connection.
func URLTarget(raw, prefix string) (Target, error) {
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "ws" && u.Scheme != "wss") || u.Host == "" {
		return Target{}, fmt.Errorf("target %q is not a ws:// or wss:// URL", wire.RedactURL(raw))
	}
	endpoint := *u
	endpoint.RawQuery, endpoint.User, endpoint.Fragment = "", nil, ""
	return Target{
		Endpoint: endpoint.String(),
		Hub:      hubOf(u),
		Prefix:   prefix,
		AtOnce:   true,
		URL:      func(int) wire.URLFunc { return wire.FixedURL(raw) },
	}, nil
}

// NegotiateTarget asks an application server for the client URL of every new
// connection (protocol.md 10); {user} in the template is the connection's user id.
func NegotiateTarget(template, hub, prefix string, client *http.Client, plan *scenario.Plan) (Target, error) {
	u, err := url.Parse(template)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return Target{}, fmt.Errorf("negotiate %q is not an http:// or https:// URL", wire.RedactURL(template))
	}
	return Target{
		Endpoint: u.Scheme + "://" + u.Host + u.Path,
		Hub:      hub,
		Prefix:   prefix,
		URL: func(connection int) wire.URLFunc {
			return wire.NegotiatedURL(client, template, plan.User(connection))
		},
	}, nil
}

// hubOf reads the hub from either form of the client URI (protocol.md 1.1).
func hubOf(u *url.URL) string {
	if _, hub, ok := strings.Cut(u.Path, "/client/hubs/"); ok {
		return hub
	}
	return u.Query().Get("hub")
}
