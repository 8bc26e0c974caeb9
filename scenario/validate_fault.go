package scenario

import (
	"fmt"
	"time"
)

// MaxIncidents bounds the occurrences of all faults of a scenario: the record has a
// row for each.
const MaxIncidents = 500

// maxFaultRate is per second, of one connection: faster than any comes back.
const maxFaultRate = 10

func (v *validator) faults() {
	seen := map[string]bool{}
	for i := range v.s.Phases.Stages {
		seen[v.s.Phases.Stages[i].Name] = true
	}
	incidents := 0
	for i := range v.s.Faults {
		f := &v.s.Faults[i]
		path := fmt.Sprintf("faults.%d", i)
		v.name(path+".name", f.Name, false)
		v.free(path+".name", f.Name, seen)
		seen[f.Name] = true
		v.faultTimes(path, f)
		v.victims(path, f)
		v.code(path+".code", f)
		incidents = min(incidents, MaxIncidents) + f.occurrences(v.s.Phases.Steady())
	}
	if incidents > MaxIncidents {
		v.refuseKey("faults", fmt.Sprintf("the faults strike more than %d times", MaxIncidents), "each time has its row in the record", "let `every` be longer, or give a `rate`")
	}
}

// faultTimes checks when a fault strikes.
func (v *validator) faultTimes(path string, f *Fault) {
	left := v.s.Phases.Steady() - f.At
	if left <= 0 && !v.s.places.spoiled("phases") {
		v.refuse(path+".at", "the fault comes after the steady state", fmt.Sprintf("steady lasts %v", v.s.Phases.Steady()), "")
		return
	}
	alone := func(key string, given bool, needs string) {
		if given {
			v.refuseKey(path+"."+key, quote(key)+" has no meaning here", needs, "")
		}
	}
	alone("for", f.For > 0 && f.Every == 0 && f.Rate == 0, "it says how long `every` or `rate` goes on")
	alone("batches", f.Batches != 0 && f.Over == 0, "it divides `over`")
	alone("lasts", f.Lasts > 0 && !f.Waits(), "it is for stop-acking, slow-reader and restart")
	switch {
	case !f.Waits() || f.Lasts > 0:
	case f.Kind == FaultRestart:
		v.refuse(path, "a fault of kind restart needs `lasts`", "not given", "how long it may take: what is dropped then is its doing")
	default:
		v.refuse(path, fmt.Sprintf("a fault of kind %s needs `lasts`", f.Kind), "not given", "how long each client does so")
	}
	v.restart(path, f, alone)
	alone("over", f.Over > 0 && f.Rate > 0, "with a `rate` the instants are drawn")
	alone("every", f.Every > 0 && f.Rate > 0, "with a `rate` the instants are drawn")
	if f.Batches != 0 {
		v.within(path+".batches", f.Batches, 2, 10_000)
	}
	if f.Every > 0 && f.Over > f.Every {
		v.refuse(path+".over", "the fault is not over when it comes again", fmt.Sprintf("every %v", f.Every), "")
	}
	if f.Rate > maxFaultRate {
		v.refuse(path+".rate", fmt.Sprintf("%s must be up to %d/s", quote(path+".rate"), maxFaultRate), fmt.Sprintf("this is %g/s", float64(f.Rate)), "it is the rate of each connection by itself")
	}
	if v.s.places.spoiled("phases") {
		return
	}
	for _, last := range []struct {
		key  string
		long time.Duration
	}{{"over", f.Over}, {"for", f.For}, {"lasts", f.Lasts}} {
		if last.long > left {
			v.refuse(path+"."+last.key, "the fault goes on after the steady state", fmt.Sprintf("%v are left of it", left), "")
		}
	}
}

