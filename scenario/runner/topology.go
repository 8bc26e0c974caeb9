package runner

import (
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/wire"
)

// newTopology tells the checker who publishes where and who listens to what.
func newTopology(plan *scenario.Plan, target *Target, runID uint32) *metrics.Topology {
	t := &metrics.Topology{
		RunID:       runID,
		Groups:      make([]string, plan.Groups+plan.Audiences),
		Publishers:  make([]metrics.Publisher, plan.Publishers),
		Subscribers: make([]metrics.Subscriber, plan.Connections),
	}
	// Behind the groups stand the audiences of messages of the server: those name no group.
	for g := range plan.Groups {
		t.Groups[g] = target.Prefix + plan.GroupName(g)
	}
	for _, p := range plan.Scenario.Populations {
		t.Populations = append(t.Populations, p.Name)
	}
	var ids []int
	for c := range t.Subscribers {
		pop := plan.PopulationOf(c)
		reliable := subprotocolOf(plan, pop).Reliable()
		ids = plan.Hears(ids[:0], c)
		t.Subscribers[c] = metrics.Subscriber{Groups: groupIDs(ids), Reliable: reliable, Bare: isSimple(plan, pop), Population: pop}
		t.Subscribers[c].Asks = target.OwnTokens && !isSimple(plan, pop)
		ids = plan.Visits(ids[:0], c)
		t.Subscribers[c].Later = groupIDs(ids)
	}
	metadata := metadataByPopulation(plan)
	for p := range t.Publishers {
		c := plan.ConnectionOf(p)
		pop := plan.PopulationOf(c)
		publish := plan.Scenario.Populations[pop].Publish
		ids = plan.Addresses(ids[:0], p)
		t.Publishers[p] = metrics.Publisher{
			Connection:   c,
			Addresses:    groupIDs(ids),
			NoEcho:       publish.NoEcho,
			Acked:        publish.Ack,
			Expires:      publish.TTL > 0,
			Unordered:    plan.Scenario.Populations[pop].Protocol == scenario.ProtocolREST,
			Kind:         payloadKind(publish.DataType),
			Metadata:     metadata[pop],
			PayloadBytes: publish.Size,
			Population:   pop,
			Reliable:     subprotocolOf(plan, pop).Reliable(),
			Renumbers:    sessionConfig(plan, pop).Retry.NewAckID,
		}
	}
	t.Sample(plan.Scenario.Checks.Pairs, plan.Scenario.Seed)
	for p := range t.Publishers {
		if t.Publishers[p].Unordered { // over REST: in nobody's name (protocol.md 3.3)
			t.Named(p, nil)
		}
	}
	planned := instants{plan: plan, publisher: -1}
	t.Intended = func(publisher, slot int, message uint64) time.Duration {
		slots := uint64(len(t.Publishers[publisher].Addresses))
		return planned.at(publisher, (message-1)*slots+uint64(slot))
	}
	return t
}

// metadataByPopulation is what the messages of each population have to come with; nil is of
// events, which the event handler answers with metadata of its own.
func metadataByPopulation(plan *scenario.Plan) []*metrics.Metadata {
	all := make([]*metrics.Metadata, len(plan.Scenario.Populations))
	for i, p := range plan.Scenario.Populations {
		if p.Publish != nil && p.Publish.Event == "" {
			all[i] = metrics.NewMetadata(p.Publish.Metadata)
		}
	}
	return all
}

// instants remembers the schedule of the publisher that was asked for last: judging
// goes address by address, and a Poisson schedule is generated from its start.
type instants struct {
	plan      *scenario.Plan
	publisher int
	schedule  *scenario.Schedule
	known     []time.Duration // of messages 0 to len-1
}

func (s *instants) at(publisher int, k uint64) time.Duration {
	if publisher != s.publisher {
		s.publisher, s.schedule, s.known = publisher, s.plan.Schedule(publisher), s.known[:0]
	}
	population := s.plan.PopulationOf(s.plan.ConnectionOf(publisher))
	if s.plan.Scenario.Populations[population].Publish.Arrival.Kind != scenario.ArrivalPoisson {
		return s.schedule.At(k)
	}
	for uint64(len(s.known)) <= k {
		due := s.schedule.Next()
		if due == scenario.Never {
			return due
		}
		s.known = append(s.known, due)
	}
	return s.known[k]
}

func groupIDs(ids []int) []uint32 {
	if len(ids) == 0 {
		return nil
	}
	out := make([]uint32, len(ids))
	for i, id := range ids {
		out[i] = uint32(id)
	}
	return out
}

func isSimple(plan *scenario.Plan, population int) bool {
	return plan.Scenario.Populations[population].Protocol == scenario.ProtocolSimple
}

func subprotocolOf(plan *scenario.Plan, population int) wire.Subprotocol {
	if isSimple(plan, population) {
		return wire.Simple
	}
	return wire.Subprotocol(plan.Scenario.Populations[population].Protocol)
}

func payloadKind(dataType string) metrics.PayloadKind {
	switch dataType {
	case "json":
		return metrics.PayloadJSON
	case "binary":
		return metrics.PayloadBinary
	default:
		return metrics.PayloadText
	}
}

func dataTypeOf(kind metrics.PayloadKind) wire.DataType {
	switch kind {
	case metrics.PayloadJSON:
		return wire.DataJSON
	case metrics.PayloadBinary:
		return wire.DataBinary
	default:
		return wire.DataText
	}
}

// kindOf says how the payload of a message was sent. Only the JSON subprotocols keep
// JSON and text apart for certain: to other clients JSON may come as text (protocol.md
// 3.5), and shows by its quote, with which none of our texts begins.
func kindOf(e wire.Encoding, m *wire.Downstream) metrics.PayloadKind {
	switch m.DataType {
	case wire.DataJSON:
		return metrics.PayloadJSON
	case wire.DataText:
		if e != wire.EncodingJSON && len(m.Data) > 0 && m.Data[0] == '"' {
			return metrics.PayloadJSON
		}
		return metrics.PayloadText
	default:
		return metrics.PayloadBinary
	}
}
