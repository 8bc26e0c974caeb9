package scenario

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

func (v *validator) populations() {
	s := v.s
	if len(s.Populations) == 0 {
		v.refuseKey("populations", "`populations` is empty", "nobody would connect", "")
	}
	connections, subscriptions := 0, 0
	for i := range s.Populations {
		p := &s.Populations[i]
		path := "populations." + p.Name
		v.name(path, p.Name, true)
		v.within(path+".connections", p.Connections, 1, MaxConnections)
		v.rate(path+".connect_rate", p.ConnectRate)
		v.ramp(path+".connect_rate", p)
		connections += min(max(0, p.Connections), MaxConnections)
		subscriptions += v.joins(path+".join", p)
		v.client(path+".client", &p.Client)
		v.users(path+".users", p.Users)
		v.roles(path+".roles", p.Roles)
		switch p.Protocol {
		case ProtocolREST:
			v.rest(path, p)
		case ProtocolSimple:
			v.simple(path, p)
		}
		if p.Churn != nil {
			v.churn(path+".churn", p)
		}
		if p.Publish != nil {
			v.publish(path+".publish", p)
		} else if p.PayloadFile != "" {
			v.refuseKey(path+".payload_file", "a payload needs somebody who publishes it", "the population has no `publish`", "")
		}
	}
	if connections > MaxConnections {
		v.refuseKey("populations", fmt.Sprintf("%d connections are too many", connections), fmt.Sprintf("at most %d", MaxConnections), "")
	}
	if subscriptions > MaxSubscriptions {
		v.refuseKey("populations", fmt.Sprintf("%d subscriptions are too many", subscriptions), fmt.Sprintf("at most %d: connections times groups joined", MaxSubscriptions), "")
	}
}

// ramp bounds the time in which the connections open: it is part of the run.
func (v *validator) ramp(path string, p *Population) {
	if seconds := float64(p.Connections-1) / float64(p.ConnectRate); p.ConnectRate > 0 && seconds > MaxPublishing.Seconds() {
		v.refuse(path, fmt.Sprintf("%s takes longer than %v to connect", quote(p.Name), MaxPublishing),
			fmt.Sprintf("%d connections at %.3g/s", p.Connections, float64(p.ConnectRate)), "")
	}
}

// rest refuses what only a session can do.
func (v *validator) rest(path string, p *Population) {
	if !v.s.Target.hasREST() {
		v.refuse(path+".protocol", "rest needs a target with a connection string or an Entra token", "the REST API asks for the one or the other", "")
	}
	for _, key := range []string{"join", "client", "users", "roles", "connect_rate"} {
		if _, given := v.s.places[under(path, key)]; given {
			v.refuseKey(under(path, key), quote(key)+" is for sessions", quote(p.Name)+" has none: its protocol is rest", "")
		}
	}
	switch b := p.Publish; {
	case b == nil:
		v.refuseKey(path, "a population with protocol rest needs `publish`", "it can do nothing else", "")
	case !b.Ack:
		v.refuse(path+".publish.ack", "a REST publish is always answered", "leave it out", "")
	case b.Event != "":
		v.refuse(path+".publish.event", "an event needs a session to carry it", quote(p.Name)+" has none: its protocol is rest", "")
	case b.NoEcho:
		v.refuse(path+".publish.no_echo", "a REST publish has no echo", "leave it out", "")
	}
}

// joins returns how many subscriptions the population makes.
func (v *validator) joins(path string, p *Population) int {
	total := 0
	for _, j := range p.Join {
		at := under(path, j.Family)
		f := v.family(j.Family)
		if f == nil {
			v.refuseKey(at, "unknown group family "+quote(j.Family), "not in `groups`", suggest(j.Family, v.familyNames()))
			continue
		}
		if j.Count < 1 || (j.Count > f.Count && f.Count > 0) {
			v.refuse(at, fmt.Sprintf("a connection joins from 1 to %d groups of %s", f.Count, quote(f.Name)), fmt.Sprintf("this is %d", j.Count), "")
			continue
		}
		if p.Connections > 0 && p.Connections <= MaxConnections {
			total = min(MaxSubscriptions+1, total+min(j.Count, MaxSubscriptions)*p.Connections)
		}
	}
	return total
}

