package wire

import (
	"crypto/rand"
	"errors"
	"fmt"
	"time"
)

// The fixed claims of a reconnection token (protocol.md 2.4).
const (
	reconnectionIssuer = "https://webpubsub.azure.com"
	reconnectionLife   = 7 * 24 * time.Hour
)

// SignReconnection returns a token that recovers this connection and no other, for a
// week (protocol.md 2.4). Each call returns a different one.
func SignReconnection(key, connectionID string, now time.Time) (string, error) {
	return sign(key, &signedClaims{
		Issuer: reconnectionIssuer, Audience: connectionID, ID: rand.Text(),
		NotBefore: now.Unix(), ExpiresAt: now.Add(reconnectionLife).Unix(),
	})
}

// VerifyReconnection checks at the instant now that the token was issued for this
// connection. No clock skew is allowed for: one service issues and checks.
func VerifyReconnection(token, key, connectionID string, now time.Time) error {
	c, err := verify(token, key, 0, now)
	if err != nil {
		return fmt.Errorf("verify reconnection token: %w", err)
	}
	if c.issuer != reconnectionIssuer {
		return errors.New("verify reconnection token: it is of another issuer")
	}
	if len(c.Audience) != 1 || c.Audience[0] != connectionID {
		return errors.New("verify reconnection token: it is for another connection")
	}
	return nil
}
