package conform

import (
	"net/http"
	"strings"
	"sync"
	"time"
)

// inbox is what the event handler got for one case, and how it answers. What belongs to
// the connections of an earlier case is left out.
type inbox struct {
	log *transcript
	hub string // validations of other hubs are not the case's

	mu      sync.Mutex
	answers map[string][]hookAnswer // by kind, in turn; the last one stays
	conns   map[string]bool         // ids that a `connect` of this case named
	hooks   []*hook
	news    chan struct{} // a token: there may be more
}

// maxHooks bounds those of one case.
const maxHooks = 1000

func newInbox(l *transcript, hub string) *inbox {
	return &inbox{
		log: l, hub: hub, answers: map[string][]hookAnswer{},
		conns: map[string]bool{}, news: make(chan struct{}, 1),
	}
}

// take stores a request and returns its answer.
func (in *inbox) take(k *hook) hookAnswer {
	in.mu.Lock()
	defer in.mu.Unlock()
	id := k.header.Get("ce-connectionId")
	if k.kind == kindConnect {
		in.conns[id] = true
	}
	if k.kind == kindValidate && !k.names(in.hub) || k.kind != kindValidate && !in.conns[id] || len(in.hooks) == maxHooks {
		return defaultAnswer(k.kind)
	}
	in.log.add("handler", "<-", k.String())
	answer := defaultAnswer(k.kind)
	if planned := in.answers[k.kind]; len(planned) > 0 {
		answer = planned[0]
		if len(planned) > 1 {
			in.answers[k.kind] = planned[1:]
		}
	}
	in.log.add("handler", "->", answer.String())
	in.hooks = append(in.hooks, k)
	select {
	case in.news <- struct{}{}:
	default:
	}
	return answer
}

// first removes and returns the oldest request of that kind, nil if there is none.
func (in *inbox) first(kind string) *hook {
	in.mu.Lock()
	defer in.mu.Unlock()
	for i, k := range in.hooks {
		if k.kind == kind {
			in.hooks = append(in.hooks[:i:i], in.hooks[i+1:]...)
			return k
		}
	}
	return nil
}

func (k *hook) String() string {
	return strings.TrimSpace(k.method + " " + k.path + " " + k.header.Get("ce-type") + " " + k.body)
}

func (a hookAnswer) String() string {
	text := http.StatusText(a.status)
	for name, value := range a.header {
		text += " " + name + ": " + value
	}
	return strings.TrimSpace(text + " " + a.body)
}

// Of a case.

// answer says how the handler answers the requests of one kind from now on: in turn, the
// last one for good.
func (t *T) answer(kind string, answers ...hookAnswer) {
	t.inbox.mu.Lock()
	defer t.inbox.mu.Unlock()
	t.inbox.answers[kind] = answers
}

// event takes the next request of that kind; those of others wait, since no order
// between them is promised (protocol.md 12).
func (t *T) event(kind string) *hook {
	timer := time.NewTimer(t.target.Timeout)
	defer timer.Stop()
	for {
		if k := t.inbox.first(kind); k != nil {
			return k
		}
		select {
		case <-t.inbox.news:
		case <-timer.C:
			t.Fatalf("handler: no %s came within %v", kind, t.target.Timeout)
		case <-t.ctx.Done():
			t.Fatalf("interrupted")
		}
	}
}

// noEvent wants that no request of that kind has come so far: something has come that
// would have been behind it.
func (t *T) noEvent(kind string) {
	if k := t.inbox.first(kind); k != nil {
		t.Errorf("handler: an unwanted %v", k)
	}
}

// wantHeader wants a header of an event; absent = none.
func (t *T) wantHeader(k *hook, name, want string) {
	values := k.header.Values(name)
	switch {
	case want == absent && len(values) > 0 && values[0] != "":
		t.Errorf("%s: %s is %q, want none", k.kind, name, values[0])
	case want != absent && (len(values) != 1 || values[0] != want):
		t.Errorf("%s: %s is %q, want %q", k.kind, name, values, want)
	}
}
