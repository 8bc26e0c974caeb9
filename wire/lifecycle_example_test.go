package wire_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/wpsbench/wpsbench/wire"
)

// A client with the events of the official libraries, against what `wpsbench serve`
// starts. The emulator's package has one that runs.
func ExampleLifecycle() {
	service, err := wire.ParseConnectionString("Endpoint=http://127.0.0.1:8080;AccessKey=" + wire.EmulatorKey)
	if err != nil {
		log.Fatal(err)
	}
	access := wire.Access{UserID: "alice", Roles: []string{"webpubsub.joinLeaveGroup.room"}, Life: time.Hour}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	loop := wire.NewLoop(&wire.Dialer{}, wire.TransportDefault)
	client := loop.Open(nil, wire.SignedURL(service, "chat", access), &wire.Lifecycle{ // nil: as the JavaScript client
		Connected:    func(_ time.Duration, id, user string) { fmt.Println("connected", id, user) },
		GroupMessage: func(_ time.Duration, m *wire.Downstream) { fmt.Printf("%s: %s\n", m.Group, m.Data) },
		Disconnected: func(_ time.Duration, id, message string) { fmt.Println("disconnected", id, message) },
		RejoinGroupFailed: func(_ time.Duration, group string, err error) {
			fmt.Println("not in", group, "any more:", err)
		},
		Stopped: func(time.Duration) { cancel() },
	}, 1)
	client.Join(0, "room") // and again on every new connection
	loop.Do(client.Start)
	if err := loop.Run(ctx); err != nil {
		log.Fatal(err)
	}
}
