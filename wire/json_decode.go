package wire

// keepScratchBytes is how much scratch a Decoder keeps between calls. One big
// message must not pin its size for the life of every session.
const keepScratchBytes = 64 << 10

// Decoder reads messages: by its methods those of the JSON subprotocols (protocol.md
// 3), by an [Encoding] those of either notation. The zero value is ready. It allocates
// nothing in steady state: what it returns points into the message, or, where escapes
// or base64 had to be undone or metadata to be written as JSON, into the Decoder, and
// holds until the next call. It is not for concurrent use; one per goroutine is enough.
//
// Both methods accept what encoding/json accepts (any order of members, white space,
// escapes, unknown members, the last of repeated ones; a lone \u surrogate becomes
// U+FFFD) with these differences: names of members are case-sensitive, nesting ends
// at [MaxDepth], and invalid UTF-8 is refused instead of replaced.
type Decoder struct {
	scan    scanner
	seen    uint32 // bit f: values[f] belongs to this message
	values  [fieldCount]value
	scratch []byte
	keys    [][]byte // of metadata
	pairs   []pair   // metadata of a protobuf message
}

// field is a member that some message has a use for.
type field uint8

const (
	fieldOther field = iota // any other member
	fieldType
	fieldEvent
	fieldFrom
	fieldAckID
	fieldSequenceID
	fieldSuccess
	fieldError
	fieldGroup
	fieldUserID
	fieldFromUserID
	fieldConnectionID
	fieldReconnectionToken
	fieldMessage
	fieldDataType
	fieldData
	fieldNoEcho
	fieldTTLSeconds
	fieldMetadata
	fieldStream
	fieldName // inside error
	fieldCount
)

var fieldNames = [fieldCount]string{
	"", "type", "event", "from", "ackId", "sequenceId", "success", "error", "group", "userId", "fromUserId",
	"connectionId", "reconnectionToken", "message", "dataType", "data", "noEcho", "ttlSeconds", "metadata", "stream", "name",
}

func (f field) String() string { return fieldNames[f] }

func fieldOf(name []byte) field {
	switch string(name) {
	case "type":
		return fieldType
	case "event":
		return fieldEvent
	case "from":
		return fieldFrom
	case "ackId":
		return fieldAckID
	case "sequenceId":
		return fieldSequenceID
	case "success":
		return fieldSuccess
	case "error":
		return fieldError
	case "group":
		return fieldGroup
	case "userId":
		return fieldUserID
	case "fromUserId":
		return fieldFromUserID
	case "connectionId":
		return fieldConnectionID
	case "reconnectionToken":
		return fieldReconnectionToken
	case "message":
		return fieldMessage
	case "dataType":
		return fieldDataType
	case "data":
		return fieldData
	case "noEcho":
		return fieldNoEcho
	case "ttlSeconds":
		return fieldTTLSeconds
	case "metadata":
		return fieldMetadata
	case "stream":
		return fieldStream
	case "name":
		return fieldName
	}
	return fieldOther
}

// read scans the whole message and notes where its members stand. Nothing is
// interpreted yet: which members mean anything, and how data is carried, may only
// become clear from the last one.
func (d *Decoder) read(message []byte) bool {
	d.scan = scanner{text: message}
	d.resetScratch()
	return d.members() && d.scan.end()
}

func (d *Decoder) resetScratch() {
	if d.scratch = d.scratch[:0]; cap(d.scratch) > keepScratchBytes {
		d.scratch = nil
	}
}

// finish lets go of the message and returns what was wrong with it.
func (d *Decoder) finish() error {
	err := d.scan.err
	d.scan = scanner{}
	if err != nil { // not a nil *SyntaxError in an error
		return err
	}
	return nil
}

// members notes the members of the object at the scanner's position.
func (d *Decoder) members() bool {
	s := &d.scan
	d.seen = 0
	if !s.open() {
		return false
	}
	for first := true; ; first = false {
		key, ok := s.next(first)
		if !ok {
			return s.err == nil
		}
		v, ok := s.value(1)
		if !ok {
			return false
		}
		f := fieldOf(d.unquote(key))
		d.values[f] = v
		d.seen |= 1 << f
	}
}

// nested replaces the noted members by those of the object in field f.
func (d *Decoder) nested(f field) bool {
	v, ok := d.get(f, kindObject)
	if !ok {
		return false
	}
	d.scan.pos = v.start
	return d.members()
}
