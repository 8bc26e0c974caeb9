package scenario

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The limits of a scenario. The last is the intended send time's, which has 48
// bits of nanoseconds in the payload (design.md 7.3).
const (
	MaxConnections   = 10_000_000
	MaxGroups        = 10_000_000
	MaxSubscriptions = 100_000_000
	MaxPublishing    = 72 * time.Hour

	maxRate      = 1_000_000 // per second, of one sender or of connects
	maxBurst     = 10_000
	maxStages    = 100
	maxGroupName = 1024 // characters (protocol.md 3.2)
)

// Validate returns everything that is wrong with the scenario, sorted by place,
// and changes nothing. Parse calls it; a scenario built in Go has no places.
func (s *Scenario) Validate() Problems {
	v := &validator{s: s}
	v.name("name", s.Name, false)
	v.target()
	v.upstream()
	v.groups()
	v.populations()
	v.phases()
	v.faults()
	v.within("checks.pairs", s.Checks.Pairs, 0, math.MaxInt32)
	v.thresholds()
	if len(v.problems) == 0 && !s.places.spoiled("") {
		v.grants()
	}
	v.problems.sort()
	return v.problems
}

type validator struct {
	s        *Scenario
	problems Problems
}

// stand is where a path stands. One that is not in the file, a default, stands at the
// key that it would be part of.
func (v *validator) stand(path string) stand {
	if st, ok := v.s.places[path]; ok {
		return st
	}
	for path != "" {
		path = path[:max(0, strings.LastIndexByte(path, '.'))]
		if st, ok := v.s.places[path]; ok && path != "" {
			return stand{key: st.key, value: st.key}
		}
	}
	none := place{file: v.s.File}
	return stand{key: none, value: none}
}

// refuse tells a problem at the value of a path; refuseKey at its key.
func (v *validator) refuse(path, message, label, help string) {
	v.problems = append(v.problems, v.stand(path).value.problem(path, message, label, help))
}

func (v *validator) refuseKey(path, message, label, help string) {
	v.problems = append(v.problems, v.stand(path).key.problem(path, message, label, help))
}

// within checks a number against its range.
func (v *validator) within(path string, n, low, high int) {
	if n < low || n > high {
		v.refuse(path, fmt.Sprintf("%s must be from %d to %d", quote(path), low, high), fmt.Sprintf("this is %d", n), "")
	}
}

func (v *validator) rate(path string, r Rate) {
	if !(r > 0 && r <= maxRate) {
		v.refuse(path, fmt.Sprintf("%s must be above 0/s and up to %d/s", quote(path), maxRate), fmt.Sprintf("this is %g/s", float64(r)), "")
	}
}

var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// name checks what appears in file names, metric labels and --set paths.
func (v *validator) name(path, name string, isKey bool) {
	if namePattern.MatchString(name) {
		return
	}
	tell := v.refuse
	if isKey {
		tell = v.refuseKey
	}
	tell(path, quote(name)+" cannot be a name", "not a name", "letters, digits, - and _, up to 64, the first a letter or digit")
}

func (v *validator) target() {
	t := &v.s.Target
	if !t.Set {
		return
	}
	if t.ConnectionString == "" && t.URL == "" && t.Negotiate == "" && t.Endpoint == "" && t.EntraToken == "" {
		v.refuseKey("target", "`target` does not say where to connect", "needs connection_string, url, negotiate or endpoint", "leave target out for the embedded emulator")
	}
	if (t.Endpoint == "") != (t.EntraToken == "") {
		v.refuseKey("target", "`target` needs both `endpoint` and `entra_token`", "one of the two", "with the access key write connection_string instead")
	}
	switch {
	case t.URL != "" && t.Negotiate != "":
		v.refuseKey("target.negotiate", "`target` has both `url` and `negotiate`", "either says where clients go", "")
	case t.URL != "" && t.hasREST(), t.ConnectionString != "" && t.EntraToken != "":
		v.refuseKey("target", "`target` names its service twice", "connection_string, url and endpoint exclude each other", "")
	}
	v.scheme("target.endpoint", t.Endpoint, "https://", "http://")
	v.scheme("target.url", t.URL, "ws://", "wss://")
	v.scheme("target.negotiate", t.Negotiate, "http://", "https://")
	v.headers("target.headers", t.Headers)
}

// headers refuses what would be left out of the upgrade request, or stand in it twice.
func (v *validator) headers(path string, headers map[string]string) {
	for name, value := range headers {
		at, lower := under(path, name), strings.ToLower(name)
		switch {
		case !isToken(name):
			v.refuseKey(at, quote(name)+" cannot be the name of a header", "it would not be sent", "letters, digits and !#$%&'*+-.^_`|~")
		case slices.Contains([]string{"host", "upgrade", "connection"}, lower), strings.HasPrefix(lower, "sec-websocket-"):
			v.refuseKey(at, quote(name)+" is part of the handshake", "it is sent anyway", "")
		case strings.ContainsFunc(value, isControl):
			v.refuse(at, "a header is one line of visible characters", "this is not", "")
		}
	}
}

// scheme checks how a URL begins, unless it is only known when it is resolved.
func (v *validator) scheme(path, text string, schemes ...string) {
	for _, open := range append(schemes, "${", "@") {
		if text == "" || strings.HasPrefix(text, open) {
			return
		}
	}
	v.refuse(path, quote(path)+" needs a "+schemes[0]+" or "+schemes[1]+" URL", "another kind of address", "")
}

