package scenario

import (
	"slices"
	"time"
)

// bench is the client preset of ours: acks early enough that the replay buffer
// of the service is not what limits the load (protocol.md 4.4, design.md 7.2).
//
// A connection that is silently gone is noticed when two pings were not answered. The service,
// which pings as often (protocol.md 11.1), notices after 20 s at the earliest and keeps the session
// for 30 s more: at 45 s since the last sign of life it is still to be had.
var bench = Client{
	Preset:        "bench",
	AckMessages:   64,
	AckEvery:      250 * time.Millisecond,
	ReconnectBase: time.Second,
	ReconnectMax:  30 * time.Second,
	FullJitter:    true,
	Ping:          20 * time.Second,
	IdleTimeout:   45 * time.Second,
}

// presets are the known clients: ours, and what the official ones do by default
// (protocol.md 9). How those retry and give up is their implementation's; what
// stands here is what a scenario may change, and what an estimate needs.
var presets = []Client{
	bench,
	{
		Preset: "sdk-js", AckEvery: time.Second, ReconnectBase: time.Second, ReconnectMax: time.Second,
		Ping: 20 * time.Second, IdleTimeout: 120 * time.Second,
	},
	{Preset: "sdk-python", AckEvery: time.Second, ReconnectBase: 800 * time.Millisecond, ReconnectMax: 120 * time.Second},
	{Preset: "sdk-dotnet", AckEvery: time.Second, ReconnectBase: time.Second, ReconnectMax: 5 * time.Second},
	{Preset: "sdk-java", AckEvery: 5 * time.Second, ReconnectBase: time.Second, ReconnectMax: 30 * time.Second},
}

// How the delay before attempts at a new connection goes on: doubling, or not.
const (
	backoffExponential = "exponential"
	backoffFixed       = "fixed"
)

func presetNames() []string {
	names := make([]string, len(presets))
	for i := range presets {
		names[i] = presets[i].Preset
	}
	return names
}

func (d *decoder) populations(n *node, s *Scenario) {
	d.each(n, "{members: {connections: 100}}", func(name string, n *node) {
		p := Population{
			Name:        name,
			ConnectRate: defaultConnectRate,
			Client:      bench,
			Users:       defaultUsers,
			Pos:         n.key.pos(),
		}
		d.object(n,
			optional("protocol", d.choice(&p.Protocol, append(slices.Clone(protocols), ProtocolREST))),
			required("connections", d.whole(&p.Connections)),
			optional("connect_rate", value(d, &p.ConnectRate, needsRate, parseRate)),
			optional("join", func(n *node) { d.joins(n, &p) }),
			optional("client", func(n *node) { d.client(n, &p.Client) }),
			optional("publish", func(n *node) { d.publish(n, &p) }),
			optional("churn", func(n *node) { d.churn(n, &p) }),
			optional("users", d.text(&p.Users)),
			optional("roles", func(n *node) {
				p.Roles = []string{}
				d.list(n, false, func(n *node) {
					var role string
					d.text(&role)(n)
					p.Roles = append(p.Roles, role)
				})
			}),
			optional("payload_file", d.text(&p.PayloadFile)),
		)
		s.Populations = append(s.Populations, p)
	})
}

// complete fills in what depends on other keys.
func (d *decoder) complete(p *Population, protocol string) {
	if p.Protocol == "" {
		p.Protocol = protocol
	}
	if p.Protocol == ProtocolSimple && p.Publish != nil {
		if _, given := d.places["populations."+p.Name+".publish.ack"]; !given {
			p.Publish.Ack = false // nothing is ever acknowledged
		}
	}
	if p.Roles == nil {
		p.Roles = neededRoles(p)
	}
}

func (d *decoder) joins(n *node, p *Population) {
	d.each(n, "{room: 1}", func(family string, n *node) {
		j := Join{Family: family}
		d.whole(&j.Count)(n)
		p.Join = append(p.Join, j)
	})
}

