package conform

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// The subprotocols, and what a simple client offers.
const (
	plain    = "json.webpubsub.azure.v1"
	reliable = "json.reliable.webpubsub.azure.v1"
	simple   = ""

	protobuf         = "protobuf.webpubsub.azure.v1"
	protobufReliable = "protobuf.reliable.webpubsub.azure.v1"
)

// maxRefusalBytes is how much of a refusal's body is read.
const maxRefusalBytes = 4 << 10

// request is a WebSocket handshake, written by hand.
type request struct {
	target    string   // path and query
	offer     string   // Sec-WebSocket-Protocol, "" = none
	header    []string // further lines
	noUpgrade bool     // an ordinary GET
}

// answer is what came back; conn is set after a 101.
type answer struct {
	status int
	header http.Header
	body   string
	conn   *conn
}

// protocol is the subprotocol that the server chose.
func (a *answer) protocol() string { return a.header.Get("Sec-WebSocket-Protocol") }

func (a *answer) String() string {
	if a.body == "" {
		return fmt.Sprintf("HTTP %d with an empty body", a.status)
	}
	return fmt.Sprintf("HTTP %d %q", a.status, a.body)
}

// request does the handshake. Its error is the transport's.
func (t *T) request(r request) (*answer, error) {
	nc, err := t.target.open(t.ctx)
	if err != nil {
		return nil, err
	}
	_ = nc.SetDeadline(time.Now().Add(t.target.Timeout))
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // never fails, see its documentation
	key := base64.StdEncoding.EncodeToString(nonce[:])
	t.log.add("-", "->", "GET "+r.target+note(r))
	if _, err := io.WriteString(nc, r.text(t.target, key)); err != nil {
		_ = nc.Close()
		return nil, err
	}
	br := bufio.NewReader(nc)
	resp, err := http.ReadResponse(br, nil)
	if err != nil {
		_ = nc.Close()
		return nil, fmt.Errorf("no HTTP answer: %w", err)
	}
	a := &answer{status: resp.StatusCode, header: resp.Header}
	if a.status != http.StatusSwitchingProtocols {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, maxRefusalBytes)) // what came is enough
		a.body = string(body)
		_ = nc.Close()
		t.log.add("-", "<-", a.String())
		return a, nil
	}
	t.log.add("-", "<-", "HTTP 101 "+a.protocol())
	if got, want := resp.Header.Get("Sec-WebSocket-Accept"), acceptKey(key); got != want {
		t.Errorf("Sec-WebSocket-Accept is %q, want %q (RFC 6455 4.2.2)", got, want)
	}
	_ = nc.SetDeadline(time.Time{})
	early, _ := br.Peek(br.Buffered())
	a.conn = t.newConn(nc, bytes.Clone(early), a.protocol())
	return a, nil
}

func note(r request) string {
	var parts []string
	if r.noUpgrade {
		parts = append(parts, "no upgrade")
	}
	if r.offer != "" {
		parts = append(parts, "offering "+r.offer)
	}
	parts = append(parts, r.header...)
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, "; ") + ")"
}

func (r request) text(tgt *target, key string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\n", r.target, tgt.host)
	if !r.noUpgrade {
		fmt.Fprintf(&b, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n", key)
	}
	if r.offer != "" {
		fmt.Fprintf(&b, "Sec-WebSocket-Protocol: %s\r\n", r.offer)
	}
	for name, values := range tgt.Header {
		for _, v := range values {
			fmt.Fprintf(&b, "%s: %s\r\n", name, v)
		}
	}
	for _, line := range r.header {
		b.WriteString(line + "\r\n")
	}
	b.WriteString("\r\n")
	return b.String()
}

func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// client is who connects. Claims count only where the target's key is known.
type client struct {
	proto  string
	user   string
	roles  []string // nil = all
	groups []string // joined by token
	query  string   // further parameters, such as "&noEcho=true"
	hub    string   // "" = the target's
}

var (
	allRoles = []string{"webpubsub.sendToGroup", "webpubsub.joinLeaveGroup"}
	noRoles  = []string{}
)

// clientRequest is the handshake of a client that is in order.
func (t *T) clientRequest(c *client) request {
	if !t.target.hasKey() {
		u, err := url.Parse(t.target.URL)
		if err != nil {
			t.Fatalf("unusable URL")
		}
		separator := ""
		if c.query != "" && u.RawQuery == "" {
			separator = "?"
		}
		return request{target: u.RequestURI() + separator + c.query, offer: c.proto}
	}
	claims := t.claims(c.hub)
	if c.user != "" {
		claims["sub"] = c.user
	}
	roles := c.roles
	if roles == nil {
		roles = allRoles
	}
	if len(roles) > 0 {
		claims["role"] = roles
	}
	if len(c.groups) > 0 {
		claims["webpubsub.group"] = c.groups
	}
	return request{target: t.clientPath(c.hub) + "?access_token=" + t.sign(claims) + c.query, offer: c.proto}
}

// clientPath is the path at which clients of the hub connect; "" = the target's.
func (t *T) clientPath(hub string) string {
	if hub == "" {
		hub = t.target.Hub
	}
	return t.target.base + "client/hubs/" + url.PathEscape(hub)
}

// handshake does a request that must get an answer.
func (t *T) handshake(r request) *answer {
	a, err := t.request(r)
	if err != nil {
		t.Fatalf("handshake: %s", endText(err))
	}
	return a
}

// upgrade does a request that must be answered with 101.
func (t *T) upgrade(r request) *conn {
	a := t.handshake(r)
	if a.conn == nil {
		t.Fatalf("%v, want 101", a)
	}
	return a.conn
}

// open connects a client; PubSub clients have had their `connected`.
func (t *T) open(cl client) *conn {
	c := t.upgrade(t.clientRequest(&cl))
	if c.proto != cl.proto {
		t.Fatalf("the server chose subprotocol %q, want %q", c.proto, cl.proto)
	}
	if cl.proto == simple {
		if t.target.hasKey() {
			t.awaitSimple(c)
		}
		return c
	}
	c.connected()
	return c
}

// awaitSimple waits until a simple client is registered, which nothing tells it: its
// pong comes from the same queue.
func (t *T) awaitSimple(c *conn) {
	c.raw(`ping "ready"`, maskedFrame(0x89, []byte("ready")))
	if a := c.next("pong"); a.err != nil || string(a.payload) != "ready" {
		t.Fatalf("%s: the WebSocket ping was not answered", c.name)
	}
}

// recovery is the request to resume the session of c.
func (t *T) recovery(c *conn) request { return t.recoverWith(c.id, c.token) }

func (t *T) recoverWith(id, token string) request {
	target := ""
	if t.target.hasKey() {
		target = t.clientPath("") + "?"
	} else {
		target = t.clientRequest(&client{}).target // SDKs append
		if strings.Contains(target, "?") {
			target += "&"
		} else {
			target += "?"
		}
	}
	return request{
		target: target + "awps_connection_id=" + url.QueryEscape(id) + "&awps_reconnection_token=" + url.QueryEscape(token),
		offer:  reliable,
	}
}

// recover resumes the session of c, which keeps its names. It may be greeted again.
func (t *T) recover(c *conn) *conn {
	r := t.recovery(c)
	r.offer = c.proto
	return t.recoverBy(r, c)
}

// recoverBy resumes the session of c with a request of its own.
func (t *T) recoverBy(r request, c *conn) *conn {
	n := t.upgrade(r)
	n.id, n.token, n.mayGreet = c.id, c.token, true
	return n
}
