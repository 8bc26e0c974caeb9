// Package exact writes Go values as bytes and reads them back, field by field,
// unexported ones too. It carries state between processes of one binary, so the bytes
// hold no names and no version: the type at both ends is the schema, and a field that
// is added to it is carried without further ado.
//
// Numbers are varints, slices and maps have their length before them, a pointer is
// there or nil. A shared pointer becomes two values, a cyclic one never ends. Channels,
// functions and interfaces are refused unless they are nil.
package exact

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"reflect"
)

// Append appends the value that v points to.
func Append[T any](dst []byte, v *T) ([]byte, error) {
	return write(dst, reflect.ValueOf(v).Elem())
}

// Read fills the value that v points to and must use up all of src. What v held before
// is lost, also after an error.
func Read[T any](src []byte, v *T) error {
	r := reader{rest: src}
	var fresh T
	r.read(reflect.ValueOf(&fresh).Elem())
	if r.err == nil && len(r.rest) > 0 {
		r.err = fmt.Errorf("%d bytes too many", len(r.rest))
	}
	if r.err != nil {
		return fmt.Errorf("read a %T: %w", fresh, r.err)
	}
	*v = fresh
	return nil
}

func write(dst []byte, v reflect.Value) ([]byte, error) {
	switch v.Kind() {
	case reflect.Bool:
		if v.Bool() {
			return append(dst, 1), nil
		}
		return append(dst, 0), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return binary.AppendVarint(dst, v.Int()), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return binary.AppendUvarint(dst, v.Uint()), nil
	case reflect.Float64:
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(v.Float())), nil
	case reflect.String:
		return append(binary.AppendUvarint(dst, uint64(v.Len())), v.String()...), nil
	case reflect.Struct:
		return writeEach(dst, v.NumField(), v.Field)
	case reflect.Array:
		return writeEach(dst, v.Len(), v.Index)
	case reflect.Slice:
		if v.IsNil() {
			return binary.AppendUvarint(dst, 0), nil
		}
		return writeEach(binary.AppendUvarint(dst, uint64(v.Len())+1), v.Len(), v.Index)
	case reflect.Map:
		return writeMap(dst, v)
	case reflect.Pointer:
		if v.IsNil() {
			return append(dst, 0), nil
		}
		return write(append(dst, 1), v.Elem())
	case reflect.Chan, reflect.Func, reflect.Interface:
		if v.IsNil() {
			return dst, nil
		}
	default:
	}
	return nil, fmt.Errorf("a %s cannot be carried to another process", v.Type())
}

func writeEach(dst []byte, n int, at func(int) reflect.Value) ([]byte, error) {
	var err error
	for i := range n {
		if dst, err = write(dst, at(i)); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

func writeMap(dst []byte, v reflect.Value) ([]byte, error) {
	if v.IsNil() {
		return binary.AppendUvarint(dst, 0), nil
	}
	dst = binary.AppendUvarint(dst, uint64(v.Len())+1)
	var err error
	for entries := v.MapRange(); entries.Next(); {
		if dst, err = write(dst, entries.Key()); err != nil {
			return nil, err
		}
		if dst, err = write(dst, entries.Value()); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

// reader keeps its first error; after it everything reads as zero.
type reader struct {
	rest []byte
	err  error
}

var errShort = errors.New("the bytes end too early")

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.rest = nil
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.fail(errShort)
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) uvarint() uint64 {
	x, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.fail(errShort)
		return 0
	}
	r.rest = r.rest[n:]
	return x
}

func (r *reader) varint() int64 {
	x, n := binary.Varint(r.rest)
	if n <= 0 {
		r.fail(errShort)
		return 0
	}
	r.rest = r.rest[n:]
	return x
}

func (r *reader) present() bool {
	b := r.take(1)
	return len(b) == 1 && b[0] == 1
}

// length reads that of a slice or map; ok is false for nil. Each element takes at least
// least bytes, which bounds what broken bytes can make us allocate.
func (r *reader) length(least uint64) (n int, ok bool) {
	x := r.uvarint()
	if x == 0 {
		return 0, false
	}
	if (x-1)*least > uint64(len(r.rest)) {
		r.fail(errShort)
		return 0, false
	}
	return int(x - 1), true
}

// read fills v, which is zero.
func (r *reader) read(v reflect.Value) {
	if r.err != nil {
		return
	}
	// The same value without the mark that forbids to set an unexported field.
	v = reflect.NewAt(v.Type(), v.Addr().UnsafePointer()).Elem()
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(r.present())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(r.varint())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(r.uvarint())
	case reflect.Float64:
		if b := r.take(8); b != nil {
			v.SetFloat(math.Float64frombits(binary.LittleEndian.Uint64(b)))
		}
	case reflect.String:
		v.SetString(string(r.take(r.uvarint())))
	case reflect.Struct:
		for i := range v.NumField() {
			r.read(v.Field(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			r.read(v.Index(i))
		}
	case reflect.Slice:
		if n, ok := r.length(leastBytes(v.Type().Elem())); ok {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				r.read(v.Index(i))
			}
		}
	case reflect.Map:
		r.readMap(v)
	case reflect.Pointer:
		if r.present() {
			v.Set(reflect.New(v.Type().Elem()))
			r.read(v.Elem())
		}
	case reflect.Chan, reflect.Func, reflect.Interface: // nil
	default:
		r.fail(fmt.Errorf("a %s cannot be carried to another process", v.Type()))
	}
}

func (r *reader) readMap(v reflect.Value) {
	n, ok := r.length(leastBytes(v.Type().Key()))
	if !ok {
		return
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), n))
	for range n {
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		r.read(key)
		r.read(value)
		if r.err == nil {
			v.SetMapIndex(key, value)
		}
	}
}

// leastBytes is 0 for what takes none, else 1.
func leastBytes(t reflect.Type) uint64 {
	if t.Size() == 0 {
		return 0
	}
	return 1
}
