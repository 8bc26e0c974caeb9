package wire_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/wpsbench/wpsbench/wire"
)

// publishedToken is the vector of protocol.md 2.2.
const publishedToken = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJhdWQiOiJodHRwOi8vbG9jYWxob3N0OjgwODAvY2xpZW50L2h1YnMvY2hhdCIsInN1YiI6ImFsaWNlIiwicm9sZSI6WyJ3ZWJwdWJzdWIuc2VuZFRvR3JvdXAiLCJ3ZWJwdWJzdWIuam9pbkxlYXZlR3JvdXAucm9vbSJdLCJ3ZWJwdWJzdWIuZ3JvdXAiOlsibG9iYnkiXSwiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjE3MDAwMDM2MDB9.v9TD_yqiKvL-Ift6c3Qp6yam2irwOPHp2EeRgQ5xctA"

const chatAudience = "http://localhost:8080/client/hubs/chat"

var (
	issued  = time.Unix(1700000000, 0)
	expires = time.Unix(1700003600, 0)
)

func TestSignPublishedToken(t *testing.T) {
	got, err := wire.ClientToken{
		Audience:  chatAudience,
		UserID:    "alice",
		Roles:     []string{"webpubsub.sendToGroup", "webpubsub.joinLeaveGroup.room"},
		Groups:    []string{"lobby"},
		IssuedAt:  issued,
		ExpiresAt: expires,
	}.Sign(wire.EmulatorKey)
	if err != nil {
		t.Fatal(err)
	}
	if got != publishedToken {
		t.Errorf("got  %s\nwant %s", got, publishedToken)
	}
}

