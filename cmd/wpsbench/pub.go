package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire"
)

const (
	// maxPublishes is how many messages are under way.
	maxPublishes = 100
	// defaultRate is what a subscriber survives that acks once a second, as the
	// official clients do: the service holds 1,000 messages for it (protocol.md 4.4).
	defaultRate = 500
	// maxMessageBytes is the service's limit on one message, envelope included.
	maxMessageBytes = 1 << 20
	// maxConnections is how many connections may be lost over one message: one that
	// the service answers by ending the connection must not be sent for ever.
	maxConnections = 3
	// giveUpAfter is how many attempts at a new connection may fail, about one a second.
	giveUpAfter = 30
)

func (a *app) pubCommand() *cli.Command {
	return &cli.Command{
		Name:      "pub",
		Usage:     "publish a message, or one per line of standard input, to a group",
		ArgsUsage: "GROUP [MESSAGE]",
		Description: "Every message is acknowledged, and sent again with the same ack id after a drop. Exits\n" +
			"with 0 when all were acknowledged, 10 when some failed, 15 when the target was not reached.",
		Flags: append(remoteFlags(),
			&cli.StringFlag{Name: "user", Value: "wpsbench", Usage: "user `ID`"},
			&cli.StringFlag{Name: "type", Value: "text", Usage: "`WHAT` a message is: text or json"},
			&cli.IntFlag{Name: "rate", Value: defaultRate, Usage: "at most `N` messages a second, for subscribers to keep up; 0 = no limit"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print errors only"},
		),
		OnUsageError: usageError,
		Action:       a.pubAction,
	}
}

func (a *app) pubAction(c *cli.Context) error {
	if n := c.Args().Len(); n != 1 && n != 2 {
		return failf(exitUsage, "pub takes a group and at most one message, got %d arguments", n)
	}
	group := c.Args().First()
	if err := checkGroups([]string{group}); err != nil {
		return err
	}
	dataType, ok := map[string]wire.DataType{"text": wire.DataText, "json": wire.DataJSON}[c.String("type")]
	if !ok {
		return failf(exitUsage, "--type %q: write text or json", c.String("type"))
	}
	if c.Int("rate") < 0 {
		return failf(exitUsage, "--rate must not be negative")
	}
	r, err := a.remote(c)
	if err != nil {
		return err
	}
	cfg, _ := wire.Preset("sdk-js")
	cfg.Retry.NewAckID = false
	cfg.Reconnect.Attempts = giveUpAfter
	cfg.MaxMessageBytes = maxMessageBytes
	access := wire.Access{UserID: c.String("user"), Roles: groupRoles("sendToGroup", []string{group}), Life: time.Hour}
	s, err := a.newSolo(c, r, cfg, access)
	if err != nil {
		return err
	}
	p := &lines{solo: s, group: group, dataType: dataType, rate: c.Int("rate"), slots: make(chan struct{}, maxPublishes),
		ended: make(chan struct{}), underWay: map[uint64]*message{}}
	s.on = p.event
	read := func() error { return eachLine(a.stdin, p.hand) }
	if text := c.Args().Get(1); c.Args().Len() == 2 {
		read = func() error { p.hand([]byte(text)); return nil }
	}
	// The reader is not waited for: nothing interrupts a read of standard input.
	go func() {
		err := read()
		p.loop.Do(func(now time.Duration) { p.exhausted(now, err) })
	}()
	sig := watchSignals(c.Context, nil)
	defer sig.release()
	err = s.run(sig)
	close(p.ended)
	return p.verdict(err, sig)
}

// message is one that waits for its ack, or to be sent.
type message struct {
	number uint64 // from 1
	data   []byte
	lost   int // connections that ended before its ack came
}

// lines publishes a message per line. All but hand belongs to the loop's goroutine.
type lines struct {
	*solo
	group    string
	dataType wire.DataType
	rate     int           // messages a second, 0 = no limit
	slots    chan struct{} // one taken per message that is not settled
	ended    chan struct{} // closed when nobody publishes any more

	due      time.Duration // hand's: the next message
	number   uint64        // of the newest message
	underWay map[uint64]*message
	waiting  []*message // ascending numbers, while the session cannot take them
	complete bool       // everything has been read
	readErr  error

	acked, failed, again int
}

// hand brings one message to the loop, once it is due and there is room for it. It
// keeps a copy, and belongs to the goroutine that reads.
func (p *lines) hand(data []byte) {
	if p.rate > 0 {
		now := wire.Now()
		p.due = max(p.due, now-time.Second/10) // what was not sent while nothing came is not made up for
		select {
		case <-time.After(p.due - now):
		case <-p.ended:
			return
		}
		p.due += time.Second / time.Duration(p.rate)
	}
	select {
	case p.slots <- struct{}{}:
	case <-p.ended:
		return
	}
	m := &message{data: bytes.ToValidUTF8(data, []byte("\uFFFD"))}
	p.loop.Do(func(now time.Duration) {
		p.number++
		m.number = p.number
		p.waiting = append(p.waiting, m)
		p.flush(now)
	})
}

// eachLine calls fn with each line, which is borrowed.
func eachLine(in io.Reader, fn func(line []byte)) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxMessageBytes)
	n := 0
	for lines.Scan() {
		n++
		fn(bytes.Clone(lines.Bytes()))
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("line %d is longer than the service's limit of %d bytes", n+1, maxMessageBytes)
	}
	return lines.Err()
}

