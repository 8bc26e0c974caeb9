package wire_test

import (
	"encoding/json"
	"regexp"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/internal/pb"
)

// The reference decoders go by the code that protoc made of the schema.

func referenceUpstreamBytes(raw []byte) (m wire.Upstream, err error) {
	var p pb.UpstreamMessage
	if proto.Unmarshal(raw, &p) != nil || !supported(raw) {
		return m, errReference
	}
	ackID := func(id *uint64) {
		if id != nil {
			m.HasAckID, m.AckID = true, *id
		}
	}
	switch up := p.Message.(type) {
	case *pb.UpstreamMessage_SendToGroupMessage_:
		x := up.SendToGroupMessage
		m.Kind, m.Group = wire.SendToGroup, b(x.Group)
		ackID(x.AckId)
		m.NoEcho, m.TTLSeconds = x.GetNoEcho(), x.GetTtlSeconds()
		err = referencePayload(&m, x.Data, x.Metadata)
		if x.Stream != nil || m.TTLSeconds > 300 {
			err = errReference
		}
	case *pb.UpstreamMessage_EventMessage_:
		x := up.EventMessage
		m.Kind, m.Event = wire.SendEvent, b(x.Event)
		ackID(x.AckId)
		err = referencePayload(&m, x.Data, x.Metadata)
		if x.Stream != nil || !eventName.MatchString(x.Event) {
			err = errReference
		}
	case *pb.UpstreamMessage_JoinGroupMessage_:
		m.Kind, m.Group = wire.JoinGroup, b(up.JoinGroupMessage.Group)
		ackID(up.JoinGroupMessage.AckId)
	case *pb.UpstreamMessage_LeaveGroupMessage_:
		m.Kind, m.Group = wire.LeaveGroup, b(up.LeaveGroupMessage.Group)
		ackID(up.LeaveGroupMessage.AckId)
	case *pb.UpstreamMessage_SequenceAckMessage_:
		m.Kind, m.SequenceID = wire.SequenceAck, up.SequenceAckMessage.SequenceId
	case *pb.UpstreamMessage_PingMessage_:
		m.Kind = wire.Ping
	default:
		err = errReference
	}
	switch m.Kind {
	case wire.SendToGroup, wire.JoinGroup, wire.LeaveGroup:
		if !wire.ValidGroup(m.Group) { // tested on its own
			err = errReference
		}
	default:
	}
	return m, err
}

// supported says whether no member of the oneof is a stream's or a group state's, even
// one that a later member replaces.
func supported(raw []byte) bool {
	for len(raw) > 0 {
		num, typ, n := protowire.ConsumeField(raw)
		if num >= 13 && num <= 17 && typ == protowire.BytesType {
			return false
		}
		raw = raw[n:]
	}
	return true
}

func referencePayload(m *wire.Upstream, data *pb.MessageData, metadata map[string]string) error {
	total := 0
	for k, v := range metadata {
		total += len(k) + len(v)
		if !httpToken.MatchString(k) || len(k) > 256 || len(v) > 1024 || len(v) != utf8.RuneCountInString(v) {
			return errReference
		}
	}
	if total > 8192 {
		return errReference
	}
	m.Metadata = referenceMetadata(metadata)
	m.HasData = data.GetData() != nil
	m.DataType, m.Data = referenceData(data)
	switch {
	case !m.HasData && len(metadata) == 0:
		return errReference
	case !m.HasData:
		m.DataType = wire.DataText
	case m.DataType == wire.DataJSON && (!json.Valid(m.Data) || depth(m.Data) >= wire.MaxDepth):
		return errReference
	}
	return nil
}

var httpToken = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")

func referenceData(data *pb.MessageData) (wire.DataType, []byte) {
	switch x := data.GetData().(type) {
	case *pb.MessageData_TextData:
		return wire.DataText, b(x.TextData)
	case *pb.MessageData_BinaryData:
		return wire.DataBinary, x.BinaryData
	case *pb.MessageData_ProtobufData:
		raw, _ := proto.MarshalOptions{Deterministic: true}.Marshal(x.ProtobufData)
		return wire.DataProtobuf, raw
	case *pb.MessageData_JsonData:
		return wire.DataJSON, b(x.JsonData)
	}
	return wire.DataJSON, nil
}

// referenceMetadata writes entries as encoding/json does, in the order of their keys.
func referenceMetadata(entries map[string]string) []byte {
	if len(entries) == 0 {
		return nil
	}
	text, _ := json.Marshal(entries)
	return text
}

// canonicalMetadata writes metadata anew: which characters are escaped is free.
func canonicalMetadata(t *testing.T, text []byte) []byte {
	t.Helper()
	var entries map[string]string
	if err := json.Unmarshal(text, &entries); len(text) > 0 && err != nil {
		t.Fatalf("%s is no metadata: %v", text, err)
	}
	return referenceMetadata(entries)
}

func referenceDownstreamBytes(raw []byte) (m wire.Downstream, err error) {
	var p pb.DownstreamMessage
	if proto.Unmarshal(raw, &p) != nil {
		return m, errReference
	}
	switch down := p.Message.(type) {
	case *pb.DownstreamMessage_AckMessage_:
		x := down.AckMessage
		m = wire.Downstream{Kind: wire.Ack, AckID: x.AckId, Success: x.Success}
		if !m.Success {
			m.ErrorName, m.ErrorMessage = b(x.GetError().GetName()), b(x.GetError().GetMessage())
		}
	case *pb.DownstreamMessage_DataMessage_:
		x := down.DataMessage
		switch x.From {
		case "group":
			m = wire.Downstream{Kind: wire.GroupMessage, Group: b(x.GetGroup())}
		case "server":
			m.Kind = wire.ServerMessage
		default:
			return m, nil
		}
		m.SequenceID = x.GetSequenceId()
		m.DataType, m.Data = referenceData(x.Data)
		m.Metadata = referenceMetadata(x.Metadata)
	case *pb.DownstreamMessage_SystemMessage_:
	case *pb.DownstreamMessage_PongMessage_:
		m.Kind = wire.Pong
	case *pb.DownstreamMessage_GroupStateUpdateMessage:
		m.SequenceID = down.GroupStateUpdateMessage.GetSequenceId()
	case *pb.DownstreamMessage_GroupStateSnapshotMessage:
		m.SequenceID = down.GroupStateSnapshotMessage.GetSequenceId()
	}
	if x := p.GetSystemMessage().GetConnectedMessage(); x != nil {
		m = wire.Downstream{Kind: wire.Connected, ConnectionID: b(x.ConnectionId), UserID: b(x.UserId), ReconnectionToken: b(x.GetReconnectionToken())}
	}
	if x := p.GetSystemMessage().GetDisconnectedMessage(); x != nil {
		m = wire.Downstream{Kind: wire.Disconnected, Reason: b(x.Reason)}
	}
	return m, nil
}

// canonicalAny writes an Any anew, without its unknown fields.
func canonicalAny(t *testing.T, raw []byte) []byte {
	t.Helper()
	var a anypb.Any
	if err := proto.Unmarshal(raw, &a); err != nil {
		t.Fatalf("%x is no Any: %v", raw, err)
	}
	raw, _ = proto.MarshalOptions{Deterministic: true}.Marshal(&a)
	return raw
}