func TestVerifyPublishedToken(t *testing.T) {
	got, err := wire.VerifyToken(publishedToken, wire.EmulatorKey, []string{"http://other", chatAudience}, wire.TokenSkew, issued)
	if err != nil {
		t.Fatal(err)
	}
	want := &wire.Claims{
		Audience:  []string{chatAudience},
		Subject:   "alice",
		Roles:     []string{"webpubsub.sendToGroup", "webpubsub.joinLeaveGroup.room"},
		Groups:    []string{"lobby"},
		ExpiresAt: expires.UTC(),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestSignLeavesOutWhatIsEmpty(t *testing.T) {
	token, err := wire.ClientToken{Audience: "a", ExpiresAt: expires}.Sign("k")
	if err != nil {
		t.Fatal(err)
	}
	wantPayload(t, token, `{"aud":"a","exp":1700003600}`)
}

func TestSignREST(t *testing.T) {
	token, err := wire.SignREST("k", "https://a/api/hubs/chat/:send?api-version=2024-12-01", issued)
	if err != nil {
		t.Fatal(err)
	}
	wantPayload(t, token, `{"aud":"https://a/api/hubs/chat/:send?api-version=2024-12-01","iat":1700000000,"exp":1700003600}`)
}

func TestSignErrors(t *testing.T) {
	tests := []struct {
		name  string
		token wire.ClientToken
		key   string
		want  string
	}{
		{"no key", wire.ClientToken{Audience: "a", ExpiresAt: expires}, "", "sign token: the access key is empty"},
		{"no audience", wire.ClientToken{ExpiresAt: expires}, "k", "sign token: the audience is empty"},
		{"no expiry", wire.ClientToken{Audience: "a"}, "k", "sign token: the time of expiry is missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := tt.token.Sign(tt.key); err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestVerifyToken(t *testing.T) {
	const exp = `"exp":1700003600`
	notBefore := time.Unix(1700000000, 500e6).UTC()
	tests := []struct {
		name, payload string
		want          wire.Claims
	}{
		{"string lists", `{"aud":"a","role":"r","webpubsub.group":"g",` + exp + `}`, wire.Claims{Audience: []string{"a"}, Roles: []string{"r"}, Groups: []string{"g"}}},
		{"array lists", `{"aud":["x","A"],"role":["r","s"],"webpubsub.group":["g","h"],` + exp + `}`, wire.Claims{Audience: []string{"x", "A"}, Roles: []string{"r", "s"}, Groups: []string{"g", "h"}}},
		{"empty lists", `{"aud":"a","role":[],"webpubsub.group":null,` + exp + `}`, wire.Claims{Audience: []string{"a"}}},
		{"nbf with a fraction", `{"aud":"a","nbf":1700000000.5,` + exp + `}`, wire.Claims{Audience: []string{"a"}, NotBefore: &notBefore}},
		{"iat is not checked", `{"aud":"a","iat":"tomorrow",` + exp + `}`, wire.Claims{Audience: []string{"a"}}},
		{
			"other claims", `{"aud":"a","iss":"i","jti":"j","n":7,"list":["x",true,{"y":1}],` + exp + `}`,
			wire.Claims{Audience: []string{"a"}, Other: map[string][]string{"jti": {"j"}, "n": {"7"}, "list": {"x", "true", `{"y":1}`}}},
		},
		{"names are case-sensitive", `{"aud":"a","Sub":"eve","sub":"alice","SUB":"eve",` + exp + `}`, wire.Claims{Audience: []string{"a"}, Subject: "alice", Other: map[string][]string{"Sub": {"eve"}, "SUB": {"eve"}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.ExpiresAt = expires.UTC()
			got, err := wire.VerifyToken(signed(t, tt.payload, "k"), "k", []string{"b", "a"}, 0, time.Unix(1700000001, 0))
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Roles) == 0 {
				got.Roles = nil
			}
			if !reflect.DeepEqual(got, &tt.want) {
				t.Errorf("got %+v, want %+v", got, &tt.want)
			}
		})
	}
}

func TestVerifyTokenTimes(t *testing.T) {
	const skew = 5 * time.Minute
	token := signed(t, `{"aud":"a","nbf":1700000000,"exp":1700003600}`, "k")
	tests := []struct {
		name string
		now  time.Time
		want error
	}{
		{"before nbf by more than the skew", issued.Add(-skew - time.Nanosecond), jwt.ErrTokenNotValidYet},
		{"before nbf by the skew", issued.Add(-skew), nil},
		{"after exp by less than the skew", expires.Add(skew - time.Nanosecond), nil},
		{"after exp by the skew", expires.Add(skew), jwt.ErrTokenExpired},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := wire.VerifyToken(token, "k", []string{"a"}, skew, tt.now); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestVerifyTokenRefuses(t *testing.T) {
	const good = `{"aud":"a","exp":1700003600}`
	parts := strings.Split(signed(t, good, "k"), ".")
	tests := []struct {
		name, token, key string
		audiences        []string
	}{
		{"another key", signed(t, good, "other"), "k", []string{"a"}},
		{"empty key", signed(t, good, "k"), "", []string{"a"}},
		{"no signature", parts[0] + "." + parts[1] + ".", "k", []string{"a"}},
		{"two parts", parts[0] + "." + parts[1], "k", []string{"a"}},
		{"another payload", parts[0] + "." + segment(`{"aud":"a","exp":1800000000}`) + "." + parts[2], "k", []string{"a"}},
		{"alg none", segment(`{"alg":"none","typ":"JWT"}`) + "." + parts[1] + ".", "k", []string{"a"}},
		{"alg None", segment(`{"alg":"None","typ":"JWT"}`) + "." + parts[1] + ".", "k", []string{"a"}},
		{"no alg", segment(`{"typ":"JWT"}`) + "." + parts[1] + "." + parts[2], "k", []string{"a"}},
		{"alg HS512, rightly signed", signedBy(t, jwt.SigningMethodHS512, good), "k", []string{"a"}},
		{"alg RS256 under our signature", segment(`{"alg":"RS256","typ":"JWT"}`) + "." + parts[1] + "." + parts[2], "k", []string{"a"}},
		{"no exp", signed(t, `{"aud":"a"}`, "k"), "k", []string{"a"}},
		{"exp null", signed(t, `{"aud":"a","exp":null}`, "k"), "k", []string{"a"}},
		{"exp as text", signed(t, `{"aud":"a","exp":"1700003600"}`, "k"), "k", []string{"a"}},
		{"exp beyond all years", signed(t, `{"aud":"a","exp":1e300}`, "k"), "k", []string{"a"}},
		{"no claims", signed(t, `null`, "k"), "k", []string{"a"}},
		{"two subjects", signed(t, `{"aud":"a","sub":["a","b"],"exp":1700003600}`, "k"), "k", []string{"a"}},
		{"role not text", signed(t, `{"aud":"a","role":[1],"exp":1700003600}`, "k"), "k", []string{"a"}},
		{"no aud", signed(t, `{"exp":1700003600}`, "k"), "k", []string{"a", ""}},
		{"another audience", signed(t, good, "k"), "k", []string{"b"}},
		{"part of an audience", signed(t, good, "k"), "k", []string{"a/b"}},
		{"no audience asked for", signed(t, good, "k"), "k", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if c, err := wire.VerifyToken(tt.token, tt.key, tt.audiences, wire.TokenSkew, issued); err == nil {
				t.Errorf("accepted: %+v", c)
			}
		})
	}
}

func TestReconnectionToken(t *testing.T) {
	now := time.Unix(1700000000, 123456789)
	token, err := wire.SignReconnection("k", "conn-A", now)
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload(t, token), &claims); err != nil {
		t.Fatal(err)
	}
	if id, _ := claims["jti"].(string); len(id) < 16 {
		t.Errorf("jti %q is not random", id)
	}
	delete(claims, "jti")
	want := map[string]any{"iss": "https://webpubsub.azure.com", "aud": "conn-A", "nbf": 1700000000.0, "exp": 1700604800.0}
	if !reflect.DeepEqual(claims, want) {
		t.Errorf("got claims %v, want %v", claims, want)
	}
	if again, _ := wire.SignReconnection("k", "conn-A", now); again == token {
		t.Error("two tokens are equal")
	}

	client, err := wire.ClientToken{Audience: "conn-A", ExpiresAt: expires}.Sign("k")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, token, key, connection string
		now                          time.Time
		ok                           bool
	}{
		{"at once", token, "k", "conn-A", now, true},
		{"just before a week", token, "k", "conn-A", time.Unix(1700604799, 0), true},
		{"after a week", token, "k", "conn-A", time.Unix(1700604800, 0), false},
		{"before its time", token, "k", "conn-A", time.Unix(1699999999, 0), false},
		{"another connection", token, "k", "conn-B", now, false},
		{"a connection of other letters", token, "k", "conn-a", now, false},
		{"another key", token, "K", "conn-A", now, false},
		{"a client's token", client, "k", "conn-A", now, false},
		{"two audiences", signed(t, `{"iss":"https://webpubsub.azure.com","aud":["conn-A","conn-B"],"exp":1700003600}`, "k"), "k", "conn-A", now, false},
		{"none", "", "k", "conn-A", now, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := wire.VerifyReconnection(tt.token, tt.key, tt.connection, tt.now)
			if (err == nil) != tt.ok {
				t.Errorf("got %v, want ok %v", err, tt.ok)
			}
		})
	}
}

func segment(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// signed signs a payload as it stands.
func signed(t *testing.T, payload, key string) string {
	t.Helper()
	text := segment(`{"alg":"HS256","typ":"JWT"}`) + "." + segment(payload)
	signature, err := jwt.SigningMethodHS256.Sign(text, []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func signedBy(t *testing.T, method jwt.SigningMethod, payload string) string {
	t.Helper()
	text := segment(`{"alg":"`+method.Alg()+`","typ":"JWT"}`) + "." + segment(payload)
	signature, err := method.Sign(text, []byte("k"))
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func payload(t *testing.T, token string) []byte {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func wantPayload(t *testing.T, token, want string) {
	t.Helper()
	if got := string(payload(t, token)); got != want {
		t.Errorf("got payload %s, want %s", got, want)
	}
}
