package scenario

import (
	"strings"
	"testing"
)

func TestConnectionByName(t *testing.T) {
	plan := mustParse(t, full).Plan()
	first, second := plan.Populations[0], plan.Populations[1]
	one, two := plan.Scenario.Populations[0].Name, plan.Scenario.Populations[1].Name
	for _, row := range []struct {
		name string
		want int
		err  string
	}{
		{one + "/0", first.First, ""},
		{two + "/1", second.First + 1, ""},
		{"0", 0, ""},
		{"1", 1, ""},
		{two + "/999999", 0, "they are numbered from 0 to"},
		{two + "/-1", 0, "they are numbered from 0 to"},
		{two + "/x", 0, `has no connection "x"`},
		{"nobody/0", 0, `there is no population "nobody"; there are: ` + one + ", " + two},
		{"-1", 0, "there is no connection -1"},
		{"999999", 0, "there is no connection 999999"},
		{one, 0, "is no connection: write POPULATION/INDEX, such as " + one + "/0"},
		{"", 0, "is no connection"},
	} {
		got, err := plan.Connection(row.name)
		switch {
		case row.err != "" && (err == nil || !strings.Contains(err.Error(), row.err)):
			t.Errorf("%q: error %v, want %q", row.name, err, row.err)
		case row.err == "" && (err != nil || got != row.want):
			t.Errorf("%q: %d, %v; want %d", row.name, got, err, row.want)
		}
	}
}
