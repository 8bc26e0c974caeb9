package emulator

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/wpsbench/wpsbench/wire"
)

// lying tells one lie at every nth opportunity.
func lying(l Lie, n int) (all Lies) {
	all[l] = Share{1, n}
	return all
}

// asked publishes with an ack id.
func (c *client) asked(text string, ackID int) {
	c.send(fmt.Sprintf(`{"type":"sendToGroup","group":"room","dataType":"text","data":%q,"ackId":%d}`, text, ackID))
}

// TestLies: what a subscriber and a publisher read when each lie is told, in the
// protocol's own words.
func TestLies(t *testing.T) {
	message := func(id int, data string) string {
		return fmt.Sprintf(`{"type":"message","from":"group","group":"room","fromUserId":null,"dataType":"text","data":%q,"sequenceId":%d}`, data, id)
	}
	ack := func(id int) string { return fmt.Sprintf(`{"type":"ack","ackId":%d,"success":true}`, id) }
	for _, tt := range []struct {
		lie  Lie
		n    int
		run  func(w *world, pub, sub *client) *client // returns the subscriber's last socket
		sub  []string
		pub  []string
		told uint64
	}{
		{lie: LieDrop, n: 2, sub: []string{message(1, "1"), message(2, "3")}, pub: []string{ack(1), ack(2), ack(3)}, told: 1},
		{lie: LieDuplicate, n: 3, sub: []string{message(1, "1"), message(2, "2"), message(3, "3"), message(4, "3")}, pub: []string{ack(1), ack(2), ack(3)}, told: 1},
		{lie: LieCorrupt, n: 2, sub: []string{message(1, "1"), message(2, "A"), message(3, "3")}, pub: []string{ack(1), ack(2), ack(3)}, told: 1},
		{
			lie: LieWrongType, n: 2, pub: []string{ack(1), ack(2), ack(3)}, told: 1,
			sub: []string{message(1, "1"), strings.NewReplacer(`"text"`, `"binary"`, `"2",`, `"Mg==",`).Replace(message(2, "2")), message(3, "3")},
		},
		{
			lie: LieWrongUser, n: 2, pub: []string{ack(1), ack(2), ack(3)}, told: 1,
			sub: []string{message(1, "1"), strings.Replace(message(2, "2"), "null", `"not "`, 1), message(3, "3")},
		},
		{
			lie: LieWrongMetadata, n: 2, pub: []string{ack(1), ack(2), ack(3)}, told: 1,
			sub: []string{message(1, "1"), strings.Replace(message(2, "2"), `,"sequenceId"`, `,"metadata":{"trace":"not "},"sequenceId"`, 1), message(3, "3")},
		},
		{
			lie: LieWrongMetadata, n: 1, pub: []string{ack(1)}, told: 1,
			run: func(_ *world, pub, sub *client) *client {
				pub.send(`{"type":"sendToGroup","group":"room","dataType":"text","data":"1","metadata":{"b":"1","a":"2"},"ackId":1}`)
				return sub
			},
			sub: []string{strings.Replace(message(1, "1"), `,"sequenceId"`, `,"metadata":{"a":"not 2","b":"1"},"sequenceId"`, 1)},
		},
		{lie: LieReuseID, n: 1, sub: []string{message(1, "1"), message(1, "2"), message(1, "3")}, pub: []string{ack(1), ack(2), ack(3)}, told: 2},
		{
			lie: LieStrayID, n: 2, told: 1,
			run: func(w *world, pub, _ *client) *client {
				plain := w.open(wire.JSON, withGroups("hall"))
				for i := 1; i <= 3; i++ {
					pub.send(fmt.Sprintf(`{"type":"sendToGroup","group":"hall","dataType":"text","data":"%d"}`, i))
				}
				return plain
			},
			sub: []string{
				`{"type":"message","from":"group","group":"hall","fromUserId":null,"dataType":"text","data":"1"}`,
				`{"type":"message","from":"group","group":"hall","fromUserId":null,"dataType":"text","data":"2","sequenceId":1}`,
				`{"type":"message","from":"group","group":"hall","fromUserId":null,"dataType":"text","data":"3"}`,
			},
		},
		{lie: LieSkipID, n: 2, sub: []string{message(1, "1"), message(3, "2"), message(4, "3")}, pub: []string{ack(1), ack(2), ack(3)}, told: 1},
		{lie: LieAckOnly, n: 3, sub: []string{message(1, "1"), message(2, "2")}, pub: []string{ack(1), ack(2), ack(3)}, told: 1},
		{lie: LieLoseAck, n: 2, sub: []string{message(1, "1"), message(2, "2"), message(3, "3")}, pub: []string{ack(1), ack(3)}, told: 1},
		{lie: LieAckTwice, n: 2, sub: []string{message(1, "1"), message(2, "2"), message(3, "3")}, pub: []string{ack(1), ack(2), ack(2), ack(3)}, told: 1},
		{
			lie: LieRunTwice, n: 1, told: 1,
			run: func(_ *world, pub, sub *client) *client {
				pub.asked("1", 1)
				pub.asked("1", 1)
				return sub
			},
			sub: []string{message(1, "1"), message(2, "1")},
			pub: []string{ack(1), `{"type":"ack","ackId":1,"success":false,"error":{"name":"Duplicate","message":"Message with ack-id: 1 has been processed"}}`},
		},
		{
			lie: LieAfterLeave, n: 1, told: 1,
			run: func(_ *world, pub, sub *client) *client {
				pub.asked("1", 1)
				sub.send(`{"type":"leaveGroup","group":"room"}`)
				pub.asked("2", 2)
				sub.send(`{"type":"joinGroup","group":"room"}`)
				pub.asked("3", 3)
				return sub
			},
			sub: []string{message(1, "1"), message(2, "2"), message(3, "3")}, pub: []string{ack(1), ack(2), ack(3)},
		},
		{
			lie: LieWrongGroup, n: 2, told: 1,
			run: func(w *world, pub, _ *client) *client {
				other := w.open(wire.JSONReliable, withGroups("hall"))
				pub.asked("1", 1)
				pub.asked("2", 2)
				return other
			},
			sub: []string{message(1, "2")}, pub: []string{ack(1), ack(2)},
		},
		{
			lie: LieLoseReplay, n: 1, told: 1,
			run: func(_ *world, pub, sub *client) *client {
				pub.asked("1", 1) // unacknowledged, perhaps unseen
				sub.lost()
				pub.asked("2", 2)
				pub.asked("3", 3)
				return sub.recover()
			},
			sub: []string{message(3, "3")}, pub: []string{ack(1), ack(2), ack(3)},
		},
		{
			lie: LieReplayAcked, n: 1, told: 1,
			run: func(_ *world, pub, sub *client) *client {
				pub.asked("1", 1)
				pub.asked("2", 2)
				sub.send(`{"type":"sequenceAck","sequenceId":1}`)
				sub.lost()
				again := sub.recover()
				pub.asked("3", 3)
				pub.asked("4", 4)
				return again
			},
			sub: []string{message(2, "2"), message(3, "3"), message(1, "1"), message(4, "4")}, pub: []string{ack(1), ack(2), ack(3), ack(4)},
		},
	} {
		t.Run(tt.lie.String(), func(t *testing.T) {
			w := newWorld(t, Options{Lies: lying(tt.lie, tt.n), KeepAlive: -1})
			pub := w.open(wire.JSON)
			sub := w.open(wire.JSONReliable, withGroups("room"))
			if tt.run != nil {
				sub = tt.run(w, pub, sub)
			} else {
				for i := 1; i <= 3; i++ {
					pub.asked(fmt.Sprint(i), i)
				}
			}
			sub.want(tt.sub...)
			pub.want(tt.pub...)
			if got := w.core.stats.Lies; !maps.Equal(got, map[string]uint64{tt.lie.String(): tt.told}) {
				t.Errorf("counted %v, want %d", got, tt.told)
			}
		})
	}
}

