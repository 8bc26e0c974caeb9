package wire

import (
	"encoding/base64"
	"strconv"
	"unicode/utf8"
)

// AppendUpstream appends the JSON of one message from client to service to dst
// (protocol.md 3.2). Data and Metadata that are JSON are copied as they are and must be
// valid. Without HasData neither data nor dataType is written. It checks nothing
// else; an UpstreamUnknown appends nothing.
func AppendUpstream(dst []byte, m *Upstream) []byte {
	switch m.Kind {
	case JoinGroup:
		dst = append(dst, `{"type":"joinGroup","group":`...)
		dst = appendString(dst, m.Group)
	case LeaveGroup:
		dst = append(dst, `{"type":"leaveGroup","group":`...)
		dst = appendString(dst, m.Group)
	case SendToGroup:
		dst = append(dst, `{"type":"sendToGroup","group":`...)
		dst = appendString(dst, m.Group)
		dst = appendUpstreamData(dst, m)
		dst = appendSendOptions(dst, m)
		dst = appendMetadata(dst, m.Metadata)
	case SendEvent:
		dst = append(dst, `{"type":"event","event":`...)
		dst = appendString(dst, m.Event)
		dst = appendUpstreamData(dst, m)
		dst = appendMetadata(dst, m.Metadata)
	case Ping:
		return append(dst, `{"type":"ping"}`...)
	case SequenceAck:
		dst = append(dst, `{"type":"sequenceAck","sequenceId":`...)
		dst = strconv.AppendUint(dst, m.SequenceID, 10)
		return append(dst, '}')
	default:
		return dst
	}
	if m.HasAckID {
		dst = append(dst, `,"ackId":`...)
		dst = strconv.AppendUint(dst, m.AckID, 10)
	}
	return append(dst, '}')
}

func appendUpstreamData(dst []byte, m *Upstream) []byte {
	if !m.HasData {
		return dst
	}
	return appendData(dst, m.DataType, m.Data)
}

func appendSendOptions(dst []byte, m *Upstream) []byte {
	if m.NoEcho {
		dst = append(dst, `,"noEcho":true`...)
	}
	if m.TTLSeconds > 0 {
		dst = append(dst, `,"ttlSeconds":`...)
		dst = strconv.AppendUint(dst, uint64(m.TTLSeconds), 10)
	}
	return dst
}

// AppendDownstream appends the JSON of one message from service to client to dst
// (protocol.md 3.3), like [AppendUpstream]. An anonymous UserID or FromUserID is
// written as null. The sequenceId is the last member, and not written when 0: a
// fan-out may encode a message once and give each receiver's copy its own ending.
func AppendDownstream(dst []byte, m *Downstream) []byte {
	switch m.Kind {
	case GroupMessage:
		dst = append(dst, `{"type":"message","from":"group","group":`...)
		dst = appendString(dst, m.Group)
		dst = append(dst, `,"fromUserId":`...)
		dst = appendStringOrNull(dst, m.FromUserID)
		return appendMessageEnd(dst, m)
	case ServerMessage:
		dst = append(dst, `{"type":"message","from":"server"`...)
		return appendMessageEnd(dst, m)
	case Ack:
		return appendAck(dst, m)
	case Connected:
		dst = append(dst, `{"type":"system","event":"connected","userId":`...)
		dst = appendStringOrNull(dst, m.UserID)
		dst = append(dst, `,"connectionId":`...)
		dst = appendString(dst, m.ConnectionID)
		if len(m.ReconnectionToken) > 0 {
			dst = append(dst, `,"reconnectionToken":`...)
			dst = appendString(dst, m.ReconnectionToken)
		}
		return append(dst, '}')
	case Disconnected:
		dst = append(dst, `{"type":"system","event":"disconnected","message":`...)
		dst = appendString(dst, m.Reason)
		return append(dst, '}')
	case Pong:
		return append(dst, `{"type":"pong"}`...)
	default:
		return dst
	}
}

func appendAck(dst []byte, m *Downstream) []byte {
	dst = append(dst, `{"type":"ack","ackId":`...)
	dst = strconv.AppendUint(dst, m.AckID, 10)
	if m.Success {
		return append(dst, `,"success":true}`...)
	}
	dst = append(dst, `,"success":false,"error":{"name":`...)
	dst = appendString(dst, m.ErrorName)
	dst = append(dst, `,"message":`...)
	dst = appendString(dst, m.ErrorMessage)
	return append(dst, "}}"...)
}

func appendMessageEnd(dst []byte, m *Downstream) []byte {
	dst = appendData(dst, m.DataType, m.Data)
	dst = appendMetadata(dst, m.Metadata)
	if m.SequenceID > 0 {
		dst = append(dst, sequenceKey...)
		dst = strconv.AppendUint(dst, m.SequenceID, 10)
	}
	return append(dst, '}')
}

const sequenceKey = `,"sequenceId":`

// appendNumberedJSON puts sequenceId behind the other members of message.
func appendNumberedJSON(dst, message []byte, sequenceID uint64) []byte {
	dst = append(dst, message[:len(message)-1]...)
	dst = append(dst, sequenceKey...)
	dst = strconv.AppendUint(dst, sequenceID, 10)
	return append(dst, '}')
}

func numberedBytesJSON(message []byte, sequenceID uint64) int {
	digits := 1
	for v := sequenceID; v >= 10; v /= 10 {
		digits++
	}
	return len(message) + len(sequenceKey) + digits
}

// appendData appends dataType and data. JSON that is empty is no value at all and
// leaves data out, so that the message around it stays well-formed.
func appendData(dst []byte, t DataType, data []byte) []byte {
	switch t {
	case DataText:
		dst = append(dst, `,"dataType":"text","data":`...)
		return appendString(dst, data)
	case DataBinary:
		dst = append(dst, `,"dataType":"binary","data":"`...)
	case DataProtobuf:
		dst = append(dst, `,"dataType":"protobuf","data":"`...)
	default:
		dst = append(dst, `,"dataType":"json"`...)
		if len(data) == 0 {
			return dst
		}
		dst = append(dst, `,"data":`...)
		return append(dst, data...)
	}
	dst = base64.StdEncoding.AppendEncode(dst, data)
	return append(dst, '"')
}

func appendMetadata(dst, metadata []byte) []byte {
	if len(metadata) == 0 {
		return dst
	}
	dst = append(dst, `,"metadata":`...)
	return append(dst, metadata...)
}

func appendStringOrNull(dst, s []byte) []byte {
	if len(s) == 0 {
		return append(dst, "null"...)
	}
	return appendString(dst, s)
}

// appendString appends s as a JSON string. Only what must be escaped is (RFC 8259 7);
// invalid UTF-8, which no text frame may hold, becomes U+FFFD.
func appendString(dst, s []byte) []byte {
	dst = append(dst, '"')
	for len(s) > 0 {
		if n := plainPrefix(s); n > 0 {
			dst = append(dst, s[:n]...)
			s = s[n:]
			continue
		}
		if s[0] < utf8.RuneSelf {
			dst = appendEscape(dst, s[0])
			s = s[1:]
			continue
		}
		r, size := utf8.DecodeRune(s)
		dst = utf8.AppendRune(dst, r)
		s = s[size:]
	}
	return append(dst, '"')
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	default:
		const hex = "0123456789abcdef"
		return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
	}
}
