package wire

import "time"

// Lifecycle is a [Handler] with the events of the official client libraries as callbacks
// (protocol.md 9), for programs that want an application's view: a recovery does not show,
// and repetitions do not arrive. A nil callback is not called. What callbacks are given is
// borrowed until they return; they may call the Client's methods, on whose goroutine they
// run. The value belongs to one Session and must not be copied once that has started.
type Lifecycle struct {
	// Connected: a new connection is there, and its groups are joined, or refused one by
	// one. userID is empty when anonymous, both are on the Simple subprotocol.
	Connected func(now time.Duration, connectionID, userID string)
	// Disconnected: a connection that was named is over and will not be recovered. message
	// is the last that the service said about it, mostly empty.
	Disconnected func(now time.Duration, connectionID, message string)
	// Stopped: the Session is finished, by Close or because its attempts have run out.
	Stopped func(now time.Duration)
	// ServerMessage: a message of the application, or any on the Simple subprotocol.
	ServerMessage func(now time.Duration, m *Downstream)
	// GroupMessage: a message to a group that the connection is in.
	GroupMessage func(now time.Duration, m *Downstream)
	// RejoinGroupFailed: a group that the Session joins by itself on every connection was
	// refused on this one, or the connection was lost before the answer.
	RejoinGroupFailed func(now time.Duration, group string, err error)
	// Next, if set, gets every event, after the callback: what only we tell.
	Next Handler

	joining bool   // between `connected` and readiness
	userID  string // of the connection
	message string // of the last `disconnected`
}

// AckError is the service's refusal of a request (protocol.md 3.4).
type AckError struct{ Name, Message string }

func (e *AckError) Error() string { return e.Name + ": " + e.Message }

// Event implements Handler.
func (l *Lifecycle) Event(now time.Duration, ev *Event) {
	l.tell(now, ev)
	if l.Next != nil {
		l.Next.Event(now, ev)
	}
}

func (l *Lifecycle) tell(now time.Duration, ev *Event) {
	switch ev.Kind {
	case EventConnected:
		l.joining, l.userID, l.message = true, "", ""
		if ev.Message != nil {
			l.userID = string(ev.Message.UserID)
		}
	case EventReady:
		l.joining = false
		if l.Connected != nil {
			l.Connected(now, ev.ConnectionID, l.userID)
		}
	case EventNotice:
		l.message = string(ev.Message.Reason)
	case EventEnded:
		l.joining = false
		if l.Disconnected != nil {
			l.Disconnected(now, ev.ConnectionID, l.message)
		}
	case EventClosed:
		if l.Stopped != nil {
			l.Stopped(now)
		}
	case EventMessage:
		l.received(now, ev)
	case EventAcked:
		if !ev.Success {
			l.refused(now, ev, &AckError{string(ev.Message.ErrorName), string(ev.Message.ErrorMessage)})
		}
	case EventUnanswered:
		l.refused(now, ev, ErrUnanswered)
	default:
	}
}

func (l *Lifecycle) received(now time.Duration, ev *Event) {
	callback := l.ServerMessage
	if ev.Message.Kind == GroupMessage {
		callback = l.GroupMessage
	}
	if ev.Fresh && callback != nil {
		callback(now, ev.Message)
	}
}

// refused tells of joins that the Session makes by itself: those before it is ready.
func (l *Lifecycle) refused(now time.Duration, ev *Event, err error) {
	if ev.Request.Kind == JoinGroup && l.joining && l.RejoinGroupFailed != nil {
		l.RejoinGroupFailed(now, ev.Request.Group, err)
	}
}
