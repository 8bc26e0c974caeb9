package main

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/wire"
)

// inspectToken warns of a token in a client URL that will not carry the run: one
// that ends before it, or is limited to groups the scenario does not use. It says
// whether the token is limited to groups at all. A token we cannot read is the
// target's to judge.
func (a *app) inspectToken(raw string, plan *scenario.Plan) (limited bool) {
	u, err := url.Parse(raw)
	if err != nil {
		return false
	}
	claims, err := wire.ReadToken(u.Query().Get("access_token"))
	if err != nil {
		return false
	}
	warn := func(format string, args ...any) {
		_, _ = fmt.Fprintf(a.stderr, "warning: the target's token "+format+"\n", args...)
	}
	if end := time.Now().Add(plan.Length()); !claims.ExpiresAt.IsZero() && claims.ExpiresAt.Before(end) {
		warn("expires at %s, before the run ends: new connections will be refused from then on",
			claims.ExpiresAt.UTC().Format(time.RFC3339))
	}
	used := map[string]bool{}
	for g := range plan.Groups {
		used[plan.GroupName(g)] = true
	}
	for _, role := range claims.Roles {
		permission, group, ok := strings.Cut(strings.TrimPrefix(role, "webpubsub."), ".")
		if !ok {
			continue
		}
		limited = true
		// A pattern (plural) may match some of the groups; a literal one is told at once.
		if !strings.HasSuffix(permission, "s") && !used[group] {
			warn("is limited to group %q by %s, which the scenario does not use", group, role)
		}
	}
	return limited
}
