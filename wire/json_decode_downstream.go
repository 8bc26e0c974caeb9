package wire

// Downstream decodes one message from service to client into *m, which it resets
// first; the byte slices of *m are borrowed, see [Decoder]. Any other well-formed
// object is DownstreamUnknown and no error (protocol.md 3.1). The error is a
// *[SyntaxError] and leaves *m zero.
//
// Where the sources differ (protocol.md 13) it is liberal: userId and fromUserId may
// be null, absent or empty, optional members may be null, and data may be absent.
func (d *Decoder) Downstream(message []byte, m *Downstream) error {
	*m = Downstream{}
	if d.read(message) {
		d.downstream(m)
	}
	err := d.finish()
	if err != nil {
		*m = Downstream{}
	}
	return err
}

func (d *Decoder) downstream(m *Downstream) {
	if d.kind(fieldType) != kindString {
		return
	}
	switch name := d.text(fieldType); {
	case isWord(name, "message"):
		d.dataMessage(m)
	case isWord(name, "ack"):
		d.ack(m)
	case isWord(name, "system"):
		d.system(m)
	case isWord(name, "pong"):
		m.Kind = Pong
	case isWord(name, "groupStateSnapshot"), isWord(name, "groupStateUpdate"):
		// Not for us, but numbered like data (protocol.md 3.9, 4.2).
		if d.has(fieldSequenceID) {
			m.SequenceID = d.uint(fieldSequenceID)
		}
	}
}

func (d *Decoder) system(m *Downstream) {
	switch string(d.text(fieldEvent)) {
	case "connected":
		m.Kind = Connected
		m.ConnectionID = d.text(fieldConnectionID)
		m.UserID = d.optionalText(fieldUserID)
		m.ReconnectionToken = d.optionalText(fieldReconnectionToken)
	case "disconnected":
		m.Kind = Disconnected
		m.Reason = d.optionalText(fieldMessage)
	}
}

func (d *Decoder) ack(m *Downstream) {
	m.Kind = Ack
	m.AckID = d.uint(fieldAckID)
	m.Success = d.bool(fieldSuccess)
	if m.Success || !d.has(fieldError) {
		return
	}
	if d.nested(fieldError) {
		m.ErrorName = d.optionalText(fieldName)
		m.ErrorMessage = d.optionalText(fieldMessage)
	}
}

func (d *Decoder) dataMessage(m *Downstream) {
	switch string(d.text(fieldFrom)) {
	case "group":
		m.Kind = GroupMessage
		m.Group = d.text(fieldGroup)
		m.FromUserID = d.optionalText(fieldFromUserID)
	case "server":
		m.Kind = ServerMessage
	default:
		return
	}
	if d.has(fieldSequenceID) {
		m.SequenceID = d.uint(fieldSequenceID)
	}
	if d.has(fieldDataType) {
		m.DataType = d.dataType()
	}
	if d.kind(fieldData) != kindAbsent {
		m.Data = d.payload(m.DataType)
	}
	if d.has(fieldMetadata) {
		v, _ := d.get(fieldMetadata, kindObject)
		m.Metadata = d.raw(v)
	}
}

// dataType returns what the dataType member says, in any case of letters.
func (d *Decoder) dataType() DataType {
	switch name := d.text(fieldDataType); {
	case isWord(name, "json"):
		return DataJSON
	case isWord(name, "text"):
		return DataText
	case isWord(name, "binary"):
		return DataBinary
	case isWord(name, "protobuf"):
		return DataProtobuf
	}
	d.fail(fieldDataType, "not a type of data")
	return DataJSON
}
