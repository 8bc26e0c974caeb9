// Package loop runs many sockets, timers and functions on one goroutine, for
// both ends of the wire: [Loop] owns the goroutine, [Conn] is one socket on it.
//
// Bytes come in by a reader goroutine per socket, which stamps them the moment
// Read returns, queues them, and reads again only after the loop has given the
// buffer back: a busy loop is felt by the peer as back-pressure, not by us as
// memory. The loop works in turns: due timers, a bounded batch of queued events,
// then one write per connection that has something to say. That write never waits:
// what the kernel does not take at once is finished by a goroutine started for it.
//
// Everything but Stop, Do and Now belongs to the loop's goroutine: handlers,
// timers and functions run there, one at a time, and need no locks among
// themselves.
package loop
