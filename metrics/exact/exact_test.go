package exact_test

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/metrics/exact"
)

type inner struct {
	flag bool
	name string
	of   map[string][]int32
}

type outer struct {
	Public  int64
	private uint64
	small   uint8
	at      time.Duration
	share   float64
	array   [3]inner
	slice   []inner
	empty   []inner
	none    []inner
	raw     []byte
	byKey   map[struct{ a, b int }]inner
	there   *inner
	absent  *inner
	wait    chan int
	call    func()
	any     any
}

func full() outer {
	in := inner{flag: true, name: "naïve \x00", of: map[string][]int32{"a": {math.MinInt32, 0, math.MaxInt32}, "": nil}}
	return outer{
		Public: math.MinInt64, private: math.MaxUint64, small: 255, at: -time.Second, share: math.Inf(-1),
		array: [3]inner{{}, in, {name: "third"}}, slice: []inner{in, {}}, empty: []inner{}, raw: []byte{0, 255},
		byKey: map[struct{ a, b int }]inner{{1, -2}: in, {}: {}}, there: &in,
	}
}

func TestRoundTrip(t *testing.T) {
	for name, want := range map[string]outer{"zero": {}, "full": full()} {
		t.Run(name, func(t *testing.T) {
			b, err := exact.Append([]byte("before"), &want)
			if err != nil {
				t.Fatal(err)
			}
			got := outer{Public: 1, none: []inner{{}}, absent: &inner{}}
			if err := exact.Read(b[len("before"):], &got); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got\n%+v, want\n%+v", got, want)
			}
		})
	}
}

// Every beginning of the bytes is refused, whatever it announces, and so is more.
func TestTruncated(t *testing.T) {
	v := full()
	b, err := exact.Append(nil, &v)
	if err != nil {
		t.Fatal(err)
	}
	for n := range b {
		if err := exact.Read(b[:n], &v); err == nil {
			t.Fatalf("%d of %d bytes are accepted", n, len(b))
		}
	}
	if err := exact.Read(append(b, 0), &v); err == nil {
		t.Error("a byte too many is accepted")
	}
	var list []inner
	if err := exact.Read([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, &list); err == nil {
		t.Error("a list longer than its bytes is accepted")
	}
}

func TestRefused(t *testing.T) {
	for name, v := range map[string]outer{
		"channel":   {wait: make(chan int)},
		"function":  {call: func() {}},
		"interface": {any: 1},
	} {
		if _, err := exact.Append(nil, &v); err == nil || !strings.Contains(err.Error(), "cannot be carried") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
