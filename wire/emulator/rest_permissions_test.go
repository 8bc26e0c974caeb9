package emulator_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

func TestRESTPermissions(t *testing.T) {
	srv := start(t, emulator.Options{})
	p := connect(t, clientURL(t, srv, "chat", wire.ClientToken{Roles: []string{"webpubsub.sendToGroup.old", "webpubsub.joinLeaveGroup"}}), plainName, nil)
	id, _ := p.connected()
	steps := []struct {
		method, target string
		status         int
	}{
		{"HEAD", "sendToGroup/connections/{id}?targetName=room", 404},
		{"PUT", "sendToGroup/connections/{id}?targetName=room", 200},
		{"HEAD", "SENDTOGROUP/connections/{id}?targetName=room", 200},
		{"HEAD", "1/connections/{id}?targetName=room", 200},
		{"HEAD", "1/connections/{id}?targetName=Room", 404},
		{"HEAD", "2/connections/{id}?targetName=room", 200},
		{"DELETE", "joinLeaveGroup/connections/{id}?targetName=room", 204}, // a denial beats the grant of all
		{"HEAD", "joinLeaveGroup/connections/{id}?targetName=room", 404},
		{"HEAD", "joinLeaveGroup/connections/{id}?targetName=other", 200},
		{"DELETE", "sendToGroup/connections/{id}?targetName=old", 204},
		{"HEAD", "sendToGroup/connections/{id}?targetName=old", 404},
		{"PUT", "sendToGroup/connections/{id}?targetName=*", 200}, // no wildcard
		{"HEAD", "sendToGroup/connections/{id}?targetName=other", 404},
		{"HEAD", "sendToGroup/connections/{id}?targetName=*", 200},
		{"HEAD", "sendToGroup/connections/c9?targetName=room", 404},
		{"PUT", "sendToGroup/connections/c9?targetName=room", 404},
		{"DELETE", "sendToGroup/connections/c9?targetName=room", 204},
		{"PUT", "sendToGroup/connections/{id}", 400},
		{"PUT", "sendToGroup/connections/{id}?targetName=%20", 400},
		{"DELETE", "sendToGroup/connections/{id}", 400},
		{"HEAD", "sendToGroup/connections/{id}", 400},
		{"PUT", "dance/connections/{id}?targetName=room", 400},
	}
	for _, tt := range steps {
		target := "/api/hubs/chat/permissions/" + strings.Replace(tt.target, "{id}", id, 1)
		if got, answer, _ := rest(t, srv, tt.method, target, "", ""); got != tt.status {
			t.Errorf("%s %s: %d %s, want %d", tt.method, tt.target, got, answer, tt.status)
		}
	}
	p.send(`{"type":"sendToGroup","group":"room","data":1,"ackId":1}`, `{"type":"sendToGroup","group":"old","data":1,"ackId":2}`,
		`{"type":"joinGroup","group":"other","ackId":3}`, `{"type":"joinGroup","group":"room","ackId":4}`)
	p.want(`{"type":"ack","ackId":1,"success":true}`,
		`{"type":"ack","ackId":2,"success":false,"error":{"name":"Forbidden","message":"The client does not have permission to send to group 'old'."}}`,
		`{"type":"ack","ackId":3,"success":true}`,
		`{"type":"ack","ackId":4,"success":false,"error":{"name":"Forbidden","message":"The client does not have permission to join group 'room'."}}`)

	status, answer, header := rest(t, srv, http.MethodPut, "/api/hubs/chat/permissions/sendToGroup/connections/c9?targetName=room", "", "")
	want := "{\"code\":\"Info.Connection.NotExisted\",\"message\":\"Connection `c9` is not found.\",\"target\":\"Connection\",\"details\":[]}"
	if status != 404 || strings.TrimSpace(answer) != want || header.Get("x-ms-error-code") != "Info.Connection.NotExisted" {
		t.Errorf("grant to a missing one: %d %s %v", status, answer, header)
	}
}

// Revoking does not end a membership (protocol.md 2.3).
func TestRESTRevokeDoesNotEvict(t *testing.T) {
	srv := start(t, emulator.Options{})
	p := connect(t, clientURL(t, srv, "chat", wire.ClientToken{Groups: []string{"room"}, Roles: []string{"webpubsub.joinLeaveGroup.room"}}), plainName, nil)
	id, _ := p.connected()
	if got, _, _ := rest(t, srv, http.MethodDelete, "/api/hubs/chat/permissions/joinLeaveGroup/connections/"+id+"?targetName=room", "", ""); got != 204 {
		t.Errorf("revoke: %d, want 204", got)
	}
	if got, _, _ := rest(t, srv, http.MethodPost, "/api/hubs/chat/groups/room/:send", "text/plain", "x"); got != 202 {
		t.Errorf("send: %d, want 202", got)
	}
	p.wantOnly(`{"type":"message","from":"group","group":"room","fromUserId":null,"dataType":"text","data":"x"}`)
}

func TestRESTGenerateTokenErrors(t *testing.T) {
	srv := start(t, emulator.Options{AllowKeyGenerateToken: true})
	for query, want := range map[string]int{
		"minutesToExpire=0": 400, "minutesToExpire=x": 400, "clientType=Default": 200, "clientType=mqtt": 501, "clientType=x": 400,
		"group=a&group=%20": 400, "group=a&group=b": 200, "": 200,
	} {
		if got, answer, _ := rest(t, srv, http.MethodPost, "/api/hubs/chat/:generateToken?"+query, "", ""); got != want {
			t.Errorf("%s: %d %s, want %d", query, got, answer, want)
		}
	}
}
