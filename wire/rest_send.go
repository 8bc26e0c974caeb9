package wire

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

// Audience names connections of a hub, for a [REST] operation on all of them.
// The zero value is every connection of the hub.
type Audience struct {
	segments []string // of the path within the hub
	kind     string   // for messages
}

// ToAll is every connection of the hub.
func ToAll() Audience { return Audience{} }

// ToGroup is the members of a group.
func ToGroup(group string) Audience { return Audience{[]string{"groups", group}, "group"} }

// ToUser is the connections of a user.
func ToUser(userID string) Audience { return Audience{[]string{"users", userID}, "user"} }

// ToConnection is one connection.
func ToConnection(connectionID string) Audience {
	return Audience{[]string{"connections", connectionID}, "connection"}
}

func (a Audience) String() string {
	if a.kind == "" {
		return "all"
	}
	return a.kind
}

// RESTMessage is what an application sends (protocol.md 7.1, 7.4). Only DataType and
// Data are needed.
type RESTMessage struct {
	DataType DataType // DataText, DataJSON or DataBinary
	Data     []byte   // text, one JSON value or raw bytes; not kept

	Excluded   []string          // connection ids that get nothing; with ToAll and ToGroup
	Filter     string            // protocol.md 7.5: who gets it; not with ToConnection
	TTLSeconds int               // 0..300, 0 = never expires
	Metadata   map[string]string // keys arrive in lower case
}

// Send has the service send m to an audience: as a group message to a group, else as
// a message of the server. No error means that it was accepted, not that it was
// delivered, nor that anybody was there.
func (r *REST) Send(ctx context.Context, to Audience, m *RESTMessage) error {
	contentType := map[DataType]string{DataText: "text/plain", DataJSON: "application/json"}[m.DataType]
	if contentType == "" {
		contentType = "application/octet-stream"
	}
	query := url.Values{}
	if len(m.Excluded) > 0 {
		query["excluded"] = m.Excluded
	}
	if m.Filter != "" {
		query.Set("filter", m.Filter)
	}
	if m.TTLSeconds != 0 {
		query.Set("messageTtlSeconds", strconv.Itoa(m.TTLSeconds))
	}
	header := http.Header{}
	for key, value := range m.Metadata {
		header.Set("X-WebPubSub-Metadata-"+key, value)
	}
	_, err := r.call(ctx, &restCall{name: "send to " + to.String(), method: http.MethodPost,
		path: r.path(append(slices.Clone(to.segments), ":send")...), query: query, header: header,
		contentType: contentType, body: m.Data, want: http.StatusAccepted})
	return err
}

// SendToGroup has the service publish data to a group.
func (r *REST) SendToGroup(ctx context.Context, group string, t DataType, data []byte) error {
	return r.Send(ctx, ToGroup(group), &RESTMessage{DataType: t, Data: data})
}

// SendToAll has the service send data to every connection of the hub.
func (r *REST) SendToAll(ctx context.Context, t DataType, data []byte) error {
	return r.Send(ctx, ToAll(), &RESTMessage{DataType: t, Data: data})
}
