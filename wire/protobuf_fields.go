package wire

import (
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// The wire types of the fields that the service's messages have.
const (
	pbVarint = uint64(protowire.VarintType)
	pbBytes  = uint64(protowire.BytesType)
)

// The tags of the fields of protocol.md 5: number and wire type, as they stand before
// each value. A field of the right number and another type counts as unknown, which
// is what protobuf makes of it.
const (
	pbSendToGroup = 1<<3 | pbBytes // UpstreamMessage
	pbSendEvent   = 5<<3 | pbBytes
	pbJoinGroup   = 6<<3 | pbBytes
	pbLeaveGroup  = 7<<3 | pbBytes
	pbSequenceAck = 8<<3 | pbBytes
	pbPing        = 9<<3 | pbBytes
	pbStreamData  = 13<<3 | pbBytes // this and the following are not supported
	pbStreamEnd   = 14<<3 | pbBytes
	pbSetState    = 15<<3 | pbBytes
	pbSubscribe   = 16<<3 | pbBytes
	pbUnsubscribe = 17<<3 | pbBytes

	pbAck    = 1<<3 | pbBytes // DownstreamMessage
	pbData   = 2<<3 | pbBytes
	pbSystem = 3<<3 | pbBytes
	pbPong   = 4<<3 | pbBytes
	// Streams and group state, which we do not know but for the numbers of the latter.
	pbFirstOther    = 6<<3 | pbBytes
	pbStateUpdate   = 9<<3 | pbBytes
	pbStateSnapshot = 10<<3 | pbBytes
	pbLastOther     = 10<<3 | pbBytes

	pbStateSequenceID = 3<<3 | pbVarint // GroupStateUpdateMessage, GroupStateSnapshotMessage

	pbSendGroup    = 1<<3 | pbBytes // SendToGroupMessage
	pbSendAckID    = 2<<3 | pbVarint
	pbSendData     = 3<<3 | pbBytes
	pbSendNoEcho   = 4<<3 | pbVarint
	pbSendTTL      = 5<<3 | pbVarint
	pbSendMetadata = 6<<3 | pbBytes
	pbSendStream   = 7<<3 | pbBytes

	pbEventName     = 1<<3 | pbBytes // EventMessage
	pbEventData     = 2<<3 | pbBytes
	pbEventAckID    = 3<<3 | pbVarint
	pbEventMetadata = 4<<3 | pbBytes
	pbEventStream   = 5<<3 | pbBytes

	pbMemberGroup = 1<<3 | pbBytes // JoinGroupMessage, LeaveGroupMessage
	pbMemberAckID = 2<<3 | pbVarint

	pbSequenceAckID = 1<<3 | pbVarint // SequenceAckMessage

	pbAckID      = 1<<3 | pbVarint // AckMessage
	pbAckSuccess = 2<<3 | pbVarint
	pbAckError   = 3<<3 | pbBytes

	pbErrorName    = 1<<3 | pbBytes // its error
	pbErrorMessage = 2<<3 | pbBytes

	pbDataFrom       = 1<<3 | pbBytes // DataMessage
	pbDataGroup      = 2<<3 | pbBytes
	pbDataData       = 3<<3 | pbBytes
	pbDataSequenceID = 4<<3 | pbVarint
	pbDataMetadata   = 5<<3 | pbBytes

	pbConnected    = 1<<3 | pbBytes // SystemMessage
	pbDisconnected = 2<<3 | pbBytes

	pbConnectionID      = 1<<3 | pbBytes // ConnectedMessage
	pbUserID            = 2<<3 | pbBytes
	pbReconnectionToken = 3<<3 | pbBytes

	pbReason = 2<<3 | pbBytes // DisconnectedMessage: there is no field 1

	pbText     = 1<<3 | pbBytes // MessageData
	pbBinary   = 2<<3 | pbBytes
	pbProtobuf = 3<<3 | pbBytes
	pbJSON     = 4<<3 | pbBytes

	pbTypeURL = 1<<3 | pbBytes // google.protobuf.Any

	pbKey   = 1<<3 | pbBytes // an entry of a map
	pbValue = 2<<3 | pbBytes
)

// fields reads the fields of one protobuf message from left to right.
type fields struct {
	text []byte // the message
	base int    // its offset in the outermost one
	pos  int    // of the next field

	tag    uint64 // of the field at hand
	start  int    // offset of its bytes in the outermost message
	varint uint64 // the value, by its wire type
	bytes  []byte
}

// inside returns the fields of the embedded message at hand.
func (f *fields) inside() fields { return fields{text: f.bytes, base: f.start} }

// next moves to the next field; false at the end of the message and once anything
// has failed.
func (d *Decoder) next(f *fields) bool {
	if f.pos == len(f.text) || d.scan.err != nil {
		return false
	}
	rest := f.text[f.pos:]
	num, typ, n := protowire.ConsumeTag(rest)
	if n < 0 || num > protowire.MaxValidNumber {
		return d.scan.fail(f.base+f.pos, "malformed field")
	}
	f.tag = protowire.EncodeTag(num, typ)
	rest = rest[n:]
	size, value := 0, 0
	switch typ {
	case protowire.VarintType:
		f.varint, size = protowire.ConsumeVarint(rest)
	case protowire.BytesType:
		f.bytes, size = protowire.ConsumeBytes(rest)
		value = len(f.bytes)
	default:
		size = protowire.ConsumeFieldValue(num, typ, rest)
	}
	if size < 0 {
		return d.scan.fail(f.base+f.pos, "malformed value of a field")
	}
	f.pos += n + size
	f.start = f.base + f.pos - value
	return true
}

// string returns the string at hand, which must be UTF-8 in proto3.
func (d *Decoder) string(f *fields) []byte {
	if !utf8.Valid(f.bytes) {
		d.scan.fail(f.start, "string is not UTF-8")
	}
	return f.bytes[:len(f.bytes):len(f.bytes)]
}

// begin prepares for a message of which scan will only hold the error.
func (d *Decoder) begin() {
	d.scan = scanner{}
	d.resetScratch()
	d.pairs = d.pairs[:0]
}
