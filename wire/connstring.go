package wire

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// EmulatorKey is the access key of the service's local emulator (protocol.md 2.1).
// It is public and signs nothing worth protecting.
const EmulatorKey = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"

// ConnectionString says where a service is and holds the key that signs its tokens
// (protocol.md 2.1). Printed by fmt or logged by slog, its key is left out; only
// String and the field show it.
type ConnectionString struct {
	// Endpoint is http or https, without a default port, its path ending with a slash.
	Endpoint *url.URL
	// AccessKey is the HMAC key as text: its UTF-8 bytes sign, it is not base64.
	AccessKey string
}

// ParseConnectionString reads "Endpoint=…;AccessKey=…;Version=1.0;". Keys may come in
// any case and order; unknown ones are ignored. An Endpoint without a scheme is https,
// and Port overrides its port. Errors name the key at fault and no value of it.
func ParseConnectionString(s string) (ConnectionString, error) {
	var c ConnectionString
	values := make(map[string]string)
	for part := range strings.SplitSeq(s, ";") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		// Only the first =, for access keys often end in some.
		key, val, found := strings.Cut(part, "=")
		if !found {
			return c, errors.New("parse connection string: a part has no =")
		}
		key = strings.ToLower(strings.TrimSpace(key))
		if _, twice := values[key]; twice && isConnectionKey(key) {
			return c, fmt.Errorf("parse connection string: %s is given twice", key)
		}
		values[key] = strings.TrimSpace(val)
	}
	for _, name := range []string{"Endpoint", "AccessKey"} {
		if values[strings.ToLower(name)] == "" {
			return c, fmt.Errorf("parse connection string: %s is missing", name)
		}
	}
	endpoint, err := parseEndpoint(values["endpoint"], values["port"])
	if err != nil {
		return c, fmt.Errorf("parse connection string: %w", err)
	}
	return ConnectionString{Endpoint: endpoint, AccessKey: values["accesskey"]}, nil
}

// ParseEndpoint reads the address of a service whose key is not known; what it returns
// has none. A URL without a scheme is https.
func ParseEndpoint(s string) (ConnectionString, error) {
	endpoint, err := parseEndpoint(s, "")
	if err != nil {
		return ConnectionString{}, fmt.Errorf("parse endpoint: %w", err)
	}
	return ConnectionString{Endpoint: endpoint}, nil
}

func isConnectionKey(key string) bool {
	return key == "endpoint" || key == "accesskey" || key == "port"
}

// parseEndpoint does not wrap the errors of net/url: they quote their input, and a
// key pasted into the wrong place is still a key.
func parseEndpoint(s, port string) (*url.URL, error) {
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("not an http or https URL in Endpoint")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("more than scheme, host, port and path in Endpoint")
	}
	if port == "" {
		port = u.Port()
	}
	if port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return nil, errors.New("a port is not within 1 to 65535")
		}
		port = strconv.FormatUint(n, 10)
	}
	endpoint := url.URL{Scheme: u.Scheme, Host: hostPort(u.Scheme, u.Hostname(), port), Path: u.Path, RawPath: u.RawPath}
	// net/url reads zones of IPv6 addresses that it cannot read again once printed.
	if _, err := url.Parse(endpoint.String()); err != nil {
		return nil, errors.New("not an http or https URL in Endpoint")
	}
	return endpoint.JoinPath("/"), nil
}

// hostPort leaves a default port out: audiences are compared as text, and the Host
// header that the service builds its own from has none (protocol.md 2.2).
func hostPort(scheme, host, port string) string {
	if port == "" || scheme == "http" && port == "80" || scheme == "https" && port == "443" {
		if strings.Contains(host, ":") {
			return "[" + host + "]"
		}
		return host
	}
	return net.JoinHostPort(host, port)
}

// String returns the connection string with its key. It is for handing on, not for
// showing; see [ConnectionString.Redacted].
func (c ConnectionString) String() string { return c.text(c.AccessKey) }

// Redacted returns the connection string with all but the last four characters of its
// key replaced. A key of less than 16 characters is replaced as a whole.
func (c ConnectionString) Redacted() string {
	last := ""
	if n := len(c.AccessKey); n >= 16 {
		last = c.AccessKey[n-4:]
	}
	return c.text("****" + last)
}

func (c ConnectionString) text(key string) string {
	if c.Endpoint == nil {
		return ""
	}
	return "Endpoint=" + strings.TrimSuffix(c.Endpoint.String(), "/") + ";AccessKey=" + key + ";Version=1.0;"
}

// Format prints the redacted form whatever the verb, so that no %v shows the key.
func (c ConnectionString) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.Redacted()) }

// LogValue logs the redacted form.
func (c ConnectionString) LogValue() slog.Value { return slog.StringValue(c.Redacted()) }

// ClientAudience returns the aud that a client's token for the hub must carry: an http
// or https URL, not ws (protocol.md 2.2).
func (c ConnectionString) ClientAudience(hub string) string { return c.clientURL(hub).String() }

// ClientURL returns the ws or wss URL at which clients of the hub connect, without a token.
func (c ConnectionString) ClientURL(hub string) string {
	u := c.clientURL(hub)
	u.Scheme = "ws" + strings.TrimPrefix(u.Scheme, "http")
	return u.String()
}

func (c ConnectionString) clientURL(hub string) *url.URL {
	return c.Endpoint.JoinPath("client", "hubs", url.PathEscape(hub))
}
