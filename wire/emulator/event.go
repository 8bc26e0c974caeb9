package emulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wpsbench/wpsbench/wire"
)

// eventKind is the family of an event, the middle of its ce-type.
type eventKind string

const (
	systemEvent eventKind = "sys"
	userEvent   eventKind = "user"
)

// event is one event on its way to its handler, which no later change of the
// connection affects.
type event struct {
	handler *Handler
	kind    eventKind
	name    string
	id      uint64

	hub, connectionID, user, subprotocol, state string

	contentType string
	body        []byte
	metadata    []byte // raw JSON object, or empty
	cookies     http.CookieJar

	// Events that nothing waits for keep their order all the same: this one is not
	// sent before after is closed, and closes finished. Nil: no such order.
	after    <-chan struct{}
	finished chan struct{}
}

// eventSource is what a connection needs to make events. A session has none while
// no handler serves its hub.
type eventSource struct {
	hub, connectionID, user, subprotocol string

	state    string // ce-connectionState, the handler's
	lastID   uint64 // `connect` has 0
	cookies  http.CookieJar
	notified <-chan struct{} // closed when the last notification has been sent
}

// event makes the next event of the connection.
func (s *eventSource) event(h *Handler, kind eventKind, name string) *event {
	s.lastID++
	return &event{
		handler: h, kind: kind, name: name, id: s.lastID,
		hub: s.hub, connectionID: s.connectionID, user: s.user, subprotocol: s.subprotocol, state: s.state,
		cookies: s.cookies,
	}
}

// header returns the request's header (protocol.md 8.2), with the names as they are
// written there.
func (e *event) header(origin, key string, now time.Time) (http.Header, error) {
	h := http.Header{
		"WebHook-Request-Origin": {origin},
		"Content-Type":           {e.contentType},
		"ce-specversion":         {"1.0"},
		"ce-awpsversion":         {"1.0"},
		"ce-type":                {"azure.webpubsub." + string(e.kind) + "." + e.name},
		"ce-source":              {"/hubs/" + escape(e.hub) + "/client/" + e.connectionID},
		"ce-id":                  {strconv.FormatUint(e.id, 10)},
		"ce-time":                {now.UTC().Format("2006-01-02T15:04:05Z")},
		"ce-signature":           {wire.EventSignature(e.connectionID, key)},
		"ce-connectionId":        {e.connectionID},
		"ce-hub":                 {e.hub},
		"ce-eventName":           {e.name},
	}
	for name, value := range map[string]string{
		"ce-userId": e.user, "ce-subprotocol": e.subprotocol, "ce-connectionState": e.state,
	} {
		if value != "" {
			h[name] = []string{value}
		}
	}
	if len(e.metadata) > 0 {
		var metadata map[string]string
		if err := json.Unmarshal(e.metadata, &metadata); err != nil {
			return nil, fmt.Errorf("metadata: %w", err)
		}
		for name, value := range metadata {
			h[metadataPrefix+strings.ToLower(name)] = []string{value}
		}
	}
	for name, values := range h {
		if strings.ContainsFunc(values[0], func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			return nil, fmt.Errorf("%s holds a control character", name)
		}
	}
	return h, nil
}

// metadataPrefix begins the names of headers that carry a message's metadata.
const metadataPrefix = "x-webpubsub-metadata-"

// reply is a handler's answer with a status of 2xx.
type reply struct {
	header http.Header
	body   []byte
}

// take remembers the connection state that a blocking event's handler wants back, an
// empty one included (protocol.md 8.3).
func (s *eventSource) take(r *reply) {
	if state := r.header.Values("ce-connectionState"); len(state) > 0 {
		s.state = state[0]
	}
}

// message returns what the client gets of the answer to a user event; nil if nothing.
func (r *reply) message() (*wire.Downstream, error) {
	d := &wire.Downstream{Kind: wire.ServerMessage, DataType: wire.DataText, Data: r.body}
	var err error
	if d.Metadata, err = replyMetadata(r.header); err != nil {
		return nil, err
	}
	if len(r.body) == 0 {
		if d.Metadata == nil {
			return nil, nil
		}
		return d, nil
	}
	contentType := r.header.Get("Content-Type")
	mediaType := "application/octet-stream"
	if contentType != "" {
		if mediaType, _, err = mime.ParseMediaType(contentType); err != nil {
			return nil, errors.New("the answer's Content-Type is not a valid one")
		}
	}
	switch mediaType {
	case "application/octet-stream":
		d.DataType = wire.DataBinary
	case "application/x-protobuf":
		d.DataType = wire.DataProtobuf
	case "application/json":
		d.DataType = wire.DataJSON
		if !wire.ValidJSON(r.body) {
			return nil, errors.New("the answer is not valid JSON")
		}
	case "text/plain":
		if !utf8.Valid(r.body) {
			return nil, errors.New("the answer's text is not UTF-8")
		}
	default:
		return nil, fmt.Errorf("the answer is of type %q: want text/plain, application/json or application/octet-stream", mediaType)
	}
	return d, nil
}

// replyMetadata collects the metadata of an answer; nil if it has none.
func replyMetadata(h http.Header) ([]byte, error) {
	metadata := make(map[string]string)
	size := 0
	for name, values := range h {
		key, found := strings.CutPrefix(strings.ToLower(name), metadataPrefix)
		if !found || key == "" {
			continue
		}
		value := values[len(values)-1]
		size += len(key) + len(value)
		if len(key) > wire.MaxMetadataKeyBytes || len(value) > wire.MaxMetadataValueBytes || size > wire.MaxMetadataBytes ||
			strings.ContainsFunc(value, func(r rune) bool { return r >= utf8.RuneSelf }) {
			return nil, errors.New("the answer's metadata is not valid")
		}
		metadata[key] = value
	}
	if len(metadata) == 0 {
		return nil, nil
	}
	return json.Marshal(metadata)
}

// contentTypeOf names a payload's type to a handler (protocol.md 8.2).
func contentTypeOf(t wire.DataType) string {
	switch t {
	case wire.DataText:
		return "text/plain"
	case wire.DataBinary:
		return "application/octet-stream"
	case wire.DataProtobuf:
		return "application/x-protobuf"
	default:
		return "application/json"
	}
}
