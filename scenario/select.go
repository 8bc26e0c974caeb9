package scenario

import (
	"fmt"
	"strconv"
	"strings"
)

// Connection is the connection that a person names: POPULATION/INDEX, counted from 0
// within the population, or its id in records, counted from 0 over all of them.
func (p *Plan) Connection(name string) (int, error) {
	population, index, both := strings.Cut(name, "/")
	if !both {
		id, err := strconv.Atoi(name)
		switch {
		case err != nil:
			return 0, fmt.Errorf("%q is no connection: write POPULATION/INDEX, such as %s/0, or a connection's number in the record", name, p.Scenario.Populations[0].Name)
		case id < 0 || id >= p.Connections:
			return 0, fmt.Errorf("there is no connection %d: they are numbered from 0 to %d", id, p.Connections-1)
		}
		return id, nil
	}
	var names []string
	for i := range p.Populations {
		own := p.Scenario.Populations[i].Name
		if names = append(names, own); own != population {
			continue
		}
		k, err := strconv.Atoi(index)
		if count := p.Populations[i].Count; err != nil || k < 0 || k >= count {
			return 0, fmt.Errorf("%s has no connection %q: they are numbered from 0 to %d", population, index, count-1)
		}
		return p.Populations[i].First + k, nil
	}
	return 0, fmt.Errorf("there is no population %q; there are: %s", population, strings.Join(names, ", "))
}