func (d *decoder) client(n *node, c *Client) {
	// The preset comes first, wherever it stands: the other keys change it.
	choose := func(name string) {
		if i := slices.IndexFunc(presets, func(p Client) bool { return p.Preset == name }); i >= 0 {
			*c = presets[i]
		}
	}
	if n.kind != mapping {
		preset := c.Preset
		d.choice(&preset, presetNames())(n)
		choose(preset)
		return
	}
	if slot := n.slot("preset"); slot != nil {
		choose((*slot).text)
	}
	d.object(n,
		optional("preset", d.choice(&c.Preset, presetNames())),
		optional("sequence_ack", func(n *node) {
			d.object(n,
				optional("every_messages", d.whole(&c.AckMessages)),
				optional("every", value(d, &c.AckEvery, needsDuration, parseDuration)),
			)
		}),
		optional("reconnect", func(n *node) {
			jitter := map[bool]string{true: "full", false: "none"}[c.FullJitter]
			backoff := backoffExponential
			d.object(n,
				optional("backoff", d.choice(&backoff, []string{backoffExponential, backoffFixed})),
				optional("base", value(d, &c.ReconnectBase, needsDuration, parseDuration)),
				optional("max", value(d, &c.ReconnectMax, needsDuration, parseDuration)),
				optional("jitter", d.choice(&jitter, []string{"full", "none"})),
			)
			c.FullJitter = jitter == "full"
			if backoff == backoffFixed {
				c.ReconnectMax = c.ReconnectBase
				if n.slot("max") != nil {
					d.refuse(n, "a fixed back-off has no `max`", "both are given", "every delay is `base`")
				}
			}
		}),
		optional("ping", value(d, &c.Ping, needsDuration, parseDuration)),
		optional("idle_timeout", value(d, &c.IdleTimeout, needsDuration, parseDuration)),
		optional("recovery", func(n *node) {
			d.object(n,
				optional("window", value(d, &c.RecoveryWindow, needsDuration, parseDuration)),
				optional("pause", value(d, &c.RecoveryPause, needsDuration, parseDuration)),
			)
		}),
	)
}

func (d *decoder) publish(n *node, p *Population) {
	b := &Publish{
		Senders:  Share{Percent: 100, IsPercent: true},
		Arrival:  Arrival{Kind: ArrivalConstant},
		Ack:      true,
		DataType: "text",
		Size:     defaultPayload,
		Pos:      n.key.pos(),
	}
	p.Publish = b
	d.object(n,
		optional("to", func(n *node) {
			if n.kind == mapping {
				d.audience(n, &b.Audience)
				return
			}
			d.list(n, true, func(n *node) {
				var family string
				d.text(&family)(n)
				b.To = append(b.To, family)
			})
		}),
		optional("event", d.text(&b.Event)),
		optional("rate", value(d, &b.Rate, needsRate, parseRate)),
		optional("total_rate", value(d, &b.TotalRate, needsRate, parseRate)),
		optional("senders", value(d, &b.Senders, needsShare, parseShare)),
		optional("arrival", func(n *node) { d.arrival(n, &b.Arrival) }),
		optional("ack", d.flag(&b.Ack)),
		optional("no_echo", d.flag(&b.NoEcho)),
		optional("data_type", d.choice(&b.DataType, []string{"text", "json", "binary"}, "protobuf")),
		optional("size", value(d, &b.Size, needsSize, parseSize)),
		optional("ttl", value(d, &b.TTL, needsDuration, parseDuration)),
		optional("metadata", d.texts(&b.Metadata, "{trace: a1}")),
	)
	d.either(n, "one of the two", "rate is each sender's mean, total_rate that of the whole population", "rate", "total_rate")
}

// audience reads whom a REST publish is for: one of three.
func (d *decoder) audience(n *node, a *Audience) {
	everybody := true
	d.object(n,
		optional(AudienceUser, d.text(&a.Population)),
		optional(AudienceConnection, d.text(&a.Population)),
		optional(AudienceAll, d.flag(&everybody)),
	)
	n.eitherOf(AudienceUser, AudienceConnection, AudienceAll)
	known := func(e entry) bool {
		return slices.Contains([]string{AudienceUser, AudienceConnection, AudienceAll}, e.key)
	}
	if !slices.ContainsFunc(n.entries, known) && len(n.entries) > 0 {
		d.places.spoil(n.path) // the unknown key says it all
		return
	}
	if len(n.entries) != 1 || !everybody {
		d.refuse(n, n.name()+" needs one of `user`, `connection` and `all`", "", "write {user: POPULATION}, {connection: POPULATION} or {all: true}")
		return
	}
	a.Kind = n.entries[0].key
}

func (d *decoder) arrival(n *node, a *Arrival) {
	if n.kind != mapping {
		d.choice(&a.Kind, []string{ArrivalConstant, ArrivalPoisson})(n)
		return
	}
	a.Kind = ArrivalBurst
	d.object(n,
		required("burst", d.whole(&a.Burst)),
		required("within", value(d, &a.Within, needsDuration, parseDuration)),
	)
}
