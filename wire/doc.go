// Package wire speaks the subprotocols of Azure Web PubSub from the client's
// side: the codec, tokens and connection strings, a Session whose logic is
// sans-I/O, and a Loop that runs many Sessions over real sockets.
//
// Data moves in this order. A [ConnectionString] signs a [ClientToken] and
// yields a client URL. A [Dialer] turns the URL into an open WebSocket. The
// bytes of that socket enter a [Session], which parses frames in place, decodes
// each message with a [Decoder] that borrows from the read buffer, keeps the
// sequence ids and the requests that await an ack, and hands what happened to a
// [Handler] as [Event] values. What the Session wants to say leaves as bytes; what
// it wants done (dial, close, wake me at) leaves as a [Command] and a deadline.
// A [Loop] is one goroutine that owns many such Sessions and their sockets.
//
// Instants are time.Duration values on one monotonic clock, see [Now].
package wire
