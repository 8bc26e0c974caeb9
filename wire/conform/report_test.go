package conform_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/conform"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

func only(ids ...string) func(*conform.Case) bool {
	return func(c *conform.Case) bool { return slices.Contains(ids, c.ID) }
}

// What only the emulator promises is a difference elsewhere, what the service
// promises is broken everywhere.
func TestLevels(t *testing.T) {
	c := start(t, emulator.Options{ConnectedOnRecovery: true, AbortOnOverflow: true, AckHistory: 5, MaxMessageBytes: 64 << 10})
	c.Strict = false
	c.Select = only("recovery/no-connected", "overflow/attached", "duplicate/history", "data/text", "recovery/replay", "recovery/window", "request/ping")
	report := run(t, c)
	want := map[string]conform.Outcome{
		"recovery/no-connected": conform.Differs, // a case of the emulator's
		"duplicate/history":     conform.Differs,
		"overflow/attached":     conform.Differs, // a variant within a case of the specification's
		"data/text":             conform.Fail,
		"recovery/replay":       conform.Pass, // it may greet again
		"recovery/window":       conform.Skipped,
		"request/ping":          conform.Pass,
	}
	for _, r := range report.Cases {
		if r.Outcome != want[r.ID] {
			t.Errorf("%s: %s %q, want %s", r.ID, r.Outcome, r.Reasons, want[r.ID])
		}
	}
	totals := map[conform.Outcome]int{conform.Differs: 3, conform.Fail: 1, conform.Skipped: 1, conform.Pass: 2}
	if !maps.Equal(report.Totals, totals) || !report.Broken() {
		t.Errorf("totals %v, want %v", report.Totals, totals)
	}
}

