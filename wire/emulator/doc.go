// Package emulator is the service's end of the wire: a local Azure Web PubSub
// for tests and for trying the harness without an account. It speaks the JSON and
// protobuf subprotocols, plain and reliable, simple WebSocket clients and the
// data-plane REST API (protocol.md 7, protocol.md 14, "Target server, minimum").
//
//	srv, err := emulator.Start(emulator.Options{})
//	if err != nil { … }
//	defer srv.Close()
//	conn, err := wire.ParseConnectionString(srv.ConnectionString())
//
// Data moves in this order. One goroutine, the loop's, accepts connections and runs the
// core. A WebSocket handshake passes the checks of protocol.md 1.3 and becomes an
// admission; what is none, or is refused, or comes in pieces is handed over to net/http,
// which serves the REST API and refuses the rest, as it does whatever comes by TLS or where
// the loop has a goroutine read each socket. There a handshake that passes gives its
// socket back to the loop. Frames enter a socket, messages become requests of a session
// (the logical connection, which may outlive its socket), a publish is encoded
// once in each notation that somebody reads and fanned out to the sessions of its
// group, and each of them numbers, keeps and writes it. The core does no I/O: bytes
// and instants go in, bytes and commands come out, so tests drive it without
// sockets or clock.
//
// Events go the other way: user events and the system events connect, connected and
// disconnected are posted to the event handlers of Options (protocol.md 8) by
// goroutines of their own. A user event keeps its connection's later frames waiting
// until the answer is back on the core; nobody else waits.
//
// Differences from the service, all deliberate: a token of Microsoft Entra is known
// only by comparison, one for MQTT clients not at all; messages never expire.
package emulator
