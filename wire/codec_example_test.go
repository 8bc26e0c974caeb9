package wire_test

import (
	"fmt"
	"time"

	"github.com/wpsbench/wpsbench/wire"
)

func ExampleDecoder_Downstream() {
	var d wire.Decoder // kept: it holds the scratch space
	var m wire.Downstream
	text := []byte(`{"type":"message","from":"group","group":"room","fromUserId":null,"dataType":"binary","data":"AQID","sequenceId":5}`)
	if err := d.Downstream(text, &m); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("message %d of %s: %x\n", m.SequenceID, m.Group, m.Data)
	// Output: message 5 of room: 010203
}

func ExampleAppendUpstream() {
	buf := wire.AppendUpstream(nil, &wire.Upstream{
		Kind: wire.SendToGroup, Group: []byte("room"), DataType: wire.DataText, HasData: true, Data: []byte("hi"), HasAckID: true, AckID: 2,
	})
	fmt.Printf("%s\n", buf)
	// Output: {"type":"sendToGroup","group":"room","dataType":"text","data":"hi","ackId":2}
}

func ExampleClientToken_Sign() {
	c, err := wire.ParseConnectionString("Endpoint=http://localhost:8080;AccessKey=" + wire.EmulatorKey)
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := wire.ClientToken{
		Audience: c.ClientAudience("chat"), UserID: "alice", ExpiresAt: time.Now().Add(time.Hour),
	}.Sign(c.AccessKey)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c)
	fmt.Println(wire.RedactURL(c.ClientURL("chat") + "?access_token=" + token))
	// Output:
	// Endpoint=http://localhost:8080;AccessKey=****EFGH;Version=1.0;
	// ws://localhost:8080/client/hubs/chat?access_token=REDACTED
}