func (v *validator) client(path string, c *Client) {
	if c.AckMessages != 0 || c.Preset == bench.Preset {
		v.within(path+".sequence_ack.every_messages", c.AckMessages, 1, bufferMessages-1)
	}
	v.duration(path+".sequence_ack.every", c.AckEvery, time.Millisecond, time.Minute)
	v.duration(path+".reconnect.base", c.ReconnectBase, 0, time.Minute)
	v.duration(path+".reconnect.max", c.ReconnectMax, 0, time.Hour)
	for _, r := range []struct {
		path  string
		value time.Duration
	}{{path + ".recovery.window", c.RecoveryWindow}, {path + ".recovery.pause", c.RecoveryPause}} {
		if _, given := v.s.places[r.path]; given || r.value != 0 { // 0 is the default, which nobody means who writes it
			v.duration(r.path, r.value, time.Millisecond, time.Hour)
		}
	}
	v.duration(path+".ping", c.Ping, 0, time.Hour)
	v.duration(path+".idle_timeout", c.IdleTimeout, 0, time.Hour)
	if c.IdleTimeout > 0 && c.IdleTimeout <= c.Ping {
		v.refuse(path+".idle_timeout", "`idle_timeout` must be longer than `ping`", fmt.Sprintf("ping is %v, idle_timeout %v", c.Ping, c.IdleTimeout), "a quiet connection has nothing but the answers to pings")
	}
	if c.ReconnectBase > c.ReconnectMax && c.ReconnectMax <= time.Hour {
		v.refuse(path+".reconnect.max", "`reconnect.max` is below `reconnect.base`", fmt.Sprintf("base is %v, max %v", c.ReconnectBase, c.ReconnectMax), "")
	}
}

func (v *validator) duration(path string, d, low, high time.Duration) {
	if d < low || d > high {
		v.refuse(path, fmt.Sprintf("%s must be from %v to %v", quote(path), low, high), fmt.Sprintf("this is %v", d), "")
	}
}

var placeholder = regexp.MustCompile(`\{[^{}]*\}?|\}`)

func (v *validator) users(path, pattern string) {
	if pattern == "" {
		v.refuse(path, "a user id must not be empty", "no text", "")
	}
	for _, p := range placeholder.FindAllString(pattern, -1) {
		if p != "{n}" {
			v.refuse(path, "unknown placeholder "+quote(p), "only {n}, the connection's number", "")
			return
		}
	}
}

func (v *validator) roles(path string, roles []string) {
	patterns := map[string]int{}
	for i, text := range roles {
		at := fmt.Sprintf("%s.%d", path, i)
		r, ok := parseRole(text)
		if !ok {
			v.refuse(at, quote(text)+" is not a role", "the service would ignore it silently", "roles are webpubsub.sendToGroup, webpubsub.joinLeaveGroup, each with .NAME, or with s.PATTERN")
			continue
		}
		if r.pattern != "" {
			if patterns[r.permission]++; patterns[r.permission] == maxRolePatterns+1 {
				v.refuse(at, fmt.Sprintf("more than %d patterns for one permission", maxRolePatterns), "the service would ignore it silently", "")
			}
		}
	}
}

func (v *validator) publish(path string, p *Population) {
	b := p.Publish
	seen := map[string]bool{}
	for i, name := range b.To {
		at := fmt.Sprintf("%s.to.%d", path, i)
		if _, list := v.s.places[at]; !list {
			at = path + ".to"
		}
		if v.family(name) == nil {
			v.refuse(at, "unknown group family "+quote(name), "not in `groups`", suggest(name, v.familyNames()))
		}
		if seen[name] {
			v.refuse(at, "family "+quote(name)+" is given twice", "", "")
		}
		seen[name] = true
	}
	v.audience(path+".to", p)
	v.extras(path, p)
	if b.Event != "" {
		v.event(path, p)
	} else if b.Audience.Kind == "" && len(b.To) == 0 && len(p.Join) == 0 {
		v.refuseKey(path, quote(path)+" needs `to`", "the population joins no group", "")
	}
	if b.TotalRate != 0 {
		v.rate(path+".total_rate", p.SenderRate())
	} else {
		v.rate(path+".rate", b.Rate)
	}
	if s := b.Senders; !s.IsPercent && (s.Count < 1 || s.Count > p.Connections) && p.Connections > 0 {
		v.refuse(path+".senders", "more senders than connections", fmt.Sprintf("%s has %d connections", quote(p.Name), p.Connections), "")
	}
	v.arrival(path+".arrival", b.Arrival, p.SenderRate())
	v.size(path+".size", p)
}

