package main

import (
	"regexp"
	"strings"

	"github.com/wpsbench/wpsbench/metrics"
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

// connectionString remembers the key of cs.
func (r *redactor) connectionString(cs wire.ConnectionString) { r.add(cs.AccessKey) }

// run cleans every text of a record that came from outside.
func (r *redactor) run(rec *metrics.Run) {
	for _, s := range []*string{
		&rec.Info.Name, &rec.Info.Note, &rec.Verdict.Headline, &rec.Scenario.Text, &rec.Scenario.File,
		&rec.Environment.Target.Endpoint, &rec.Environment.Target.Hub,
	} {
		*s = r.text(*s)
	}
	for i := range rec.Verdict.Reasons {
		rec.Verdict.Reasons[i].Text = r.text(rec.Verdict.Reasons[i].Text)
	}
	for i := range rec.Info.Command {
		rec.Info.Command[i] = r.text(rec.Info.Command[i])
	}
	for i := range rec.Scenario.Overrides {
		rec.Scenario.Overrides[i] = r.text(rec.Scenario.Overrides[i])
	}
	for i := range rec.Events {
		rec.Events[i].Text = r.text(rec.Events[i].Text)
	}
	for i := range rec.Connections.CloseReasons {
		rec.Connections.CloseReasons[i].Text = r.text(rec.Connections.CloseReasons[i].Text)
	}
	for i := range rec.Residue {
		rec.Residue[i].Value = r.text(rec.Residue[i].Value)
	}
	for k, v := range rec.Info.Tags {
		rec.Info.Tags[k] = r.text(v)
	}
}
