// Package conform tests a server against the client protocols of Azure Web
// PubSub: one named case per rule, against the emulator, the service itself or any
// other server that speaks them.
//
// [Run] takes a [Config], finds out what the target offers, and works through
// [Cases] one after the other, each with connections, groups and users of its
// own. What is judged was written and read as literal frames: only the frame layer
// is shared with the rest of wire, never its codec or its Session, so that a
// mistake of theirs cannot hide one of the server's. Every wait is bounded; that
// nothing comes is shown by what comes instead (a pong, a later message of the same
// publisher), not by waiting.
//
// A case ends as an [Outcome] with the frames that led to it, without secrets. The
// rules are those of protocol.md; where only the source of the official emulator
// vouches for one, a target that behaves otherwise is said to differ, not to fail,
// unless [Config] is strict.
package conform
