package metrics

import (
	"math/rand/v2"
	"testing"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// TestEncodeAsLibrary: what encode writes is what the library writes, to the byte,
// whichever histograms came before.
func TestEncodeAsLibrary(t *testing.T) {
	for _, tc := range []struct {
		name   string
		values func(rnd *rand.Rand, record func(value, count int64))
	}{
		{"zero", func(_ *rand.Rand, record func(int64, int64)) { record(0, 1) }},
		{"one unit apart", func(_ *rand.Rand, record func(int64, int64)) { record(512, 3); record(1024, 1); record(2048, 70) }},
		{"largest", func(_ *rand.Rand, record func(int64, int64)) { record(histogramHighest, 1) }},
		{"often", func(_ *rand.Rand, record func(int64, int64)) { record(1_000_000, 1<<50) }},
		{"many", func(rnd *rand.Rand, record func(int64, int64)) {
			for range 10_000 {
				record(int64(rnd.ExpFloat64()*1e8), 1+rnd.Int64N(300))
			}
		}},
		{"all over", func(rnd *rand.Rand, record func(int64, int64)) {
			for range 200_000 {
				record(rnd.Int64N(histogramHighest+1), 1)
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := hdr.New(histogramLowest, histogramHighest, histogramDigits)
			p := hdr.NewPacked(histogramLowest, histogramHighest, histogramDigits)
			tc.values(rand.New(rand.NewPCG(3, 1)), func(value, count int64) {
				_ = p.RecordValues(min(value, histogramHighest), count)
				if err := h.RecordValues(min(value, histogramHighest), count); err != nil {
					t.Fatal(err)
				}
			})
			want, err := h.Encode(hdr.V2CompressedEncodingCookieBase)
			if err != nil {
				t.Fatal(err)
			}
			if got := encode(p.ForEachBucket); got != string(want) {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}
