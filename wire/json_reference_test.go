package wire_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/wpsbench/wpsbench/wire"
)

// The reference decoders say in the plainest way, over encoding/json, what the real
// ones must accept and yield. Differences from encoding/json are in members alone.

var errReference = errors.New("refused by the reference")

type object map[string]json.RawMessage

// members refuses what the Decoder documents as different: invalid UTF-8, and nesting
// beyond MaxDepth.
func members(b []byte) (object, error) {
	var o object
	if !utf8.Valid(b) || json.Unmarshal(b, &o) != nil || o == nil || depth(b) > wire.MaxDepth {
		return nil, errReference
	}
	return o, nil
}

func depth(b []byte) (deepest int) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	for now := 0; ; {
		token, err := dec.Token()
		if err != nil {
			return deepest
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			now++
			deepest = max(deepest, now)
		case json.Delim('}'), json.Delim(']'):
			now--
		}
	}
}

func (o object) has(name string) bool { return o[name] != nil && string(o[name]) != "null" }

func (o object) text(name string) ([]byte, error) {
	var s string
	if !bytes.HasPrefix(o[name], []byte(`"`)) || json.Unmarshal(o[name], &s) != nil {
		return nil, errReference
	}
	return []byte(s), nil
}

func (o object) optionalText(name string) ([]byte, error) {
	if !o.has(name) {
		return nil, nil
	}
	return o.text(name)
}

func (o object) uint(name string) (uint64, error) { return strconv.ParseUint(string(o[name]), 10, 64) }

func (o object) bool(name string) (b bool, err error) {
	if s := string(o[name]); s != "true" && s != "false" {
		return false, errReference
	}
	return b, json.Unmarshal(o[name], &b)
}

func (o object) dataType() (wire.DataType, error) {
	name, err := o.text("dataType")
	if err != nil {
		return 0, err
	}
	for t, word := range map[wire.DataType]string{
		wire.DataJSON: "json", wire.DataText: "text", wire.DataBinary: "binary", wire.DataProtobuf: "protobuf",
	} {
		if lower(name) == word {
			return t, nil
		}
	}
	return 0, errReference
}

// lower is for ASCII letters only: strings.ToLower would take the Kelvin sign for a k.
func lower(name []byte) string {
	return strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf {
			return unicode.ToLower(r)
		}
		return r
	}, string(name))
}

func (o object) payload(t wire.DataType) ([]byte, error) {
	if t == wire.DataJSON {
		return o["data"], nil
	}
	text, err := o.text("data")
	if err != nil || t == wire.DataText {
		return text, err
	}
	if bytes.ContainsAny(text, "\r\n") {
		return nil, errReference
	}
	return base64.StdEncoding.DecodeString(string(text))
}

// set stores the value and keeps the first error.
func set[T any](err *error, field *T, value T, valueErr error) {
	*field = value
	if *err == nil {
		*err = valueErr
	}
}

func referenceDownstream(b []byte) (m wire.Downstream, err error) {
	o, err := members(b)
	if err != nil {
		return m, err
	}
	kind, kindErr := o.text("type")
	if kindErr != nil {
		return m, nil
	}
	take := func(field *[]byte, value []byte, valueErr error) { set(&err, field, value, valueErr) }
	switch lower(kind) {
	case "pong":
		m.Kind = wire.Pong
	case "groupstatesnapshot", "groupstateupdate":
		if o.has("sequenceId") {
			id, idErr := o.uint("sequenceId")
			set(&err, &m.SequenceID, id, idErr)
		}
	case "system":
		event, eventErr := o.text("event")
		if eventErr != nil {
			return m, eventErr
		}
		switch string(event) {
		case "connected":
			m.Kind = wire.Connected
			text, textErr := o.text("connectionId")
			take(&m.ConnectionID, text, textErr)
			text, textErr = o.optionalText("userId")
			take(&m.UserID, text, textErr)
			text, textErr = o.optionalText("reconnectionToken")
			take(&m.ReconnectionToken, text, textErr)
		case "disconnected":
			m.Kind = wire.Disconnected
			text, textErr := o.optionalText("message")
			take(&m.Reason, text, textErr)
		}
	case "ack":
		m.Kind = wire.Ack
		id, idErr := o.uint("ackId")
		set(&err, &m.AckID, id, idErr)
		success, successErr := o.bool("success")
		set(&err, &m.Success, success, successErr)
		if err == nil && !success && o.has("error") {
			nested, nestedErr := members(o["error"])
			if nestedErr != nil {
				return m, nestedErr
			}
			text, textErr := nested.optionalText("name")
			take(&m.ErrorName, text, textErr)
			text, textErr = nested.optionalText("message")
			take(&m.ErrorMessage, text, textErr)
		}
	case "message":
		err = o.dataMessage(&m)
	}
	return m, err
}

