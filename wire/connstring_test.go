package wire_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/wpsbench/wpsbench/wire"
)

const someKey = "c2VjcmV0LWtleS1mb3ItdGVzdHMtb25seS0xMjM0NTY="

func TestParseConnectionString(t *testing.T) {
	tests := []struct {
		name, text         string
		endpoint, key      string
		audience, clientAt string // of hub chat
	}{
		{
			"as Azure writes it", "Endpoint=https://contoso.webpubsub.azure.com;AccessKey=" + someKey + ";Version=1.0;",
			"https://contoso.webpubsub.azure.com/", someKey,
			"https://contoso.webpubsub.azure.com/client/hubs/chat", "wss://contoso.webpubsub.azure.com/client/hubs/chat",
		},
		{
			"the emulator's", "Endpoint=http://localhost:8080;AccessKey=" + wire.EmulatorKey,
			"http://localhost:8080/", wire.EmulatorKey,
			"http://localhost:8080/client/hubs/chat", "ws://localhost:8080/client/hubs/chat",
		},
		{
			"any order and case of keys, white space, unknown keys", " accesskey=k ; VERSION=9;\n;other=;other=x; ENDPOINT = https://a/ ;\n",
			"https://a/", "k", "https://a/client/hubs/chat", "wss://a/client/hubs/chat",
		},
		{"no scheme", "Endpoint=a.example;AccessKey=k", "https://a.example/", "k", "https://a.example/client/hubs/chat", "wss://a.example/client/hubs/chat"},
		{"no scheme, but starting like one", "Endpoint=httpd.example:81;AccessKey=k", "https://httpd.example:81/", "k", "https://httpd.example:81/client/hubs/chat", "wss://httpd.example:81/client/hubs/chat"},
		{"Port", "Endpoint=http://a;Port=8080;AccessKey=k", "http://a:8080/", "k", "http://a:8080/client/hubs/chat", "ws://a:8080/client/hubs/chat"},
		{"Port over the endpoint's", "Endpoint=http://a:1;Port=8080;AccessKey=k", "http://a:8080/", "k", "http://a:8080/client/hubs/chat", "ws://a:8080/client/hubs/chat"},
		{"default ports are not written", "Endpoint=https://a:443;AccessKey=k", "https://a/", "k", "https://a/client/hubs/chat", "wss://a/client/hubs/chat"},
		{"default port with a zero", "Endpoint=https://a:0443;AccessKey=k", "https://a/", "k", "https://a/client/hubs/chat", "wss://a/client/hubs/chat"},
		{"default port by Port", "Endpoint=http://a:8080;Port=80;AccessKey=k", "http://a/", "k", "http://a/client/hubs/chat", "ws://a/client/hubs/chat"},
		{"the other scheme's default port", "Endpoint=http://a:443;AccessKey=k", "http://a:443/", "k", "http://a:443/client/hubs/chat", "ws://a:443/client/hubs/chat"},
		{"IPv6", "Endpoint=http://[::1]:80;AccessKey=k", "http://[::1]/", "k", "http://[::1]/client/hubs/chat", "ws://[::1]/client/hubs/chat"},
		{"IPv6 with a port", "Endpoint=http://[::1];Port=81;AccessKey=k", "http://[::1]:81/", "k", "http://[::1]:81/client/hubs/chat", "ws://[::1]:81/client/hubs/chat"},
		{"doubled slashes and an empty query", "Endpoint=https://a//?#;AccessKey=k", "https://a/", "k", "https://a/client/hubs/chat", "wss://a/client/hubs/chat"},
		{"path of a gateway", "Endpoint=https://a/wps;AccessKey=k", "https://a/wps/", "k", "https://a/wps/client/hubs/chat", "wss://a/wps/client/hubs/chat"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := wire.ParseConnectionString(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range []struct{ what, got, want string }{
				{"Endpoint", c.Endpoint.String(), tt.endpoint},
				{"AccessKey", c.AccessKey, tt.key},
				{"ClientAudience", c.ClientAudience("chat"), tt.audience},
				{"ClientURL", c.ClientURL("chat"), tt.clientAt},
			} {
				if v.got != v.want {
					t.Errorf("%s: got %s, want %s", v.what, v.got, v.want)
				}
			}
		})
	}
}

