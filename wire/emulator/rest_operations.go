package emulator

import (
	"encoding/json"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wpsbench/wpsbench/wire"
)

func (c *call) sendToAll() {
	c.send(wire.ServerMessage, func(h *hub) []*session {
		excluded := c.excluded()
		return slices.DeleteFunc(h.all(), func(s *session) bool { return excluded[s.id] })
	})
}

func (c *call) sendToUser() {
	c.send(wire.ServerMessage, func(h *hub) []*session { return h.users[c.args[0]] })
}

func (c *call) sendToConnection() {
	c.send(wire.ServerMessage, func(h *hub) []*session { return h.one(c.args[0]) })
}

func (c *call) sendToGroup() {
	if c.validGroup() {
		c.send(wire.GroupMessage, nil)
	}
}

// send publishes the request's body: to the group in the path, or as a server
// message to those that to returns. 202 says that it was accepted, whoever gets it.
func (c *call) send(kind wire.DownstreamKind, to func(*hub) []*session) {
	d, ok := c.payload()
	if !ok {
		return
	}
	d.Kind = kind
	if kind == wire.GroupMessage {
		d.Group = []byte(c.args[0])
	}
	c.do(func(core *core) int {
		h := core.hubs[c.hub]
		switch {
		case h == nil:
			core.stats.Publishes++
		case kind == wire.GroupMessage:
			core.publishGroup(h, nil, false, c.excluded(), d)
		default:
			core.publishServer(to(h), d)
		}
		return http.StatusAccepted
	})
}

// payload reads the body and its type (protocol.md 7.1); false if it has answered
// with an error.
func (c *call) payload() (*wire.Downstream, bool) {
	d := new(wire.Downstream)
	if !c.validTTL() {
		return nil, false
	}
	if c.r.ContentLength < 0 {
		c.fail(http.StatusBadRequest, codeBadRequest, "Invalid Content-Length header.", "Request")
		return nil, false
	}
	if limit := c.server.opts.MaxMessageBytes; c.r.ContentLength > int64(limit) {
		c.fail(http.StatusRequestEntityTooLarge, codeBadRequest, "The request body is too large.", "Request")
		return nil, false
	}
	body, err := io.ReadAll(c.r.Body)
	if err != nil {
		c.fail(http.StatusBadRequest, codeBadRequest, "The request body is incomplete.", "Request")
		return nil, false
	}
	d.Data = body
	mediaType, params, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	charset := params["charset"]
	isUTF8 := charset == "" || strings.EqualFold(charset, "utf-8")
	switch {
	case c.r.Header.Get("Content-Type") == "" || err == nil && mediaType == "application/octet-stream":
		d.DataType = wire.DataBinary
	case err == nil && mediaType == "text/plain" && isUTF8:
		d.DataType = wire.DataText
	case err == nil && mediaType == "application/json" && isUTF8:
		d.DataType = wire.DataJSON
	default:
		c.w.WriteHeader(http.StatusUnsupportedMediaType)
		return nil, false
	}
	if d.DataType == wire.DataJSON && (!utf8.Valid(body) || !json.Valid(body)) {
		c.fail(http.StatusBadRequest, codeBadRequest, "The request body is not a valid JSON.", "Request")
		return nil, false
	}
	return d, true
}

func (c *call) validTTL() bool {
	if text := c.query.Get("messageTtlSeconds"); text != "" {
		if ttl, err := strconv.Atoi(text); err != nil || ttl < 0 || ttl > wire.MaxTTLSeconds {
			c.fail(http.StatusBadRequest, codeBadRequest, "Invalid messageTtlSeconds.", "messageTtlSeconds")
			return false
		}
	}
	return true
}

func (c *call) validGroup() bool {
	ok := wire.ValidGroup([]byte(c.args[0]))
	if !ok {
		c.fail(http.StatusBadRequest, codeBadRequest, "Invalid group name.", "group")
	}
	return ok
}

func (c *call) excluded() map[string]bool {
	ids := make(map[string]bool)
	for _, id := range c.query["excluded"] {
		ids[id] = true
	}
	return ids
}

func (c *call) connectionExists() {
	c.exists(func(h *hub) bool { return h.sessions[c.args[0]] != nil })
}

func (c *call) groupExists() {
	c.exists(func(h *hub) bool { return h.groups[c.args[0]] != nil })
}

func (c *call) userExists() {
	c.exists(func(h *hub) bool { return len(h.users[c.args[0]]) > 0 })
}

func (c *call) exists(test func(*hub) bool) {
	c.do(func(core *core) int {
		if h := core.hubs[c.hub]; h != nil && test(h) {
			return http.StatusOK
		}
		return http.StatusNotFound
	})
}

func (c *call) closeConnection() {
	c.closeSome(func(h *hub) []*session { return h.one(c.args[0]) })
}

func (c *call) closeAll() { c.closeSome((*hub).all) }

func (c *call) closeGroup() {
	if !c.validGroup() {
		return
	}
	c.closeSome(func(h *hub) []*session {
		if g := h.groups[c.args[0]]; g != nil {
			return slices.Clone(g.members)
		}
		return nil
	})
}

func (c *call) closeUser() {
	c.closeSome(func(h *hub) []*session { return slices.Clone(h.users[c.args[0]]) })
}

// closeSome closes the sessions that pick returns, a list of its own.
func (c *call) closeSome(pick func(*hub) []*session) {
	excluded, reason := c.excluded(), c.query.Get("reason")
	c.do(func(core *core) int {
		if h := core.hubs[c.hub]; h != nil {
			for _, s := range pick(h) {
				if !excluded[s.id] {
					core.disconnect(s, reason)
				}
			}
		}
		return http.StatusNoContent
	})
}

func (c *call) addToGroup() {
	if !c.validGroup() {
		return
	}
	found := false
	c.server.do(func(core *core) {
		if h := core.hubs[c.hub]; h != nil {
			for _, s := range h.one(c.args[1]) {
				h.join(s, []byte(c.args[0]))
				found = true
			}
		}
	})
	if !found {
		c.fail(http.StatusNotFound, codeNotExisted, "Connection `"+c.args[1]+"` is not found.", "Connection")
	}
}

func (c *call) removeFromGroup() {
	if !c.validGroup() {
		return
	}
	c.do(func(core *core) int {
		if h := core.hubs[c.hub]; h != nil {
			for _, s := range h.one(c.args[1]) {
				h.leave(s, []byte(c.args[0]))
			}
		}
		return http.StatusNoContent
	})
}

// generateToken is meant for bearers of a Microsoft Entra token (protocol.md 7.4, row
// 25), of which the emulator knows at most one.
func (c *call) generateToken() {
	if !c.server.opts.AllowKeyGenerateToken && !c.server.entra(c.r) {
		c.w.WriteHeader(http.StatusUnauthorized)
		return
	}
	minutes := 60
	if text := c.query.Get("minutesToExpire"); text != "" {
		var err error
		if minutes, err = strconv.Atoi(text); err != nil || minutes < 1 || minutes > maxTokenMinutes {
			c.fail(http.StatusBadRequest, codeBadRequest, "Invalid minutesToExpire.", "minutesToExpire")
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

// maxTokenMinutes keeps the time of expiry within what a token can say: 100 years.
const maxTokenMinutes = 100 * 365 * 24 * 60

// one returns the session of that connection id as a list.
func (h *hub) one(id string) []*session {
	if s := h.sessions[id]; s != nil {
		return []*session{s}
	}
	return nil
}

// all returns every session, in a list of its own.
func (h *hub) all() []*session { return slices.Collect(maps.Values(h.sessions)) }
