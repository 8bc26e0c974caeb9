package wire

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// appendUpstreamProtobuf appends one UpstreamMessage (protocol.md 5), fields in the
// order of their numbers. What AppendUpstream says of its JSON holds here too.
func appendUpstreamProtobuf(dst []byte, m *Upstream) []byte {
	switch m.Kind {
	case SendToGroup:
		dst, start := openField(dst, pbSendToGroup)
		dst = appendText(dst, pbSendGroup, m.Group)
		dst = appendAckID(dst, pbSendAckID, m)
		if m.HasData {
			dst = appendMessageData(dst, pbSendData, m.DataType, m.Data)
		}
		if m.NoEcho {
			dst = appendUint(dst, pbSendNoEcho, 1)
		}
		if m.TTLSeconds > 0 {
			dst = appendUint(dst, pbSendTTL, uint64(m.TTLSeconds))
		}
		dst = appendEntries(dst, pbSendMetadata, m.Metadata)
		return closeField(dst, start)
	case SendEvent:
		dst, start := openField(dst, pbSendEvent)
		dst = appendText(dst, pbEventName, m.Event)
		if m.HasData {
			dst = appendMessageData(dst, pbEventData, m.DataType, m.Data)
		}
		dst = appendAckID(dst, pbEventAckID, m)
		dst = appendEntries(dst, pbEventMetadata, m.Metadata)
		return closeField(dst, start)
	case JoinGroup:
		return appendMembership(dst, pbJoinGroup, m)
	case LeaveGroup:
		return appendMembership(dst, pbLeaveGroup, m)
	case SequenceAck:
		dst, start := openField(dst, pbSequenceAck)
		if m.SequenceID > 0 {
			dst = appendUint(dst, pbSequenceAckID, m.SequenceID)
		}
		return closeField(dst, start)
	case Ping:
		return append(dst, byte(pbPing), 0)
	default:
		return dst
	}
}

func appendMembership(dst []byte, tag uint64, m *Upstream) []byte {
	dst, start := openField(dst, tag)
	dst = appendText(dst, pbMemberGroup, m.Group)
	dst = appendAckID(dst, pbMemberAckID, m)
	return closeField(dst, start)
}

func appendAckID(dst []byte, tag uint64, m *Upstream) []byte {
	if !m.HasAckID { // 0 is an ack id too
		return dst
	}
	return appendUint(dst, tag, m.AckID)
}

// appendDownstreamProtobuf appends one DownstreamMessage (protocol.md 5). The
// sequence_id of a data message is its last field, see appendNumberedProtobuf.
func appendDownstreamProtobuf(dst []byte, m *Downstream) []byte {
	switch m.Kind {
	case GroupMessage:
		dst, start := openField(dst, pbData)
		dst = append(dst, byte(pbDataFrom), 5, 'g', 'r', 'o', 'u', 'p')
		dst = appendText(dst, pbDataGroup, m.Group)
		return closeField(appendDataEnd(dst, m), start)
	case ServerMessage:
		dst, start := openField(dst, pbData)
		dst = append(dst, byte(pbDataFrom), 6, 's', 'e', 'r', 'v', 'e', 'r')
		return closeField(appendDataEnd(dst, m), start)
	case Ack:
		dst, start := openField(dst, pbAck)
		if m.AckID > 0 {
			dst = appendUint(dst, pbAckID, m.AckID)
		}
		if m.Success {
			return closeField(appendUint(dst, pbAckSuccess, 1), start)
		}
		dst, inner := openField(dst, pbAckError)
		dst = appendSomeText(dst, pbErrorName, m.ErrorName)
		dst = appendSomeText(dst, pbErrorMessage, m.ErrorMessage)
		return closeField(closeField(dst, inner), start)
	case Connected:
		dst, start := openField(dst, pbSystem)
		dst, inner := openField(dst, pbConnected)
		dst = appendSomeText(dst, pbConnectionID, m.ConnectionID)
		dst = appendSomeText(dst, pbUserID, m.UserID)
		dst = appendSomeText(dst, pbReconnectionToken, m.ReconnectionToken)
		return closeField(closeField(dst, inner), start)
	case Disconnected:
		dst, start := openField(dst, pbSystem)
		dst, inner := openField(dst, pbDisconnected)
		dst = appendSomeText(dst, pbReason, m.Reason)
		return closeField(closeField(dst, inner), start)
	case Pong:
		return append(dst, byte(pbPong), 0)
	default:
		return dst
	}
}

