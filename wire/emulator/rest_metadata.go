package emulator

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/wpsbench/wpsbench/wire"
)

const metadataHeader = "X-WebPubSub-Metadata-"

// metadata returns what the request's headers attach to its message, as a JSON
// object whose keys are sorted, or nothing (protocol.md 7.1); false if it has answered with
// an error.
func (c *call) metadata() ([]byte, bool) {
	pairs := make(map[string]string)
	size := 0
	for name, values := range c.r.Header {
		// The names are in canonical form, which changes the case of letters only.
		key, found := cutPrefixFold(name, metadataHeader)
		if !found {
			continue
		}
		key = strings.ToLower(key)
		value := last(values)
		value = strings.TrimSpace(value[strings.LastIndexByte(value, ',')+1:])
		pairs[key] = value
		size += len(key) + len(value)
		if key == "" || len(key) > wire.MaxMetadataKeyBytes || len(value) > wire.MaxMetadataValueBytes ||
			strings.ContainsFunc(value, func(r rune) bool { return r >= utf8.RuneSelf }) {
			size = wire.MaxMetadataBytes + 1
		}
		if size > wire.MaxMetadataBytes {
			c.fail(http.StatusBadRequest, codeBadRequest, "Invalid metadata.", "Request")
			return nil, false
		}
	}
	if len(pairs) == 0 {
		return nil, true
	}
	var object bytes.Buffer
	enc := json.NewEncoder(&object)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(pairs) // texts always encode
	return bytes.TrimSpace(object.Bytes()), true
}

func cutPrefixFold(s, prefix string) (after string, found bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}
