package emulator_test

import (
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

func TestProtobufEndToEnd(t *testing.T) {
	srv := start(t, emulator.Options{})
	u := clientURL(t, srv, "chat", wire.ClientToken{UserID: "alice", Roles: allRoles})
	for _, tt := range []struct{ name, message string }{
		{"protobuf.webpubsub.azure.v1", "\x12\x13\x0a\x05group\x12\x04room\x1a\x04\x0a\x02hi"},
		{"protobuf.reliable.webpubsub.azure.v1", "\x12\x15\x0a\x05group\x12\x04room\x1a\x04\x0a\x02hi\x20\x01"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := connect(t, u, tt.name, nil)
			if hello := c.next(); !strings.Contains(hello, "\x12\x05alice") {
				t.Errorf("greeted with %q", hello)
			}
			for _, m := range []string{
				"\x32\x08\x0a\x04room\x10\x01",
				"\x0a\x0e\x0a\x04room\x10\x07\x1a\x04\x0a\x02hi",
				"\x38\x01",
			} {
				c.write(ws.MustCompileFrame(ws.MaskFrame(ws.NewBinaryFrame([]byte(m)))))
			}
			c.want("\x0a\x04\x08\x01\x10\x01", tt.message, "\x0a\x04\x08\x07\x10\x01",
				"close 1007 The client message is not a valid Protobuf protocol message.")
		})
	}
}
