package emulator

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wpsbench/wpsbench/wire"
)

// maxTokenMinutes keeps the time of expiry within what a token can say: 100 years.
const maxTokenMinutes = 100 * 365 * 24 * 60

// generateToken is meant for bearers of a Microsoft Entra token (protocol.md 7.4, row
// 25), of which the emulator knows at most one.
func (c *call) generateToken() {
	if !c.server.opts.AllowKeyGenerateToken && !c.server.entra(c.r) {
		c.w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if !c.validTokenRequest() {
		return
	}
	minutes := 60
	if text := c.query.Get("minutesToExpire"); text != "" {
		var err error
		if minutes, err = strconv.Atoi(text); err != nil || minutes < 1 || minutes > maxTokenMinutes {
			c.invalid("minutesToExpire")
			return
		}
	}
	now := time.Now()
	token, err := wire.ClientToken{
		Audience:  requestOrigin(c.r) + "/client/hubs/" + url.PathEscape(c.hub),
		UserID:    c.query.Get("userId"),
		Roles:     c.query["role"],
		Groups:    c.query["group"],
		IssuedAt:  now,
		ExpiresAt: now.Add(time.Duration(minutes) * time.Minute),
	}.Sign(c.server.opts.AccessKey)
	if err != nil {
		c.fail(http.StatusBadRequest, codeBadRequest, "The token could not be signed.", "Request")
		return
	}
	c.reply(http.StatusOK, struct {
		Token string `json:"token"`
	}{token})
}

// validTokenRequest checks the type of client and the groups. MQTT clients are
// served by the real service only.
func (c *call) validTokenRequest() bool {
	switch clientType := c.query.Get("clientType"); {
	case clientType == "" || strings.EqualFold(clientType, "Default"):
	case strings.EqualFold(clientType, "MQTT"):
		c.fail(http.StatusNotImplemented, codeNotImplemented, "MQTT client tokens are not supported by the emulator.", "clientType")
		return false
	default:
		c.invalid("clientType")
		return false
	}
	if slices.ContainsFunc(c.query["group"], func(group string) bool { return !wire.ValidGroup([]byte(group)) }) {
		c.fail(http.StatusBadRequest, codeBadRequest, "Invalid group name.", "group")
		return false
	}
	return true
}
