package wire

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/gobwas/ws"
)

const protocolHeader = "Sec-WebSocket-Protocol"

// upgrade asks for the WebSocket (RFC 6455 4.1) and keeps what follows the answer.
func (a *attempt) upgrade(context.Context) error {
	var refused *DialError
	d := ws.Dialer{
		Header: ws.HandshakeHeaderHTTP(a.dialer.Header),
		OnStatusError: func(status int, _ []byte, answer io.Reader) {
			_ = a.conn.SetReadDeadline(time.Now().Add(refusalTimeout))
			if resp, err := http.ReadResponse(bufio.NewReader(answer), nil); err == nil {
				refused = refusal(resp)
				return
			}
			refused = &DialError{Status: status, Err: statusError(status)}
		},
	}
	if a.sub != Simple {
		d.Protocols = []string{string(a.sub)}
	}
	head := new(firstBytes)
	br, chosen, err := d.Upgrade(struct {
		io.Reader
		io.Writer
	}{io.TeeReader(a.conn, head), a.conn}, a.url)
	switch {
	case refused != nil:
		return refused
	case errors.Is(err, ws.ErrHandshakeBadSubProtocol):
		return wrongSubprotocol(a.sub, Subprotocol(head.header(protocolHeader)))
	case err != nil:
		return bareError(err)
	}
	a.trace.Upgraded = Now()
	if br != nil {
		waiting, _ := br.Peek(br.Buffered())
		a.buffered = bytes.Clone(waiting)
		ws.PutReader(br)
	}
	if chosen.Protocol != string(a.sub) {
		return wrongSubprotocol(a.sub, Subprotocol(chosen.Protocol))
	}
	return nil
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

// firstBytes keeps the start of an answer, of which ws.Dialer passes on too little
// to say what was wrong with it.
type firstBytes struct{ kept []byte }

// Write keeps of p what there is room for.
func (f *firstBytes) Write(p []byte) (int, error) {
	const limit = ws.DefaultClientReadBufferSize
	f.kept = append(f.kept, p[:min(len(p), limit-len(f.kept))]...)
	return len(p), nil
}

func (f *firstBytes) header(name string) string {
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(f.kept)), nil)
	if err != nil {
		return ""
	}
	return resp.Header.Get(name)
}
