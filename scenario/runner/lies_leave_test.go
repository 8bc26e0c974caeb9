package runner

import (
	"context"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// leaver is a subscriber (connection 0) that leaves its group while a publisher
// (connection 1) goes on, and then returns; both tell one checker what they see.
type leaver struct {
	checker  *metrics.Checker
	topology *metrics.Topology
	encoding wire.Encoding

	sub, pub *wire.Client
	sent     uint64
	ends     int // of the two that the last message has reached
	done     func()
}

func (l *leaver) end() {
	if l.ends++; l.ends == 2 {
		l.done()
	}
}

// Messages 1 to 5 are published before the leave, 6 to 11 after it, 12 after the return.
const (
	leaveAfter  = 5
	returnAfter = 11
	leaverEnd   = 12
)

func (l *leaver) publish(now time.Duration) {
	l.sent++
	kind := l.topology.Publishers[0].Kind
	header := metrics.Header{Session: 1, RunID: l.topology.RunID, Message: l.sent, Intended: time.Duration(l.sent)}
	_, err := l.pub.Publish(now, &wire.Publish{
		Group: "room", DataType: dataTypeOf(kind), Data: metrics.AppendPayload(nil, kind, header, 80, 1), Ack: true, Tag: l.sent,
	})
	if err == nil {
		l.checker.Sent(0, 0, l.sent, 0)
	}
}

// subEnd and pubEnd are the two handlers.
type (
	subEnd struct{ *leaver }
	pubEnd struct{ *leaver }
)

func (l subEnd) Event(now time.Duration, ev *wire.Event) {
	switch ev.Kind {
	case wire.EventOpened:
		l.checker.Opened(now, 0, false)
	case wire.EventConnected:
		l.checker.Joining(0)
	case wire.EventReady:
		l.checker.Joined(now, 0)
		l.pub.Start(now)
	case wire.EventMessage:
		r := l.checker.Deliver(now, 0, &metrics.Delivery{
			Group: ev.Message.Group, Data: ev.Message.Data, Kind: kindOf(l.encoding, ev.Message), SequenceID: ev.Message.SequenceID, Fresh: ev.Fresh,
		})
		if r.Header.Message == leaverEnd {
			l.end()
		}
	case wire.EventAcked:
		switch {
		case ev.Request.Kind == wire.LeaveGroup:
			l.checker.Left(now, 0, 0)
			l.publish(now)
		case ev.Request.Kind == wire.SendToGroup: // and with it everything before it has come
			l.checker.Rejoining(now, 0, 0)
			l.sub.Join(now, "room")
		case l.sent == returnAfter: // the join that is not the first
			l.checker.Rejoined(now, 0, 0)
			l.publish(now)
		}
	default:
	}
}

func (l pubEnd) Event(now time.Duration, ev *wire.Event) {
	switch ev.Kind {
	case wire.EventReady:
		l.checker.Opened(now, 1, false)
		l.publish(now)
	case wire.EventAcked:
		l.checker.Outcome(0, 0, ev.Request.Tag, metrics.OutcomeOK)
		switch ev.Request.Tag {
		case leaveAfter:
			l.checker.Leaving(now, 0, 0)
			l.sub.Leave(now, "room")
		case returnAfter:
			_, _ = l.sub.Publish(now, &wire.Publish{Group: "nobody", Data: []byte("1"), Ack: true})
		case leaverEnd:
			l.end()
		default:
			l.publish(now)
		}
	default:
	}
}

// TestAfterLeave: what comes after a leave is charged to G1, as often as the target says.
func TestAfterLeave(t *testing.T) {
	for _, protocol := range []wire.Subprotocol{wire.JSON, wire.JSONReliable, wire.Protobuf, wire.ProtobufReliable} {
		for kind, name := range []string{"text", "json", "binary"} {
			t.Run(string(protocol)+"/"+name, func(t *testing.T) {
				t.Parallel()
				j, told := leaveAndReturn(t, protocol, metrics.PayloadKind(kind))
				if told != 3 {
					t.Errorf("told %d, want 3 of 6", told)
				}
				for _, x := range j.Checks {
					want := uint64(0)
					if x.ID == "G1" {
						want = told
					}
					if x.Violations != want || x.Result == metrics.CheckUnknown {
						t.Errorf("%s is %s (%s) with %d violations, want %d", x.ID, x.Result, x.Reason, x.Violations, want)
					}
				}
				if d := j.Totals.Deliveries; d.Expected != 12 || d.Delivered != 6+told || d.Excused.JoinRace != 6-told {
					t.Errorf("deliveries %+v", d)
				}
			})
		}
	}
}

func leaveAndReturn(t *testing.T, protocol wire.Subprotocol, kind metrics.PayloadKind) (*metrics.Judgement, uint64) {
	t.Helper()
	o := emulator.Options{}
	o.Lies[emulator.LieAfterLeave] = emulator.Share{N: 1, Of: 2}
	server, err := emulator.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	cs, err := wire.ParseConnectionString(server.ConnectionString())
	if err != nil {
		t.Fatal(err)
	}
	l := &leaver{encoding: protocol.Encoding(), topology: &metrics.Topology{
		RunID: 7, Groups: []string{"room"}, Populations: []string{"all"},
		Publishers:  []metrics.Publisher{{Connection: 1, Addresses: []uint32{0}, Acked: true, Kind: kind}},
		Subscribers: []metrics.Subscriber{{Groups: []uint32{0}, Reliable: protocol.Reliable(), Asks: true}, {}},
		Intended:    func(_, _ int, m uint64) time.Duration { return time.Duration(m) },
	}}
	l.checker = metrics.NewChecker(l.topology, metrics.Strict, []int{0, 1})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	l.done = cancel
	loop := wire.NewLoop(&wire.Dialer{}, wire.TransportDefault)
	cfg := &wire.SessionConfig{Subprotocol: protocol, SequenceAck: wire.AckPolicy{EveryMessages: 1}}
	access := wire.SignedURL(cs, "bench", wire.Access{Roles: []string{"webpubsub.sendToGroup", "webpubsub.joinLeaveGroup"}, Life: time.Hour})
	l.sub = loop.Open(cfg, access, subEnd{l}, 1)
	l.pub = loop.Open(cfg, access, pubEnd{l}, 2)
	t0 := loop.Now()
	loop.Do(func(now time.Duration) {
		l.sub.Join(now, "room")
		l.sub.Start(now)
	})
	if err := loop.Run(ctx); err != nil {
		t.Fatal(err)
	}
	return metrics.Judge(l.topology, metrics.JudgeOptions{Profile: metrics.Strict, T0: t0}, l.checker.Shard()), server.Stats().Lies["after-leave"]
}
