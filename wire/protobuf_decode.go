package wire

import "google.golang.org/protobuf/encoding/protowire"

// upstreamProtobuf decodes one UpstreamMessage (protocol.md 5) and holds clients to
// the rules of protocol.md 3.2, like Upstream. A member of the oneof that is unknown,
// or known but optional there (streams, group state), is an error.
func (d *Decoder) upstreamProtobuf(message []byte, m *Upstream) error {
	*m = Upstream{}
	d.begin()
	for f := (fields{text: message}); d.next(&f); {
		if kind := upstreamKind(f.tag); kind != UpstreamUnknown {
			d.upstreamMember(&f, kind, m)
		} else if pbStreamData <= f.tag && f.tag <= pbUnsubscribe && f.tag&7 == pbBytes {
			d.scan.fail(f.start, "streams and group state are not supported")
		}
	}
	d.checkUpstream(m)
	err := d.finish()
	if err != nil {
		*m = Upstream{}
	}
	return err
}

func upstreamKind(tag uint64) UpstreamKind {
	switch tag {
	case pbSendToGroup:
		return SendToGroup
	case pbSendEvent:
		return SendEvent
	case pbJoinGroup:
		return JoinGroup
	case pbLeaveGroup:
		return LeaveGroup
	case pbSequenceAck:
		return SequenceAck
	case pbPing:
		return Ping
	default:
		return UpstreamUnknown
	}
}

// upstreamMember reads one member of the oneof. By the rules of protobuf the last one
// counts, and one that is repeated merges with what stands there.
func (d *Decoder) upstreamMember(f *fields, kind UpstreamKind, m *Upstream) {
	if kind != m.Kind {
		*m = Upstream{Kind: kind}
		d.pairs = d.pairs[:0]
	}
	for in := f.inside(); d.next(&in); {
		switch kind {
		case SendToGroup:
			d.sendField(&in, m)
		case SendEvent:
			d.eventField(&in, m)
		case JoinGroup, LeaveGroup:
			switch in.tag {
			case pbMemberGroup:
				m.Group = d.string(&in)
			case pbMemberAckID:
				m.HasAckID, m.AckID = true, in.varint
			}
		case SequenceAck:
			if in.tag == pbSequenceAckID {
				m.SequenceID = in.varint
			}
		default:
		}
	}
}

func (d *Decoder) sendField(f *fields, m *Upstream) {
	switch f.tag {
	case pbSendGroup:
		m.Group = d.string(f)
	case pbSendAckID:
		m.HasAckID, m.AckID = true, f.varint
	case pbSendData:
		d.messageData(f, &m.DataType, &m.HasData, &m.Data)
	case pbSendNoEcho:
		m.NoEcho = protowire.DecodeBool(f.varint)
	case pbSendTTL:
		m.TTLSeconds = uint32(f.varint)
	case pbSendMetadata:
		d.metadataEntry(f)
	case pbSendStream:
		d.scan.fail(f.start, "streams are not supported")
	}
}

func (d *Decoder) eventField(f *fields, m *Upstream) {
	switch f.tag {
	case pbEventName:
		m.Event = d.string(f)
	case pbEventData:
		d.messageData(f, &m.DataType, &m.HasData, &m.Data)
	case pbEventAckID:
		m.HasAckID, m.AckID = true, f.varint
	case pbEventMetadata:
		d.metadataEntry(f)
	case pbEventStream:
		d.scan.fail(f.start, "streams are not supported")
	}
}

// checkUpstream applies the rules of protocol.md 3.2 to the fields as they are in the
// end. Data may only be missing beside metadata, and is empty text then.
func (d *Decoder) checkUpstream(m *Upstream) {
	switch m.Kind {
	case UpstreamUnknown:
		d.scan.fail(0, "not a type of message")
	case SendEvent:
		if !validEvent(m.Event) {
			d.scan.fail(0, "event: not a name of an event")
		}
	case JoinGroup, LeaveGroup, SendToGroup:
		if !ValidGroup(m.Group) {
			d.scan.fail(0, "group: not 1 to 1,024 characters, or nothing but white space")
		}
		if m.TTLSeconds > MaxTTLSeconds {
			d.scan.fail(0, "ttl_seconds: not within 0 to 300")
		}
	default:
	}
	if m.Kind != SendEvent && m.Kind != SendToGroup {
		return
	}
	d.lastOfEachKey()
	d.checkMetadata()
	m.Metadata = d.metadataJSON()
	switch {
	case m.HasData && m.DataType == DataJSON:
		d.checkJSON(m.Data)
	case m.HasData:
	case m.Metadata != nil:
		m.DataType = DataText
	default:
		d.scan.fail(0, "data: missing")
	}
}

