package emulator_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// What the admin endpoint counts is what two clients have seen.
func TestStatsAdmin(t *testing.T) {
	lies := emulator.Lies{emulator.LieDuplicate: {N: 1, Of: 3}}
	srv := start(t, emulator.Options{Admin: true, Lies: lies})
	token := wire.ClientToken{Roles: []string{"webpubsub.sendToGroup", "webpubsub.joinLeaveGroup"}}
	a := connect(t, clientURL(t, srv, "chat", token), plainName, nil)
	b := connect(t, clientURL(t, srv, "chat", token), plainName, nil)
	a.connected()
	b.connected()
	a.send(`{"type":"joinGroup","group":"room","ackId":1}`)
	a.want(`{"type":"ack","ackId":1,"success":true}`)
	message := `{"type":"message","from":"group","group":"room","fromUserId":null,"dataType":"text","data":"x"}`
	for range 3 {
		b.send(`{"type":"sendToGroup","group":"room","dataType":"text","data":"x"}`)
	}
	a.want(message, message, message, message) // the third comes twice
	if status, answer, _ := rest(t, srv, http.MethodPost, "/api/hubs/chat/:send", "text/plain", "y"); status != 202 {
		t.Fatalf("send: %d %s", status, answer)
	}
	served := `{"type":"message","from":"server","dataType":"text","data":"y"}`
	a.want(served)
	b.want(served)

	status, answer, header := rest(t, srv, http.MethodGet, "/wpsbench/stats", "", "")
	if status != 200 || header.Get("Content-Type") != "application/json" {
		t.Fatalf("stats: %d %s", status, answer)
	}
	var got struct {
		Sessions, Joins, Publishes, Deliveries, Acks, Refused, Replays uint64

		Server uint64            `json:"server_deliveries"`
		Total  uint64            `json:"sessions_total"`
		Lies   map[string]uint64 `json:"lies"`
	}
	if err := json.Unmarshal([]byte(answer), &got); err != nil {
		t.Fatal(err)
	}
	if got.Sessions != 2 || got.Total != 2 || got.Joins != 1 || got.Publishes != 4 || got.Deliveries != 6 || got.Server != 2 ||
		got.Acks != 1 || got.Refused != 0 || got.Replays != 0 || len(got.Lies) != 1 || got.Lies["duplicate"] != 1 {
		t.Errorf("got %+v from %s", got, answer)
	}
	for _, row := range []struct {
		method, path string
		status       int
	}{{http.MethodPost, "/wpsbench/stats", 405}, {http.MethodGet, "/wpsbench/stat", 404}} {
		if status, _, _ := rest(t, srv, row.method, row.path, "", ""); status != row.status {
			t.Errorf("%s %s: %d, want %d", row.method, row.path, status, row.status)
		}
	}
	hidden := start(t, emulator.Options{})
	if status, _, _ := rest(t, hidden, http.MethodGet, "/wpsbench/stats", "", ""); status != 404 {
		t.Errorf("without Options.Admin: %d", status)
	}
}
