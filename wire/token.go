package wire

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// TokenSkew is how far the service lets exp and nbf be off (protocol.md 2.2).
const TokenSkew = 5 * time.Minute

// restTokenLife is the life of a token for one REST request, as the official SDKs give it.
const restTokenLife = time.Hour

// ClientToken says what a client may do once connected (protocol.md 2.2).
type ClientToken struct {
	Audience  string    // see [ConnectionString.ClientAudience]
	UserID    string    // empty: anonymous
	Roles     []string  // protocol.md 2.3
	Groups    []string  // joined at connect, no role needed
	IssuedAt  time.Time // zero: not written
	ExpiresAt time.Time // only checked when connecting
}

// Sign returns the token as a JWT signed with HMAC-SHA256 under the access key.
// Audience and ExpiresAt are required.
func (t ClientToken) Sign(key string) (string, error) {
	return sign(key, &signedClaims{
		Audience: t.Audience, Subject: t.UserID, Roles: t.Roles, Groups: t.Groups,
		IssuedAt: unixSeconds(t.IssuedAt), ExpiresAt: unixSeconds(t.ExpiresAt),
	})
}

// SignREST returns the bearer token for one request to the service's REST API, good
// for an hour. Its audience is the request's URL, query included (protocol.md 7.2).
func SignREST(key, requestURL string, now time.Time) (string, error) {
	return sign(key, &signedClaims{
		Audience: requestURL, IssuedAt: now.Unix(), ExpiresAt: now.Add(restTokenLife).Unix(),
	})
}

// signedClaims is what our tokens hold. The order of its fields is the order of the
// claims in the token, so that equal tokens are equal byte for byte.
type signedClaims struct {
	Issuer    string   `json:"iss,omitempty"`
	Audience  string   `json:"aud"`
	Subject   string   `json:"sub,omitempty"`
	Roles     []string `json:"role,omitempty"`
	Groups    []string `json:"webpubsub.group,omitempty"`
	ID        string   `json:"jti,omitempty"`
	IssuedAt  int64    `json:"iat,omitempty"`
	NotBefore int64    `json:"nbf,omitempty"`
	ExpiresAt int64    `json:"exp"`
}

// tokenHeader is what all our tokens begin with: {"alg":"HS256","typ":"JWT"}.
const tokenHeader = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."

func sign(key string, c *signedClaims) (string, error) {
	switch {
	case key == "":
		return "", errors.New("sign token: the access key is empty")
	case c.Audience == "":
		return "", errors.New("sign token: the audience is empty")
	case c.ExpiresAt == 0:
		return "", errors.New("sign token: the time of expiry is missing")
	}
	claims, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	encoding := base64.RawURLEncoding
	token := make([]byte, 0, len(tokenHeader)+encoding.EncodedLen(len(claims))+len(".")+encoding.EncodedLen(sha256.Size))
	token = append(token, tokenHeader...)
	token = encoding.AppendEncode(token, claims)
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(token)
	token = append(token, '.')
	return string(encoding.AppendEncode(token, mac.Sum(nil))), nil
}

func unixSeconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// Claims is what a verified token says.
type Claims struct {
	Audience  []string
	Subject   string // the user id; empty: anonymous
	Roles     []string
	Groups    []string
	ExpiresAt time.Time
	NotBefore *time.Time // nil: absent
	// Other holds every claim that protocol.md 2.2 has no meaning for, as the connect
	// webhook gets it: text as it is, other values as their JSON.
	Other map[string][]string
}

// VerifyToken checks a token at the instant now as the service does (protocol.md 2.2):
// signed with HMAC-SHA256 under the key, no other algorithm; exp present; exp and nbf
// met give or take skew (the service's is TokenSkew); aud equal as a whole to one of
// audiences but for the case of letters. Errors hold nothing of the token.
func VerifyToken(token, key string, audiences []string, skew time.Duration, now time.Time) (*Claims, error) {
	c, err := verify(token, key, skew, now)
	if err != nil {
		return nil, fmt.Errorf("verify token: %w", err)
	}
	for _, got := range c.Audience {
		for _, want := range audiences {
			if strings.EqualFold(got, want) {
				return &c.Claims, nil
			}
		}
	}
	return nil, errors.New("verify token: it is meant for another audience")
}

// verify checks signature and times only. It takes the token apart itself, because the
// JWT library reads the JSON of each part three times over, which is most of what a
// handshake would cost the emulator.
func verify(token, key string, skew time.Duration, now time.Time) (*receivedClaims, error) {
	if key == "" {
		return nil, errors.New("the access key is empty")
	}
	end := max(strings.LastIndexByte(token, '.'), 0)
	header, payload, _ := strings.Cut(token[:end], ".")
	var parts [3][]byte
	for i, part := range []string{header, payload, strings.TrimPrefix(token[end:], ".")} {
		var err error
		if parts[i], err = base64.RawURLEncoding.Strict().DecodeString(part); err != nil {
			return nil, errors.New("it is not three parts in base64url")
		}
	}
	var algorithm []byte
	err := eachMember(parts[0], func(name string, raw []byte) error {
		if name == "alg" {
			algorithm = raw
		}
		return nil
	})
	if err != nil || string(algorithm) != `"HS256"` {
		return nil, errors.New("its header does not say HS256")
	}
	if err := jwt.SigningMethodHS256.Verify(token[:end], parts[2], []byte(key)); err != nil {
		return nil, err
	}
	c := new(receivedClaims)
	if err := c.UnmarshalJSON(parts[1]); err != nil {
		return nil, err
	}
	times := jwt.NewValidator(
		jwt.WithExpirationRequired(),
		jwt.WithLeeway(skew),
		jwt.WithTimeFunc(func() time.Time { return now }),
	)
	if err := times.Validate(c); err != nil {
		return nil, err
	}
	return c, nil
}
