// Package loop runs many sockets, timers and functions on one goroutine, for
// both ends of the wire: [Loop] owns the goroutine, [Conn] is one socket on it.
//
// The loop works in turns: due timers, a bounded batch of what other goroutines have
// queued, what the sockets have sent, then one write per connection that has something
// to say. How it waits for its sockets is its [Transport]:
//
// On [Polled] they are in an epoll set with a timer of the kernel's and a descriptor
// by which others wake it. What is readable is read into one buffer of the loop, by
// the loop, before any of it is handled, and stamped after the last read. What the
// kernel does not take of a write goes out when it says that it has room. No socket
// has a goroutine or a buffer of its own. A listening socket may be in the set, too, see
// [Loop.Listen].
//
// On [Goroutines] each socket has a reader, which stamps the bytes the moment Read
// returns, queues them, and reads again only after the loop has given the buffer
// back. What the kernel does not take of a write is finished by a goroutine started
// for it. What is neither a TCP socket nor TLS made on an [Underlay] goes this way on a
// polled loop too.
//
// Either way a busy loop is felt by the peer as back-pressure, not by us as memory,
// and no write waits.
//
// Everything but Stop, Do and Now belongs to the loop's goroutine: handlers,
// timers and functions run there, one at a time, and need no locks among
// themselves.
package loop
