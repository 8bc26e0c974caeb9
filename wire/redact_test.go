package wire_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/wpsbench/wpsbench/wire"
)

func TestRedactURL(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"nothing to hide", "wss://a:8080/client/hubs/chat?webpubsub_mode=sendEvent&group=a%20b", "wss://a:8080/client/hubs/chat?webpubsub_mode=sendEvent&group=a%20b"},
		{"client URL", "wss://a/client/hubs/chat?access_token=eyJ.a.b", "wss://a/client/hubs/chat?access_token=REDACTED"},
		{
			"recovery", "wss://a/client/hubs/chat?x=1&access_token=eyJ.a.b&awps_connection_id=c&awps_reconnection_token=eyJ.c.d",
			"wss://a/client/hubs/chat?x=1&access_token=REDACTED&awps_connection_id=c&awps_reconnection_token=REDACTED",
		},
		{"other letters", "http://a/?ACCESS_Token=s", "http://a/?ACCESS_Token=REDACTED"},
		{"escaped name", "http://a/?access%5Ftok%65n=s", "http://a/?access%5Ftok%65n=REDACTED"},
		{"name with a broken escape", "http://a/?token%zz=s", "http://a/?token%zz=REDACTED"},
		{"repeated", "http://a/?token=s&token=t", "http://a/?token=REDACTED&token=REDACTED"},
		{"value with an equals sign", "http://a/?token=s==", "http://a/?token=REDACTED"},
		{"key", "http://a/?subscription-key=s", "http://a/?subscription-key=REDACTED"},
		{"signature", "http://a/?Signature=s&sig=t&X-Amz-Signature=u", "http://a/?Signature=REDACTED&sig=REDACTED&X-Amz-Signature=REDACTED"},
		{"old separator", "http://a/?a=1;token=s", "http://a/?a=1;token=REDACTED"},
		{"user info", "https://user:s@a/b", "https://a/b"},
		{"fragment", "https://a/b#access_token=s", "https://a/b"},
		{"no value", "http://a/?token&x", "http://a/?token&x"},
		{"not a URL", "http://user:pa/s@a:b/", "(unparsable URL)"},
		{"user info without slashes", "user:s@a", "(unparsable URL)"},
		{"user info behind an empty one", "//@//user:s@a/b", "(unparsable URL)"},
		{"host that would not parse", "//@//!\xe2", "(unparsable URL)"},
		{"empty", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := wire.RedactURL(tt.in); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// No parameter that net/url reads under the name of a token may keep its value.
func FuzzRedactURL(f *testing.F) {
	f.Add("wss://user:pw@a/client/hubs/chat?x=1&access_token=abcdef")
	f.Add("http://a/?a;T%6fken=b&key=c==#d")
	f.Fuzz(func(t *testing.T, text string) {
		got := wire.RedactURL(text)
		after, err := url.Parse(got)
		if err != nil {
			if _, err := url.Parse(text); err == nil {
				t.Fatalf("%q became %q: %v", text, got, err)
			}
			return
		}
		if after.User != nil || after.Fragment != "" {
			t.Errorf("user info or fragment left in %q", got)
		}
		for name, values := range after.Query() {
			for _, v := range values {
				if strings.Contains(strings.ToLower(name), "token") && v != "" && v != "REDACTED" {
					t.Errorf("%q left in %q", v, got)
				}
			}
		}
	})
}