func appendDataEnd(dst []byte, m *Downstream) []byte {
	dst = appendMessageData(dst, pbDataData, m.DataType, m.Data)
	dst = appendEntries(dst, pbDataMetadata, m.Metadata)
	if m.SequenceID > 0 {
		dst = appendUint(dst, pbDataSequenceID, m.SequenceID)
	}
	return dst
}

// appendNumberedProtobuf appends message with a sequence_id behind its other fields:
// only the length before them changes.
func appendNumberedProtobuf(dst, message []byte, sequenceID uint64) []byte {
	body, _ := protowire.ConsumeBytes(message[1:])
	dst = append(dst, byte(pbData))
	dst = protowire.AppendVarint(dst, uint64(len(body)+1+protowire.SizeVarint(sequenceID)))
	dst = append(dst, body...)
	return appendUint(dst, pbDataSequenceID, sequenceID)
}

func numberedBytesProtobuf(message []byte, sequenceID uint64) int {
	body, _ := protowire.ConsumeBytes(message[1:])
	return 1 + protowire.SizeBytes(len(body)+1+protowire.SizeVarint(sequenceID))
}

// appendMessageData appends a MessageData, chosen by t even when data is empty. Only
// JSON that is empty is no value at all and leaves the choice open.
func appendMessageData(dst []byte, tag uint64, t DataType, data []byte) []byte {
	dst, start := openField(dst, tag)
	switch t {
	case DataText:
		dst = appendText(dst, pbText, data)
	case DataBinary:
		dst = appendBytes(dst, pbBinary, data)
	case DataProtobuf:
		dst = appendBytes(dst, pbProtobuf, data)
	default:
		dst = appendSomeText(dst, pbJSON, data)
	}
	return closeField(dst, start)
}

// appendEntries appends metadata, a JSON object of string to string, as a map.
func appendEntries(dst []byte, tag uint64, metadata []byte) []byte {
	s := scanner{text: metadata}
	if len(metadata) == 0 || !s.open() {
		return dst
	}
	for first := true; ; first = false {
		key, ok := s.next(first)
		if !ok {
			return dst
		}
		s.space()
		value, ok := s.str()
		if !ok {
			return dst
		}
		var entry, field int
		dst, entry = openField(dst, tag)
		dst, field = openField(dst, pbKey)
		dst = closeField(appendUnescaped(dst, metadata[key.start:key.end]), field)
		dst, field = openField(dst, pbValue)
		dst = closeField(appendUnescaped(dst, metadata[value.start:value.end]), field)
		dst = closeField(dst, entry)
	}
}

func appendUint(dst []byte, tag, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendVarint(dst, tag), v)
}

func appendBytes(dst []byte, tag uint64, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendVarint(dst, tag), v)
}

// appendText appends a string field. Invalid UTF-8, which would make the whole
// message unreadable, becomes U+FFFD, as in JSON.
func appendText(dst []byte, tag uint64, s []byte) []byte {
	if !utf8.Valid(s) {
		s = bytes.ToValidUTF8(s, []byte("\uFFFD"))
	}
	return appendBytes(dst, tag, s)
}

// appendSomeText leaves an empty string out: absence means the same.
func appendSomeText(dst []byte, tag uint64, s []byte) []byte {
	if len(s) == 0 {
		return dst
	}
	return appendText(dst, tag, s)
}

// openField starts a field whose length closeField fills in, and returns where its
// value starts. One byte is left for the length.
func openField(dst []byte, tag uint64) (_ []byte, start int) {
	dst = append(protowire.AppendVarint(dst, tag), 0)
	return dst, len(dst)
}

// closeField ends the field whose value started there. A length of more than one byte
// moves the value: cheaper than to work out every size beforehand.
func closeField(dst []byte, start int) []byte {
	n := len(dst) - start
	if more := protowire.SizeVarint(uint64(n)) - 1; more > 0 {
		var room [binary.MaxVarintLen64]byte
		dst = append(dst, room[:more]...)
		copy(dst[start+more:], dst[start:start+n])
	}
	binary.PutUvarint(dst[start-1:], uint64(n))
	return dst
}