func TestParseConnectionStringErrors(t *testing.T) {
	const prefix = "parse connection string: "
	tests := []struct{ name, text, want string }{
		{"empty", "", "Endpoint is missing"},
		{"no endpoint", "AccessKey=s3cret", "Endpoint is missing"},
		{"endpoint empty", "Endpoint=;AccessKey=s3cret", "Endpoint is missing"},
		{"no key", "Endpoint=https://a", "AccessKey is missing"},
		{"key empty", "Endpoint=https://a;AccessKey=;", "AccessKey is missing"},
		{"only a key's text", "s3cret", "a part has no ="},
		{"key twice", "Endpoint=https://a;AccessKey=s3cret;ACCESSKEY=s3cret2", "accesskey is given twice"},
		{"another scheme", "Endpoint=wss://s3cret;AccessKey=s3cret", "not an http or https URL in Endpoint"},
		{"no host", "Endpoint=https://;AccessKey=s3cret", "not an http or https URL in Endpoint"},
		{"not a URL", "Endpoint=https://s3cret\x7f;AccessKey=s3cret", "not an http or https URL in Endpoint"},
		{"user info", "Endpoint=https://user:s3cret@a;AccessKey=s3cret", "more than scheme, host, port and path in Endpoint"},
		{"query", "Endpoint=https://a?s3cret;AccessKey=s3cret", "more than scheme, host, port and path in Endpoint"},
		{"port 0", "Endpoint=https://a;AccessKey=s3cret;Port=0", "a port is not within 1 to 65535"},
		{"port too large", "Endpoint=https://a;AccessKey=s3cret;Port=65536", "a port is not within 1 to 65535"},
		{"port too large in the endpoint", "Endpoint=https://a:65536;AccessKey=s3cret", "a port is not within 1 to 65535"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := wire.ParseConnectionString(tt.text)
			if err == nil || err.Error() != prefix+tt.want {
				t.Errorf("got %v, want %s", err, prefix+tt.want)
			}
		})
	}
}

func TestConnectionStringShowsItsKeyOnlyOnRequest(t *testing.T) {
	c, err := wire.ParseConnectionString("Endpoint=http://localhost:8080;AccessKey=" + wire.EmulatorKey)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.String(), "Endpoint=http://localhost:8080;AccessKey="+wire.EmulatorKey+";Version=1.0;"; got != want {
		t.Errorf("String: got %s, want %s", got, want)
	}
	if again, err := wire.ParseConnectionString(c.String()); err != nil || again.String() != c.String() {
		t.Errorf("String does not parse back: %v", err)
	}
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("m", "c", c)
	shown := []struct{ what, got string }{
		{"Redacted", c.Redacted()},
		{"%v", fmt.Sprintf("%v", c)},
		{"%+v", fmt.Sprintf("%+v", c)},
		{"%#v", fmt.Sprintf("%#v", c)},
		{"%s of a pointer", fmt.Sprintf("%s", &c)},
		{"%v inside a struct", fmt.Sprintf("%v", struct{ C wire.ConnectionString }{c})},
		{"slog", logged.String()},
	}
	const want = "Endpoint=http://localhost:8080;AccessKey=****EFGH;Version=1.0;"
	for _, s := range shown {
		if !strings.Contains(s.got, want) || strings.Contains(s.got, wire.EmulatorKey[:8]) {
			t.Errorf("%s: got %s, want it to hold %s", s.what, s.got, want)
		}
	}
	c.AccessKey = "short"
	if got, want := c.Redacted(), "Endpoint=http://localhost:8080;AccessKey=****;Version=1.0;"; got != want {
		t.Errorf("short key: got %s, want %s", got, want)
	}
}

func TestClientAudienceEscapesTheHub(t *testing.T) {
	c := wire.ConnectionString{Endpoint: &url.URL{Scheme: "https", Host: "a", Path: "/"}}
	if got, want := c.ClientAudience("a`b[c"), "https://a/client/hubs/a%60b%5Bc"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func FuzzConnectionString(f *testing.F) {
	f.Add("Endpoint=https://contoso.webpubsub.azure.com;AccessKey=" + someKey + ";Version=1.0;")
	f.Add("accesskey=a=b;Port=8080;endpoint=[::1]:9/x")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := wire.ParseConnectionString(text)
		if err != nil {
			return
		}
		again, err := wire.ParseConnectionString(c.String())
		if err != nil {
			t.Fatalf("%q gave %q: %v", text, c.String(), err)
		}
		if again.AccessKey != c.AccessKey || again.Endpoint.String() != c.Endpoint.String() {
			t.Errorf("got %q, want %q", again.String(), c.String())
		}
		if audience, err := url.Parse(c.ClientAudience("chat")); err != nil || !strings.HasSuffix(audience.Path, "/client/hubs/chat") {
			t.Errorf("audience %q: %v", c.ClientAudience("chat"), err)
		}
	})
}
