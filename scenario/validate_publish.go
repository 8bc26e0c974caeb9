package scenario

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// The service's limits on what goes beside the data (protocol.md 3.2), in bytes.
const (
	maxTTL              = 300 * time.Second
	maxMetadataKey      = 256
	maxMetadataValue    = 1024
	maxMetadataTogether = 8192
)

// audience judges whom a population publishes to instead of groups.
func (v *validator) audience(path string, p *Population) {
	a := p.Publish.Audience
	switch {
	case a.Kind == "":
		return
	case p.Protocol != ProtocolREST:
		v.refuse(path, "only the REST API reaches users and connections", quote(p.Name)+" has another protocol", "write protocol: rest, or name a family of groups")
		return
	case a.Kind == AudienceAll:
		return
	}
	path += "." + a.Kind
	to := v.population(path, a.Population)
	switch {
	case to == nil:
	case to.Protocol == ProtocolREST:
		v.refuse(path, quote(to.Name)+" receives nothing", "its protocol is rest", "name a population of sessions")
	case a.Kind == AudienceConnection && to.Protocol == ProtocolSimple:
		v.refuse(path, "a simple client does not learn its connection id", quote(to.Name)+" has protocol simple", "send to its user instead")
	case a.Kind == AudienceUser && !v.s.Target.tellsUsers():
		v.refuse(path, "the users of the sessions are not known", "the negotiate server names them", "ask it for them: ?id={user}")
	}
}

// simple refuses what takes an envelope (protocol.md 6).
func (v *validator) simple(path string, p *Population) {
	if len(p.Join) > 0 && !v.s.Target.signs() {
		v.refuseKey(path+".join", "a simple client joins by its token, which is not made here", "needs a target with a connection string or an Entra token alone", "")
	}
	b := p.Publish
	if b == nil {
		return
	}
	at := path + ".publish"
	if b.Ack {
		v.refuse(at+".ack", "a simple client gets no acks", quote(p.Name)+" has protocol simple", "leave it out")
	}
	if b.DataType == "json" {
		v.refuse(at+".data_type", "a simple client sends text or binary", "a frame says no more", "")
	}
	if b.Event != "" {
		if b.Event != "message" {
			v.refuse(at+".event", "the event of a simple client is `message`", "a frame names no other", "")
		}
		return
	}
	if n := v.groupsSentTo(p); n > 1 {
		v.refuseKey(at, "a simple client publishes to one group", fmt.Sprintf("these are %d", n), "the URL it connects with names it: join one group, or publish to a family of one")
	}
}

// groupsSentTo counts the groups that one sender of the population publishes to.
func (v *validator) groupsSentTo(p *Population) int {
	n := 0
	families := p.Publish.To
	if len(families) == 0 {
		for _, j := range p.Join {
			families = append(families, j.Family)
		}
	}
	for _, name := range families {
		if i := slices.IndexFunc(p.Join, func(j Join) bool { return j.Family == name }); i >= 0 {
			n += p.Join[i].Count
		} else if f := v.family(name); f != nil {
			n += f.Count
		}
	}
	return n
}

// extras judges what goes beside the data.
func (v *validator) extras(path string, p *Population) {
	b := p.Publish
	if b.TTL != 0 {
		switch {
		case b.TTL < time.Second, b.TTL > maxTTL, b.TTL%time.Second != 0:
			v.refuse(path+".ttl", quote(path+".ttl")+" must be whole seconds up to "+maxTTL.String(), "this is "+b.TTL.String(), "leave it out for messages that never expire")
		case b.Event != "":
			v.refuse(path+".ttl", "an event does not expire", "it goes to the event handler", "")
		case p.Protocol == ProtocolSimple:
			v.refuse(path+".ttl", "a simple client sends bare payloads", quote(p.Name)+" has protocol simple", "")
		}
	}
	if len(b.Metadata) == 0 {
		return
	}
	if p.Protocol == ProtocolSimple {
		v.refuseKey(path+".metadata", "a simple client sends bare payloads", quote(p.Name)+" has protocol simple", "")
	}
	total := 0
	for key, value := range b.Metadata {
		at := under(path+".metadata", key)
		total += len(key) + len(value)
		switch {
		case !isToken(key) || len(key) > maxMetadataKey:
			v.refuseKey(at, quote(key)+" cannot be a key of metadata", "the service would close the connection", fmt.Sprintf("letters, digits and !#$%%&'*+-.^_`|~, up to %d", maxMetadataKey))
		case p.Protocol == ProtocolREST && strings.ToLower(key) != key:
			v.refuseKey(at, "a key of metadata over REST is lower case", "it travels in the name of a header", "write "+quote(strings.ToLower(key)))
		case !isASCII(value) || len(value) > maxMetadataValue:
			v.refuse(at, "a value of metadata is ASCII", "the service would close the connection", fmt.Sprintf("up to %d characters", maxMetadataValue))
		case p.Protocol == ProtocolREST && (strings.Contains(value, ",") || strings.TrimSpace(value) != value || strings.ContainsFunc(value, isControl)):
			v.refuse(at, "this value of metadata does not survive a header", "no comma, no control character and no space at its ends", "the service takes what follows the last comma")
		}
	}
	if total > maxMetadataTogether {
		v.refuseKey(path+".metadata", fmt.Sprintf("keys and values of metadata have at most %d bytes together", maxMetadataTogether), fmt.Sprintf("these have %d", total), "")
	}
}

// isToken is RFC 9110 5.6.2.
func isToken(s string) bool {
	other := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	}
	return s != "" && !strings.ContainsFunc(s, other)
}

func isASCII(s string) bool { return !strings.ContainsFunc(s, func(r rune) bool { return r > 0x7f }) }

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// maxExtraBytes is the most that time to live and metadata take of a message: a
// character of metadata may need six bytes (\u0000).
func maxExtraBytes(b *Publish) int {
	size := 0
	if b.TTL > 0 {
		size += len(`"ttlSeconds":300,`)
	}
	for key, value := range b.Metadata {
		size += len(`"metadata":{"":""},`) + len(key) + 6*len(value)
	}
	return size
}
