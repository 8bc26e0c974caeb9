package wire

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxProxyResponse bounds the head of a proxy's answer, in bytes.
const maxProxyResponse = 64 << 10

// refusalTimeout bounds the wait for the body of a refusal, which a peer that keeps
// the connection open may never end.
const refusalTimeout = time.Second

// chooseProxy asks Dialer.Proxy. Its error is not passed on, for it may quote the
// proxy's URL with the password.
func (a *attempt) chooseProxy() (*url.URL, error) {
	if a.dialer.Proxy == nil {
		return nil, nil
	}
	asked := *a.url
	asked.RawQuery = ""
	asked.Scheme = "http" + strings.TrimPrefix(asked.Scheme, "ws")
	proxy, err := a.dialer.Proxy(&http.Request{
		Method: http.MethodGet, URL: &asked, Host: asked.Host, Header: http.Header{},
	})
	if err != nil {
		return nil, errors.New("the proxy's setting is not a usable URL")
	}
	if proxy != nil && proxy.Scheme != "http" && proxy.Scheme != "https" {
		return nil, fmt.Errorf("proxy scheme %q is neither http nor https", proxy.Scheme)
	}
	return proxy, nil
}

// tunnel connects to the proxy and has it connect to the target (RFC 9110 9.3.6).
func (a *attempt) tunnel(ctx context.Context, proxy *url.URL) error {
	port := map[string]string{"http": "80", "https": "443"}[proxy.Scheme]
	addr := hostAndPort(proxy, port)
	if err := a.connect(ctx, addr); err != nil {
		return fmt.Errorf("connect to %s: %w", addr, bareError(err))
	}
	if proxy.Scheme == "https" {
		if err := a.secureProxy(ctx, proxy); err != nil {
			return fmt.Errorf("tls with %s: %w", addr, bareError(err))
		}
	}
	req := &http.Request{
		Method: http.MethodConnect, URL: &url.URL{Opaque: a.addr}, Host: a.addr, Header: http.Header{},
	}
	if user := proxy.User; user != nil {
		password, _ := user.Password()
		req.SetBasicAuth(user.Username(), password)
		req.Header.Set("Proxy-Authorization", req.Header.Get("Authorization"))
		req.Header.Del("Authorization")
	}
	if err := req.Write(a.conn); err != nil {
		return err
	}
	answer := bufio.NewReader(io.LimitReader(a.conn, maxProxyResponse))
	resp, err := http.ReadResponse(answer, req)
	if err != nil {
		return fmt.Errorf("read the answer to CONNECT: %w", bareError(err))
	}
	if resp.StatusCode/100 != 2 {
		_ = a.conn.SetReadDeadline(time.Now().Add(refusalTimeout))
		refused, _ := refusal(resp)
		return refused
	}
	if answer.Buffered() > 0 {
		return errors.New("the proxy sent bytes of its own into the tunnel")
	}
	return nil
}

func (a *attempt) secureProxy(ctx context.Context, proxy *url.URL) error {
	config := a.dialer.tlsConfig()
	config.ServerName = proxy.Hostname() // a configured name is the target's
	conn, err := tlsHandshake(ctx, a.conn, config)
	if err != nil {
		return err
	}
	a.conn = conn
	return nil
}
