package wire

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gobwas/ws"
)

const (
	protocolHeader = "Sec-WebSocket-Protocol"
	// maxUpgradeHead bounds the head of the answer to an upgrade, in bytes.
	maxUpgradeHead = 16 << 10
)

// upgrade asks for the WebSocket and keeps what follows the answer.
func (a *attempt) upgrade(context.Context) error {
	h := newHandshake(a.url, a.dialer.Header, a.sub)
	if _, err := a.conn.Write(h.request()); err != nil {
		return err
	}
	buf := make([]byte, 4<<10)
	for {
		n, err := a.conn.Read(buf)
		rest, done, refused := h.received(buf[:n])
		switch {
		case done && refused == nil:
			a.trace.Upgraded = Now()
			a.buffered = bytes.Clone(rest)
			return nil
		case done:
			return refused
		case err != nil:
			return h.ended(err)
		case h.refusing():
			_ = a.conn.SetReadDeadline(time.Now().Add(refusalTimeout))
		}
	}
}

// handshake is the client's side of an upgrade (RFC 6455 4.1) without I/O: request
// is to be sent, received takes what comes, until it is done.
type handshake struct {
	url    *url.URL
	header http.Header
	sub    Subprotocol
	key    string
	answer []byte // what has come of it, while it is not whole
}

func newHandshake(u *url.URL, header http.Header, sub Subprotocol) *handshake {
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // never fails, see its documentation
	return &handshake{url: u, header: header, sub: sub, key: base64.StdEncoding.EncodeToString(nonce[:])}
}

func (h *handshake) request() []byte {
	var b bytes.Buffer
	b.Grow(1 << 10)
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n", h.url.RequestURI(), h.url.Host, h.key)
	if h.sub != Simple {
		fmt.Fprintf(&b, "%s: %s\r\n", protocolHeader, h.sub)
	}
	_ = h.header.Write(&b) // a Buffer takes everything
	b.WriteString("\r\n")
	return b.Bytes()
}

var headEnd = []byte("\r\n\r\n")

// received takes the next bytes of the answer. done says that it is decided: for the
// WebSocket, whose first bytes are rest, a part of data; or against it by err.
func (h *handshake) received(data []byte) (rest []byte, done bool, err error) {
	before := len(h.answer)
	h.answer = append(h.answer, data...)
	end := bytes.Index(h.answer, headEnd)
	switch {
	case end < 0 && len(h.answer) > maxUpgradeHead, end > maxUpgradeHead:
		return nil, true, fmt.Errorf("the answer's head is above %d bytes", maxUpgradeHead)
	case end < 0:
		return nil, false, nil
	}
	end += len(headEnd)
	resp, err := http.ReadResponse(bufio.NewReaderSize(bytes.NewReader(h.answer), len(h.answer)), nil)
	switch {
	case err != nil:
		return nil, true, fmt.Errorf("the answer is not HTTP: %w", err)
	case resp.StatusCode == http.StatusSwitchingProtocols:
		h.answer = nil
		return data[end-before:], true, h.check(resp)
	}
	refused, cut := refusal(resp)
	endless := resp.ContentLength < 0 && len(resp.TransferEncoding) == 0
	return nil, len(refused.Body) == maxErrorBody || !cut && !endless, refused
}

// refusing says that the answer is a refusal whose body is not whole yet.
func (h *handshake) refusing() bool { return bytes.Contains(h.answer, headEnd) }

// ended makes the error of an answer that ends, by err, before it is whole.
func (h *handshake) ended(err error) error {
	if h.refusing() {
		if _, _, refused := h.received(nil); refused != nil {
			return refused // with as much of the body as came
		}
	}
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// check judges an answer that agrees to switch protocols.
func (h *handshake) check(resp *http.Response) error {
	sum := sha1.Sum([]byte(h.key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	switch {
	case !resp.ProtoAtLeast(1, 1):
		return ws.ErrHandshakeBadProtocol
	case !strings.EqualFold(resp.Header.Get("Upgrade"), "websocket"):
		return ws.ErrHandshakeBadUpgrade
	case !hasToken(resp.Header.Values("Connection"), "upgrade"):
		return ws.ErrHandshakeBadConnection
	case resp.Header.Get("Sec-WebSocket-Accept") != base64.StdEncoding.EncodeToString(sum[:]):
		return ws.ErrHandshakeBadSecAccept
	case len(resp.Header.Values("Sec-WebSocket-Extensions")) > 0: // none was offered
		return ws.ErrHandshakeBadExtensions
	}
	if chosen := strings.Join(resp.Header.Values(protocolHeader), ", "); chosen != string(h.sub) {
		return wrongSubprotocol(h.sub, Subprotocol(chosen))
	}
	return nil
}

func hasToken(lists []string, token string) bool {
	for _, list := range lists {
		for item := range strings.SplitSeq(list, ",") {
			if strings.EqualFold(strings.TrimSpace(item), token) {
				return true
			}
		}
	}
	return false
}

func wrongSubprotocol(asked, chosen Subprotocol) error {
	name := func(p Subprotocol) string {
		if p == Simple {
			return "none"
		}
		return fmt.Sprintf("%q", string(p))
	}
	return &DialError{
		Status: http.StatusSwitchingProtocols,
		Err:    fmt.Errorf("subprotocol asked for: %s, chosen by the server: %s", name(asked), name(chosen)),
	}
}