// eventName spells out both cases: without regard to case, k is also the sign of Kelvin.
var eventName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,127}$`) // protocol.md 3.2

// event judges what a population that publishes events says besides.
func (v *validator) event(path string, p *Population) {
	b := p.Publish
	switch {
	case !eventName.MatchString(b.Event):
		v.refuse(path+".event", quote(b.Event)+" is not a name of an event", "the service would close the connection", "a letter, then letters, digits, _, . and -, up to 128 in all")
	case len(b.To) > 0, b.Audience.Kind != "":
		v.refuseKey(path, quote(path)+" has both `event` and `to`", "one of the two", "an event goes to the event handler, not to a group")
	case b.NoEcho:
		v.refuse(path+".no_echo", "an event is measured by its echo", "", "")
	case !v.s.Target.Set && !v.s.Upstream.Set:
		v.refuseKey(path+".event", "nobody would answer the events", "the embedded target has no event handler", "add upstream: {listen: \"127.0.0.1:8088\"}")
	}
}

// upstream checks the form of an address, not whether it can be listened on.
func (v *validator) upstream() {
	u := &v.s.Upstream
	if !u.Set {
		return
	}
	i := strings.LastIndexByte(u.Listen, ':')
	if _, err := strconv.ParseUint(u.Listen[i+1:], 10, 16); i < 0 || err != nil {
		v.refuse("upstream.listen", quote(u.Listen)+" is not an address", "needs host:port", "write 127.0.0.1:8088")
	}
}

func (v *validator) arrival(path string, a Arrival, rate Rate) {
	if a.Kind != ArrivalBurst {
		return
	}
	v.within(path+".burst", a.Burst, 1, maxBurst)
	period := time.Duration(min(float64(MaxPublishing), float64(a.Burst)/float64(rate)*float64(time.Second)))
	if rate > 0 && a.Within > period {
		v.refuse(path+".within", "a burst must end before the next one begins", fmt.Sprintf("one comes every %v", period), "")
	}
}

func (v *validator) size(path string, p *Population) {
	most := MaxPayloadBytes(p.Protocol, p.Publish.DataType, v.longestGroup(p), p.PayloadFile != "") - maxExtraBytes(p.Publish)
	switch size := p.Publish.Size; {
	case size < MinPayloadBytes:
		v.refuse(path, fmt.Sprintf("a payload has at least %d bytes", MinPayloadBytes), "too small", "it carries message number, send time and checksum")
	case size > most:
		v.refuse(path, fmt.Sprintf("a %s payload has at most %d bytes", p.Publish.DataType, most), "too large", "the encoded message must fit into 1 MiB")
	}
}

// longestGroup is the length in bytes of the longest name the population sends to.
func (v *validator) longestGroup(p *Population) int {
	longest := len(p.Publish.Event) // takes the group's place
	measure := func(name string) {
		f := v.family(name)
		if f == nil {
			return
		}
		for i := range max(1, len(f.Names)) { // numbered ones are equally long
			longest = max(longest, f.groupBytes(i))
		}
	}
	for _, name := range p.Publish.To {
		measure(name)
	}
	if len(p.Publish.To) == 0 && p.Publish.Event == "" && p.Publish.Audience.Kind == "" {
		for _, j := range p.Join {
			measure(j.Family)
		}
	}
	return longest
}

// grants refuses a population whose roles do not let it do its part. It needs a
// plan, so it comes last and only for a scenario that is otherwise in order.
func (v *validator) grants() {
	p := v.s.Plan()
	for i := range v.s.Populations {
		pop := &v.s.Populations[i]
		for _, part := range []struct {
			permission, verb string
			used             func(int) []int
		}{{roleJoin, "joins", p.joined}, {roleSend, "sends to", p.addressed}} {
			if part.permission == roleJoin && pop.Protocol == ProtocolSimple {
				continue // its token names the groups
			}
			group, ok := pop.forbidden(part.permission, p, func() []int { return part.used(i) })
			if ok {
				continue
			}
			path := "populations." + pop.Name + ".roles"
			v.refuseKey(path, fmt.Sprintf("%s %s %s without the role", quote(pop.Name), part.verb, quote(p.GroupName(group))),
				"no role allows it", "add webpubsub."+part.permission+", or leave roles out")
		}
	}
}

// forbidden returns a group of those in use that no role of a permission allows;
// ok means that there is none.
func (p *Population) forbidden(permission string, plan *Plan, used func() []int) (group int, ok bool) {
	var roles []role
	for _, text := range p.Roles {
		r, _ := parseRole(text)
		if r.permission != permission {
			continue
		}
		if r.any {
			return 0, true
		}
		roles = append(roles, r)
	}
	for _, g := range used() {
		name, allowed := plan.GroupName(g), false
		for i := range roles {
			allowed = allowed || roles[i].allows(name)
		}
		if !allowed {
			return g, false
		}
	}
	return 0, true
}
