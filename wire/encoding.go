package wire

import (
	"errors"

	"github.com/gobwas/ws"
)

// Encoding is how a subprotocol writes its messages. It is the one place where the
// two notations of the same messages part; both ends go by it.
type Encoding uint8

// The encodings.
const (
	// EncodingNone: no envelope. A message is the payload of its Data, in a frame of
	// the type that its DataType asks for (protocol.md 3.5, 6).
	EncodingNone Encoding = iota
	EncodingJSON
	EncodingProtobuf
)

// errNoEnvelope: bare payloads cannot be decoded, their frame says all there is.
var errNoEnvelope = errors.New("message has no envelope")

// OpCode returns the type of frame that carries every message (protocol.md 1.4);
// of EncodingNone 0: either may.
func (e Encoding) OpCode() ws.OpCode {
	switch e {
	case EncodingJSON:
		return ws.OpText
	case EncodingProtobuf:
		return ws.OpBinary
	default:
		return 0
	}
}

// AppendUpstream appends one message from client to service to dst.
func (e Encoding) AppendUpstream(dst []byte, m *Upstream) []byte {
	switch e {
	case EncodingJSON:
		return AppendUpstream(dst, m)
	case EncodingProtobuf:
		return appendUpstreamProtobuf(dst, m)
	default:
		return append(dst, m.Data...)
	}
}

// AppendDownstream appends one message from service to client to dst. JSON and
// Protobuf give the same fields, except that the latter has none for FromUserID.
func (e Encoding) AppendDownstream(dst []byte, m *Downstream) []byte {
	switch e {
	case EncodingJSON:
		return AppendDownstream(dst, m)
	case EncodingProtobuf:
		return appendDownstreamProtobuf(dst, m)
	default:
		return append(dst, m.Data...)
	}
}

// Upstream decodes one message from client to service by d, see [Decoder].
func (e Encoding) Upstream(d *Decoder, message []byte, m *Upstream) error {
	switch e {
	case EncodingJSON:
		return d.Upstream(message, m)
	case EncodingProtobuf:
		return d.upstreamProtobuf(message, m)
	default:
		*m = Upstream{}
		return errNoEnvelope
	}
}

// Downstream decodes one message from service to client by d, see [Decoder].
func (e Encoding) Downstream(d *Decoder, message []byte, m *Downstream) error {
	switch e {
	case EncodingJSON:
		return d.Downstream(message, m)
	case EncodingProtobuf:
		return d.downstreamProtobuf(message, m)
	default:
		*m = Downstream{}
		return errNoEnvelope
	}
}

// AppendNumbered appends message, a GroupMessage or ServerMessage that was encoded
// without a sequence id, as it is with that one. A fan-out may so encode a message
// once and give each receiver a copy of its own.
func (e Encoding) AppendNumbered(dst, message []byte, sequenceID uint64) []byte {
	if e == EncodingProtobuf {
		return appendNumberedProtobuf(dst, message, sequenceID)
	}
	return appendNumberedJSON(dst, message, sequenceID)
}

// NumberedBytes is the length of what AppendNumbered appends.
func (e Encoding) NumberedBytes(message []byte, sequenceID uint64) int {
	if e == EncodingProtobuf {
		return numberedBytesProtobuf(message, sequenceID)
	}
	return numberedBytesJSON(message, sequenceID)
}

// OpCode returns the type of frame that carries a payload without an envelope.
func (t DataType) OpCode() ws.OpCode {
	if t == DataBinary || t == DataProtobuf {
		return ws.OpBinary
	}
	return ws.OpText
}
