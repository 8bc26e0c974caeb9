package runner

import (
	"errors"
	"sync"
	"testing"

	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// TestLiesOverSockets: what TestLies asks of a simulated world holds where the bytes come
// in by a loop of sockets or by goroutines, too. All runs go on at once: most of what they
// take is the patience with what is missing.
func TestLiesOverSockets(t *testing.T) {
	for _, tt := range []struct {
		transport wire.Transport
		dataType  string
	}{
		{wire.TransportLoop, "text"},
		{wire.TransportGoroutine, "binary"},
	} {
		t.Run(string(tt.transport), func(t *testing.T) {
			t.Parallel()
			if _, err := wire.ParseTransport(string(tt.transport)); err != nil {
				t.Skip(err)
			}
			var cells []*lieCell
			for _, lie := range emulator.AllLies() {
				switch row := lieRows[lie]; {
				case row.reliable != "":
					cells = append(cells, &lieCell{lie: lie, row: row, protocol: "json.reliable.webpubsub.azure.v1", dataType: tt.dataType})
				case row.plain != "":
					cells = append(cells, &lieCell{lie: lie, row: row, protocol: "json.webpubsub.azure.v1", dataType: tt.dataType})
				}
			}
			failed := make([]error, len(cells))
			var runs sync.WaitGroup
			for i, c := range cells {
				server, err := emulator.Start(c.socketOptions(tt.transport))
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = server.Close() }()
				cfg := configOf(t, c.plan(t, "populations.members.publish.rate=20/s"), server.ConnectionString())
				cfg.Transport = tt.transport
				runs.Go(func() {
					c.rec, failed[i] = Run(t.Context(), t.Context(), cfg)
					c.told = server.Stats().Lies[c.lie.String()]
				})
			}
			runs.Wait()
			if err := errors.Join(failed...); err != nil {
				t.Fatal(err)
			}
			for _, c := range cells {
				t.Run(c.name(), c.judge)
			}
		})
	}
}

func (c *lieCell) socketOptions(transport wire.Transport) emulator.Options {
	o := c.options()
	o.Transport = transport
	return o
}
