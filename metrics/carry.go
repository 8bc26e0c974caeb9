package metrics

import "github.com/wpsbench/wpsbench/metrics/exact"

// What one process of a run hands to another: shards and intervals, exactly, so that
// what is made of them does not depend on where it was recorded. Both must be of the
// same binary and the same plan.

// AppendBinary implements encoding.BinaryAppender.
func (s *Shard) AppendBinary(dst []byte) ([]byte, error) { return exact.Append(dst, s) }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (s *Shard) UnmarshalBinary(src []byte) error { return exact.Read(src, s) }

// AppendBinary implements encoding.BinaryAppender.
func (iv *Interval) AppendBinary(dst []byte) ([]byte, error) {
	for m := range iv.phases {
		packAll(iv.phases[m])
	}
	packAll(iv.views)
	own := *iv
	own.owner = nil
	return exact.Append(dst, &own)
}

// UnmarshalBinary implements encoding.BinaryUnmarshaler. The Interval belongs to no
// Recorder of this process.
func (iv *Interval) UnmarshalBinary(src []byte) error { return exact.Read(src, iv) }

// packAll leaves only what is packed, which takes least.
func packAll(all []distribution) {
	for i := range all {
		if all[i].total > 0 {
			all[i].pack()
		}
	}
}
