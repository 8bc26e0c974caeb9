package conform

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"
)

var (
	needEvents         = []Need{NeedKey, NeedEvents}
	needEventsReliable = []Need{NeedKey, NeedEvents, NeedReliable}
	needEventsSimple   = []Need{NeedKey, NeedEvents, NeedSimple}
	needEventsTime     = []Need{NeedKey, NeedEvents, NeedReliable, NeedTime}
)

// order sends the event that most cases use.
func order(ackID string) string {
	return `{"type":"event","event":"order.placed","dataType":"text","data":"42"` + withAck(ackID) + `}`
}

const kindOrder = kindUser + "order.placed"

// eventCases are what the target says to an event handler (protocol.md 8.1, 8.2).
var eventCases = []Case{
	{"event/validation", "8.1", "A handler is asked whether it wants events, with OPTIONS, before it gets any", Spec, needEvents, func(t *T) {
		k := t.target.handler.validated()
		if k == nil {
			t.Skipf("the target had been given leave before")
		}
		t.check(k.method == http.MethodOptions, "it is asked with %s, want OPTIONS", k.method)
		t.check(strings.HasSuffix(k.path, "/validate"), "it is asked at %s, want {event} to be validate", k.path)
		t.wantHeader(k, "WebHook-Request-Origin", t.origin())
		if k.header.Get("ce-awpsversion") != "1.0" {
			t.Differf("ce-awpsversion is %q, the emulator's is 1.0", k.header.Get("ce-awpsversion"))
		}
	}},
	{"event/allowed-by-name", "8.1", "A handler that allows the target's host, in any case of letters, gets events", Spec, needEvents, func(t *T) {
		t.atHub(0)
		t.answer(kindValidate, hookAnswer{status: 200, header: map[string]string{allowedOrigin: strings.ToUpper(t.origin())}})
		a := t.handshake(t.clientRequest(&client{proto: plain, hub: t.hub}))
		_ = t.validationOrSkip()
		t.check(a.conn != nil, "%v, want 101", a)
		_ = t.event(kindConnect)
	}},
	refusedHub("event/not-allowed", "A handler that allows nobody gets no event", 1, hookAnswer{status: 200}),
	refusedHub("event/allowed-elsewhere", "A handler that allows another host gets no event", 2,
		hookAnswer{status: 200, header: map[string]string{allowedOrigin: "elsewhere.example"}}),
	refusedHub("event/validation-fails", "A handler that answers the question with 403 gets no event", 3,
		hookAnswer{status: 403, header: map[string]string{allowedOrigin: "*"}}),
	{"event/validation-by-get", "8.1", "A handler that does not know OPTIONS is asked with GET", Emulator, needEvents, func(t *T) {
		t.atHub(4)
		t.answer(kindValidate, hookAnswer{status: 404}, defaultAnswer(kindValidate))
		a := t.handshake(t.clientRequest(&client{proto: plain, hub: t.hub}))
		_ = t.validationOrSkip()
		t.check(a.conn != nil, "%v, want 101", a)
		k := t.event(kindValidate)
		t.check(k.method == http.MethodGet, "it is asked with %s again, want GET", k.method)
	}},

	{"event/request", "8.2", "An event is posted as a CloudEvent in binary mode, and names the target's host", Spec, needEvents, func(t *T) {
		c := t.openEvents(client{proto: plain})
		c.send(order("1"))
		c.want(success("1"))
		for _, kind := range []string{kindConnect, kindConnected, kindOrder} {
			k := t.event(kind)
			t.wantHeader(k, "ce-specversion", "1.0")
			t.wantHeader(k, "WebHook-Request-Origin", t.origin())
		}
	}},
	{"event/awps-version", "8.2", "An event carries ce-awpsversion 1.0, without which the official middleware ignores it", Spec, needEvents, func(t *T) {
		t.openEvents(client{proto: plain})
		t.wantHeader(t.event(kindConnect), "ce-awpsversion", "1.0")
		t.wantHeader(t.event(kindConnected), "ce-awpsversion", "1.0")
	}},
	{"event/type", "8.2", "ce-type and ce-eventName name the event", Spec, needEvents, func(t *T) {
		c := t.openEvents(client{proto: plain})
		c.send(order("1"))
		c.want(success("1"))
		c.close(1000)
		for kind, name := range map[string]string{
			kindConnect: "sys.connect", kindConnected: "sys.connected", kindDisconnected: "sys.disconnected", kindOrder: "user.order.placed",
		} {
			k := t.event(kind)
			t.wantHeader(k, "ce-type", "azure.webpubsub."+name)
			t.wantHeader(k, "ce-eventName", strings.TrimPrefix(kind, kindUser))
		}
	}},
	{"event/names", "8.2", "ce-connectionId and ce-hub are the client's, and ce-source is made of them", Spec, needEvents, func(t *T) {
		c := t.openEvents(client{proto: plain})
		for _, kind := range []string{kindConnect, kindConnected} {
			k := t.event(kind)
			t.wantHeader(k, "ce-connectionId", c.id)
			t.wantHeader(k, "ce-hub", t.hub)
			short, full := "/client/"+c.id, "/hubs/"+t.hub+"/client/"+c.id
			switch got := k.header.Get("ce-source"); {
			case got == short:
				t.Differf("ce-source is %q, the emulator's is %q", got, full)
			case got != full:
				t.Errorf("ce-source is %q, want %q", got, full)
			}
		}
	}},
	{"event/ids", "8.2", "ce-id counts the events of a connection, from 0 at connect", Emulator, needEvents, func(t *T) {
		c := t.openEvents(client{proto: plain})
		t.wantHeader(t.event(kindConnect), "ce-id", "0")
		t.wantHeader(t.event(kindConnected), "ce-id", "1")
		for id := 2; id < 4; id++ {
			c.send(order(strconv.Itoa(id)))
			t.wantHeader(t.event(kindOrder), "ce-id", strconv.Itoa(id))
		}
	}},
	{"event/time", "8.2", "ce-time is an instant in UTC", Spec, needEvents, func(t *T) {
		t.openEvents(client{proto: plain})
		got := t.event(kindConnect).header.Get("ce-time")
		_, err := time.Parse(time.RFC3339, got)
		t.check(err == nil && strings.HasSuffix(got, "Z"), "ce-time is %q", got)
	}},
	{"event/signature", "8.2", "ce-signature is the HMAC-SHA256 of the connection id by an access key, in lower-case hex", Spec, needEvents, func(t *T) {
		c := t.openEvents(client{proto: plain})
		mac := hmac.New(sha256.New, []byte(t.target.Service.AccessKey))
		_, _ = mac.Write([]byte(c.id)) // never fails, see its documentation
		want := "sha256=" + hex.EncodeToString(mac.Sum(nil))
		for _, kind := range []string{kindConnect, kindConnected} {
			found := false
			for signature := range strings.SplitSeq(t.event(kind).header.Get("ce-signature"), ",") {
				found = found || strings.TrimSpace(signature) == want
			}
			t.check(found, "%s: ce-signature has no entry that fits the key", kind)
		}
	}},
	{"event/user", "8.2", "ce-userId is the client's user, and left out when there is none", Spec, needEvents, func(t *T) {
		alice := t.user("alice")
		t.openEvents(client{proto: plain, user: alice})
		t.wantHeader(t.event(kindConnect), "ce-userId", alice)
		t.wantHeader(t.event(kindConnected), "ce-userId", alice)
		t.openEvents(client{proto: plain})
		t.wantHeader(t.event(kindConnected), "ce-userId", absent)
	}},
	{"event/subprotocol", "8.2", "ce-subprotocol is the client's, and left out when there is none", Spec, needEventsSimple, func(t *T) {
		t.openEvents(client{proto: plain})
		t.wantHeader(t.event(kindConnected), "ce-subprotocol", plain)
		t.openEvents(client{})
		t.wantHeader(t.event(kindConnected), "ce-subprotocol", absent)
	}},
	{"event/system-body", "8.2", "System events are JSON; connected has an empty object", Spec, needEvents, func(t *T) {
		t.openEvents(client{proto: plain})
		for _, kind := range []string{kindConnect, kindConnected} {
			k := t.event(kind)
			mediaType, _, _ := strings.Cut(k.header.Get("Content-Type"), ";")
			t.check(mediaType == "application/json", "%s: Content-Type is %q", kind, mediaType)
			t.check(kind == kindConnect || strings.TrimSpace(k.body) == "{}", "%s: the body is %s", kind, k.body)
		}
	}},
	{"event/payload", "8.2", "A user event carries the client's payload, and its type in Content-Type", Spec, needEvents, func(t *T) {
		c := t.openEvents(client{proto: plain})
		for i, row := range []struct{ data, contentType, body string }{
			{`"dataType":"text","data":"\u00fc"`, "text/plain", "ü"},
			{`"dataType":"json","data":{"x":[1,null]}`, "application/json", `{"x":[1,null]}`},
			{`"data":"x"`, "application/json", `"x"`},
			{`"dataType":"binary","data":"AQID"`, "application/octet-stream", "\x01\x02\x03"},
		} {
			ackID := strconv.Itoa(i + 1)
			c.send(`{"type":"event","event":"order.placed",` + row.data + withAck(ackID) + `}`)
			c.want(success(ackID))
			k := t.event(kindOrder)
			mediaType, _, _ := strings.Cut(k.header.Get("Content-Type"), ";")
			t.check(mediaType == row.contentType && k.body == row.body, "%s: %q, %q, want %q, %q", row.data, mediaType, k.body, row.contentType, row.body)
		}
	}},
	{"event/metadata", "8.2", "A user event's metadata are headers, their names in lower case", Emulator, needEvents, func(t *T) {
		c := t.openEvents(client{proto: plain})
		c.send(`{"type":"event","event":"order.placed","data":1,"metadata":{"Trace-Id":"a1"},"ackId":1}`)
		c.want(success("1"))
		t.wantHeader(t.event(kindOrder), "x-webpubsub-metadata-trace-id", "a1")
	}},
	{"event/cookies", "8.2", "Cookies of a successful answer come back with later events of the connection", Emulator, needEvents, func(t *T) {
		t.answer(kindConnect, hookAnswer{status: 204, header: map[string]string{"Set-Cookie": "a=b; Path=/"}}, hookAnswer{status: 204})
		t.openEvents(client{proto: plain})
		t.wantHeader(t.event(kindConnected), "Cookie", "a=b")
		t.openEvents(client{proto: plain})
		t.wantHeader(t.event(kindConnected), "Cookie", absent)
	}},
	{"event/state", "8.3", "The state that a blocking event's answer sets comes back with later events, until it is replaced or emptied", Spec, needEvents, func(t *T) {
		state := func(status int, s string) hookAnswer {
			return hookAnswer{status: status, header: map[string]string{"ce-connectionState": s}}
		}
		t.answer(kindConnect, state(204, "e30="), hookAnswer{status: 204})
		t.answer(kindOrder, state(204, "eyJhIjoxfQ=="), hookAnswer{status: 204}, state(204, ""), hookAnswer{status: 204})
		c := t.openEvents(client{proto: plain})
		t.wantHeader(t.event(kindConnect), "ce-connectionState", absent)
		t.wantHeader(t.event(kindConnected), "ce-connectionState", "e30=")
		for i, want := range []string{"e30=", "eyJhIjoxfQ==", "eyJhIjoxfQ==", absent} {
			ackID := strconv.Itoa(i + 1)
			c.send(order(ackID))
			c.want(success(ackID))
			t.wantHeader(t.event(kindOrder), "ce-connectionState", want)
		}
		t.openEvents(client{proto: plain})
		_ = t.event(kindConnect)
		t.wantHeader(t.event(kindConnected), "ce-connectionState", absent)
	}},

	{"event/connected", "8.3", "connected comes once, for a connection that was accepted", Spec, needEvents, func(t *T) {
		t.answer(kindConnect, hookAnswer{status: 401}, hookAnswer{status: 204})
		t.refusedBy(client{proto: plain}, 401)
		c := t.openEvents(client{proto: plain})
		c.send(order("1"))
		c.want(success("1"))
		c.close(1000)
		t.wantHeader(t.event(kindConnected), "ce-connectionId", c.id)
		_ = t.event(kindDisconnected)
		t.noEvent(kindConnected)
	}},
	{"event/disconnected", "8.3", "disconnected comes once, at the end, with a reason; a connection that was rejected has none", Spec, needEvents, func(t *T) {
		t.answer(kindConnect, hookAnswer{status: 401}, hookAnswer{status: 204})
		t.refusedBy(client{proto: plain}, 401)
		c := t.openEvents(client{proto: plain})
		c.close(1000)
		k := t.event(kindDisconnected)
		t.wantHeader(k, "ce-connectionId", c.id)
		v, err := decode([]byte(k.body))
		body, _ := v.(map[string]any)
		_, ok := body["reason"].(string)
		t.check(err == nil && ok, "the body is %s, want a reason", k.body)
		other := t.openEvents(client{proto: plain})
		other.close(1000)
		t.wantHeader(t.event(kindDisconnected), "ce-connectionId", other.id)
	}},
	{"event/recovery", "8.3", "A recovery is no news: no connect, connected or disconnected", Spec, needEventsReliable, func(t *T) {
		c := t.openEvents(client{proto: reliable})
		_, _ = t.event(kindConnect), t.event(kindConnected)
		c.drop()
		r := t.recovery(c)
		r.target = t.clientPath(t.hub) + strings.TrimPrefix(r.target, t.clientPath(""))
		c = t.recoverBy(r, c)
		c.send(order("1"))
		c.want(success("1"))
		t.noEvent(kindDisconnected)
		c.close(1000)
		_ = t.event(kindDisconnected)
		t.noEvent(kindConnect)
		t.noEvent(kindConnected)
	}},
	{"event/window-over", "8.3", "disconnected comes when the recovery window of a dropped session is over", Spec, needEventsTime, func(t *T) {
		c := t.openEvents(client{proto: reliable})
		c.drop()
		t.pause(t.target.Window / 2)
		t.noEvent(kindDisconnected)
		t.pause(t.target.Window / 2)
		t.wantHeader(t.event(kindDisconnected), "ce-connectionId", c.id)
	}},
}

