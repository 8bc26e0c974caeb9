package main

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/wpsbench/wpsbench/metrics"
	"github.com/wpsbench/wpsbench/report"
	"github.com/wpsbench/wpsbench/wire"
)

// redactor removes secrets from everything that is printed or recorded: those it
// was told of, and whatever looks like a key or a token.
type redactor struct {
	secrets []string
}

var (
	accessKey  = regexp.MustCompile(`(?i)(AccessKey=)[^;"'\s]+`)
	queryToken = regexp.MustCompile(`(?i)((?:access_token|awps_reconnection_token)=)[^&"'\s]+`)
	bearer     = regexp.MustCompile(`(?i)(Bearer\s+)[A-Za-z0-9._~+/=-]+`)
	jwt        = regexp.MustCompile(`eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+`)
	userInfo   = regexp.MustCompile(`(://)[^/@"'\s]+@`)
)

// add remembers a secret value; short ones are left alone, they are no secrets.
func (r *redactor) add(secret string) {
	if len(secret) >= 8 {
		r.secrets = append(r.secrets, secret)
	}
}

// text returns s without secrets; a known one keeps its last four characters.
func (r *redactor) text(s string) string {
	for _, secret := range r.secrets {
		s = strings.ReplaceAll(s, secret, "****"+secret[len(secret)-4:])
	}
	s = accessKey.ReplaceAllStringFunc(s, func(m string) string {
		key, value := m[:len("AccessKey=")], m[len("AccessKey="):]
		if strings.HasPrefix(value, "****") || strings.HasPrefix(value, "${") || strings.HasPrefix(value, "<") {
			return m
		}
		return key + "****" + lastFour(value)
	})
	s = queryToken.ReplaceAllString(s, "${1}****")
	s = bearer.ReplaceAllString(s, "${1}****")
	s = jwt.ReplaceAllString(s, "****")
	return userInfo.ReplaceAllString(s, "${1}****@")
}

func lastFour(s string) string {
	if len(s) < 12 {
		return ""
	}
	return s[len(s)-4:]
}

// header remembers the value of a request header, and what stands behind a scheme
// such as Bearer or Basic.
func (r *redactor) header(value string) {
	r.add(value)
	for _, part := range strings.Fields(value) {
		r.add(part)
	}
}

// query remembers what a URL carries in its query and its user info. A {user} in a
// value is a placeholder, not a secret.
func (r *redactor) query(raw string) {
	u, err := url.Parse(raw)
	if err != nil {
		return
	}
	for _, values := range u.Query() {
		for _, v := range values {
			if !strings.Contains(v, "{user}") {
				r.add(v)
			}
		}
	}
	if password, ok := u.User.Password(); ok {
		r.add(password)
	}
}

// connectionString remembers the key of cs.
func (r *redactor) connectionString(cs wire.ConnectionString) { r.add(cs.AccessKey) }

// run returns a copy of a record without secrets in any text: all of them come, in
// part, from outside.
func (r *redactor) run(rec *metrics.Run) *metrics.Run { return report.MapText(rec, r.text) }
