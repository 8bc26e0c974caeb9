package wire

// The limits of protocol.md 3.2 on the fields of an upstream message.
const (
	MaxGroupChars         = 1024 // of a group's name, in UTF-16 code units
	MaxEventBytes         = 128  // of an event's name
	MaxTTLSeconds         = 300
	MaxMetadataKeyBytes   = 256
	MaxMetadataValueBytes = 1024
	MaxMetadataBytes      = 8192 // of all keys and values together
)

// Upstream decodes one message from client to service into *m, which it resets
// first; the byte slices of *m are borrowed, see [Decoder]. It holds clients to every
// rule of protocol.md 3.1 and 3.2: a type that is unknown, or known but optional there
// (streams, invocations, group state), is an error. The error is a *[SyntaxError] and
// leaves *m zero.
func (d *Decoder) Upstream(message []byte, m *Upstream) error {
	*m = Upstream{}
	if d.read(message) {
		d.upstream(m)
	}
	err := d.finish()
	if err != nil {
		*m = Upstream{}
	}
	return err
}

func (d *Decoder) upstream(m *Upstream) {
	switch name := d.text(fieldType); {
	case isWord(name, "sendToGroup"):
		m.Kind = SendToGroup
		m.Group = d.group()
		d.sendOptions(m)
		d.upstreamData(m)
		d.ackID(m)
	case isWord(name, "sequenceAck"):
		m.Kind = SequenceAck
		m.SequenceID = d.uint(fieldSequenceID)
	case isWord(name, "event"):
		m.Kind = SendEvent
		m.Event = d.event()
		d.upstreamData(m)
		d.ackID(m)
	case isWord(name, "joinGroup"):
		m.Kind = JoinGroup
		m.Group = d.group()
		d.ackID(m)
	case isWord(name, "leaveGroup"):
		m.Kind = LeaveGroup
		m.Group = d.group()
		d.ackID(m)
	case isWord(name, "ping"): // its ackId is ignored, whatever it is
		m.Kind = Ping
	default:
		d.fail(fieldType, "not a type of message")
	}
}

func (d *Decoder) ackID(m *Upstream) {
	if d.has(fieldAckID) {
		m.HasAckID = true
		m.AckID = d.uint(fieldAckID)
	}
}

func (d *Decoder) group() []byte {
	name := d.text(fieldGroup)
	if !ValidGroup(name) {
		d.fail(fieldGroup, "not 1 to 1,024 characters, or nothing but white space")
	}
	return name
}

func (d *Decoder) event() []byte {
	name := d.text(fieldEvent)
	if !validEvent(name) {
		d.fail(fieldEvent, "not a name of an event")
	}
	return name
}

// sendOptions decodes what only sendToGroup has. noEcho: null is invalid, unlike
// ackId: null.
func (d *Decoder) sendOptions(m *Upstream) {
	if d.kind(fieldNoEcho) != kindAbsent {
		m.NoEcho = d.bool(fieldNoEcho)
	}
	if d.kind(fieldTTLSeconds) != kindAbsent {
		ttl := d.uint(fieldTTLSeconds)
		if ttl > MaxTTLSeconds {
			d.fail(fieldTTLSeconds, "not within 0 to 300")
		}
		m.TTLSeconds = uint32(min(ttl, MaxTTLSeconds))
	}
	if d.has(fieldStream) {
		d.fail(fieldStream, "streams are not supported")
	}
}

// upstreamData decodes dataType, data and metadata. Data may only be missing beside
// metadata, and is empty text then.
func (d *Decoder) upstreamData(m *Upstream) {
	if d.kind(fieldDataType) != kindAbsent {
		m.DataType = d.dataType()
		if m.DataType == DataProtobuf {
			d.fail(fieldDataType, "protobuf is for messages of the service only")
		}
	}
	if d.kind(fieldMetadata) != kindAbsent {
		m.Metadata = d.metadata()
	}
	switch {
	case d.kind(fieldData) != kindAbsent:
		if d.kind(fieldData) == kindNull {
			d.fail(fieldData, "null")
		}
		m.HasData = true
		m.Data = d.payload(m.DataType)
	case m.Metadata != nil:
		m.DataType = DataText
	default:
		d.fail(fieldData, "missing")
	}
}

// metadata checks the member's keys and values and returns its JSON text.
func (d *Decoder) metadata() []byte {
	v, ok := d.get(fieldMetadata, kindObject)
	if !ok {
		return nil
	}
	s := &d.scan
	s.pos = v.start
	s.open()
	d.keys = d.keys[:0]
	size := 0
	for first := true; ; first = false {
		key, ok := s.next(first)
		if !ok {
			break
		}
		s.space()
		val, ok := s.str()
		if !ok {
			return nil
		}
		name, text := d.unquote(key), d.unquote(val)
		size += len(name) + len(text)
		if msg, inValue := metadataProblem(name, text, size); msg != "" {
			if inValue {
				key = val
			}
			s.fail(key.start, msg)
			return nil
		}
		d.keys = append(d.keys, name)
	}
	if hasDuplicate(d.keys) {
		d.fail(fieldMetadata, "a key is repeated")
	}
	clear(d.keys) // they point into the message
	return d.raw(v)
}
