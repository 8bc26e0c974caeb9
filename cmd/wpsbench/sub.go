package main

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/wpsbench/wpsbench/wire"
)

func (a *app) subCommand() *cli.Command {
	return &cli.Command{
		Name:      "sub",
		Usage:     "print the messages of groups, a line each, until interrupted",
		ArgsUsage: "GROUP...",
		Description: "Reconnects and recovers like the official JavaScript client. With several groups each\n" +
			"line begins with the group and a tab. Exits with 0 when interrupted.",
		Flags: append(remoteFlags(),
			&cli.StringFlag{Name: "user", Value: "wpsbench", Usage: "user `ID`"},
			&cli.BoolFlag{Name: "json", Usage: "a JSON object per message"},
			&cli.IntFlag{Name: "count", Aliases: []string{"n"}, Usage: "end after `N` messages; 0 = never"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "say nothing about the connection"},
		),
		OnUsageError: usageError,
		Action:       a.subAction,
	}
}

func (a *app) subAction(c *cli.Context) error {
	groups := c.Args().Slice()
	if len(groups) == 0 {
		return failf(exitUsage, "sub takes one or more groups")
	}
	if err := checkGroups(groups); err != nil {
		return err
	}
	if c.Int("count") < 0 {
		return failf(exitUsage, "--count must not be negative")
	}
	r, err := a.remote(c)
	if err != nil {
		return err
	}
	cfg, _ := wire.Preset("sdk-js")
	cfg.SequenceAck.EveryMessages = 100 // by time alone, 1,000 messages a second end the session (protocol.md 4.4)
	access := wire.Access{UserID: c.String("user"), Roles: groupRoles("joinLeaveGroup", groups), Life: time.Hour}
	s, err := a.newSolo(c, r, cfg, access)
	if err != nil {
		return err
	}
	sub := &subscriber{solo: s, json: c.Bool("json"), named: len(groups) > 1, limit: c.Int("count")}
	s.on = sub.event
	for _, group := range groups {
		s.client.Join(0, group) // nothing leaves before Start
	}
	sig := watchSignals(c.Context, nil)
	defer sig.release()
	return s.run(sig)
}

// subscriber prints what comes. It writes on the loop's goroutine: a reader that
// stops reading stops the acks too, and the service decides how long it waits.
type subscriber struct {
	*solo
	json  bool
	named bool // a line says which group it is of
	limit int  // 0 = none
	seen  int
	line  []byte
}

func (s *subscriber) event(now time.Duration, ev *wire.Event) {
	switch ev.Kind {
	case wire.EventReady:
		if ev.Success && ev.Connection == 1 {
			s.say("listening on %s; Ctrl-C ends it", s.remote.endpoint())
		}
	case wire.EventMessage:
		if ev.Fresh && !s.closing {
			s.print(now, ev.Message)
		}
	default:
	}
}

func (s *subscriber) print(now time.Duration, m *wire.Downstream) {
	s.line = s.line[:0]
	if s.json {
		s.line = appendJSONLine(s.line, m)
	} else {
		s.line = appendTextLine(s.line, m, s.named)
	}
	if _, err := s.app.stdout.Write(append(s.line, '\n')); err != nil {
		s.fail(now, failf(exitSetup, "write: %w", err))
		return
	}
	if s.seen++; s.seen == s.limit {
		s.end(now)
	}
}

func appendTextLine(line []byte, m *wire.Downstream, named bool) []byte {
	if named {
		line = append(line, visible(string(m.Group))...)
		line = append(line, '\t')
	}
	if m.DataType == wire.DataBinary || m.DataType == wire.DataProtobuf {
		return base64.StdEncoding.AppendEncode(line, m.Data)
	}
	return append(line, visible(string(m.Data))...)
}

// appendJSONLine writes a message with the names of the service's own JSON frames
// (protocol.md 3.3).
func appendJSONLine(line []byte, m *wire.Downstream) []byte {
	out := struct {
		From       string          `json:"from"`
		Group      string          `json:"group,omitempty"`
		FromUserID string          `json:"fromUserId,omitempty"`
		DataType   string          `json:"dataType"`
		Data       any             `json:"data"`
		Metadata   json.RawMessage `json:"metadata,omitempty"`
		SequenceID uint64          `json:"sequenceId,omitempty"`
	}{
		From: "group", Group: string(m.Group), FromUserID: string(m.FromUserID),
		Metadata: m.Metadata, SequenceID: m.SequenceID,
	}
	if m.Kind == wire.ServerMessage {
		out.From = "server"
	}
	switch m.DataType {
	case wire.DataJSON:
		out.DataType, out.Data = "json", json.RawMessage(m.Data)
	case wire.DataText:
		out.DataType, out.Data = "text", string(m.Data)
	case wire.DataBinary:
		out.DataType, out.Data = "binary", m.Data // base64
	default:
		out.DataType, out.Data = "protobuf", m.Data
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(out); err != nil {
		// The service sent no value at all, or metadata that is none.
		out.Data, out.Metadata = nil, nil
		_ = e.Encode(out)
	}
	return append(line, strings.TrimSuffix(b.String(), "\n")...)
}