// checkJSON requires the serialized value in json_data to be one: it stands verbatim
// in the JSON of other receivers, inside an envelope. null is a value here: whether
// there is data at all, the oneof has said.
func (d *Decoder) checkJSON(text []byte) {
	if d.scan.err != nil {
		return
	}
	if err := checkJSON(text); err != nil {
		d.scan.fail(0, "json_data: "+err.Msg)
	}
}

// downstreamProtobuf decodes one DownstreamMessage (protocol.md 5). Like Downstream
// it makes a member of the oneof that is unknown to us DownstreamUnknown and no error.
// JSON comes in json_data, or by older documents in text_data: it is text then.
func (d *Decoder) downstreamProtobuf(message []byte, m *Downstream) error {
	*m = Downstream{}
	d.begin()
	r := received{m: m}
	for f := (fields{text: message}); d.next(&f); {
		switch f.tag {
		case pbAck:
			r.become(d, f.tag)
			m.Kind = Ack
			d.ackFields(&f, m)
		case pbData:
			r.become(d, f.tag)
			d.dataFields(&f, &r)
		case pbSystem:
			r.become(d, f.tag)
			d.systemFields(&f, &r)
		case pbPong:
			r.become(d, f.tag)
			m.Kind = Pong
		case pbStateUpdate, pbStateSnapshot:
			r.become(d, f.tag)
			for in := f.inside(); d.next(&in); {
				if in.tag == pbStateSequenceID {
					m.SequenceID = in.varint
				}
			}
		default:
			if pbFirstOther <= f.tag && f.tag <= pbLastOther && f.tag&7 == pbBytes {
				r.become(d, f.tag)
			}
		}
	}
	r.settle(d)
	err := d.finish()
	if err != nil {
		*m = Downstream{}
	}
	return err
}

// received is a DownstreamMessage under way: what it is may only become clear from
// its last field.
type received struct {
	m       *Downstream
	member  uint64 // of the oneof
	from    []byte // of a data message
	hasData bool
}

// become starts over when another member of the oneof replaces the one so far.
func (r *received) become(d *Decoder, member uint64) {
	if r.member != member {
		*r.m = Downstream{}
		*r = received{m: r.m, member: member}
		d.pairs = d.pairs[:0]
	}
}

// settle fills in what depends on several fields.
func (r *received) settle(d *Decoder) {
	switch m := r.m; {
	case r.member == pbAck && m.Success:
		m.ErrorName, m.ErrorMessage = nil, nil
	case r.member != pbData:
	case string(r.from) == "group":
		m.Kind = GroupMessage
	case string(r.from) == "server":
		m.Kind, m.Group = ServerMessage, nil
	default:
		*m = Downstream{}
		return
	}
	if r.member == pbData {
		d.lastOfEachKey()
		r.m.Metadata = d.metadataJSON()
	}
}

func (d *Decoder) ackFields(f *fields, m *Downstream) {
	for in := f.inside(); d.next(&in); {
		switch in.tag {
		case pbAckID:
			m.AckID = in.varint
		case pbAckSuccess:
			m.Success = protowire.DecodeBool(in.varint)
		case pbAckError:
			for e := in.inside(); d.next(&e); {
				switch e.tag {
				case pbErrorName:
					m.ErrorName = d.string(&e)
				case pbErrorMessage:
					m.ErrorMessage = d.string(&e)
				}
			}
		}
	}
}

func (d *Decoder) dataFields(f *fields, r *received) {
	m := r.m
	for in := f.inside(); d.next(&in); {
		switch in.tag {
		case pbDataFrom:
			r.from = d.string(&in)
		case pbDataGroup:
			m.Group = d.string(&in)
		case pbDataData:
			d.messageData(&in, &m.DataType, &r.hasData, &m.Data)
		case pbDataSequenceID:
			m.SequenceID = in.varint
		case pbDataMetadata:
			d.metadataEntry(&in)
		}
	}
}

func (d *Decoder) systemFields(f *fields, r *received) {
	m := r.m
	become := func(kind DownstreamKind) {
		if m.Kind != kind {
			*m = Downstream{Kind: kind}
		}
	}
	for in := f.inside(); d.next(&in); {
		switch in.tag {
		case pbConnected:
			become(Connected)
			d.connectedFields(&in, m)
		case pbDisconnected:
			become(Disconnected)
			for last := in.inside(); d.next(&last); {
				if last.tag == pbReason {
					m.Reason = d.string(&last)
				}
			}
		}
	}
}

func (d *Decoder) connectedFields(f *fields, m *Downstream) {
	for in := f.inside(); d.next(&in); {
		switch in.tag {
		case pbConnectionID:
			m.ConnectionID = d.string(&in)
		case pbUserID:
			m.UserID = d.string(&in)
		case pbReconnectionToken:
			m.ReconnectionToken = d.string(&in)
		}
	}
}
