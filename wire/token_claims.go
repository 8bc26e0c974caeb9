package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// receivedClaims decodes the claims of a token and shows them to the JWT library.
type receivedClaims struct {
	Claims
	issuer string
}

// UnmarshalJSON goes by the members because encoding/json would match the fields of a
// struct in any case of letters, and claims are case-sensitive (RFC 7519 10.1.1).
func (c *receivedClaims) UnmarshalJSON(data []byte) error {
	return eachMember(data, func(name string, raw []byte) error {
		if err := c.set(name, raw); err != nil {
			return fmt.Errorf("claim of the wrong type: %w", err)
		}
		return nil
	})
}

// eachMember calls fn for every member of the object that text is.
func eachMember(text []byte, fn func(name string, raw []byte) error) error {
	s := scanner{text: text}
	s.open()
	for first := true; s.err == nil; first = false {
		key, ok := s.next(first)
		if !ok {
			break
		}
		name := text[key.start:key.end]
		if key.escaped {
			name = appendUnescaped(nil, name)
		}
		s.space()
		start := s.pos
		if _, ok = s.value(1); !ok {
			break
		}
		if err := fn(string(name), text[start:s.pos]); err != nil {
			return err
		}
	}
	if s.err == nil {
		s.end()
	}
	if s.err != nil {
		return s.err
	}
	return nil
}

// set takes one claim; of two with one name the last counts.
func (c *receivedClaims) set(name string, raw json.RawMessage) (err error) {
	switch name {
	case "aud":
		c.Audience, err = claimStrings(raw)
	case "sub":
		c.Subject, err = claimString(raw)
	case "role":
		c.Roles, err = claimStrings(raw)
	case "webpubsub.group":
		c.Groups, err = claimStrings(raw)
	case "exp":
		c.ExpiresAt = time.Time{}
		var t *time.Time
		if t, err = claimTime(raw); t != nil {
			c.ExpiresAt = *t
		}
	case "nbf":
		c.NotBefore, err = claimTime(raw)
	case "iss":
		c.issuer, err = claimString(raw)
	case "iat": // not checked
	default:
		if c.Other == nil {
			c.Other = make(map[string][]string)
		}
		c.Other[name] = claimTexts(raw)
	}
	return err
}

// claimString decodes a string; null is "".
func claimString(raw json.RawMessage) (s string, err error) {
	err = json.Unmarshal(raw, &s)
	return s, err
}

// claimStrings decodes a string or an array of strings.
func claimStrings(raw json.RawMessage) ([]string, error) {
	if raw[0] == '"' {
		one, err := claimString(raw)
		return []string{one}, err
	}
	var list jwt.ClaimStrings
	err := json.Unmarshal(raw, &list)
	return list, err
}

// claimTime decodes a NumericDate, seconds since 1970 with an optional fraction; null
// is absent. The bound is the year 9999, where Go's own formats end.
func claimTime(raw json.RawMessage) (*time.Time, error) {
	var seconds *float64
	if err := json.Unmarshal(raw, &seconds); err != nil || seconds == nil {
		return nil, err
	}
	if *seconds < 0 || *seconds > 253402300799 {
		return nil, errors.New("a time out of range")
	}
	whole := int64(*seconds)
	t := time.Unix(whole, int64((*seconds-float64(whole))*1e9)).UTC()
	return &t, nil
}

// claimTexts returns the elements of an array, or the one value, as text.
func claimTexts(raw json.RawMessage) []string {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		list = []json.RawMessage{raw}
	}
	texts := make([]string, len(list))
	for i, element := range list {
		if json.Unmarshal(element, &texts[i]) != nil {
			texts[i] = string(element)
		}
	}
	return texts
}

// The methods of jwt.Claims.

// GetExpirationTime returns exp, nil when absent.
func (c *receivedClaims) GetExpirationTime() (*jwt.NumericDate, error) {
	if c.ExpiresAt.IsZero() {
		return nil, nil
	}
	return &jwt.NumericDate{Time: c.ExpiresAt}, nil
}

// GetNotBefore returns nbf, nil when absent.
func (c *receivedClaims) GetNotBefore() (*jwt.NumericDate, error) {
	if c.NotBefore == nil {
		return nil, nil
	}
	return &jwt.NumericDate{Time: *c.NotBefore}, nil
}

// GetIssuedAt returns nil: iat is not checked.
func (c *receivedClaims) GetIssuedAt() (*jwt.NumericDate, error) { return nil, nil }

// GetAudience returns aud.
func (c *receivedClaims) GetAudience() (jwt.ClaimStrings, error) { return c.Audience, nil }

// GetIssuer returns iss.
func (c *receivedClaims) GetIssuer() (string, error) { return c.issuer, nil }

// GetSubject returns sub.
func (c *receivedClaims) GetSubject() (string, error) { return c.Subject, nil }