// Whatever the share, lies come evenly: the first at the end of the first round.
func TestShares(t *testing.T) {
	for _, tt := range []struct {
		share string
		want  []int // opportunities, from 1, of 12
	}{
		{"1/4", []int{4, 8, 12}},
		{"2/5", []int{3, 5, 8, 10}},
		{"1/1", []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}},
		{"0/3", nil},
	} {
		t.Run(tt.share, func(t *testing.T) {
			var l Lies
			if err := l.Set("drop=" + tt.share); err != nil {
				t.Fatal(err)
			}
			c := newWorld(t, Options{Lies: l}).core
			var got []int
			for i := 1; i <= 12; i++ {
				if c.tempted(LieDrop) {
					got = append(got, i)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("told at %v, want %v", got, tt.want)
			}
		})
	}
}

func TestLieMistakes(t *testing.T) {
	for _, lie := range []string{"", "swap", "swap=", "swap=3", "swap=1/0", "swap=2/1", "swap=-1/2", "swap=x/2", "swop=1/2", "=1/2"} {
		var l Lies
		if err := l.Set(lie); err == nil || l != (Lies{}) {
			t.Errorf("%q: no error, or set %v", lie, l)
		}
	}
	if _, err := Start(Options{Lies: Lies{LieDrop: {2, 1}}}); err == nil || !strings.Contains(err.Error(), "lie drop") {
		t.Errorf("start with two in one: %v", err)
	}
}

// The admin endpoint changes what is told while the server runs, and counts.
func TestLiesAdmin(t *testing.T) {
	srv, err := Start(Options{Admin: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = srv.Close() }()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	call := func(method, host, contentType, body string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), method, srv.URL()+"/wpsbench/lies", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", contentType)
		req.Host = host
		resp, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		text, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, strings.TrimSpace(string(text))
	}
	const js = "application/json"
	for _, tt := range []struct {
		name, method, host, contentType, body string
		status                                int
		want                                  string
	}{
		{"nothing yet", "GET", "", "", "", 200, `{"lies":{},"told":{}}`},
		{"two", "PUT", "", js, `{"lies":{"swap":"1/10","drop":"3/7"}}`, 200, `{"lies":{"drop":"3/7","swap":"1/10"},"told":{}}`},
		{"one instead", "PUT", "localhost:1", js, `{"lies":{"drop":"1/2"}}`, 200, `{"lies":{"drop":"1/2"},"told":{}}`},
		{"unknown", "PUT", "", js, `{"lies":{"swop":"1/2"}}`, 400, `lie "swop=1/2": the emulator knows no lie "swop"`},
		{"no JSON", "PUT", "", js, `{`, 400, "unexpected EOF"},
		{"a form", "PUT", "", "text/plain", `{}`, 415, "want application/json"},
		{"another name of this machine", "GET", "rebound.example", "", "", 403, "only for this machine"},
		{"another method", "POST", "", js, `{}`, 405, ""},
		{"as it was", "GET", "", "", "", 200, `{"lies":{"drop":"1/2"},"told":{}}`},
		{"none", "PUT", "", js, `{}`, 200, `{"lies":{},"told":{}}`},
	} {
		status, got := call(tt.method, tt.host, tt.contentType, tt.body)
		if status != tt.status || got != tt.want {
			t.Errorf("%s: %d %s, want %d %s", tt.name, status, got, tt.status, tt.want)
		}
	}
}
