package scenario

import (
	"fmt"
	"strings"
	"time"
)

// reconnectWindow is how long the service keeps a dropped reliable session at
// least (protocol.md 4.4, design.md 7.2).
const reconnectWindow = 30 * time.Second

// Limits are what the machine gives, and how a run spreads over it. Zero means not
// known, and is not checked, or of the counts one.
type Limits struct {
	Descriptors int // open files of one process
	Ports       int // ephemeral ports from one address to one other
	MemoryBytes uint64

	NoBlackhole string // why a socket cannot be cut off; "" = it can
	// LookPath finds a program, or says why not; nil = it is not looked for.
	LookPath func(program string) (string, error)

	Processes int // of the generator
	Emulators int // embedded targets
	Sources   int // local addresses
}

// Warnings tells what of a valid scenario will likely disappoint, and what this
// machine cannot do at all. Both are sorted by place.
func (p *Plan) Warnings(l Limits) (warnings, impossible []Problem) {
	w := &validator{s: p.Scenario}
	e := p.Estimate()
	w.shortDrain()
	w.undetected()
	w.budgets(&e)
	w.unheard()
	w.unusedRoles(p)
	w.problems.sort()

	m := &validator{s: p.Scenario}
	m.machine(&e, l)
	m.problems.sort()
	return w.problems, m.problems
}

func (v *validator) shortDrain() {
	drain := v.s.Phases.Drain
	if len(v.s.Faults) > 0 && drain < reconnectWindow {
		v.refuse("phases.drain", "the drain is shorter than a dropped session may take to recover",
			fmt.Sprintf("%v, and there are faults", drain),
			fmt.Sprintf("the service keeps a session for %v; a drain of that length still ends as soon as everything has arrived", reconnectWindow))
		return
	}
	for i := range v.s.Faults {
		f := &v.s.Faults[i]
		if f.Kind != FaultBlackhole {
			continue
		}
		if limit := v.s.patience(f); drain < limit {
			v.refuse("phases.drain", "the drain is shorter than a blackhole may take to be noticed",
				fmt.Sprintf("%v, and the `idle_timeout` of %s is %v", drain, quote(f.Population), limit),
				"a drain of that length still ends as soon as everything has arrived")
			return
		}
	}
}

// patience is the idle timeout of those whom a fault hits.
func (s *Scenario) patience(f *Fault) time.Duration {
	return s.Populations[s.population(f.Population)].Client.IdleTimeout
}

// undetected finds connections that are half-open for ever.
func (v *validator) undetected() {
	for i := range v.s.Faults {
		f := &v.s.Faults[i]
		if f.Kind != FaultBlackhole || v.s.patience(f) > 0 {
			continue
		}
		v.refuse(fmt.Sprintf("faults.%d.kind", i), fmt.Sprintf("the clients of %s never notice a blackhole", quote(f.Population)),
			"their `idle_timeout` is 0s", "as it is with that preset; set client.idle_timeout to see them recover")
	}
}

func (v *validator) budgets(e *Estimate) {
	for i := range e.Budgets {
		b := &e.Budgets[i]
		path := "populations." + b.Population
		if b.Messages >= bufferMessages || b.Bytes >= bufferBytes {
			v.refuseKey(path, fmt.Sprintf("%s does not acknowledge often enough", quote(b.Population)),
				fmt.Sprintf("%.0f messages, %.1f MiB between two acks", b.Messages, b.Bytes/(1<<20)),
				"the service closes a session at 1,000 messages or 16 MiB unacknowledged: lower client.sequence_ack")
		} else if v.faulted(b.Population) && b.Detached < reconnectWindow {
			v.refuseKey(path, fmt.Sprintf("a dropped session of %s overflows before the service gives it up", quote(b.Population)),
				fmt.Sprintf("%.0f messages/s fill its buffer in %v", b.PerSec, b.Detached.Round(100*time.Millisecond)),
				"a connection that takes longer to come back cannot recover")
		}
	}
}

func (v *validator) faulted(population string) bool {
	for i := range v.s.Faults {
		if f := &v.s.Faults[i]; f.Population == population || f.Population == "" {
			return true
		}
	}
	return false
}

// unheard finds publishes to families that nobody joins.
func (v *validator) unheard() {
	joined := map[string]bool{}
	for i := range v.s.Populations {
		for _, j := range v.s.Populations[i].Join {
			joined[j.Family] = true
		}
	}
	for i := range v.s.Populations {
		pop := &v.s.Populations[i]
		if pop.Publish == nil {
			continue
		}
		for _, family := range pop.Publish.To {
			if !joined[family] {
				v.refuse("populations."+pop.Name+".publish.to", "nobody joins "+quote(family), "what is sent there reaches no one", "")
			}
		}
	}
}

