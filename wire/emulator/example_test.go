package emulator_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"strings"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// A test of an application that uses Azure Web PubSub starts an emulator and
// hands its connection string to the application. Any client will do; this one
// speaks the subprotocol by hand.
func Example() {
	srv, err := emulator.Start(emulator.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = srv.Close() }()

	conn, err := wire.ParseConnectionString(srv.ConnectionString())
	if err != nil {
		log.Fatal(err)
	}
	token, err := wire.ClientToken{
		Audience:  conn.ClientAudience("chat"),
		UserID:    "alice",
		Roles:     []string{"webpubsub.sendToGroup.room"},
		Groups:    []string{"room"},
		ExpiresAt: time.Now().Add(time.Hour),
	}.Sign(conn.AccessKey)
	if err != nil {
		log.Fatal(err)
	}

	dialer := ws.Dialer{Protocols: []string{string(wire.JSON)}}
	nc, early, _, err := dialer.Dial(context.Background(), conn.ClientURL("chat")+"?access_token="+token)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = nc.Close() }()
	in := struct {
		io.Reader
		io.Writer
	}{nc, nc}
	if early != nil { // `connected` came together with the answer to the handshake
		in.Reader = early
	}

	publish := `{"type":"sendToGroup","group":"room","dataType":"text","data":"hi","ackId":1}`
	if err := wsutil.WriteClientText(nc, []byte(publish)); err != nil {
		log.Fatal(err)
	}
	for range 3 {
		message, err := wsutil.ReadServerText(in)
		if err != nil {
			log.Fatal(err)
		}
		if text := string(message); strings.Contains(text, `"connected"`) {
			fmt.Println("connected")
		} else {
			fmt.Println(text)
		}
	}
	// Output:
	// connected
	// {"type":"message","from":"group","group":"room","fromUserId":"alice","dataType":"text","data":"hi"}
	// {"type":"ack","ackId":1,"success":true}
}
