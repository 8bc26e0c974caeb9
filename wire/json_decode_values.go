package wire

import "encoding/base64"

// has says whether the member is present with a value other than null.
func (d *Decoder) has(f field) bool {
	return d.seen&(1<<f) != 0 && d.values[f].kind != kindNull
}

func (d *Decoder) kind(f field) valueKind {
	if d.seen&(1<<f) == 0 {
		return kindAbsent
	}
	return d.values[f].kind
}

// fail records that the member's value is refused; absent members blame the message.
func (d *Decoder) fail(f field, msg string) bool {
	offset := 0
	if d.seen&(1<<f) != 0 {
		offset = d.values[f].start
	}
	return d.scan.fail(offset, f.String()+": "+msg)
}

// get returns the member if its value is of that kind.
func (d *Decoder) get(f field, want valueKind) (value, bool) {
	switch d.kind(f) {
	case want:
		return d.values[f], true
	case kindAbsent:
		return value{}, d.fail(f, "missing")
	default:
		return value{}, d.fail(f, "of the wrong type")
	}
}

// text returns a string member, nil when it is none.
func (d *Decoder) text(f field) []byte {
	v, ok := d.get(f, kindString)
	if !ok {
		return nil
	}
	return d.unquote(v)
}

// optionalText is text for a member that may be null or absent.
func (d *Decoder) optionalText(f field) []byte {
	if !d.has(f) {
		return nil
	}
	return d.text(f)
}

// uint returns a member that must be a number without sign, fraction and exponent.
func (d *Decoder) uint(f field) uint64 {
	v, ok := d.get(f, kindNumber)
	if !ok {
		return 0
	}
	var n uint64
	for _, c := range d.scan.text[v.start:v.end] {
		digit := uint64(c - '0')
		// 18,446,744,073,709,551,615 is the largest.
		if digit > 9 || n > (1<<64-1)/10 || n == (1<<64-1)/10 && digit > 5 {
			d.fail(f, "not an integer of 64 bits")
			return 0
		}
		n = n*10 + digit
	}
	return n
}

// bool returns a member that must be true or false.
func (d *Decoder) bool(f field) bool {
	switch d.kind(f) {
	case kindTrue:
		return true
	case kindFalse:
		return false
	default:
		d.get(f, kindFalse)
		return false
	}
}

// raw returns the JSON text of a value other than a string.
func (d *Decoder) raw(v value) []byte { return d.scan.text[v.start:v.end:v.end] }

// payload returns the data member as its type carries it (protocol.md 3.2).
func (d *Decoder) payload(t DataType) []byte {
	switch t {
	case DataText:
		return d.text(fieldData)
	case DataBinary, DataProtobuf:
		return d.base64(fieldData)
	default:
		v := d.values[fieldData]
		if v.kind == kindString { // the span of a string leaves out its quotes
			v.start, v.end = v.start-1, v.end+1
		}
		return d.raw(v)
	}
}

// base64 returns the bytes that a string member carries in padded standard base64.
func (d *Decoder) base64(f field) []byte {
	text := d.text(f)
	size := len(text) / 4 * 3
	for i := len(text); i > 0 && i > len(text)-2 && text[i-1] == '='; i-- {
		size--
	}
	start := len(d.scratch)
	out, err := base64.StdEncoding.AppendDecode(d.scratch, text)
	// The library skips line breaks; the length betrays them.
	if err != nil || len(text)%4 != 0 || len(out)-start != size {
		d.fail(f, "not padded base64")
		return nil
	}
	d.scratch = out
	return out[start:len(out):len(out)]
}

// unquote returns the characters of a string: the message's own bytes if there is
// nothing to undo.
func (d *Decoder) unquote(v value) []byte {
	if !v.escaped {
		return d.raw(v)
	}
	start := len(d.scratch)
	d.scratch = appendUnescaped(d.scratch, d.scan.text[v.start:v.end])
	return d.scratch[start:len(d.scratch):len(d.scratch)]
}