// openEvents connects to the hub whose events the handler gets.
func (t *T) openEvents(cl client) *conn {
	cl.hub = t.hub
	return t.open(cl)
}

// origin is how the target names itself: its host without the port.
func (t *T) origin() string {
	host, _, _ := strings.Cut(t.target.host, ":")
	if i := strings.IndexByte(t.target.host, ']'); i > 0 {
		host = t.target.host[1:i]
	}
	return host
}

// refusedBy wants the answer of the connect handler to be the client's.
func (t *T) refusedBy(cl client, status int) *answer {
	cl.hub = t.hub
	a := t.handshake(t.clientRequest(&cl))
	if a.status != status {
		t.Fatalf("%v, want %d", a, status)
	}
	return a
}

// atHub has a case look at another hub, which nobody has asked about yet.
func (t *T) atHub(n int) {
	t.hub = EventHubs(t.target.EventHub)[1+n]
	t.inbox.hub = t.hub
}

// validationOrSkip is the question for the hub's permission.
func (t *T) validationOrSkip() *hook {
	k := t.inbox.first(kindValidate)
	if k == nil {
		t.Skipf("the target did not ask the handler about hub %s: it has no handler, or has been given leave before", t.hub)
	}
	return k
}

// refusedHub is the case of a handler whose answer is no leave to post events.
func refusedHub(id, title string, hub int, answer hookAnswer) Case {
	return Case{id, "8.1", title, Spec, needEvents, func(t *T) {
		t.atHub(hub)
		t.answer(kindValidate, answer)
		a := t.handshake(t.clientRequest(&client{proto: plain, hub: t.hub}))
		_ = t.validationOrSkip()
		t.noEvent(kindConnect)
		if a.conn != nil {
			t.Differf("the client is accepted all the same, the emulator refuses it")
		}
	}}
}
