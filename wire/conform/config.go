package conform

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/wpsbench/wpsbench/wire"
)

// Config says what to test and how. Either Service or URL is set.
type Config struct {
	// Service is the target with its access key: every case can be tried.
	Service wire.ConnectionString
	// Hub is where the cases connect. It must be used by nothing else: some cases
	// send to all of its connections or close them. "" = one of its own, named
	// conform_ and eight hex digits. Only with Service.
	Hub string
	// URL is a client URL, with its token if one is needed. Only the cases that need
	// no key and no more than what its token permits are tried.
	URL string

	// EntraToken is a token of Microsoft Entra that may call :generateToken, the one thing
	// that a holder of the key may not; "" = none. Only with Service.
	EntraToken string

	// Events is where the target posts the events of EventHubs(EventHub): every system
	// event and user event, to http://…/{hub}/{event}. Run serves and closes it. nil = the
	// cases of event handlers are skipped. Only with Service.
	Events net.Listener
	// EventHub is used by nothing else; "" = DefaultEventHub.
	EventHub string

	// TLS is the configuration for wss and https; nil = the default.
	TLS *tls.Config
	// Header is added to every upgrade.
	Header http.Header
	// Dial opens connections; nil = net.Dialer.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	// Timeout bounds each wait for something that must come; 0 = 5 s.
	Timeout time.Duration
	// Window is how long the target keeps a dropped session; 0 = 30 s (protocol.md 4.5).
	Window time.Duration
	// Slow tries the cases that need time or traffic too.
	Slow bool
	// Strict has a target fail where it merely differs.
	Strict bool
	// Select chooses the cases to try; nil = all.
	Select func(*Case) bool
	// Start is told of each case that is about to be tried, how many of the chosen ones
	// have been, and how many there are; nil = nobody.
	Start func(c *Case, done, total int)
	// Done is told of each case when it has ended; nil = nobody.
	Done func(*Result)
}

const defaultTimeout = 5 * time.Second

// DefaultEventHub is the first of the hubs whose events come to Config.Events.
const DefaultEventHub = "conform_events"

// EventHubs returns the hubs in which event handlers are tried: hub itself, and those that
// the handler answers in other ways when it is asked for leave to post events.
func EventHubs(hub string) []string {
	return []string{hub, hub + "_1", hub + "_2", hub + "_3", hub + "_4", hub + "_5"}
}

// target is a Config that has been looked through.
type target struct {
	Config
	scheme   string // http or https
	host     string // as in the Host header
	base     string // path before client/ and api/, ends with a slash
	lacks    []Need // not offered by the target
	allRoles bool   // the token may join and publish to any group

	handler *handler // nil without Config.Events
}

func (c Config) resolve() (*target, error) {
	t := &target{Config: c}
	if t.Timeout <= 0 {
		t.Timeout = defaultTimeout
	}
	if t.Window <= 0 {
		t.Window = 30 * time.Second
	}
	if t.Dial == nil {
		t.Dial = new(net.Dialer).DialContext
	}
	if t.EventHub == "" {
		t.EventHub = DefaultEventHub
	}
	if c.hasKey() {
		u := c.Service.Endpoint
		t.scheme, t.host, t.base = u.Scheme, u.Host, u.EscapedPath()
		if t.Hub == "" {
			t.Hub = "conform_" + randomHex(4)
		}
		t.allRoles = true
		if t.EntraToken == "" {
			t.lacks = append(t.lacks, NeedEntra)
		}
		return t, nil
	}
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Scheme != "ws" && u.Scheme != "wss" {
		return nil, errors.New("conform: neither a connection string nor a ws or wss URL is given")
	}
	t.scheme = "http" + strings.TrimPrefix(u.Scheme, "ws")
	t.host = u.Host
	t.lacks = []Need{NeedKey, NeedREST, NeedEntra, NeedEvents}
	claims, err := wire.ReadToken(u.Query().Get("access_token"))
	t.allRoles = err == nil && slices.Contains(claims.Roles, "webpubsub.sendToGroup") &&
		slices.Contains(claims.Roles, "webpubsub.joinLeaveGroup")
	if !t.allRoles {
		t.lacks = append(t.lacks, NeedRoles)
	}
	return t, nil
}

func (c *Config) hasKey() bool { return c.Service.Endpoint != nil }

// endpoint is the target for people, without secrets.
func (t *target) endpoint() string {
	if t.hasKey() {
		return t.scheme + "://" + t.host + t.base
	}
	u, _, _ := strings.Cut(wire.RedactURL(t.URL), "?")
	return u
}

// address is where to connect to.
func (t *target) address() string {
	host, port, err := net.SplitHostPort(t.host)
	if err == nil {
		return net.JoinHostPort(host, port)
	}
	port = "80"
	if t.scheme == "https" {
		port = "443"
	}
	return net.JoinHostPort(strings.Trim(t.host, "[]"), port)
}

// open connects, with TLS where the target has it.
func (t *target) open(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, t.Timeout)
	defer cancel()
	nc, err := t.Dial(ctx, "tcp", t.address())
	if err != nil || t.scheme == "http" {
		return nc, err
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.TLS != nil {
		config = t.TLS.Clone()
	}
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(t.address())
	}
	config.NextProtos = []string{"http/1.1"} // HTTP/2 has no upgrade
	secured := tls.Client(nc, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = nc.Close()
		return nil, fmt.Errorf("tls: %w", err)
	}
	return secured, nil
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails, see its documentation
	return hex.EncodeToString(b)
}
