// Package frame reads and writes the frames of an open WebSocket (RFC 6455
// section 5) without I/O, for both ends of a connection.
//
// Bytes come in as the transport delivers them; a [Parser] unmasks them in place
// and hands out whole messages and control frames. What the peer may not do ends
// as a [CloseError] that carries the close code to answer with. No extension is
// supported, so the reserved bits must be zero.
package frame