func (o object) dataMessage(m *wire.Downstream) (err error) {
	from, err := o.text("from")
	if err != nil {
		return err
	}
	switch string(from) {
	case "group":
		m.Kind = wire.GroupMessage
		group, groupErr := o.text("group")
		set(&err, &m.Group, group, groupErr)
		user, userErr := o.optionalText("fromUserId")
		set(&err, &m.FromUserID, user, userErr)
	case "server":
		m.Kind = wire.ServerMessage
	default:
		return nil
	}
	if o.has("sequenceId") {
		id, idErr := o.uint("sequenceId")
		set(&err, &m.SequenceID, id, idErr)
	}
	if o.has("dataType") {
		t, typeErr := o.dataType()
		set(&err, &m.DataType, t, typeErr)
	}
	if o["data"] != nil {
		data, dataErr := o.payload(m.DataType)
		set(&err, &m.Data, data, dataErr)
	}
	if o.has("metadata") {
		_, metadataErr := members(o["metadata"])
		set(&err, &m.Metadata, []byte(o["metadata"]), metadataErr)
	}
	return err
}

var eventName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_.-]{0,127}$`)

func referenceUpstream(b []byte) (m wire.Upstream, err error) {
	o, err := members(b)
	if err != nil {
		return m, err
	}
	kind, err := o.text("type")
	if err != nil {
		return m, err
	}
	switch lower(kind) {
	case "joingroup":
		m.Kind = wire.JoinGroup
		m.Group, err = o.group()
	case "leavegroup":
		m.Kind = wire.LeaveGroup
		m.Group, err = o.group()
	case "sendtogroup":
		m.Kind = wire.SendToGroup
		m.Group, err = o.group()
		err = errors.Join(err, o.sendOptions(&m), o.upstreamData(&m))
	case "event":
		m.Kind = wire.SendEvent
		m.Event, err = o.text("event")
		if !eventName.Match(m.Event) {
			return m, errReference
		}
		err = errors.Join(err, o.upstreamData(&m))
	case "ping":
		m.Kind = wire.Ping
		return m, nil
	case "sequenceack":
		m.Kind = wire.SequenceAck
		m.SequenceID, err = o.uint("sequenceId")
		return m, err
	default:
		return m, errReference
	}
	if o.has("ackId") {
		m.HasAckID = true
		id, idErr := o.uint("ackId")
		set(&err, &m.AckID, id, idErr)
	}
	return m, err
}

func (o object) group() ([]byte, error) {
	name, err := o.text("group")
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(string(name)) == "" || len(utf16.Encode([]rune(string(name)))) > 1024 {
		return nil, errReference
	}
	return name, nil
}

func (o object) sendOptions(m *wire.Upstream) (err error) {
	if o["noEcho"] != nil {
		m.NoEcho, err = o.bool("noEcho")
	}
	if o["ttlSeconds"] != nil {
		ttl, ttlErr := o.uint("ttlSeconds")
		if ttlErr != nil || ttl > 300 {
			return errReference
		}
		m.TTLSeconds = uint32(ttl)
	}
	if o.has("stream") {
		return errReference
	}
	return err
}

func (o object) upstreamData(m *wire.Upstream) (err error) {
	if o["dataType"] != nil {
		if m.DataType, err = o.dataType(); err != nil || m.DataType == wire.DataProtobuf {
			return errReference
		}
	}
	if o["metadata"] != nil {
		if !validMetadata(o["metadata"]) {
			return errReference
		}
		m.Metadata = o["metadata"]
	}
	switch {
	case o.has("data"):
		m.HasData = true
		m.Data, err = o.payload(m.DataType)
		return err
	case o["data"] == nil && m.Metadata != nil:
		m.DataType = wire.DataText
		return nil
	}
	return errReference
}

var metadataKey = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$")

func validMetadata(b json.RawMessage) bool {
	dec := json.NewDecoder(bytes.NewReader(b))
	if token, err := dec.Token(); err != nil || token != json.Delim('{') {
		return false
	}
	seen := make(map[string]bool)
	size := 0
	for dec.More() {
		key, keyErr := dec.Token()
		val, valErr := dec.Token()
		if keyErr != nil || valErr != nil {
			return false
		}
		text, ok := val.(string)
		name := key.(string)
		size += len(name) + len(text)
		ascii := strings.IndexFunc(text, func(r rune) bool { return r > 127 }) < 0
		if !ok || !ascii || len(text) > 1024 || !metadataKey.MatchString(name) || seen[name] || size > 8192 {
			return false
		}
		seen[name] = true
	}
	_, err := dec.Token()
	return err == nil || errors.Is(err, io.EOF)
}
