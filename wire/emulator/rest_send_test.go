package emulator_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// wantOnly checks that a peer has got exactly these messages since the last look.
func (p *peer) wantOnly(messages ...string) {
	p.t.Helper()
	p.send(`{"type":"ping"}`)
	p.want(append(messages, `{"type":"pong"}`)...)
}

func TestRESTFilters(t *testing.T) {
	srv := start(t, emulator.Options{})
	users := []string{"alice", "bot1", ""}
	peers := make([]*peer, len(users))
	var first string
	for i, user := range users {
		peers[i] = connect(t, clientURL(t, srv, "chat", wire.ClientToken{UserID: user, Groups: []string{"room"}}), plainName, nil)
		id, _ := peers[i].connected()
		if i == 0 {
			first = id
		}
	}
	tests := []struct {
		name, target, filter string
		want                 [3]bool
	}{
		{"all", ":send", "not startswith(userId,'bot')", [3]bool{true, false, true}},
		{"all but those excluded", ":send?excluded=" + first, "'room' in groups", [3]bool{false, true, true}},
		{"group", "groups/room/:send", "userId eq null", [3]bool{false, false, true}},
		{"group but those excluded", "groups/room/:send?excluded=" + first, "userId ne null", [3]bool{false, true, false}},
		{"user", "users/alice/:send", "connectionId eq '" + first + "'", [3]bool{true, false, false}},
		{"user without", "users/alice/:send", "connectionId eq 'c9'", [3]bool{}},
		{"by protocol", ":send", "protocol eq null", [3]bool{}},
	}
	for _, tt := range tests {
		separator := "?"
		if strings.Contains(tt.target, "?") {
			separator = "&"
		}
		target := "/api/hubs/chat/" + tt.target + separator + "filter=" + url.QueryEscape(tt.filter)
		if status, answer, _ := rest(t, srv, http.MethodPost, target, "text/plain", "x"); status != 202 {
			t.Errorf("%s: %d %s", tt.name, status, answer)
		}
		message := `{"type":"message","from":"server","dataType":"text","data":"x"}`
		if strings.HasPrefix(tt.target, "groups") {
			message = `{"type":"message","from":"group","group":"room","fromUserId":null,"dataType":"text","data":"x"}`
		}
		for i, want := range tt.want {
			if want {
				peers[i].wantOnly(message)
			} else {
				peers[i].wantOnly()
			}
		}
	}
}

func TestRESTMetadata(t *testing.T) {
	srv := start(t, emulator.Options{})
	p := connect(t, clientURL(t, srv, "chat", wire.ClientToken{Groups: []string{"room"}}), reliableName, nil)
	p.connected()
	long := strings.Repeat("v", wire.MaxMetadataValueBytes)
	tests := []struct {
		name   string
		header http.Header
		status int
		want   string // what the message ends with after its data
	}{
		{"one", http.Header{"X-Webpubsub-Metadata-Trace": {"t-1"}}, 202, `,"metadata":{"trace":"t-1"}`},
		{"in lower case", http.Header{"x-webpubsub-metadata-TRACE-Id": {"A b"}}, 202, `,"metadata":{"trace-id":"A b"}`},
		{"sorted", http.Header{"X-Webpubsub-Metadata-B": {"2"}, "X-Webpubsub-Metadata-A": {`"<1>"`}}, 202, `,"metadata":{"a":"\"<1>\"","b":"2"}`},
		{"the last header wins", http.Header{"X-Webpubsub-Metadata-A": {"1", "2"}}, 202, `,"metadata":{"a":"2"}`},
		{"the last part wins", http.Header{"X-Webpubsub-Metadata-A": {"1, 2 ,3 "}}, 202, `,"metadata":{"a":"3"}`},
		{"empty value", http.Header{"X-Webpubsub-Metadata-A": {""}}, 202, `,"metadata":{"a":""}`},
		{"longest value", http.Header{"X-Webpubsub-Metadata-A": {long}}, 202, `,"metadata":{"a":"` + long + `"}`},
		{"none", http.Header{"X-Webpubsub": {"1"}}, 202, ``},
		{"too long a value", http.Header{"X-Webpubsub-Metadata-A": {long + "v"}}, 400, ""},
		{"too long a key", http.Header{"X-Webpubsub-Metadata-" + strings.Repeat("K", 257): {"v"}}, 400, ""},
		{"no key", http.Header{"X-Webpubsub-Metadata-": {"v"}}, 400, ""},
		{"not ASCII", http.Header{"X-Webpubsub-Metadata-A": {"\xe9"}}, 400, ""},
		{"too much", http.Header{
			"X-Webpubsub-Metadata-A": {long}, "X-Webpubsub-Metadata-B": {long}, "X-Webpubsub-Metadata-C": {long}, "X-Webpubsub-Metadata-D": {long},
			"X-Webpubsub-Metadata-E": {long}, "X-Webpubsub-Metadata-F": {long}, "X-Webpubsub-Metadata-G": {long}, "X-Webpubsub-Metadata-H": {long},
		}, 400, ""},
	}
	sequence := 0
	for _, tt := range tests {
		status := restHeader(t, srv, "/api/hubs/chat/groups/room/:send", tt.header)
		if status != tt.status {
			t.Errorf("%s: %d, want %d", tt.name, status, tt.status)
		}
		if status != 202 {
			p.wantOnly()
			continue
		}
		sequence++
		p.wantOnly(`{"type":"message","from":"group","group":"room","fromUserId":null,"dataType":"binary","data":""` +
			tt.want + fmt.Sprintf(`,"sequenceId":%d}`, sequence))
	}
}

