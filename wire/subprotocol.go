package wire

// Subprotocol names the format of a connection, as it stands in the header
// Sec-WebSocket-Protocol (protocol.md 1.4).
type Subprotocol string

// The subprotocols of the service, and the absence of one.
const (
	// Simple is a plain WebSocket without a service subprotocol: raw frames, no envelope.
	Simple Subprotocol = ""
	// JSON is the plain JSON subprotocol: a drop ends the connection and what was in flight.
	JSON Subprotocol = "json.webpubsub.azure.v1"
	// JSONReliable adds sequence ids, a replay buffer and recovery.
	JSONReliable Subprotocol = "json.reliable.webpubsub.azure.v1"
	// Protobuf is JSON's twin with binary messages (protocol.md 5).
	Protobuf Subprotocol = "protobuf.webpubsub.azure.v1"
	// ProtobufReliable is JSONReliable's twin with binary messages.
	ProtobufReliable Subprotocol = "protobuf.reliable.webpubsub.azure.v1"
)

// Subprotocols are the named ones.
var Subprotocols = [...]Subprotocol{JSON, JSONReliable, Protobuf, ProtobufReliable}

// Reliable says whether the service numbers, buffers and replays data messages.
func (p Subprotocol) Reliable() bool { return p == JSONReliable || p == ProtobufReliable }

// Encoding says how the messages are written.
func (p Subprotocol) Encoding() Encoding {
	switch p {
	case JSON, JSONReliable:
		return EncodingJSON
	case Protobuf, ProtobufReliable:
		return EncodingProtobuf
	default:
		return EncodingNone
	}
}
