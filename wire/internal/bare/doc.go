// Package bare is the least that a WebSocket load generator can do: the yardstick
// by which the cost of the real one is judged, in one run and on one machine.
//
// One epoll set holds every socket and a timerfd. Requests and publishes are
// formatted in advance; what comes back is read into one shared buffer, where the
// frames are counted by their headers and thrown away. Nothing is parsed, checked,
// timed or kept. On a reliable subprotocol it acknowledges what comes, with one frame
// for all times.
//
// The benchmarks of this package run it and wpsbench in processes of their own
// against the same emulator, a third process, and print what each generator costs.
// They are the figures of the README's section on performance: `make bench`.
package bare