func (p *lines) exhausted(now time.Duration, err error) {
	p.complete = true
	p.readErr = err
	p.settle(now)
}

func (p *lines) event(now time.Duration, ev *wire.Event) {
	switch ev.Kind {
	case wire.EventReady, wire.EventOpened:
		p.flush(now)
	case wire.EventAcked:
		p.answered(now, ev)
	case wire.EventUnanswered:
		p.unanswered(ev.Request)
	default:
	}
}

// flush publishes what waits, oldest first.
func (p *lines) flush(now time.Duration) {
	for len(p.waiting) > 0 && p.client.Ready() {
		m := p.waiting[0]
		if p.dataType == wire.DataJSON && (!json.Valid(m.data) || string(bytes.TrimSpace(m.data)) == "null") {
			p.waiting = p.waiting[1:]
			p.reject(m, "it is not a JSON value other than null")
			continue
		}
		_, err := p.client.Publish(now, &wire.Publish{
			Group: p.group, DataType: p.dataType, Data: m.data, Ack: true, Tag: m.number,
		})
		if err != nil && !errors.Is(err, wire.ErrTooLarge) {
			return
		}
		p.waiting = p.waiting[1:]
		if err != nil {
			p.reject(m, fmt.Sprintf("it is larger than the service's limit of %d bytes", maxMessageBytes))
			continue
		}
		p.underWay[m.number] = m
	}
	p.settle(now)
}

func (p *lines) answered(now time.Duration, ev *wire.Event) {
	m := p.underWay[ev.Request.Tag]
	if m == nil {
		return
	}
	delete(p.underWay, m.number)
	if ev.Success {
		p.acked++
		<-p.slots
	} else {
		p.reject(m, fmt.Sprintf("%s: %s", visible(string(ev.Message.ErrorName)), visible(string(ev.Message.ErrorMessage))))
	}
	p.settle(now)
}

// unanswered has a message published again on the next connection. The one it was
// sent on may have brokered it before it ended: that nobody can know.
func (p *lines) unanswered(r *wire.Request) {
	m := p.underWay[r.Tag]
	if m == nil {
		return
	}
	delete(p.underWay, m.number)
	m.lost++
	switch {
	case p.closing:
		p.failed++
		<-p.slots
	case m.lost == maxConnections:
		p.reject(m, fmt.Sprintf("%d connections were lost over it", m.lost))
	default:
		p.again++
		i, _ := slices.BinarySearchFunc(p.waiting, m, func(a, b *message) int { return cmp.Compare(a.number, b.number) })
		p.waiting = slices.Insert(p.waiting, i, m)
	}
}

// reject gives a message up.
func (p *lines) reject(m *message, why string) {
	p.failed++
	<-p.slots
	_, _ = fmt.Fprintf(p.app.stderr, "wpsbench: message %d failed: %s\n", m.number, why)
}

// settle ends the session when nothing is left to do.
func (p *lines) settle(now time.Duration) {
	if p.complete && len(p.waiting)+len(p.underWay) == 0 && p.ready && !p.closing {
		p.end(now)
	}
}

// verdict says what became of the messages, and with which status to exit.
func (p *lines) verdict(err error, sig signals) error {
	failed := p.failed + len(p.waiting) + len(p.underWay)
	if err != nil && !p.ready {
		return err
	}
	p.say("%d acknowledged, %d failed", p.acked, failed)
	if p.again > 0 {
		p.say("%d were published again on a new connection and may have arrived twice", p.again)
	}
	switch {
	case err != nil:
		return failf(metrics.ExitFail, "%w", err)
	case sig.stop.Err() != nil && (failed > 0 || !p.complete):
		return failf(sig.status(), "interrupted before everything was published")
	case p.readErr != nil:
		return failf(metrics.ExitFail, "read: %w", p.readErr)
	case failed > 0:
		return &exitError{code: metrics.ExitFail, err: errors.New("some messages failed"), silent: true}
	}
	return nil
}
