package main

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"

	"github.com/wpsbench/wpsbench/scenario"
	"github.com/wpsbench/wpsbench/wire"
)

// address is where a target is, its variables and files read: the service, a complete
// client URL or an application server that hands those out, which may stand beside the
// service: clients ask it, and the key is for the REST API.
type address struct {
	negotiate string // URL of an application server
	url       string // a complete client URL
	service   wire.ConnectionString
	entra     string // stands in for the service's key
}

// hasREST says whether there is a service whose REST API can be called.
func (ad *address) hasREST() bool { return ad.service.Endpoint != nil }

// address reads what a target says, and remembers the secrets in it.
func (a *app) address(st scenario.Target) (address, error) {
	var err error
	for _, s := range []*string{&st.ConnectionString, &st.URL, &st.Negotiate, &st.Endpoint, &st.EntraToken} {
		if *s, err = expand(*s); err != nil {
			return address{}, usage(err)
		}
	}
	// What a variable or a file held is known only now.
	if v := st.ConnectionString; strings.HasPrefix(v, "ws://") || strings.HasPrefix(v, "wss://") {
		st.ConnectionString, st.URL = "", v
	}
	ad := address{negotiate: st.Negotiate, url: st.URL}
	a.redact.query(ad.url)
	a.redact.query(ad.negotiate)
	if (ad.negotiate != "" || ad.url != "") && st.ConnectionString == "" && st.EntraToken == "" {
		return ad, nil
	}
	if st.EntraToken != "" {
		a.redact.add(st.EntraToken)
		ad.entra = st.EntraToken
		ad.service, err = wire.ParseEndpoint(st.Endpoint)
		return ad, usage(err)
	}
	if ad.service, err = wire.ParseConnectionString(st.ConnectionString); err != nil {
		return address{}, usage(err)
	}
	a.redact.connectionString(ad.service)
	return ad, nil
}

// httpClient reaches HTTP servers the way the dialer reaches the target.
func httpClient(d *wire.Dialer) *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: d.TLS, Proxy: http.ProxyFromEnvironment}}
}

var variable = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// expand reads `@file` and replaces ${NAME} by the environment's value. Errors
// name the variable or the file, never a value.
func expand(s string) (string, error) {
	if name, ok := strings.CutPrefix(s, "@"); ok {
		b, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		return strings.TrimSpace(string(b)), nil
	}
	var missing []string
	out := variable.ReplaceAllStringFunc(s, func(m string) string {
		name := m[2 : len(m)-1]
		v, ok := os.LookupEnv(name)
		if !ok || v == "" {
			missing = append(missing, name)
		}
		return v
	})
	if len(missing) > 0 {
		return "", fmt.Errorf("environment variable %s is not set", strings.Join(missing, ", "))
	}
	return out, nil
}
