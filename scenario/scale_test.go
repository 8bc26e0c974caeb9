package scenario

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestScale(t *testing.T) {
	const file = minimal + "scales: [populations.members.connections, groups.room.count, populations.members.publish.rate, phases.steady]\n"
	for _, test := range []struct {
		name, scale         string
		connections, groups int
		rate                Rate
		steady              time.Duration
		overrides           string
	}{
		{"down", "20%", 20, 2, 0.2, 2 * time.Second,
			"populations.members.connections=20 groups.room.count=2 populations.members.publish.rate=0.2/s phases.steady=2s"},
		{"up", "x2.5", 250, 25, 2.5, 25 * time.Second,
			"populations.members.connections=250 groups.room.count=25 populations.members.publish.rate=2.5/s phases.steady=25s"},
		{"a count stays at least 1", "1%", 1, 1, 0.01, 100 * time.Millisecond,
			"populations.members.connections=1 groups.room.count=1 populations.members.publish.rate=0.01/s phases.steady=100ms"},
		{"not at all", "", 100, 10, 1, 10 * time.Second, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, err := Parse("test.yaml", []byte(file), Options{Scale: test.scale})
			if err != nil {
				t.Fatal(err)
			}
			p := &s.Populations[0]
			if p.Connections != test.connections || s.Groups[0].Count != test.groups || p.Publish.Rate != test.rate || s.Phases.Steady() != test.steady {
				t.Errorf("got %d connections, %d groups, %v/s for %v; want %d, %d, %v/s for %v", p.Connections, s.Groups[0].Count,
					float64(p.Publish.Rate), s.Phases.Steady(), test.connections, test.groups, float64(test.rate), test.steady)
			}
			if got := strings.Join(s.Overrides, " "); got != test.overrides {
				t.Errorf("overrides: got %q, want %q", got, test.overrides)
			}
			again, err := Parse("test.yaml", []byte(file), Options{Set: s.Overrides})
			if err != nil || again.Populations[0].Connections != p.Connections || !slices.Equal(again.Scales, s.Scales) {
				t.Errorf("the overrides as --set arguments: got %+v (%v), want the same scenario", again, err)
			}
		})
	}
}

// Scaling does not turn a number that is refused into one that is not.
func TestScaleKeepsMistakes(t *testing.T) {
	for _, count := range []string{"0", "-4"} {
		src := strings.Replace(minimal, "connections: 100", "connections: "+count, 1) + "scales: [populations.members.connections]\n"
		_, err := Parse("test.yaml", []byte(src), Options{Scale: "10%"})
		if err == nil || !strings.Contains(formatted(err, src), "this is "+count) {
			t.Errorf("%s connections, a tenth of them: got %v, want a refusal", count, err)
		}
	}
}

// A value that cannot be read is told of once, not also as one that cannot be scaled.
func TestScaleConsequence(t *testing.T) {
	src := "scales: [populations.members.connections]\n" + strings.Replace(minimal, "connections: 100", "connections: many", 1)
	_, err := Parse("test.yaml", []byte(src), Options{})
	problems, _ := err.(Problems) //nolint:errorlint // Parse returns it bare
	if len(problems) != 1 || problems[0].Line != 7 {
		t.Errorf("got %v, want the one problem in line 7", err)
	}
}

// A --set value stands as written: it is applied after the scaling.
func TestScaleBeforeSet(t *testing.T) {
	s, err := Parse("test.yaml", []byte(minimal+"scales: [populations.members.connections]\n"),
		Options{Scale: "10%", Set: []string{"populations.members.connections=77"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Populations[0].Connections; got != 77 {
		t.Errorf("got %d connections, want the 77 of --set", got)
	}
}

func TestScaleMistakes(t *testing.T) {
	for _, test := range []struct{ name, scales, scale, want string }{
		{"nothing to scale", "", "1%", "does not say what `--scale` multiplies"},
		{"a bare number", "scales: [groups.room.count]", "2", "write x2"},
		{"no number", "scales: [groups.room.count]", "half", "`--scale` needs a percentage or a factor"},
		{"nothing left", "scales: [groups.room.count]", "0%", "`--scale` needs a percentage or a factor"},
		{"a path that is not there", "scales: [groups.rom.count]", "", "unknown path `groups.rom.count`"},
		{"a default", "scales: [populations.members.connect_rate]", "", "only where it is written out"},
		{"a mapping", "scales: [groups.room]", "", "`groups.room` cannot be scaled"},
		{"a text", "scales: [name]", "", "`name` cannot be scaled"},
		{"no list", "scales: groups.room.count", "", "needs a list"},
		{"twice", "scales: [groups.room.count, groups.room.count]", "10%", "`groups.room.count` is given twice"},
		{"of nothing", "scales: [checks.pairs, seed]\nseed: -1\nchecks: {pairs: 0}", "10%", "`seed` needs a whole number"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse("test.yaml", []byte(minimal+test.scales+"\n"), Options{Scale: test.scale})
			if err == nil || !strings.Contains(err.Error(), test.want) && !strings.Contains(formatted(err, minimal+test.scales), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func formatted(err error, src string) string {
	problems, ok := err.(Problems) //nolint:errorlint // Parse returns it bare
	if !ok {
		return ""
	}
	return problems.Format([]byte(src))
}
