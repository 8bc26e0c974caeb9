package wire

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

// The key and what it is answered with are the example of RFC 6455 1.3.
const (
	rfcKey    = "dGhlIHNhbXBsZSBub25jZQ=="
	rfcAnswer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
)

func TestHandshakeAnswers(t *testing.T) {
	const chosen = "Sec-WebSocket-Protocol: json.webpubsub.azure.v1\r\n\r\n"
	tests := []struct {
		name   string
		answer string
		rest   string
		is     error
		text   string // of the error; "" = accepted
		ended  bool   // only the end of the stream decides
	}{
		{name: "agreed", answer: rfcAnswer + chosen},
		{name: "bytes on the heels", answer: rfcAnswer + chosen + "\x81\x02hi", rest: "\x81\x02hi"},
		{name: "other case, more tokens", answer: strings.NewReplacer("websocket", "WebSocket", "Connection: Upgrade", "connection: keep-alive, UPGRADE").Replace(rfcAnswer) + chosen},
		{name: "HTTP/1.0", answer: strings.Replace(rfcAnswer, "/1.1", "/1.0", 1) + chosen, is: ws.ErrHandshakeBadProtocol},
		{name: "no Upgrade", answer: strings.Replace(rfcAnswer, "Upgrade: websocket\r\n", "", 1) + chosen, is: ws.ErrHandshakeBadUpgrade},
		{name: "no Connection", answer: strings.Replace(rfcAnswer, "Connection: Upgrade", "Connection: close", 1) + chosen, is: ws.ErrHandshakeBadConnection},
		{name: "of another key", answer: strings.Replace(rfcAnswer, "s3p", "S3p", 1) + chosen, is: ws.ErrHandshakeBadSecAccept},
		{name: "no accept", answer: rfcAnswer[:strings.Index(rfcAnswer, "Sec-")] + chosen, is: ws.ErrHandshakeBadSecAccept},
		{name: "an extension", answer: rfcAnswer + "Sec-WebSocket-Extensions: permessage-deflate\r\n" + chosen, is: ws.ErrHandshakeBadExtensions},
		{name: "two subprotocols", answer: rfcAnswer + "Sec-WebSocket-Protocol: mqtt\r\n" + chosen, text: `"mqtt, json.webpubsub.azure.v1"`},
		{name: "a refusal of known length", answer: "HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nno!", text: `HTTP 400 Bad Request: "no!"`},
		{name: "a refusal in chunks", answer: "HTTP/1.1 503 x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n1\r\n!\r\n0\r\n\r\n", text: `HTTP 503 Service Unavailable: "no!"`},
		{name: "a refusal until the end", answer: "HTTP/1.1 403 Forbidden\r\n\r\nno!", text: `HTTP 403 Forbidden: "no!"`, ended: true},
		{name: "a refusal cut short", answer: "HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nno!", text: `HTTP 403 Forbidden: "no!"`, ended: true},
		{name: "an end in the head", answer: rfcAnswer, is: io.ErrUnexpectedEOF, ended: true},
		{name: "nothing", is: io.ErrUnexpectedEOF, ended: true},
		{name: "not HTTP", answer: "SSH-2.0-x\r\n\r\n", text: "not HTTP"},
		{name: "a head without end", answer: rfcAnswer + strings.Repeat("X: y\r\n", maxUpgradeHead/6), text: "above 16384 bytes"},
	}
	for _, tt := range tests {
		for _, step := range []int{1, 7, 1 << 20} {
			t.Run(tt.name, func(t *testing.T) {
				u, err := url.Parse("ws://h.test/client/hubs/chat")
				if err != nil {
					t.Fatal(err)
				}
				h := newHandshake(u, nil, JSON)
				h.key = rfcKey
				var rest []byte
				done := false
				i := 0
				for i < len(tt.answer) && !done {
					n := min(step, len(tt.answer)-i)
					rest, done, err = h.received([]byte(tt.answer[i : i+n]))
					i += n
				}
				if done == tt.ended {
					t.Fatalf("done: %v after %d of %d bytes", done, i, len(tt.answer))
				}
				if tt.ended {
					err = h.ended(io.EOF)
				}
				switch {
				case tt.is != nil && !errors.Is(err, tt.is), tt.text != "" && (err == nil || !strings.Contains(err.Error(), tt.text)):
					t.Errorf("error %v, want %v %s", err, tt.is, tt.text)
				case tt.is == nil && tt.text == "" && err != nil:
					t.Error(err)
				case err == nil && string(rest)+tt.answer[i:] != tt.rest:
					t.Errorf("rest %q, want %q", string(rest)+tt.answer[i:], tt.rest)
				}
			})
		}
	}
}

func TestHandshakeRequest(t *testing.T) {
	u, err := url.Parse("ws://h.test:81/client/hubs/a%2Fb?access_token=x")
	if err != nil {
		t.Fatal(err)
	}
	h := newHandshake(u, http.Header{"X-Run": {"one\r\ntwo"}}, JSONReliable)
	h.key = rfcKey
	const want = "GET /client/hubs/a%2Fb?access_token=x HTTP/1.1\r\nHost: h.test:81\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
		"Sec-WebSocket-Protocol: json.reliable.webpubsub.azure.v1\r\nX-Run: one  two\r\n\r\n"
	if got := string(h.request()); got != want {
		t.Errorf("request\n%s\nwant\n%s", got, want)
	}
	if other := newHandshake(u, nil, JSON); other.key == newHandshake(u, nil, JSON).key || len(other.key) != 24 {
		t.Error("a key that is not random, or not of 16 bytes")
	}
}