// unusedRoles finds roles for single groups that the population does not use.
func (v *validator) unusedRoles(p *Plan) {
	for i := range v.s.Populations {
		pop := &v.s.Populations[i]
		used := map[string]map[string]bool{}
		for k, text := range pop.Roles {
			r, ok := parseRole(text)
			if !ok || r.group == "" || (r.permission != roleJoin && r.permission != roleSend) {
				continue
			}
			if used[r.permission] == nil {
				used[r.permission] = p.usedNames(i, r.permission)
			}
			if !used[r.permission][r.group] {
				v.refuse(fmt.Sprintf("populations.%s.roles.%d", pop.Name, k), "a role for a group the scenario does not use",
					fmt.Sprintf("no connection of %s uses %s so", quote(pop.Name), quote(r.group)), "")
			}
		}
	}
}

func (p *Plan) usedNames(population int, permission string) map[string]bool {
	groups := p.addressed(population)
	if permission == roleJoin {
		groups = p.joined(population)
	}
	names := make(map[string]bool, len(groups))
	for _, g := range groups {
		names[p.GroupName(g)] = true
	}
	return names
}

// descriptors compares what the processes of the generator and the embedded emulators
// need with what a process may have.
func (v *validator) descriptors(e *Estimate, l Limits) {
	if l.Descriptors <= 0 {
		return
	}
	ends := []struct {
		flag      string
		processes int
	}{{"--processes", l.Processes}, {"--emulators", l.Emulators}}
	if v.s.Target.Set {
		ends = ends[:1]
	}
	most := 0
	var fitting []string
	for _, end := range ends {
		each := (e.Connections+max(1, end.processes)-1)/max(1, end.processes) + descriptorMargin
		if room := l.Descriptors - descriptorMargin; each > l.Descriptors && room > 0 {
			fitting = append(fitting, fmt.Sprintf("%s %d", end.flag, (e.Connections+room-1)/room))
		}
		most = max(most, each)
	}
	if most <= l.Descriptors {
		return
	}
	hint := "raise it with ulimit -n"
	if len(fitting) > 0 {
		hint = strings.Join(fitting, " ") + " would fit; or " + hint
	}
	v.refuseKey("populations", fmt.Sprintf("%d connections need %d open files", e.Connections, most),
		fmt.Sprintf("in one process, and this machine allows it %d", l.Descriptors), hint)
}

// programs finds commands that are not there.
func (v *validator) programs(l Limits) {
	for i := range v.s.Faults {
		if f := &v.s.Faults[i]; len(f.Command) > 0 && l.LookPath != nil {
			if _, err := l.LookPath(f.Command[0]); err != nil {
				v.refuse(fmt.Sprintf("faults.%d.command", i), fmt.Sprintf("%s cannot be run", quote(f.Command[0])), err.Error(), "it is run without a shell")
			}
		}
	}
}

// machine compares what the plan needs with what there is.
func (v *validator) machine(e *Estimate, l Limits) {
	v.descriptors(e, l)
	v.programs(l)
	if l.NoBlackhole != "" {
		for i := range v.s.Faults {
			if v.s.Faults[i].Kind == FaultBlackhole {
				v.refuse(fmt.Sprintf("faults.%d.kind", i), "there is no blackhole here", l.NoBlackhole, "zombie is the nearest everywhere: the peer's kernel still acknowledges")
			}
		}
	}
	routes := max(1, l.Sources) * max(1, l.Emulators)
	if l.Ports > 0 && e.Ports > l.Ports*routes {
		need := (e.Ports + l.Ports - 1) / l.Ports
		v.refuseKey("populations", fmt.Sprintf("%d connections need as many local ports", e.Connections),
			fmt.Sprintf("this machine has %d from one source address to one target address", l.Ports),
			fmt.Sprintf("name %d source addresses with --local-ips, or widen net.ipv4.ip_local_port_range", need))
	}
	if l.MemoryBytes > 0 && e.MemoryBytes > l.MemoryBytes {
		v.refuseKey("populations", fmt.Sprintf("the run needs at least %d MiB of memory", e.MemoryBytes>>20),
			fmt.Sprintf("%d connections, %d pairs of publisher and subscription to verify", e.Connections, e.Pairs),
			fmt.Sprintf("this machine gives %d MiB", l.MemoryBytes>>20))
	}
}
