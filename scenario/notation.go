package scenario

import "math/bits"

// notation is how a subprotocol writes its messages. Only their sizes matter here.
type notation uint8

const (
	inJSON notation = iota
	protobuf
	bare // no envelope at all (protocol.md 6)
	notations
)

// notationOf counts a publish over REST as one in JSON: the sizes are about the same.
func notationOf(protocol string) notation {
	switch protocol {
	case ProtocolProtobuf, ProtocolProtobufReliable:
		return protobuf
	case ProtocolSimple:
		return bare
	}
	return inJSON
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

// The same in protobuf (protocol.md 5): a tag of one byte before each field, ids of
// three bytes.
const (
	typicalID       = 1 + 3
	fromGroup       = 1 + 1 + len("group")
	fromServer      = 1 + 1 + len("server")
	protobufNoEcho  = 1 + 1
	typicalTTL      = 1 + 1
	protobufSuccess = 1 + 1
)

// publishFrame is the size of a sendToGroup in its masked frame, to a group with a
// name of so many bytes.
func (n notation) publishFrame(b *Publish, group int) int {
	if n == bare {
		return frameBytes(b.Size, true)
	}
	if n == protobuf {
		size := fieldBytes(group) + protobufDataBytes(b) + protobufMetadataBytes(b)
		if b.TTL > 0 {
			size += typicalTTL
		}
		if b.NoEcho {
			size += protobufNoEcho
		}
		if b.Ack {
			size += typicalID
		}
		return frameBytes(fieldBytes(size), true)
	}
	size := len(typicalPublish) + group + jsonDataBytes(b) + jsonMetadataBytes(b)
	if b.TTL > 0 {
		size += len(`"ttlSeconds":60,`)
	}
	if b.NoEcho {
		size += len(`"noEcho":true,`)
	}
	if !b.Ack {
		size -= len(`"ackId":123456,`)
	}
	return frameBytes(size, true)
}

// messageFrame is the size of that publication as delivered.
func (n notation) messageFrame(b *Publish, group int) int {
	if n == bare {
		return bareFrame(b)
	}
	if n == protobuf {
		return frameBytes(fieldBytes(fromGroup+fieldBytes(group)+protobufDataBytes(b)+protobufMetadataBytes(b)+typicalID), false)
	}
	return frameBytes(len(typicalMessage)+group+jsonDataBytes(b)+jsonMetadataBytes(b), false)
}

// bareFrame is the size of a payload that nothing stands around.
func bareFrame(b *Publish) int {
	if b.DataType == "json" {
		return frameBytes(b.Size+len(`""`), false)
	}
	return frameBytes(b.Size, false)
}

// eventFrame is the size of a user event in its masked frame.
func (n notation) eventFrame(b *Publish) int {
	if n == bare {
		return frameBytes(b.Size, true)
	}
	if n == protobuf {
		size := fieldBytes(len(b.Event)) + protobufDataBytes(b) + protobufMetadataBytes(b)
		if b.Ack {
			size += typicalID
		}
		return frameBytes(fieldBytes(size), true)
	}
	size := len(typicalEvent) + len(b.Event) + jsonDataBytes(b) + jsonMetadataBytes(b)
	if !b.Ack {
		size -= len(`"ackId":123456,`)
	}
	return frameBytes(size, true)
}

// serverFrame is the size of a payload as a message of the server: sent over REST, or
// given back by the event handler, which keeps the metadata to itself.
func (n notation) serverFrame(b *Publish) int {
	json, proto := jsonMetadataBytes(b), protobufMetadataBytes(b)
	if b.Event != "" {
		json, proto = 0, 0
	}
	if n == bare {
		return bareFrame(b)
	}
	if n == protobuf {
		return frameBytes(fieldBytes(fromServer+protobufDataBytes(b)+proto+typicalID), false)
	}
	return frameBytes(len(typicalEcho)+jsonDataBytes(b)+json, false)
}

// ackFrame is the size of a positive ack.
func (n notation) ackFrame() int {
	if n == bare {
		return 0 // there is none
	}
	if n == protobuf {
		return frameBytes(fieldBytes(typicalID+protobufSuccess), false)
	}
	return frameBytes(len(typicalAck), false)
}

// jsonDataBytes is the length of a payload as it stands between the quotes.
func jsonDataBytes(b *Publish) int {
	if b.DataType == "binary" {
		return (b.Size + 2) / 3 * 4
	}
	return b.Size
}

// protobufDataBytes is the size of the field that holds a payload.
func protobufDataBytes(b *Publish) int {
	size := b.Size
	if b.DataType == "json" {
		size += len(`""`)
	}
	return fieldBytes(fieldBytes(size))
}

// jsonMetadataBytes is the size of the metadata's key and value, with its comma.
func jsonMetadataBytes(b *Publish) int {
	if len(b.Metadata) == 0 {
		return 0
	}
	size := len(`"metadata":{},`) - len(`,`)
	for key, value := range b.Metadata {
		size += len(`"":"",`) + len(key) + len(value)
	}
	return size
}

// protobufMetadataBytes is the size of its map entries.
func protobufMetadataBytes(b *Publish) int {
	size := 0
	for key, value := range b.Metadata {
		size += fieldBytes(fieldBytes(len(key)) + fieldBytes(len(value)))
	}
	return size
}

// fieldBytes is the size of a protobuf field with a value of n bytes: tag, length in
// units of seven bits, value.
func fieldBytes(n int) int { return 1 + (bits.Len(uint(n)|1)+6)/7 + n }

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
