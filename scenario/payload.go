package scenario

// MinPayloadBytes is the smallest payload: the header that carries message number
// and intended send time takes 48 of them.
const MinPayloadBytes = 64

// maxMessageBytes is the largest WebSocket message the service takes (protocol.md 11.1).
const maxMessageBytes = 1 << 20

// What stands around the data of a message, each field at its longest. On a
// target that is not ours a group's name also carries the run id.
const (
	publishEnvelope = `{"type":"sendToGroup","group":"","ackId":18446744073709551615,"noEcho":true,"dataType":"binary","data":""}`
	runIDReserve    = 32
)

// MaxPayloadBytes is the largest payload whose sendToGroup fits into the service's
// limit of 1 MiB, with a group name of groupBytes: the data stands in quotes, binary
// data in base64 (4 bytes for 3). A payload from a file may need six bytes for one
// (\u0000) unless it is binary.
func MaxPayloadBytes(dataType string, groupBytes int, fromFile bool) int {
	// A quote or backslash in a name takes two bytes; names hold no control characters.
	room := maxMessageBytes - len(publishEnvelope) - runIDReserve - 2*groupBytes
	switch {
	case dataType == "binary":
		return room / 4 * 3
	case fromFile:
		return room / 6
	}
	return room
}

// The sizes of frames that Estimate counts with: typical field widths, the JSON
// of the service's examples (protocol.md 3.2, 3.3), and the WebSocket header.
const (
	typicalPublish = `{"type":"sendToGroup","group":"","ackId":123456,"dataType":"text","data":""}`
	typicalMessage = `{"type":"message","from":"group","group":"","fromUserId":"user-12345","dataType":"text","data":"","sequenceId":123456}`
	typicalAck     = `{"type":"ack","ackId":123456,"success":true}`
	typicalEvent   = `{"type":"event","event":"","ackId":123456,"dataType":"text","data":""}`
	typicalEcho    = `{"type":"message","from":"server","dataType":"text","data":"","sequenceId":123456}`
)

// dataBytes is the length of a payload as it stands between the quotes.
func dataBytes(dataType string, size int) int {
	if dataType == "binary" {
		return (size + 2) / 3 * 4
	}
	return size
}

// frameBytes adds the WebSocket header (RFC 6455 5.2) to a message.
func frameBytes(message int, masked bool) int {
	header := 2
	switch {
	case message > 65535:
		header = 10
	case message > 125:
		header = 4
	}
	if masked {
		header += 4
	}
	return header + message
}
