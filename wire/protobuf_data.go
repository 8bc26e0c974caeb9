package wire

import (
	"bytes"
	"slices"
)

// messageData reads a MessageData, a oneof of the kinds of payload.
func (d *Decoder) messageData(f *fields, t *DataType, has *bool, data *[]byte) {
	for in := f.inside(); d.next(&in); {
		switch in.tag {
		case pbText:
			*t, *has, *data = DataText, true, d.string(&in)
		case pbBinary:
			*t, *has, *data = DataBinary, true, in.bytes[:len(in.bytes):len(in.bytes)]
		case pbJSON:
			*t, *has, *data = DataJSON, true, d.string(&in)
		case pbProtobuf:
			d.checkAny(&in)
			if *t == DataProtobuf && *has {
				*data = d.joined(*data, in.bytes)
			} else {
				*t, *has, *data = DataProtobuf, true, in.bytes[:len(in.bytes):len(in.bytes)]
			}
		}
	}
}

// checkAny requires an Any that protobuf can read: it is passed on as it is.
func (d *Decoder) checkAny(f *fields) {
	for in := f.inside(); d.next(&in); {
		if in.tag == pbTypeURL {
			d.string(&in)
		}
	}
}

// joined merges two encodings of a message: protobuf lets the one follow the other.
// The result stands at the end of the scratch, where the next may join it in place:
// a peer chooses how many there are.
func (d *Decoder) joined(a, b []byte) []byte {
	start := len(d.scratch) - len(a)
	if len(a) == 0 || start < 0 || &d.scratch[start] != &a[0] {
		start = len(d.scratch)
		d.scratch = append(d.scratch, a...)
	}
	d.scratch = append(d.scratch, b...)
	return d.scratch[start:len(d.scratch):len(d.scratch)]
}

// pair is an entry of a map.
type pair struct{ key, value []byte }

// metadataEntry notes one entry of the map; whatever it lacks is empty.
func (d *Decoder) metadataEntry(f *fields) {
	var p pair
	for in := f.inside(); d.next(&in); {
		switch in.tag {
		case pbKey:
			p.key = d.string(&in)
		case pbValue:
			p.value = d.string(&in)
		}
	}
	d.pairs = append(d.pairs, p)
}

// lastOfEachKey sorts the noted entries by key and drops those that a later one of
// the same key replaces, as protobuf has it.
func (d *Decoder) lastOfEachKey() {
	if len(d.pairs) < 2 {
		return
	}
	slices.SortStableFunc(d.pairs, func(a, b pair) int { return bytes.Compare(a.key, b.key) })
	n := 0
	for i, p := range d.pairs {
		if i+1 == len(d.pairs) || !bytes.Equal(p.key, d.pairs[i+1].key) {
			d.pairs[n] = p
			n++
		}
	}
	clear(d.pairs[n:])
	d.pairs = d.pairs[:n]
}

// checkMetadata applies the limits of protocol.md 3.2 to the noted entries.
func (d *Decoder) checkMetadata() {
	size := 0
	for _, p := range d.pairs {
		size += len(p.key) + len(p.value)
		if msg, _ := metadataProblem(p.key, p.value, size); msg != "" {
			d.scan.fail(0, msg)
			return
		}
	}
}

// metadataJSON returns the noted entries as the JSON object that Metadata holds, nil
// without any, and lets go of them.
func (d *Decoder) metadataJSON() []byte {
	if len(d.pairs) == 0 || d.scan.err != nil {
		return nil
	}
	start := len(d.scratch)
	d.scratch = append(d.scratch, '{')
	for i, p := range d.pairs {
		if i > 0 {
			d.scratch = append(d.scratch, ',')
		}
		d.scratch = appendString(d.scratch, p.key)
		d.scratch = append(d.scratch, ':')
		d.scratch = appendString(d.scratch, p.value)
	}
	d.scratch = append(d.scratch, '}')
	return d.scratch[start:len(d.scratch):len(d.scratch)]
}
