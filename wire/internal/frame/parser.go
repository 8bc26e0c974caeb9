package frame

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// Config says which end of a connection a Parser stands on and what it accepts.
type Config struct {
	// Server: the peer is a client, whose frames must be masked; otherwise
	// they must not be (RFC 6455 5.1).
	Server bool
	// Text: data messages must be text, as on the JSON subprotocols. Binary: they
	// must be binary, as on the protobuf ones. The other kind is refused with code
	// 1003 (protocol.md 3.6).
	Text, Binary bool
	// MaxMessageBytes bounds the payload of one message, all fragments
	// together. It is checked when a frame's header is read, before a byte of
	// the payload is kept. 0 admits empty messages only.
	MaxMessageBytes int
	// Scratch may be shared by the Parsers of one goroutine; nil = the Parser's own.
	Scratch *Scratch
}

// Scratch is what reading a header needs besides the Parser's state.
type Scratch struct {
	reader bytes.Reader
	header [ws.MaxHeaderSize - 2]byte
}

// Parser turns the byte stream of one WebSocket into messages. The zero value
// accepts nothing; Reset makes it ready. It is not safe for concurrent use.
//
// A frame that lies whole inside one Feed is passed on where it lies. Only what
// a Feed leaves incomplete is copied: a header and a control frame into the
// Parser, a message into a buffer that is returned as soon as the message is
// complete, so an idle connection holds none.
type Parser struct {
	cfg Config
	err error // sticky: what Feed has refused
	end bool  // a close frame was read: what follows is discarded (RFC 6455 1.4)

	head    [ws.MaxHeaderSize]byte // start of a header that is incomplete
	headLen uint8

	inFrame bool // hdr is the frame whose payload is being read
	hdr     ws.Header
	got     int64 // bytes of that payload read so far

	control *[]byte   // an incomplete control frame; nil = none kept
	message *[]byte   // an incomplete message; nil = none kept
	opcode  ws.OpCode // of the fragmented message begun; 0 = none
}

// Reset prepares p for the first byte of a new connection and drops what it held.
func (p *Parser) Reset(cfg Config) {
	p.release()
	if cfg.Scratch == nil {
		cfg.Scratch = new(Scratch)
	}
	*p = Parser{cfg: cfg}
}

// Feed parses the next bytes of the connection and calls fn for each complete
// message (opcode text or binary) and control frame (close, ping, pong), in
// order of completion: control frames may come between the fragments of a
// message. data is modified when it is masked. payload is borrowed: it lies in
// data or in p and is valid until fn returns. It is well-formed: text is valid
// UTF-8, a close frame is empty or a permitted code with a valid reason.
//
// A peer that breaks the rules makes Feed return a [*CloseError]; an error of fn
// is returned as it is. Either ends the parsing: every further Feed returns the
// same. After a close frame Feed ignores all input.
func (p *Parser) Feed(data []byte, fn func(op ws.OpCode, payload []byte) error) error {
	for p.err == nil && !p.end && len(data) > 0 {
		if !p.inFrame {
			data = p.readHeader(data)
		}
		if p.inFrame {
			data = p.readPayload(data, fn)
		}
	}
	return p.err
}

// readHeader consumes data up to the end of a header and returns the rest.
func (p *Parser) readHeader(data []byte) []byte {
	buf := data
	if p.headLen > 0 {
		buf = p.head[:int(p.headLen)+copy(p.head[p.headLen:], data)]
	}
	s := p.cfg.Scratch
	s.reader.Reset(buf)
	hdr, err := ws.ReadHeaderBuffer(&s.reader, s.header[:])
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		// Shorter than any header can get, so all of data fits.
		p.headLen = uint8(copy(p.head[:], buf))
		return nil
	}
	size := len(buf) - s.reader.Len()
	rest := data[size-int(p.headLen):]
	p.headLen = 0
	if err == nil {
		err = p.checkHeader(hdr, size)
	} else {
		err = &CloseError{ws.StatusProtocolError, err.Error()}
	}
	if err != nil {
		p.fail(err)
		return nil
	}
	p.hdr, p.got, p.inFrame = hdr, 0, true
	return rest
}

