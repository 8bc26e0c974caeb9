package wire_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/wpsbench/wpsbench/wire"
)

// Whatever a token looks like, it opens nothing but what a reader of its own JSON,
// over crypto/hmac and encoding/json, finds signed, in time and meant for it.
func FuzzToken(f *testing.F) {
	const header = `{"alg":"HS256","typ":"JWT"}`
	good := `{"aud":"` + chatAudience + `","sub":"alice","role":["r"],"webpubsub.group":"g","nbf":1700000000,"exp":1700003600}`
	f.Add(header, good, "", true)
	f.Add(header, good, "x", true)
	f.Add(header, good, "", false)
	f.Add(`{"alg":"none"}`, good, "", true)
	f.Add(header, `{"iss":"https://webpubsub.azure.com","aud":"c1","exp":1700003600}`, "", true)
	f.Fuzz(func(t *testing.T, header, payload, more string, signed bool) {
		b64 := base64.RawURLEncoding
		token := b64.EncodeToString([]byte(header)) + "." + b64.EncodeToString([]byte(payload)) + "."
		if signed {
			token += b64.EncodeToString(signature(strings.TrimSuffix(token, "."), wire.EmulatorKey))
		}
		token += more
		_, _ = wire.ReadToken(token) // promises nothing, but must end

		claims, err := wire.VerifyToken(token, wire.EmulatorKey, []string{chatAudience}, 0, issued)
		if err == nil {
			subject := acceptable(t, token, func(aud string) bool { return strings.EqualFold(aud, chatAudience) })
			if claims.Subject != subject {
				t.Errorf("%s: user %q, want %q", payload, claims.Subject, subject)
			}
		}
		if wire.VerifyReconnection(token, wire.EmulatorKey, "c1", issued) == nil {
			acceptable(t, token, func(aud string) bool { return aud == "c1" })
			if !strings.Contains(payload, "webpubsub.azure.com") && !strings.Contains(payload, `\`) {
				t.Errorf("%s recovers a session, whoever issued it", payload)
			}
		}
	})
}

func signature(text, key string) []byte {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// acceptable checks what makes a token good at the instant issued (protocol.md 2.2),
// and returns its subject.
func acceptable(t *testing.T, token string, meant func(string) bool) (subject string) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%q was accepted", token)
	}
	b64 := base64.RawURLEncoding.Strict()
	mac, err := b64.DecodeString(parts[2])
	if err != nil || !hmac.Equal(mac, signature(parts[0]+"."+parts[1], wire.EmulatorKey)) {
		t.Fatalf("%q was accepted with another signature", token)
	}
	payload, err := b64.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatalf("%s was accepted: %v", payload, err)
	}
	audiences, _ := claims["aud"].([]any)
	if one, ok := claims["aud"].(string); ok {
		audiences = []any{one}
	}
	now := float64(issued.Unix())
	exp, dated := claims["exp"].(float64)
	nbf, early := claims["nbf"].(float64)
	switch {
	case !slices.ContainsFunc(audiences, func(aud any) bool { s, ok := aud.(string); return ok && meant(s) }):
		t.Errorf("%s was accepted for another audience", payload)
	case !dated || exp <= now-1:
		t.Errorf("%s was accepted after its end", payload)
	case early && nbf >= now+1:
		t.Errorf("%s was accepted before its time", payload)
	}
	subject, _ = claims["sub"].(string)
	return subject
}
