package runner

import (
	"sync/atomic"

	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/wire"
)

// directory tells callers of the REST API under which connection id a session is to be
// reached: its newest. Sessions of all workers write into it, callers of all read it.
type directory []atomic.Pointer[string] // by connection; nil: nobody asks

// newDirectory returns one if the plan has messages to single connections over REST.
func newDirectory(plan *scenario.Plan) directory {
	for _, p := range plan.Scenario.Populations {
		if p.Publish != nil && p.Publish.Audience.Kind == scenario.AudienceConnection {
			return make(directory, plan.Connections)
		}
	}
	return nil
}

func (d directory) enter(connection int, id string) {
	if d != nil {
		d[connection].Store(&id)
	}
}

// find returns "" for a session that never had a connection.
func (d directory) find(connection int) string {
	if id := d[connection].Load(); id != nil {
		return *id
	}
	return ""
}

// audience is who gets what a caller sends to an address.
func (r *run) audience(id uint32) wire.Audience {
	switch to := r.plan.Address(int(id)); to.Kind {
	case scenario.AudienceAll:
		return wire.ToAll()
	case scenario.AudienceUser:
		return wire.ToUser(to.Name)
	case scenario.AudienceConnection:
		return wire.ToConnection(r.directory.find(to.Connection))
	default:
		return wire.ToGroup(r.topology.Groups[id])
	}
}