func (p *Parser) checkHeader(hdr ws.Header, size int) error {
	if size != ws.HeaderSize(hdr) {
		return errLengthNotMinimal
	}
	state := ws.StateClientSide
	if p.cfg.Server {
		state = ws.StateServerSide
	}
	if p.opcode != 0 {
		state = state.Set(ws.StateFragmented)
	}
	if err := ws.CheckHeader(hdr, state); err != nil {
		return &CloseError{ws.StatusProtocolError, err.Error()}
	}
	switch {
	case hdr.OpCode.IsControl():
		return nil
	case p.cfg.Text && hdr.OpCode == ws.OpBinary:
		return errTextRequired
	case p.cfg.Binary && hdr.OpCode == ws.OpText:
		return errBinaryRequired
	case hdr.Length > int64(p.cfg.MaxMessageBytes-p.kept()):
		return errTooLarge
	}
	return nil
}

// readPayload consumes data up to the end of the frame and returns the rest.
func (p *Parser) readPayload(data []byte, fn func(ws.OpCode, []byte) error) []byte {
	n := min(p.hdr.Length-p.got, int64(len(data)))
	part, rest := data[:n], data[n:]
	if p.hdr.Masked {
		ws.Cipher(part, p.hdr.Mask, int(p.got%4))
	}
	whole := n == p.hdr.Length
	p.got += n
	p.inFrame = p.got < p.hdr.Length

	if p.hdr.OpCode.IsControl() {
		if !whole {
			part = keep(&p.control, part)
		}
		if !p.inFrame {
			p.fail(p.endControl(part, fn))
			giveBack(&p.control)
		}
		return rest
	}
	if !whole || !p.hdr.Fin || p.opcode != 0 {
		part = keep(&p.message, part)
	}
	if !p.inFrame {
		p.fail(p.endData(part, fn))
	}
	return rest
}

func (p *Parser) endControl(payload []byte, fn func(ws.OpCode, []byte) error) error {
	if p.hdr.OpCode == ws.OpClose {
		if err := checkClose(payload); err != nil {
			return err
		}
		p.end = true
	}
	return fn(p.hdr.OpCode, payload)
}

// endData ends a data frame. message is what the whole message holds so far.
func (p *Parser) endData(message []byte, fn func(ws.OpCode, []byte) error) error {
	op := p.hdr.OpCode
	if op == ws.OpContinuation {
		op = p.opcode
	}
	if !p.hdr.Fin {
		p.opcode = op
		return nil
	}
	p.opcode = 0
	defer giveBack(&p.message)
	if op == ws.OpText && !utf8.Valid(message) {
		return errTextNotUTF8
	}
	return fn(op, message)
}

// fail makes err sticky.
func (p *Parser) fail(err error) {
	if err != nil {
		p.err = err
		p.release()
	}
}

// buffers holds message buffers between uses. Which Parser gets which cannot
// be observed; sharing them is what lets 100,000 idle connections hold none.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// maxPooledBytes is the largest buffer that outlives its message.
const maxPooledBytes = 64 << 10

// keep appends part to what is incomplete and returns all of it so far.
func keep(kept **[]byte, part []byte) []byte {
	if *kept == nil {
		*kept = buffers.Get().(*[]byte)
	}
	**kept = append(**kept, part...)
	return **kept
}

func (p *Parser) kept() int {
	if p.message == nil {
		return 0
	}
	return len(*p.message)
}

// Between reports whether p stands between two messages, so that a Parser just Reset
// to the same Config would go on like it.
func (p *Parser) Between() bool {
	return p.err == nil && !p.end && p.headLen == 0 && !p.inFrame && p.opcode == 0
}

// release gives back what is incomplete.
func (p *Parser) release() {
	giveBack(&p.control)
	giveBack(&p.message)
}

func giveBack(kept **[]byte) {
	if *kept != nil && cap(**kept) <= maxPooledBytes {
		**kept = (**kept)[:0]
		buffers.Put(*kept)
	}
	*kept = nil
}
