package scenario

import (
	"strconv"
	"strings"
)

// The values of [Audience.Kind].
const (
	AudienceUser       = "user"
	AudienceConnection = "connection"
	AudienceAll        = "all"
)

// Audience is whom a population publishes to that does not publish to groups. Only the
// REST API can (protocol.md 7.4).
type Audience struct {
	Kind       string // empty: groups
	Population string // of user and connection: every one of it, dealt to the senders
}

// Address is what an address id stands for: the group Group of a plan that has so many
// groups, or an audience.
type Address struct {
	Kind       string // of an Audience; empty: a group
	Name       string // the group's or the user's
	Connection int    // of AudienceConnection
}

// audience is a run of addresses behind those of the groups: the connections or the
// users of a population in their order, or the one that is everybody.
type audience struct {
	kind         string
	population   int
	first, count int
}

// layAudiences gives out the addresses behind the groups, which are laid already. What
// comes back from an event handler goes to the connection it came from.
func (p *Plan) layAudiences() {
	for i := range p.Scenario.Populations {
		from := &p.Scenario.Populations[i]
		switch b := from.Publish; {
		case b == nil:
		case b.Event != "":
			p.wantAudience(AudienceConnection, i, b.Senders.Of(from.Connections))
		case b.Audience.Kind == AudienceAll:
			p.wantAudience(AudienceAll, 0, 1)
		case b.Audience.Kind != "":
			j := p.Scenario.population(b.Audience.Population)
			to := &p.Scenario.Populations[j]
			count := to.Connections
			if b.Audience.Kind == AudienceUser {
				count = to.userCount()
			}
			p.wantAudience(b.Audience.Kind, j, count)
		}
	}
	for i := range p.audiences {
		p.audiences[i].first = p.Groups + p.Audiences
		p.Audiences += p.audiences[i].count
	}
}

func (p *Plan) wantAudience(kind string, population, count int) {
	if i := p.audience(kind, population); i >= 0 {
		p.audiences[i].count = max(p.audiences[i].count, count)
		return
	}
	p.audiences = append(p.audiences, audience{kind: kind, population: population, count: count})
}

func (p *Plan) audience(kind string, population int) int {
	for i := range p.audiences {
		if a := &p.audiences[i]; a.kind == kind && a.population == population {
			return i
		}
	}
	return -1
}

// audienceOf is the index of the audience that a population publishes to, -1 for groups.
func (p *Plan) audienceOf(population int) int {
	switch b := p.Scenario.Populations[population].Publish; {
	case b == nil:
		return -1
	case b.Event != "":
		return p.audience(AudienceConnection, population)
	case b.Audience.Kind == AudienceAll:
		return p.audience(AudienceAll, 0)
	case b.Audience.Kind != "":
		return p.audience(b.Audience.Kind, p.Scenario.population(b.Audience.Population))
	}
	return -1
}

// Address says what an address id of [Plan.Addresses] or [Plan.Hears] stands for. It
// formats: not for the hot path.
func (p *Plan) Address(id int) Address {
	if id < p.Groups {
		return Address{Name: p.GroupName(id)}
	}
	for i := range p.audiences {
		a := &p.audiences[i]
		if id >= a.first+a.count {
			continue
		}
		at := Address{Kind: a.kind}
		switch connection := p.Populations[a.population].First + id - a.first; a.kind {
		case AudienceUser:
			at.Name = p.User(connection)
		case AudienceConnection:
			at.Connection = connection
		}
		return at
	}
	return Address{}
}

// Hears appends the addresses whose messages a connection gets to dst: the groups it
// joins and the audiences it belongs to.
func (p *Plan) Hears(dst []int, connection int) []int {
	dst = p.Joins(dst, connection)
	population := p.PopulationOf(connection)
	if p.Scenario.Populations[population].Protocol == ProtocolREST {
		return dst
	}
	user := ""
	for i := range p.audiences {
		a := &p.audiences[i]
		first := p.Populations[a.population].First
		switch a.kind {
		case AudienceAll:
			dst = append(dst, a.first)
		case AudienceConnection:
			if at := connection - first; at >= 0 && at < a.count {
				dst = append(dst, a.first+at)
			}
		case AudienceUser:
			if user == "" {
				user = p.User(connection)
			}
			pattern := p.Scenario.Populations[a.population].Users
			n, ok := userNumber(pattern, user)
			if !strings.Contains(pattern, connectionNumber) {
				n = first // they are all one
			}
			if ok && n >= first && n < first+a.count {
				dst = append(dst, a.first+n-first)
			}
		}
	}
	return dst
}

// userCount is how many users the connections of a population are: as many, or all one.
func (p *Population) userCount() int {
	if strings.Contains(p.Users, connectionNumber) {
		return p.Connections
	}
	return 1
}

// connectionNumber stands for a connection's number in a pattern of user ids.
const connectionNumber = "{n}"

// userNumber finds the number that a pattern makes a user id of; ok is false if none does.
func userNumber(pattern, user string) (n int, ok bool) {
	head, _, numbered := strings.Cut(pattern, connectionNumber)
	if !numbered {
		return 0, user == pattern
	}
	times := strings.Count(pattern, connectionNumber)
	width := (len(user) - len(pattern) + times*len(connectionNumber)) / times
	if width < 1 || !strings.HasPrefix(user, head) || len(user) < len(head)+width {
		return 0, false
	}
	number, err := strconv.ParseUint(user[len(head):len(head)+width], 10, 32)
	return int(number), err == nil && userID(pattern, int(number)) == user
}

func userID(pattern string, connection int) string {
	return strings.ReplaceAll(pattern, connectionNumber, strconv.Itoa(connection))
}