// restHeader posts nothing with more headers.
func restHeader(t *testing.T, srv *emulator.Server, target string, header http.Header) (status int) {
	t.Helper()
	token, err := wire.SignREST(wire.EmulatorKey, srv.URL()+target, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, srv.URL()+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

func TestRESTCharsets(t *testing.T) {
	srv := start(t, emulator.Options{})
	p := connect(t, clientURL(t, srv, "chat", wire.ClientToken{}), plainName, nil)
	p.connected()
	tests := []struct{ contentType, body, want string }{
		{"text/plain; charset=iso-8859-1", "\xe9\x80", `"dataType":"text","data":"é` + "\u0080" + `"`},
		{"text/plain; charset=utf-16", "\xe9\x00\x3d\xd8\x00\xde", `"dataType":"text","data":"é😀"`},
		{"text/plain; charset=UTF-16BE", "\x00\xe9\xd8\x3d", `"dataType":"text","data":"é` + "\ufffd" + `"`},
		{"text/plain", "a\xffb", `"dataType":"text","data":"a` + "\ufffd" + `b"`},
		{"application/json; charset=utf-16le", "\"\x00\xe9\x00\"\x00", `"dataType":"json","data":"é"`},
		{"application/json", " null ", `"dataType":"json","data": null `},
		{"application/octet-stream; charset=klingon", "\xff", `"dataType":"binary","data":"/w=="`},
	}
	for _, tt := range tests {
		if status, answer, _ := rest(t, srv, http.MethodPost, "/api/hubs/chat/:send", tt.contentType, tt.body); status != 202 {
			t.Errorf("%s: %d %s", tt.contentType, status, answer)
		}
		p.wantOnly(`{"type":"message","from":"server",` + tt.want + `}`)
	}
}

// A simple client's text frames are UTF-8, whatever the body was.
func TestRESTTextToSimpleClients(t *testing.T) {
	srv := start(t, emulator.Options{})
	p := connect(t, clientURL(t, srv, "chat", wire.ClientToken{UserID: "alice"}), "", nil)
	await(t, srv, "the client to be registered", func(s emulator.Stats) bool { return s.Sessions == 1 })
	if status, _, _ := rest(t, srv, http.MethodPost, "/api/hubs/chat/users/alice/:send?filter="+url.QueryEscape("protocol eq null"), "text/plain", "a\xffb"); status != 202 {
		t.Errorf("%d, want 202", status)
	}
	p.want("a\ufffdb")
}
