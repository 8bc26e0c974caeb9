package scenario

// MinPayloadBytes is the smallest payload: the header that carries message number
// and intended send time takes 48 of them.
const MinPayloadBytes = 64

// maxMessageBytes is the largest WebSocket message the service takes (protocol.md 11.1).
const maxMessageBytes = 1 << 20

// What stands around the data of a message, each field at its longest. On a
// target that is not ours a group's name also carries the run id. In protobuf that
// is (protocol.md 5): the request's tag and length, the group's, an ack id, the
// data's twice, no_echo.
const (
	publishEnvelope         = `{"type":"sendToGroup","group":"","ackId":18446744073709551615,"noEcho":true,"dataType":"binary","data":""}`
	protobufPublishEnvelope = (1 + 3) + (1 + 2) + (1 + 10) + 2*(1+3) + 2
	runIDReserve            = 32
)

// MaxPayloadBytes is the largest payload whose sendToGroup fits into the service's
// limit of 1 MiB, with a group name of groupBytes. In JSON the data stands in quotes,
// binary data in base64 (4 bytes for 3). A payload from a file may need six bytes for
// one (\u0000) unless it is binary: at a receiver that reads JSON also when its sender
// speaks protobuf.
func MaxPayloadBytes(protocol, dataType string, groupBytes int, fromFile bool) int {
	// A quote or backslash in a name takes two bytes; names hold no control characters.
	room := maxMessageBytes - len(publishEnvelope) - runIDReserve - 2*groupBytes
	binary := dataType == "binary"
	switch notationOf(protocol) {
	case protobuf:
		room = maxMessageBytes - protobufPublishEnvelope - runIDReserve - groupBytes - len(`""`)
	case bare:
		room = maxMessageBytes
	default:
		if binary {
			return room / 4 * 3
		}
	}
	if fromFile && !binary {
		return room / 6
	}
	return room
}
