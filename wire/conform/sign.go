package conform

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"time"
)

// claims returns those of a good client token for the hub, "" = the target's. They
// are free to be spoiled.
func (t *T) claims(hub string) map[string]any {
	if hub == "" {
		hub = t.target.Hub
	}
	return map[string]any{
		"aud": t.target.scheme + "://" + t.target.host + t.target.base + "client/hubs/" + url.PathEscape(hub),
		"iat": time.Now().Unix(),
		"exp": time.Now().Add(time.Hour).Unix(),
	}
}

// sign makes a JWT with the target's key (protocol.md 2.2).
func (t *T) sign(claims map[string]any) string {
	return t.signWith(t.target.Service.AccessKey, claims)
}

// signWith does not use the package under wire for tokens, whose mistakes would
// cancel out against an emulator that uses it too.
func (t *T) signWith(key string, claims map[string]any) string {
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatalf("token: %v", err)
	}
	b64 := base64.RawURLEncoding
	text := b64.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + b64.EncodeToString(payload)
	mac := hmac.New(sha256.New, []byte(key))
	_, _ = mac.Write([]byte(text)) // never fails, see its documentation
	token := text + "." + b64.EncodeToString(mac.Sum(nil))
	t.log.secret(token)
	return token
}

// tokenRequest is a handshake with that token.
func (t *T) tokenRequest(token string) request {
	return request{target: t.clientPath("") + "?access_token=" + token, offer: plain}
}
