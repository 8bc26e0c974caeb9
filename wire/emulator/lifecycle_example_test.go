package emulator_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// A client as the official libraries have it: it joins a group, gets its messages, and
// tells what becomes of its connection.
func Example_lifecycle() {
	server, err := emulator.Start(emulator.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	service, err := wire.ParseConnectionString(server.ConnectionString())
	if err != nil {
		log.Fatal(err)
	}
	url := wire.SignedURL(service, "chat", wire.Access{
		UserID: "alice",
		Roles:  []string{"webpubsub.joinLeaveGroup.room", "webpubsub.sendToGroup.room"},
		Life:   time.Hour,
	})

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	loop := wire.NewLoop(&wire.Dialer{}, wire.TransportDefault)
	var client *wire.Client
	client = loop.Open(nil, url, &wire.Lifecycle{ // nil: the defaults of the JavaScript client
		Connected: func(now time.Duration, _, userID string) {
			fmt.Println("connected as", userID)
			if _, err := client.Publish(now, &wire.Publish{Group: "room", DataType: wire.DataText, Data: []byte("hi")}); err != nil {
				log.Fatal(err)
			}
		},
		GroupMessage: func(now time.Duration, m *wire.Downstream) {
			fmt.Printf("%s: %s\n", m.Group, m.Data)
			client.Close(now, 1000)
		},
		Disconnected: func(time.Duration, string, string) { fmt.Println("disconnected") },
		Stopped:      func(time.Duration) { fmt.Println("stopped"); cancel() },
	}, 1)
	client.Join(0, "room") // and again on every new connection
	loop.Do(client.Start)
	if err := loop.Run(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// connected as alice
	// room: hi
	// disconnected
	// stopped
}
