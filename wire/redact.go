package wire

import (
	"net/url"
	"strings"
)

// redacted stands where a secret was. It needs no escaping in a query.
const redacted = "REDACTED"

// unparsable stands for a URL of which nobody knows where its secrets are.
const unparsable = "(unparsable URL)"

// RedactURL returns u safe to log. User info and the fragment are removed, and the
// value of every query parameter whose name suggests a secret is replaced:
// access_token, awps_reconnection_token, any name with token, key, signature, secret
// or password in it, and sig. What does not parse as a hierarchical URL is replaced
// as a whole, before and after: without its empty user info, //@//a:b@c/ would name another.
func RedactURL(u string) string {
	parsed, err := url.Parse(u)
	if err != nil || parsed.Opaque != "" {
		return unparsable
	}
	parsed.User = nil
	parsed.Fragment, parsed.RawFragment = "", ""
	parsed.RawQuery = redactQuery(parsed.RawQuery)
	out := parsed.String()
	if again, err := url.Parse(out); err != nil || again.User != nil {
		return unparsable
	}
	return out
}

// redactQuery works on the text, to keep order and spelling, and takes the old
// separator ; for what it was.
func redactQuery(query string) string {
	var b strings.Builder
	for query != "" {
		pair, separator := query, ""
		if i := strings.IndexAny(query, "&;"); i >= 0 {
			pair, separator = query[:i], query[i:i+1]
		}
		query = query[len(pair)+len(separator):]
		if name, _, found := strings.Cut(pair, "="); found && isSecretName(name) {
			pair = name + "=" + redacted
		}
		b.WriteString(pair)
		b.WriteString(separator)
	}
	return b.String()
}

func isSecretName(name string) bool {
	if plain, err := url.QueryUnescape(name); err == nil {
		name = plain
	}
	name = strings.ToLower(name)
	for _, word := range []string{"token", "key", "signature", "secret", "password"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return name == "sig"
}
