package scenario

import (
	"time"
)

// The defaults of what a file may leave out.
const (
	defaultProtocol    = ProtocolJSONReliable
	defaultSeed        = 1
	defaultDrain       = 30 * time.Second
	defaultPairs       = 4_000_000 // about 32 bytes each (design.md 7.5)
	defaultConnectRate = 100
	defaultUsers       = "user-{n}"
	defaultPayload     = 128 // bytes
	defaultCloseCode   = 1000
)

const replyEcho = "echo"

var protocols = []string{ProtocolJSONReliable, ProtocolJSON, ProtocolProtobufReliable, ProtocolProtobuf, ProtocolSimple}

// scenario reads the whole file.
func (d *decoder) scenario(n *node, s *Scenario) {
	s.Protocol, s.Seed, s.Phases.Drain = defaultProtocol, defaultSeed, defaultDrain
	s.Checks.Pairs = defaultPairs
	var scaled []*node
	d.object(n,
		required("name", d.text(&s.Name)),
		optional("note", d.text(&s.Note)),
		optional("tags", d.texts(&s.Tags, "{team: chat}")),
		optional("protocol", d.choice(&s.Protocol, protocols)),
		optional("seed", d.seed(&s.Seed)),
		optional("target", func(n *node) { d.target(n, &s.Target) }),
		optional("upstream", func(n *node) {
			s.Upstream = Upstream{Set: true, Reply: replyEcho, Pos: n.key.pos()}
			d.object(n,
				required("listen", d.text(&s.Upstream.Listen)),
				optional("reply", d.choice(&s.Upstream.Reply, []string{replyEcho})),
			)
		}),
		optional("groups", func(n *node) { d.groups(n, s) }),
		required("populations", func(n *node) { d.populations(n, s) }),
		required("phases", func(n *node) { d.phases(n, &s.Phases) }),
		optional("faults", func(n *node) { d.faults(n, s) }),
		optional("checks", func(n *node) {
			d.object(n,
				optional("profile", d.choice(&s.Checks.Profile, []string{"spec", "strict"})),
				optional("pairs", d.whole(&s.Checks.Pairs)),
			)
		}),
		optional("thresholds", func(n *node) { d.thresholds(n, s) }),
		optional("scales", d.scales(&s.Scales, &scaled)),
	)
	d.scaled(n, s.Scales, scaled)
	// A population may stand above the key that gives the default.
	for i := range s.Populations {
		d.complete(&s.Populations[i], s.Protocol)
	}
}

// texts reads a mapping of texts to texts.
func (d *decoder) texts(dst *map[string]string, example string) func(*node) {
	return func(n *node) {
		m := map[string]string{}
		d.each(n, example, func(name string, n *node) {
			var text string
			d.text(&text)(n)
			m[name] = text
		})
		*dst = m
	}
}

func (d *decoder) target(n *node, t *Target) {
	t.Set, t.Pos = true, n.key.pos()
	d.object(n,
		optional("connection_string", d.text(&t.ConnectionString)),
		optional("url", d.text(&t.URL)),
		optional("negotiate", d.text(&t.Negotiate)),
		optional("endpoint", d.text(&t.Endpoint)),
		optional("entra_token", d.text(&t.EntraToken)),
		optional("hub", d.text(&t.Hub)),
		optional("tls", func(n *node) {
			d.object(n,
				optional("ca", d.text(&t.TLS.CA)),
				optional("server_name", d.text(&t.TLS.ServerName)),
				optional("insecure", d.flag(&t.TLS.Insecure)),
			)
		}),
		optional("headers", d.texts(&t.Headers, "{X-Tenant: name}")),
	)
}

func (d *decoder) groups(n *node, s *Scenario) {
	d.each(n, "{room: {count: 100}}", func(name string, n *node) {
		f := Family{Name: name, Pos: n.key.pos()}
		d.object(n,
			optional("count", d.whole(&f.Count)),
			optional("names", func(n *node) {
				f.Names = []string{}
				d.list(n, false, func(n *node) {
					var name string
					d.text(&name)(n)
					f.Names = append(f.Names, name)
				})
			}),
		)
		d.either(n, "a family of groups", "write {count: 100} or {names: [lobby]}", "count", "names")
		if n.slot("names") != nil {
			f.Count = len(f.Names)
		}
		s.Groups = append(s.Groups, f)
	})
}

func (d *decoder) phases(n *node, p *Phases) {
	d.object(n,
		optional("warmup", value(d, &p.Warmup, needsDuration, parseDuration)),
		required("steady", func(n *node) { d.steady(n, p) }),
		optional("drain", value(d, &p.Drain, needsDuration, parseDuration)),
	)
}

func (d *decoder) steady(n *node, p *Phases) {
	if n.kind != sequence {
		stage := Stage{Name: "steady", Factor: 1, Pos: n.key.pos()}
		value(d, &stage.For, "a duration, or a list of stages", parseDuration)(n)
		p.Stages = []Stage{stage}
		return
	}
	d.list(n, false, func(n *node) {
		stage := Stage{Factor: 1, Pos: n.value.pos()}
		d.object(n,
			required("name", d.text(&stage.Name)),
			required("for", value(d, &stage.For, needsDuration, parseDuration)),
			optional("rate", value(d, &stage.Factor, needsFactor, parseFactor)),
		)
		p.Stages = append(p.Stages, stage)
	})
}

func (d *decoder) thresholds(n *node, s *Scenario) {
	limits := d.limits(s)
	if n.takes(mapping, func() shape {
		var fields []field
		for _, metric := range metricNames {
			fields = append(fields, optional(metric, func(n *node) { limits(metric, n) }))
		}
		return d.objectShape(n.path, fields)
	}) {
		return
	}
	d.each(n, `{e2e_latency: ["p(99)<250ms"]}`, limits)
}

// limits reads those of one metric.
func (d *decoder) limits(s *Scenario) func(metric string, n *node) {
	return func(metric string, n *node) {
		if metricKinds[metric] == 0 {
			d.places.spoil(n.path)
			d.problems = append(d.problems, n.key.problem(n.path,
				"unknown metric "+quote(metric), "not a metric", suggest(metric, metricNames)))
			return
		}
		d.list(n, true, func(n *node) {
			t := Threshold{Metric: metric, Pos: n.value.pos()}
			if n.kind != mapping {
				d.limit(n, &t)
			} else {
				d.object(n,
					required("threshold", func(n *node) { d.limit(n, &t) }),
					optional("during", d.text(&t.During)),
					optional("population", d.text(&t.Population)),
					optional("abort_on_fail", d.flag(&t.AbortOnFail)),
				)
			}
			s.Thresholds = append(s.Thresholds, t)
		})
	}
}
