package wire

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
)

// EventSignature returns the ce-signature header of an event about that connection:
// one entry for each access key, the primary first (protocol.md 8.2). A handler that
// compares it does so with hmac.Equal.
func EventSignature(connectionID string, keys ...string) string {
	var header []byte
	for i, key := range keys {
		if i > 0 {
			header = append(header, ',')
		}
		mac := hmac.New(sha256.New, []byte(key))
		_, _ = mac.Write([]byte(connectionID)) // never fails
		header = append(header, "sha256="...)
		header = hex.AppendEncode(header, mac.Sum(nil))
	}
	return string(header)
}
