package wire

// DataType says how the payload of a message is carried (protocol.md 3.2, 3.5).
type DataType uint8

// The payload types. DataJSON is the protocol's default for an absent dataType.
const (
	DataJSON DataType = iota
	DataText
	DataBinary
	DataProtobuf // a serialized google.protobuf.Any; upstream on the protobuf subprotocols only
)

// UpstreamKind names a message from client to service.
type UpstreamKind uint8

// The stable upstream messages of protocol.md 3.2.
const (
	UpstreamUnknown UpstreamKind = iota
	JoinGroup
	LeaveGroup
	SendToGroup
	SendEvent
	Ping
	SequenceAck
)

// Upstream is one message from client to service. Which fields mean anything
// depends on Kind. Byte slices are borrowed: after decoding they point into the
// input or into the Decoder and hold until the next call on either.
type Upstream struct {
	Kind     UpstreamKind
	HasAckID bool // AckID was present; 0 is a legal ack id
	NoEcho   bool
	DataType DataType
	HasData  bool // data was present (it may be empty); without it data is not encoded

	AckID      uint64
	SequenceID uint64 // SequenceAck
	TTLSeconds uint32 // SendToGroup, 0..300, 0 = never expires

	Group []byte // JoinGroup, LeaveGroup, SendToGroup
	Event []byte // SendEvent: the event's name
	// Data is the payload itself: UTF-8 text without quotes, raw bytes without
	// base64, or for DataJSON the value's JSON text verbatim.
	Data []byte
	// Metadata is a JSON object of string to string, or empty: on the JSON subprotocols
	// the message's own text.
	Metadata []byte
}

// DownstreamKind names a message from service to client.
type DownstreamKind uint8

// The stable downstream messages of protocol.md 3.3. DownstreamUnknown is any
// other well-formed message: a client must ignore it (protocol.md 3.1).
const (
	DownstreamUnknown DownstreamKind = iota
	Connected
	Disconnected
	Ack
	GroupMessage
	ServerMessage
	Pong
)

// Downstream is one message from service to client. Which fields mean anything
// depends on Kind. Byte slices are borrowed like those of Upstream.
type Downstream struct {
	Kind     DownstreamKind
	Success  bool // Ack
	DataType DataType

	AckID uint64 // Ack
	// SequenceID numbers GroupMessage, ServerMessage and the DownstreamUnknown that the
	// service numbers, too, on reliable subprotocols; 0 = absent.
	SequenceID uint64

	ConnectionID      []byte // Connected
	UserID            []byte // Connected; empty when anonymous
	ReconnectionToken []byte // Connected on reliable subprotocols

	Reason []byte // Disconnected: the service's text

	ErrorName    []byte // Ack with Success false
	ErrorMessage []byte

	Group      []byte // GroupMessage
	FromUserID []byte // GroupMessage; empty when anonymous, sent over REST, or in protobuf, which has no field for it
	Data       []byte // GroupMessage, ServerMessage; as Upstream.Data; empty also when absent
	Metadata   []byte // JSON object (its members are not checked), or empty
}