func (v *validator) groups() {
	total := 0
	named := map[string]string{}
	for i := range v.s.Groups {
		f := &v.s.Groups[i]
		path := "groups." + f.Name
		v.name(path, f.Name, true)
		if f.Names == nil {
			v.within(path+".count", f.Count, 1, MaxGroups)
		} else if len(f.Names) == 0 {
			v.refuse(path+".names", quote(path+".names")+" is empty", "no group", "")
		}
		total += max(0, f.Count)
		for j, name := range f.Names {
			at := fmt.Sprintf("%s.names.%d", path, j)
			if !validGroup(name) {
				v.refuse(at, quote(name)+" cannot be the name of a group", "not a group name", "1 to 1024 visible characters, not only spaces (protocol limit)")
			}
			if other, twice := named[name]; twice {
				v.refuse(at, "group "+quote(name)+" is given twice", "also in "+quote(other), "")
			} else if other := v.generated(name); other != "" {
				v.refuse(at, "group "+quote(name)+" is given twice", "also one of "+quote(other), "")
			}
			named[name] = f.Name
		}
	}
	if total > MaxGroups {
		v.refuseKey("groups", fmt.Sprintf("%d groups are too many", total), fmt.Sprintf("at most %d", MaxGroups), "")
	}
}

// generated names the counted family a group name would be one of, or "".
func (v *validator) generated(name string) string {
	for i := range v.s.Groups {
		f := &v.s.Groups[i]
		digits, ok := strings.CutPrefix(name, f.Name+"-")
		if !ok || len(f.Names) > 0 || !isDigits(digits) {
			continue
		}
		var n int
		if _, err := fmt.Sscan(strings.TrimLeft(digits, "0")+" ", &n); err != nil {
			n = 0
		}
		if n < f.Count && f.Group(n) == name {
			return f.Name
		}
	}
	return ""
}

func validGroup(name string) bool {
	n := utf8.RuneCountInString(name)
	return n >= 1 && n <= maxGroupName && strings.TrimSpace(name) != "" &&
		utf8.ValidString(name) && strings.IndexFunc(name, unicode.IsControl) < 0
}

func (v *validator) family(name string) *Family {
	i := slices.IndexFunc(v.s.Groups, func(f Family) bool { return f.Name == name })
	if i < 0 {
		return nil
	}
	return &v.s.Groups[i]
}

func (v *validator) familyNames() []string {
	names := make([]string, len(v.s.Groups))
	for i := range v.s.Groups {
		names[i] = v.s.Groups[i].Name
	}
	return names
}

func (v *validator) population(path, name string) *Population {
	names := make([]string, len(v.s.Populations))
	for i := range v.s.Populations {
		names[i] = v.s.Populations[i].Name
		if names[i] == name {
			return &v.s.Populations[i]
		}
	}
	v.refuse(path, "unknown population "+quote(name), "no population of this name", suggest(name, names))
	return nil
}

func (v *validator) phases() {
	p := &v.s.Phases
	if len(p.Stages) == 0 {
		v.refuse("phases.steady", "`phases.steady` has no stage", "", "write steady: 20s")
	}
	if len(p.Stages) > maxStages {
		v.refuse("phases.steady", fmt.Sprintf("%d stages are too many", len(p.Stages)), fmt.Sprintf("at most %d", maxStages), "")
	}
	seen := map[string]bool{}
	total := p.Warmup
	for i := range p.Stages {
		st := &p.Stages[i]
		path := fmt.Sprintf("phases.steady.%d", i)
		long := path + ".for"
		if len(p.Stages) == 1 && st.Name == steadyPhase {
			long = "phases.steady"
		} else {
			v.name(path+".name", st.Name, false)
			v.free(path+".name", st.Name, seen)
		}
		seen[st.Name] = true
		if st.For <= 0 {
			v.refuse(long, quote(long)+" must be above 0s", "no time", "")
		}
		// A sum of long stages must not wrap around.
		total = min(total, 2*MaxPublishing) + min(max(0, st.For), 2*MaxPublishing)
	}
	if total > MaxPublishing || p.Drain > MaxPublishing {
		v.refuseKey("phases", "the run is too long", fmt.Sprintf("warm-up and steady state, and the drain, last at most %v each", MaxPublishing), "")
	}
}

// steadyPhase names the whole steady state, and its only stage if it has one.
const steadyPhase = "steady"

// calm is the time outside every fault's, for thresholds.
const calm = "calm"

var phaseNames = []string{"connect", "warmup", steadyPhase, "drain"}

// free checks that a stage or fault has a name of its own: during tells them apart
// by it.
func (v *validator) free(path, name string, seen map[string]bool) {
	switch {
	case name == calm || slices.Contains(phaseNames, name):
		v.refuse(path, quote(name)+" is the name of a phase", "choose another", "")
	case seen[name]:
		v.refuse(path, quote(name)+" is given twice", "stages and faults share their names", "")
	}
}

func (v *validator) thresholds() {
	windows := append(slices.Clone(phaseNames), calm)
	known := func(name string) bool { return slices.Contains(windows, name) }
	for i := range v.s.Phases.Stages {
		if name := v.s.Phases.Stages[i].Name; !known(name) {
			windows = append(windows, name)
		}
	}
	for i := range v.s.Faults {
		if name := v.s.Faults[i].Name; !known(name) {
			windows = append(windows, name)
		}
	}
	count := map[string]int{}
	for i := range v.s.Thresholds {
		t := &v.s.Thresholds[i]
		path := fmt.Sprintf("thresholds.%s.%d", t.Metric, count[t.Metric])
		if _, list := v.s.places[path]; !list && count[t.Metric] == 0 {
			path = "thresholds." + t.Metric // a single one, without a list
		}
		count[t.Metric]++
		if t.During != "" && !known(t.During) {
			v.refuse(path+".during", "unknown window "+quote(t.During), "no phase, stage or fault of this name", suggest(t.During, windows))
		}
		if t.Population != "" {
			v.population(path+".population", t.Population)
		}
	}
}
