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
// Data moves in this order. net/http accepts a connection and serves the REST
// API; a WebSocket handshake passes the checks of protocol.md 1.3 there and
// becomes an admission. From then on its socket belongs to one goroutine, which
// runs the core: frames enter a socket, messages become requests of a session
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
