package emulator

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Lie is one kind of fault of the service told on purpose, so that a checker can be
// checked.
type Lie uint8

// The lies. What a lie is told about, once in so often, is its opportunity; what is
// counted in Stats.Lies is what a checker should find.
const (
	// LieDrop: a delivery of a client's group message is left out, and not numbered.
	LieDrop Lie = iota
	// LieDuplicate: such a delivery is made twice, under two sequence ids.
	LieDuplicate
	// LieSwap: such a delivery to another client comes after the next one of the same
	// publisher and group instead of before it, and is numbered accordingly: only the
	// publisher's order is broken.
	LieSwap
	// LieCorrupt: the last character of the data is another one.
	LieCorrupt
	// LieWrongType: text and JSON come as binary data, binary data as text.
	LieWrongType
	// LieWrongUser: a delivery to a JSON client says that it is of another user.
	LieWrongUser
	// LieWrongMetadata: a delivery has other metadata than it was published with. Simple
	// clients get none.
	LieWrongMetadata
	// LieReuseID: a delivery has the sequence id of the one before it.
	LieReuseID
	// LieStrayID: a delivery of a plain subprotocol has a sequence id.
	LieStrayID
	// LieSkipID: a sequence id is left out before a delivery.
	LieSkipID
	// LieWrongGroup: a publish is delivered to one session that is no member of its
	// group, too.
	LieWrongGroup
	// LieAfterLeave: a publish is delivered to a session that has left its group.
	LieAfterLeave
	// LieAckOnly: a publish that asks for an ack is acknowledged and delivered to
	// nobody. Every copy counts.
	LieAckOnly
	// LieLoseAck: the ack of a publish is not sent.
	LieLoseAck
	// LieAckTwice: the ack of a publish is sent twice.
	LieAckTwice
	// LieRunTwice: a publish that was executed is executed again when it is resent with
	// the same ack id.
	LieRunTwice
	// LieLoseReplay: of what a recovery has to send again, everything is left out up to
	// the first message that was published while the session was detached.
	LieLoseReplay
	// LieReplayAcked: a message that the client has acknowledged is sent again, after the
	// first new one that follows a recovery.
	LieReplayAcked

	lieKinds // their number
)

// lieInfos name the lies and say what they do.
var lieInfos = [lieKinds]struct{ name, text string }{
	LieDrop:          {"drop", "a delivery is left out"},
	LieDuplicate:     {"duplicate", "a delivery is made twice"},
	LieSwap:          {"swap", "a delivery comes after the next one of its publisher"},
	LieCorrupt:       {"corrupt", "a delivery has another last character"},
	LieWrongType:     {"wrong-type", "a delivery has another data type"},
	LieWrongUser:     {"wrong-user", "a delivery names another user as its sender (JSON)"},
	LieWrongMetadata: {"wrong-metadata", "a delivery has other metadata"},
	LieReuseID:       {"reuse-id", "a delivery has the sequence id of the one before it (reliable)"},
	LieStrayID:       {"stray-id", "a delivery has a sequence id where there are none (plain)"},
	LieSkipID:        {"skip-id", "a sequence id is left out (reliable)"},
	LieWrongGroup:    {"wrong-group", "a publish also reaches a session outside of its group"},
	LieAfterLeave:    {"after-leave", "a publish also reaches a session that has left its group"},
	LieAckOnly:       {"ack-only", "a publish is acknowledged and delivered to nobody; every copy counts"},
	LieLoseAck:       {"lose-ack", "the ack of a publish is not sent"},
	LieAckTwice:      {"ack-twice", "the ack of a publish is sent twice"},
	LieRunTwice:      {"run-twice", "a publish that is resent with its ack id is executed again (reliable)"},
	LieLoseReplay:    {"lose-replay", "a recovery leaves out the start of what it has to send again (reliable)"},
	LieReplayAcked:   {"replay-acked", "after a recovery an acknowledged message comes again, behind a new one (reliable)"},
}

// AllLies returns every lie there is.
func AllLies() []Lie {
	all := make([]Lie, lieKinds)
	for i := range all {
		all[i] = Lie(i)
	}
	return all
}

// String is the lie's name on command lines and in Stats.Lies.
func (l Lie) String() string { return lieInfos[l].name }

// Text says what the service then does.
func (l Lie) Text() string { return lieInfos[l].text }

// Share is how often a lie is told: N times at every Of opportunities, evenly. The
// zero value is never.
type Share struct{ N, Of int }

// String is the share as it is written on a command line: 1/1000; "" for never.
func (s Share) String() string {
	if s.N == 0 {
		return ""
	}
	return strconv.Itoa(s.N) + "/" + strconv.Itoa(s.Of)
}

// Lies are the lies to tell, by Lie. The zero value tells the truth.
type Lies [lieKinds]Share

// Set adds one lie, written NAME=N/M, such as swap=1/1000.
func (l *Lies) Set(lie string) error {
	name, share, ok := strings.Cut(lie, "=")
	n, of, fraction := strings.Cut(share, "/")
	i := slices.IndexFunc(lieInfos[:], func(x struct{ name, text string }) bool { return x.name == name })
	s := Share{}
	var errN, errOf error
	s.N, errN = strconv.Atoi(n)
	s.Of, errOf = strconv.Atoi(of)
	switch {
	case !ok || !fraction || errN != nil || errOf != nil || s.N < 0 || s.N > s.Of || s.Of < 1:
		return fmt.Errorf("lie %q: write NAME=N/M, e.g. swap=1/1000", lie)
	case i < 0:
		return fmt.Errorf("lie %q: the emulator knows no lie %q", lie, name)
	}
	if s.N == 0 {
		s = Share{}
	}
	l[i] = s
	return nil
}

func (l *Lies) validate() error {
	for i, s := range l {
		if s != (Share{}) && (s.N < 1 || s.N > s.Of) {
			return fmt.Errorf("lie %s: %d of %d is no share", Lie(i), s.N, s.Of)
		}
	}
	return nil
}

// liar is the core's bad conscience.
type liar struct {
	lies          Lies
	any           bool // one of them may be told: only then anybody looks further
	opportunities [lieKinds]uint64
	swaps         swapLie
}

// setLies changes what is told from now on.
func (c *core) setLies(l Lies) {
	c.liar.lies, c.liar.any = l, l != Lies{}
}

// tempted takes an opportunity for a lie and reports whether it is to be told.
func (c *core) tempted(l Lie) bool {
	s := c.liar.lies[l]
	if s.N == 0 {
		return false
	}
	n := &c.liar.opportunities[l]
	before := *n * uint64(s.N) / uint64(s.Of)
	*n++
	return *n*uint64(s.N)/uint64(s.Of) > before
}

// told counts a lie.
func (c *core) told(l Lie, times int) {
	if times > 0 {
		c.stats.Lies[l.String()] += uint64(times)
	}
}

// SetLies replaces the lies that are told, from now on. The error is of a share that
// is none.
func (s *Server) SetLies(l Lies) error {
	if err := l.validate(); err != nil {
		return err
	}
	if !s.do(func(c *core) { c.setLies(l) }) {
		return errors.New("the emulator is closed")
	}
	return nil
}