func TestClientURL(t *testing.T) {
	service := start(t, emulator.Options{}).Service
	for _, row := range []struct {
		name     string
		roles    []string
		pass     string
		skipped  string
		skipText string
	}{
		{"all roles", []string{"webpubsub.sendToGroup", "webpubsub.joinLeaveGroup"}, "recovery/replay", "handshake/no-token", "needs: access key"},
		{"no roles", nil, "request/ping", "recovery/replay", "needs: token that may join and publish to any group"},
	} {
		t.Run(row.name, func(t *testing.T) {
			token, err := wire.ClientToken{
				Audience: service.ClientAudience("chat"), Roles: row.roles, ExpiresAt: time.Now().Add(time.Hour),
			}.Sign(service.AccessKey)
			if err != nil {
				t.Fatal(err)
			}
			report := run(t, conform.Config{URL: service.ClientURL("chat") + "?access_token=" + token, Strict: true, Timeout: 10 * time.Second})
			outcomes := map[string]conform.Result{}
			for _, r := range report.Cases {
				outcomes[r.ID] = r
				if r.Outcome == conform.Fail || r.Outcome == conform.Differs {
					t.Errorf("%s: %s %q", r.ID, r.Outcome, r.Reasons)
				}
			}
			if got := outcomes[row.pass]; got.Outcome != conform.Pass {
				t.Errorf("%s: %s %q", row.pass, got.Outcome, got.Reasons)
			}
			if got := outcomes[row.skipped]; got.Outcome != conform.Skipped || got.Reasons[0] != row.skipText {
				t.Errorf("%s: %s %q", row.skipped, got.Outcome, got.Reasons)
			}
			if strings.Contains(report.Target, token) {
				t.Error("the report shows the token")
			}
		})
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := start(t, emulator.Options{})
	c.Done = func(*conform.Result) { cancel() }
	report, err := conform.Run(ctx, c)
	if !errors.Is(err, context.Canceled) || report == nil || len(report.Cases) != 1 {
		t.Errorf("got %+v, %v; want one case", report, err)
	}
}

// Binary messages are shown in hex, the reconnection token in them is not.
func TestProtobufTokensAreNotShown(t *testing.T) {
	c := start(t, emulator.Options{})
	c.Timeout = 300 * time.Millisecond
	const canary = "canary-token"
	spy := rewriteBinary("^\x22\x00$", "\x22")() // no pong that can be read
	inner := spy.down
	spy.down = func(conn int, m message) []message {
		if strings.HasPrefix(m.payload, "\x1a") {
			m.payload = "\x1a\x14\x0a\x12\x0a\x02c1\x1a\x0c" + canary
		}
		return inner(conn, m)
	}
	c.Dial = spy.dial
	c.Select = only("protobuf/reliable-connected")
	report := run(t, c)
	var b bytes.Buffer
	if err := errors.Join(report.WriteJSON(&b), report.WriteJUnit(&b), report.Cases[0].WriteText(&b)); err != nil {
		t.Fatal(err)
	}
	shown := b.String()
	if strings.Contains(shown, canary) || strings.Contains(shown, hex.EncodeToString([]byte(canary))) {
		t.Errorf("the token is shown:\n%s", shown)
	}
	if !report.Broken() || !strings.Contains(shown, hex.EncodeToString([]byte("c1"))) {
		t.Errorf("the frames are not:\n%s", shown)
	}
}

// A report of failures of every kind shows the frames and no secret.
func TestWriters(t *testing.T) {
	c := start(t, emulator.Options{})
	c.Timeout = 300 * time.Millisecond
	var secrets []string
	spy := rewrite(`"event":"connected"`, `"event":"hello\u0007"`)()
	inner := spy.down
	spy.down = func(conn int, m message) []message {
		var greeting struct{ ReconnectionToken string }
		if json.Unmarshal([]byte(m.payload), &greeting) == nil && greeting.ReconnectionToken != "" {
			secrets = append(secrets, greeting.ReconnectionToken)
		}
		return inner(conn, m)
	}
	c.Dial = spy.dial
	c.Select = only("connected/first", "connected/reliable", "handshake/no-token", "recovery/window", "rest/exists")
	report := run(t, c)
	if len(secrets) == 0 {
		t.Fatal("no reconnection token was seen")
	}
	var text, asJSON, junit bytes.Buffer
	for _, r := range report.Cases {
		if err := r.WriteText(&text); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(report.WriteJSON(&asJSON), report.WriteJUnit(&junit)); err != nil {
		t.Fatal(err)
	}
	for name, document := range map[string]string{"text": text.String(), "json": asJSON.String(), "junit": junit.String()} {
		for _, secret := range append(secrets, c.Service.AccessKey, "eyJ") {
			if strings.Contains(document, secret) {
				t.Errorf("%s shows a secret", name)
			}
		}
		if !strings.Contains(document, "HTTP 101") || !strings.Contains(document, "hello") {
			t.Errorf("%s does not show the frames:\n%s", name, document)
		}
	}
	if strings.ContainsRune(text.String(), '\a') {
		t.Error("a control character of the server's reaches the terminal")
	}
	for _, want := range []string{"fail     connected/first ", "pass     handshake/no-token ", "skipped  recovery/window "} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	var read conform.Report
	if err := json.Unmarshal(asJSON.Bytes(), &read); err != nil || read.Format != "wpsbench.conform/1" || len(read.Cases) != 5 || read.Totals[conform.Fail] != 3 {
		t.Errorf("read back %+v, %v", read, err)
	}
	var suite struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Skipped  int `xml:"skipped,attr"`
		Cases    []struct {
			Class   string    `xml:"classname,attr"`
			Failure *struct{} `xml:"failure"`
			Skipped *struct{} `xml:"skipped"`
		} `xml:"testcase"`
	}
	if err := xml.Unmarshal(junit.Bytes(), &suite); err != nil {
		t.Fatal(err)
	}
	if suite.Tests != 5 || suite.Failures != 3 || suite.Skipped != 1 || suite.Cases[0].Class != "conform.handshake" || suite.Cases[0].Failure != nil || suite.Cases[1].Failure == nil {
		t.Errorf("%+v\n%s", suite, junit.String())
	}
}
