package metrics

import (
	"errors"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"github.com/wpsbench/wpsbench/metrics/exact"
)

// What one process of a run hands to another: shards and intervals, exactly, so that
// what is made of them does not depend on where it was recorded. Both must be of the
// same binary and the same plan.

// AppendBinary implements encoding.BinaryAppender.
func (s *Shard) AppendBinary(dst []byte) ([]byte, error) { return exact.Append(dst, s) }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (s *Shard) UnmarshalBinary(src []byte) error { return exact.Read(src, s) }

// carriedInterval is an Interval without its memory.
type carriedInterval struct {
	public Interval // no distributions, no owner
	phases [metricCount][]carried
	views  []carried
}

// carried is a distribution whose histogram is its counters that are not zero: how many
// zeros lie before one, and its value.
type carried struct {
	rest     distribution // without the histogram
	counters int          // of the histogram, zeros too; 0 = there is none
	runs     []uint64
}

// AppendBinary implements encoding.BinaryAppender.
func (iv *Interval) AppendBinary(dst []byte) ([]byte, error) {
	c := carriedInterval{public: *iv, views: carry(iv.views)}
	c.public.phases, c.public.views, c.public.owner = [metricCount][]distribution{}, nil, nil
	for m := range iv.phases {
		c.phases[m] = carry(iv.phases[m])
	}
	return exact.Append(dst, &c)
}

// UnmarshalBinary implements encoding.BinaryUnmarshaler. The Interval belongs to no
// Recorder of this process.
func (iv *Interval) UnmarshalBinary(src []byte) error {
	var c carriedInterval
	if err := exact.Read(src, &c); err != nil {
		return err
	}
	out := c.public
	var err error
	if out.views, err = unload(c.views); err != nil {
		return err
	}
	for m := range c.phases {
		if out.phases[m], err = unload(c.phases[m]); err != nil {
			return err
		}
	}
	*iv = out
	return nil
}

func carry(from []distribution) []carried {
	out := make([]carried, len(from))
	for i := range from {
		out[i].rest = from[i]
		out[i].rest.counts = nil
		if !from[i].counted() {
			continue
		}
		counts := from[i].counts.Export().Counts
		out[i].counters = len(counts)
		zeros := uint64(0)
		for _, n := range counts {
			if n == 0 {
				zeros++
				continue
			}
			out[i].runs = append(out[i].runs, zeros, uint64(n))
			zeros = 0
		}
	}
	return out
}

func unload(from []carried) ([]distribution, error) {
	out := make([]distribution, len(from))
	for i := range from {
		c := &from[i]
		out[i] = c.rest
		if c.counters == 0 {
			continue
		}
		snapshot := hdr.New(histogramLowest, histogramHighest, histogramDigits).Export()
		at := uint64(0)
		for k := 0; k+1 < len(c.runs); k += 2 {
			at += c.runs[k]
			if at >= uint64(len(snapshot.Counts)) || c.counters != len(snapshot.Counts) {
				return nil, errors.New("a histogram of another geometry")
			}
			snapshot.Counts[at] = int64(c.runs[k+1])
			at++
		}
		out[i].counts = hdr.Import(snapshot)
	}
	return out, nil
}