// restart checks what is done, and when.
func (v *validator) restart(path string, f *Fault, alone func(key string, given bool, needs string)) {
	if f.Kind != FaultRestart {
		alone("command", f.Command != nil, "it is for kind restart")
		alone("keeps_sessions", f.KeepsSessions, "it is for kind restart")
		return
	}
	alone("over", f.Over > 0, "a restart happens once, see `lasts`")
	alone("rate", f.Rate > 0, "a restart happens once; `every` repeats it")
	alone("keeps_sessions", f.KeepsSessions && f.Command != nil, "it is for the embedded target, which needs no `command`")
	switch {
	case f.Command != nil && (len(f.Command) == 0 || f.Command[0] == ""):
		v.refuse(path+".command", "the command is empty", "", "write [program, argument, …]; there is no shell")
	case f.Command == nil && v.s.Target.Set:
		v.refuse(path, "a restart needs `command`", "the target is not the embedded one", "write [program, argument, …]; there is no shell")
	}
	if f.Every > 0 && f.Lasts > f.Every {
		v.refuse(path+".lasts", "the restart is not over when it comes again", fmt.Sprintf("every %v", f.Every), "")
	}
}

// victims checks whom a fault hits.
func (v *validator) victims(path string, f *Fault) {
	if f.By != "" && !f.needsREST() {
		v.refuseKey(path+".by", "`by` belongs to kind rest-close", fmt.Sprintf("this fault is %s", f.Kind), "")
	}
	if f.Kind == FaultRestart && f.Population == "" {
		return
	}
	p := v.population(path+".population", f.Population)
	if p != nil {
		v.hits(path, f, p)
	}
	switch {
	case p == nil:
	case p.Protocol == ProtocolREST:
		v.refuse(path+".population", "a fault needs sessions to hit", quote(f.Population)+" has none: its protocol is rest", "")
	case f.Kind == FaultStopAcking && !reliable(p.Protocol):
		v.refuse(path+".population", "only reliable clients acknowledge what they get", quote(f.Population)+" speaks "+p.Protocol, "")
	case p.Protocol == ProtocolSimple && f.needsREST() && f.By == "":
		v.refuse(path+".population", "a simple client does not learn its connection id", "the REST API closes connections by it", "use kind rst or close, or `by: user`")
	}
	switch {
	case !f.needsREST():
	case f.By == ByUser && !v.s.Target.tellsUsers():
		v.refuse(path+".by", "the users of the sessions are not known", "the negotiate server names them", "ask it for them: ?id={user}")
	case f.By == ByGroup && p != nil && len(p.Join) == 0:
		v.refuse(path+".by", quote(p.Name)+" is in no group", "it has no `join`", "")
	}
	if f.needsREST() && !v.s.Target.hasREST() {
		v.refuse(path+".kind", "rest-close needs a target with a connection string or an Entra token", "the REST API asks for the one or the other", "")
	}
}

// hits checks that a fault hits no more than there are.
func (v *validator) hits(path string, f *Fault, p *Population) {
	what, there := "connections", p.Connections
	switch f.By {
	case ByUser:
		what, there = "users", p.userCount()
	case ByGroup:
		what, there = "groups", 0
		for _, j := range p.Join {
			if family := v.family(j.Family); family != nil {
				there += family.Count
			}
		}
	}
	if !f.Hit.IsPercent && f.Hit.Count > there {
		v.refuse(path+".hit", fmt.Sprintf("the fault hits more %s than there are", what), fmt.Sprintf("%s has %d", quote(p.Name), there), "")
	}
}

// code checks a close code against those an endpoint may send (RFC 6455 7.4).
func (v *validator) code(path string, f *Fault) {
	switch c := f.Code; {
	case f.Kind != FaultClose && c != 0:
		v.refuseKey(path, "`code` belongs to kind close", fmt.Sprintf("this fault is %s", f.Kind), "")
	case f.Kind == FaultClose && !sendable(c):
		v.refuse(path, fmt.Sprintf("a client cannot close with code %d", c), "not a code to send", "1000 ends a reliable session, 1001 keeps it recoverable")
	}
}

func sendable(c int) bool {
	return c >= 1000 && c <= 1003 || c >= 1007 && c <= 1014 || c >= 3000 && c <= 4999
}
