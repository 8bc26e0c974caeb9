package wire

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// patience ends a test that would hang; nothing is measured against it.
const patience = 20 * time.Second

// secret is the token in the URLs of these tests, which no error may show.
const secret = "eyJhbGciOiJIUzI1NiJ9.c2VjcmV0.c2lnbmF0dXJl"

// accept upgrades a request by hand (RFC 6455 4.2.2), with chosen as the
// subprotocol, "" for none, and extra on its heels.
func accept(t *testing.T, w http.ResponseWriter, r *http.Request, chosen, extra string) net.Conn {
	t.Helper()
	nc, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Error(err)
		return nil
	}
	_ = nc.SetDeadline(time.Now().Add(patience))
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	head := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: " + base64.StdEncoding.EncodeToString(sum[:]) + "\r\n"
	if chosen != "" {
		head += "Sec-WebSocket-Protocol: " + chosen + "\r\n"
	}
	if _, err := fmt.Fprint(nc, head+"\r\n"+extra); err != nil {
		t.Error(err)
	}
	return nc
}

// wsURL returns the server's client URL, with the secret in it.
func wsURL(s *httptest.Server) string {
	return "ws" + strings.TrimPrefix(s.URL, "http") + "/client/hubs/chat?access_token=" + secret
}

// wait receives from c.
func wait[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatal("nothing has come")
		panic("unreachable")
	}
}
