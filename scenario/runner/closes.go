package runner

import (
	"slices"
	"strconv"
	"strings"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/wire"
)

// closeKey tells the ends of transports apart.
type closeKey struct {
	us   bool
	code int
	text string
}

func closeKeyOf(ev *wire.Event) closeKey {
	k := closeKey{us: !ev.ByPeer, code: int(ev.CloseCode), text: ev.CloseReason}
	if k.text == "" && ev.Err != nil {
		k.text = errorKind(ev.Err)
	}
	return k
}

func (k closeKey) side() string {
	if k.us {
		return "us"
	}
	return "peer"
}

// closeCounts counts the ends of transports.
type closeCounts map[closeKey]uint64

// maxCloseTexts bounds how many different close reasons are told apart.
const maxCloseTexts = 64

func (c *closeCounts) add(k closeKey) {
	if *c == nil {
		*c = closeCounts{}
	}
	if _, known := (*c)[k]; !known && len(*c) >= maxCloseTexts {
		k.text = "other"
	}
	(*c)[k]++
}

// merge adds o.
func (c *closeCounts) merge(o closeCounts) {
	if *c == nil {
		*c = closeCounts{}
	}
	for k, n := range o {
		(*c)[k] += n
	}
}

// reasons lists them, the most frequent first; never nil.
func (c closeCounts) reasons() []metrics.CloseReason {
	list := make([]metrics.CloseReason, 0, len(c))
	for k, n := range c {
		list = append(list, metrics.CloseReason{Side: k.side(), Code: k.code, Text: k.text, Count: n})
	}
	slices.SortFunc(list, func(a, b metrics.CloseReason) int {
		if a.Count != b.Count {
			return int(b.Count) - int(a.Count)
		}
		return strings.Compare(a.Side+strconv.Itoa(a.Code)+a.Text, b.Side+strconv.Itoa(b.Code)+b.Text)
	})
	return list
}
