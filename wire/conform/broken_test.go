package conform_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/wpsbench/wpsbench/wire/conform"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// broken are servers that break a rule, and the cases that must find it. Together
// they break every case: one that cannot fail proves nothing.
var broken = []struct {
	name  string
	opts  emulator.Options
	liar  func() *liar
	slow  bool
	cases string // names, separated by spaces
}{
	{name: "403 in place of 400", liar: status("400", "403"),
		cases: "handshake/no-upgrade handshake/blank-hub handshake/groups-before-mode handshake/mode rest/bad-bodies rest/ttl rest/api-version"},
	{name: "403 in place of 401", liar: status("401", "403"),
		cases: "handshake/no-token handshake/token-before-mode handshake/token-before-groups handshake/query-token-wins token/signature token/audience token/audience-hub token/expiry token/expiry-required token/not-before token/skew rest/no-token rest/token-scope rest/generate-token-by-key"},
	{name: "refuses everybody", liar: status("101", "403"),
		cases: "handshake/mode-values handshake/bearer-header handshake/bearer-case handshake/hub-in-query handshake/recovery-before-token handshake/subprotocol-unknown token/good token/audience-case token/unchecked-claims token/single-role-and-group"},
	{name: "200 in place of 202", liar: status("202", "200"),
		cases: "rest/send-to-nobody rest/content-types rest/send-to-all rest/ttl rest/filter"},
	{name: "200 in place of 204", liar: status("204", "200"),
		cases: "rest/close-connection rest/close-reliable rest/close-user rest/close-group rest/close-all rest/membership rest/membership-of-nobody rest/user-leaves-all-groups"},
	{name: "200 in place of 404", liar: status("404", "200"),
		cases: "recovery/plain-ends rest/exists rest/membership-of-nobody rest/token-query rest/user-membership rest/leave-all-groups rest/permissions"},
	{name: "404 in place of 200", liar: status("200", "404"), cases: "rest/health rest/exists rest/list-members rest/generate-token rest/add-to-groups rest/remove-from-groups"},
	{name: "filters match everybody", liar: restRequests(`&?filter=[^& ]*|,?"filter":"[^"]*"`, ""),
		cases: "rest/filter rest/bad-filter rest/add-to-groups-filter rest/remove-from-groups"},
	{name: "removes nobody", liar: restRequests(`:removeFromGroups|DELETE (\S*)/groups`, "HEAD /api/health HTTP/1.1\r\nX: "),
		cases: "rest/remove-from-groups rest/user-leaves-all-groups rest/leave-all-groups"},
	{name: "lists everything at once", liar: restRequests(`maxpagesize=2`, "x=2"), cases: "rest/pages"},
	{name: "does not know top", liar: restRequests(`&top=\d+`, ""), cases: "rest/top"},
	{name: "any page size", liar: restRequests(`maxpagesize=(0|201|x)|top=0`, "x=1"), cases: "rest/page-limits"},
	{name: "tokens for nobody", liar: restRequests(`userId=[^& ]*&?`, ""), cases: "rest/generate-token"},
	{name: "chooses no subprotocol", liar: headers("Sec-WebSocket-Protocol: ", "X: "), cases: "handshake/subprotocol-echo handshake/subprotocol-choice protobuf/subprotocol"},
	{name: "chooses one unasked", liar: headers("101 Switching Protocols\r\n", "101 Switching Protocols\r\nSec-WebSocket-Protocol: mine\r\n"), cases: "handshake/subprotocol-unknown"},

	{name: "another greeting", liar: rewrite(`"event":"connected"`, `"event":"hello"`),
		cases: "connected/first connected/reliable connected/plain-no-token connected/user connected/before-data"},
	{name: "a greeting for simple clients", liar: greeting, cases: "simple/no-greeting"},
	{name: "a token for everybody", liar: rewrite(`"event":"connected"`, `"event":"connected","reconnectionToken":"x"`), cases: "connected/plain-no-token"},
	{name: "everybody is mallory", liar: rewriteAll(`"(userId|fromUserId)":("[^"]*"|null)`, `"$1":"mallory"`),
		cases: "connected/user request/sender request/no-echo rest/send-to-group simple/send-to-group"},
	{name: "one connection id", liar: rewriteAll(`"connectionId":"\w+"`, `"connectionId":"c"`), cases: "connected/unique"},

	{name: "acks fail", liar: rewriteAll(`"success":true`, `"success":false,"error":{"name":"InternalServerError"}`),
		cases: "request/join request/leave request/again request/empty-group request/group-case request/copy-per-group request/order request/type-case request/extra-properties request/group-length request/echo-before-ack request/plain-has-no-sequence duplicate/not-executed duplicate/per-connection frame/fragmented frame/largest"},
	{name: "ack ids are floats", liar: rewriteAll(`"ackId":\d{16,}`, `"ackId":9007199254740992`), cases: "request/ack-id-range"},
	{name: "Forbidden by another name", liar: rewrite(`"Forbidden"`, `"Denied"`),
		cases: "role/none role/error-text role/publish-only role/join-only role/literal role/literal-star role/join-literal role/pattern role/pattern-escape role/invalid role/pattern-limit role/several duplicate/failures recovery/keeps-session"},
	{name: "Forbidden in other words", liar: rewriteAll(`does not have permission`, `must not`), cases: "role/error-text"},
	{name: "everything is permitted", liar: rewriteAll(`"success":false,"error":{"name":"Forbidden".*`, `"success":true}`),
		cases: "role/none role/publish-only role/join-only role/literal role/literal-star role/join-literal role/pattern role/pattern-escape role/invalid role/pattern-limit role/several"},
	{name: "acknowledges unasked", liar: ackUnasked, cases: "request/fire-and-forget request/ack-id-null"},
	{name: "answers pings with acks", liar: rewrite(`{"type":"pong"}`, `{"type":"ack","ackId":1,"success":true}`),
		cases: "request/ping frame/byte-by-byte frame/several-in-one-write request/sequence-ack-on-plain sequence/ack-silent"},
	{name: "events succeed", liar: rewriteAll(`"success":false,"error":{"name":"InternalServerError".*`, `"success":true}`), cases: "request/event-without-handler"},
	{name: "acknowledges before the echo", liar: ackFirst, cases: "request/echo-before-ack request/order"},
	{name: "swaps messages", opts: emulator.Options{Lies: emulator.Lies{emulator.LieSwap: {N: 1, Of: 20}}}, cases: "request/publisher-order"},
	{name: "delivers twice", liar: twice, cases: "request/again request/copy-per-group request/fire-and-forget rest/send-to-all simple/receives duplicate/not-executed"},
	{name: "delivers nothing", liar: loseData,
		cases: "handshake/hub-case connected/token-groups request/join request/leave rest/send-to-group rest/send-to-user rest/hub-case rest/detached rest/membership simple/echo simple/send-to-group simple/no-envelope token/single-role-and-group"},
	{name: "delivers to the excluded", liar: rewrite(`"data":"3"`, `"data":"1"`), cases: "rest/excluded"},
	{name: "does not know noEcho", liar: rewriteUp(`"noEcho":true`, `"noEcho":false`), cases: "request/no-echo"},
	{name: "joins do nothing", liar: dropUp("joinGroup"), cases: "request/join"},
	{name: "leaves do nothing", liar: rewriteUp(`"type":"leaveGroup"`, `"type":"joinGroup"`), cases: "request/leave role/error-text"},
	{name: "groups in any case", liar: lowerGroups, cases: "request/group-case"},
	{name: "numbers the plain subprotocol", liar: rewrite(`"type":"message"`, `"sequenceId":1,"type":"message"`), cases: "request/plain-has-no-sequence"},

	{name: "remembers no ack ids", liar: forgetAckIDs,
		cases: "duplicate/not-executed duplicate/all-types duplicate/failures duplicate/after-recovery recovery/acks-not-replayed"},
	{name: "remembers ten ack ids", opts: emulator.Options{AckHistory: 10}, cases: "duplicate/history"},
	{name: "remembers too many ack ids", opts: emulator.Options{AckHistory: 5000}, cases: "duplicate/history"},
	{name: "shares ack ids", liar: shareAckIDs, cases: "duplicate/per-connection"},

	{name: "data is upper case", liar: upperData, cases: "data/text data/json data/binary data/reliable data/json-default simple/receives"},
	{name: "numbers are rounded", liar: rewriteAll(`12345678901234567890123`, `1.2345678901234568e22`), cases: "data/json-verbatim"},
	{name: "text is JSON", liar: rewrite(`"dataType":"text"`, `"dataType":"json"`), cases: "data/text data/reliable data/metadata-alone rest/content-types"},
	{name: "loses metadata", liar: rewriteAll(`"metadata":\{[^}]*\}`, `"nothing":{}`), cases: "data/metadata data/metadata-alone"},

	{name: "puts up with anything", liar: tolerant, cases: malformedIDs() + " frame/binary frame/not-utf-8"},
	{name: "closes with other codes", liar: closeWith(4000),
		cases: malformedIDs() + " frame/close-echo frame/binary frame/not-utf-8 frame/too-large frame/too-large-in-fragments frame/continuation frame/interrupted-fragments simple/forbidden simple/event-without-handler simple/too-large simple/closed-by-application rest/close-connection rest/close-reliable rest/close-user rest/close-group rest/close-all overflow/attached refused/unknown-connection refused/bad-token refused/no-token refused/token-of-another refused/other-hub refused/closed-session refused/closed-by-application refused/plain-session handshake/recovery-before-token frame/session-ends overflow/detached protobuf/refused-recovery protobuf/text protobuf/rest protobuf/too-large " + malformedPBIDs()},
	{name: "does not close", liar: loseControl(ws.OpClose), cases: "frame/close-without-code frame/close-echo refused/bad-token"},
	{name: "answers no ping", liar: loseControl(ws.OpPong), cases: "frame/ping frame/fragmented"},
	{name: "overlooks broken frames", liar: overlook, cases: "frame/unmasked frame/reserved frame/control-too-long frame/session-ends frame/continuation"},
	{name: "takes half a megabyte", opts: emulator.Options{MaxMessageBytes: 512 << 10}, cases: "frame/largest"},
	{name: "takes too much", opts: emulator.Options{MaxMessageBytes: 4 << 20}, cases: "frame/too-large frame/too-large-in-fragments simple/too-large"},

	{name: "another greeting in protobuf", liar: rewriteBinary("(?s)^\x1a.*", "\x1a\x02\x0a\x00"),
		cases: "protobuf/connected protobuf/connected-user protobuf/reliable-connected"},
	{name: "no pong in protobuf", liar: rewriteBinary("^\x22\x00$", "\x0a\x04\x08\x01\x10\x01"), cases: "protobuf/ping"},
	{name: "acks fail in protobuf", liar: rewriteBinary("(?s)^(\x0a.*)\x01$", "${1}\x00"),
		cases: "protobuf/published-bytes protobuf/leave protobuf/ack-id-range protobuf/duplicate protobuf/unknown-fields protobuf/too-large protobuf/no-echo"},
	{name: "errors by other names in protobuf", liar: rewriteBinary("Forbidde|Duplicat|InternalServerErr", "_"),
		cases: "protobuf/forbidden protobuf/duplicate protobuf/event-without-handler"},
	{name: "does not know no_echo", liar: rewriteUp("\x20\x01", "\x20\x00"), cases: "protobuf/no-echo protobuf/published-bytes"},
	{name: "delivers other data in protobuf", liar: rewriteBinary("(?s)^(\x12.*)(\x1a.[\x0a\x12\x1a\x22])", "${1}\x1a\x00\x32"),
		cases: "protobuf/data protobuf/json-data protobuf/from-json protobuf/metadata protobuf/rest protobuf/leave"},
	{name: "JSON as text in protobuf", opts: emulator.Options{JSONAsText: true}, cases: "protobuf/json-data protobuf/from-json"},
	{name: "protobuf is text elsewhere", liar: rewriteAll(`"dataType":"protobuf"|^\x0a\x01t\x12\x01\x01$`, `"dataType":"text"`), cases: "protobuf/to-json protobuf/to-simple"},
	{name: "loses metadata in protobuf", liar: rewriteBinary("trace-id", "trace-ie"), cases: "protobuf/metadata"},
	{name: "numbers by 2 in protobuf", liar: rewriteBinary("(?s)^(\x12.*\x20)[\x02-\x7f]$", "${1}\x7f"), cases: "protobuf/sequence protobuf/recovery"},
	{name: "puts up with anything in protobuf", liar: tolerantPB, cases: malformedPBIDs() + " protobuf/text"},

	{name: "numbers from 2", liar: countFrom2, cases: "sequence/from-one sequence/per-connection sequence/rest recovery/keeps-subprotocol rest/detached"},
	{name: "numbers acks", liar: rewrite(`"type":"ack"`, `"sequenceId":1,"type":"ack"`), cases: "sequence/from-one"},
	{name: "ignores sequenceAck", liar: dropUp("sequenceAck"),
		cases: "sequence/ack-cumulative sequence/ack-repeated sequence/ack-beyond recovery/nothing-to-replay overflow/acks-make-room"},
	{name: "answers sequenceAck", liar: rewriteUp(`"type":"sequenceAck"`, `"type":"joinGroup","group":"g","ackId":9`), cases: "sequence/ack-silent request/sequence-ack-on-plain"},
	{name: "replays in other words", liar: respell, cases: "recovery/replay"},
	{name: "recovers nothing", opts: emulator.Options{RefuseRecovery: func(string) int { return http.StatusNotFound }},
		cases: "recovery/replay recovery/while-away recovery/again recovery/acks-not-replayed recovery/stale-access-token recovery/keeps-session recovery/keeps-subprotocol recovery/attached recovery/close-codes duplicate/after-recovery overflow/thousand protobuf/recovery protobuf/refused-recovery refused/unknown-connection refused/closed-session"},
	{name: "greets again", opts: emulator.Options{ConnectedOnRecovery: true}, cases: "recovery/no-connected"},
	{name: "keeps sessions for too short", opts: emulator.Options{RecoveryWindow: 100 * time.Millisecond}, slow: true, cases: "recovery/window"},
	{name: "keeps sessions for too long", opts: emulator.Options{RecoveryWindow: time.Minute}, slow: true, cases: "recovery/window"},
	{name: "keeps 900 messages", opts: emulator.Options{ReplayMessages: 900}, cases: "overflow/thousand"},
	{name: "keeps 2,000 messages", opts: emulator.Options{ReplayMessages: 2000}, cases: "overflow/attached overflow/detached"},
	{name: "keeps 64 MiB", opts: emulator.Options{ReplayBytes: 64 << 20, OutboundBytes: 64 << 20}, slow: true, cases: "overflow/bytes"},
	{name: "drops slow clients", opts: emulator.Options{AbortOnOverflow: true}, cases: "overflow/attached"},
}

func TestBrokenServers(t *testing.T) {
	caught := map[string]bool{}
	for _, b := range broken {
		ids := strings.Fields(b.cases)
		for _, id := range ids {
			caught[id] = true
		}
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			c := start(t, b.opts)
			c.Timeout = 300 * time.Millisecond
			if b.liar != nil {
				c.Dial = b.liar().dial
			}
			if b.slow {
				c.Slow, c.Window, c.Timeout = true, time.Second, 3*time.Second
			}
			c.Select = func(cs *conform.Case) bool { return slices.Contains(ids, cs.ID) }
			report := run(t, c)
			found := map[string]bool{}
			for _, r := range report.Cases {
				found[r.ID] = true
				if r.Outcome != conform.Fail {
					t.Errorf("%s: %s", r.ID, r.Outcome)
				}
				if r.Outcome == conform.Fail && (len(r.Frames) == 0 || len(r.Reasons) == 0) {
					t.Errorf("%s: fails without a reason or frames", r.ID)
				}
			}
			for _, id := range ids {
				if !found[id] {
					t.Errorf("no case %s", id)
				}
			}
		})
	}
	for _, b := range brokenCallers {
		for id := range strings.FieldsSeq(b.cases) {
			caught[id] = true
		}
	}
	for _, cs := range conform.Cases() {
		if !caught[cs.ID] {
			t.Errorf("%s: no broken server shows that it can fail", cs.ID)
		}
	}
}

// A server that breaks one rule fails the cases of that rule, and those only.
func TestBrokenRuleFailsItsCasesOnly(t *testing.T) {
	for _, b := range []struct {
		name  string
		opts  emulator.Options
		cases string
	}{
		{"remembers ten ack ids", emulator.Options{AckHistory: 10}, "duplicate/history"},
		{"keeps 900 messages", emulator.Options{ReplayMessages: 900}, "overflow/thousand overflow/attached"},
		{"greets again", emulator.Options{ConnectedOnRecovery: true}, "recovery/no-connected"},
		{"drops slow clients", emulator.Options{AbortOnOverflow: true}, "overflow/attached"},
		{"JSON as text", emulator.Options{JSONAsText: true}, "protobuf/json-data protobuf/from-json"},
		{"generates tokens for everybody", emulator.Options{AllowKeyGenerateToken: true}, "rest/generate-token-by-key"},
	} {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			var failed []string
			for _, r := range run(t, start(t, b.opts)).Cases {
				if r.Outcome == conform.Fail {
					failed = append(failed, r.ID)
				}
			}
			want := strings.Fields(b.cases)
			slices.Sort(failed)
			slices.Sort(want)
			if !slices.Equal(failed, want) {
				t.Errorf("failed %v, want %v", failed, want)
			}
		})
	}
}

func malformedIDs() string   { return idsOf("malformed/") }
func malformedPBIDs() string { return idsOf("protobuf/malformed-") }

func idsOf(prefix string) string {
	var ids []string
	for _, cs := range conform.Cases() {
		if strings.HasPrefix(cs.ID, prefix) {
			ids = append(ids, cs.ID)
		}
	}
	return strings.Join(ids, " ")
}

func status(from, to string) func() *liar { return headers("HTTP/1.1 "+from, "HTTP/1.1 "+to) }

func headers(from, to string) func() *liar {
	return func() *liar {
		return &liar{head: func(h string) string { return strings.Replace(h, from, to, 1) }}
	}
}

func rewrite(from, to string) func() *liar { return rewriteAll(regexp.QuoteMeta(from), to) }

// rewriteAll changes what the server says.
func rewriteAll(pattern, to string) func() *liar {
	re := regexp.MustCompile(pattern)
	return func() *liar {
		return &liar{down: func(_ int, m message) []message {
			m.payload = re.ReplaceAllString(m.payload, to)
			return []message{m}
		}}
	}
}

// rewriteBinary changes what the server says in binary.
func rewriteBinary(pattern, to string) func() *liar {
	re := regexp.MustCompile(pattern)
	return func() *liar {
		return &liar{down: func(_ int, m message) []message {
			if m.op == ws.OpBinary {
				m.payload = re.ReplaceAllString(m.payload, to)
			}
			return []message{m}
		}}
	}
}

// tolerantPB takes what is malformed for a ping.
func tolerantPB() *liar {
	return rewriteUpWith(func(m message) message {
		if m.op == ws.OpBinary || m.op == ws.OpText {
			return message{ws.OpBinary, "\x4a\x00"}
		}
		return m
	})()
}

// rewriteUp changes what the client says.
func rewriteUp(from, to string) func() *liar {
	return func() *liar {
		return &liar{up: func(_ int, m message) []message {
			m.payload = strings.ReplaceAll(m.payload, from, to)
			return []message{m}
		}}
	}
}

// dropUp loses requests; those that wait for an ack get one.
func dropUp(kind string) func() *liar {
	return rewriteUpWith(func(m message) message {
		if !strings.Contains(m.payload, `"type":"`+kind+`"`) {
			return m
		}
		if ack := regexp.MustCompile(`"ackId":\d+`).FindString(m.payload); ack != "" {
			return textMessage(`{"type":"leaveGroup","group":"nothing",` + ack + `}`)
		}
		return textMessage(`{"type":"sendToGroup","group":"nothing","data":1}`)
	})
}

func rewriteUpWith(fn func(message) message) func() *liar {
	return func() *liar {
		return &liar{up: func(_ int, m message) []message { return []message{fn(m)} }}
	}
}

func isData(m message) bool { return strings.Contains(m.payload, `"type":"message"`) }

func greeting() *liar {
	greeted := map[int]bool{}
	return &liar{down: func(conn int, m message) []message {
		if greeted[conn] || strings.HasPrefix(m.payload, "{") {
			greeted[conn] = true
			return []message{m}
		}
		greeted[conn] = true
		return []message{textMessage("welcome"), m}
	}}
}

func ackUnasked() *liar {
	return rewriteUpWith(func(m message) message {
		if !strings.Contains(m.payload, `"ackId":`) && strings.Contains(m.payload, "Group") {
			m.payload = strings.TrimSuffix(m.payload, "}") + `,"ackId":77}`
		}
		m.payload = strings.Replace(m.payload, `"ackId":null`, `"ackId":77`, 1)
		return m
	})()
}

func ackFirst() *liar {
	held := map[int][]message{}
	return &liar{down: func(conn int, m message) []message {
		if isData(m) {
			held[conn] = append(held[conn], m)
			return nil
		}
		out := append([]message{m}, held[conn]...)
		held[conn] = nil
		return out
	}}
}

func twice() *liar {
	return &liar{down: func(_ int, m message) []message {
		if isData(m) || m.op <= ws.OpBinary && !strings.HasPrefix(m.payload, `{"type"`) {
			return []message{m, m}
		}
		return []message{m}
	}}
}

func loseData() *liar {
	return &liar{down: func(_ int, m message) []message {
		if isData(m) || m.op <= ws.OpBinary && !strings.HasPrefix(m.payload, `{"type"`) {
			return nil
		}
		return []message{m}
	}}
}

func loseControl(op ws.OpCode) func() *liar {
	return func() *liar {
		return &liar{down: func(_ int, m message) []message {
			if m.op == op {
				return nil
			}
			return []message{m}
		}}
	}
}

var groupValue = regexp.MustCompile(`"group":"[^"]*"`)

func lowerGroups() *liar {
	return rewriteUpWith(func(m message) message {
		m.payload = groupValue.ReplaceAllStringFunc(m.payload, strings.ToLower)
		return m
	})()
}

var ackValue = regexp.MustCompile(`"ackId":\d+`)

// forgetAckIDs gives every request an ack id of its own behind the client's back.
func forgetAckIDs() *liar {
	theirs, next := map[string]string{}, 1_000_000
	return &liar{
		up: func(_ int, m message) []message {
			m.payload = ackValue.ReplaceAllStringFunc(m.payload, func(given string) string {
				next++
				mine := fmt.Sprintf(`"ackId":%d`, next)
				theirs[mine] = given
				return mine
			})
			return []message{m}
		},
		down: func(_ int, m message) []message {
			m.payload = ackValue.ReplaceAllStringFunc(m.payload, func(mine string) string { return theirs[mine] })
			return []message{m}
		},
	}
}

func shareAckIDs() *liar {
	seen := map[string]bool{}
	return &liar{down: func(_ int, m message) []message {
		if id := ackValue.FindString(m.payload); id != "" {
			if seen[id] {
				m.payload = `{"type":"ack",` + id + `,"success":false,"error":{"name":"Duplicate"}}`
			}
			seen[id] = true
		}
		return []message{m}
	}}
}

var dataValue = regexp.MustCompile(`"data":.*`)

func upperData() *liar {
	return &liar{down: func(_ int, m message) []message {
		if strings.HasPrefix(m.payload, `{"type"`) {
			m.payload = dataValue.ReplaceAllStringFunc(m.payload, func(s string) string {
				return strings.NewReplacer(`"data":""`, `"data":"X"`, `"data":{`, `"data":{"more":1,`, `,}`, `}`, `"data":`, `"data":[],"d":`).Replace(s)
			})
		} else if m.op == ws.OpText || m.op == ws.OpBinary {
			m.payload += "X"
		}
		return []message{m}
	}}
}

// tolerant takes what is malformed for a ping.
func tolerant() *liar {
	return rewriteUpWith(func(m message) message {
		if m.op == ws.OpText && m.payload != `{"type":"ping"}` || m.op == ws.OpBinary {
			return textMessage(`{"type":"ping"}`)
		}
		return m
	})()
}

func closeWith(code int) func() *liar {
	return func() *liar {
		return &liar{down: func(_ int, m message) []message {
			if m.op == ws.OpClose {
				m.payload = string([]byte{byte(code >> 8), byte(code)})
			}
			return []message{m}
		}}
	}
}

// overlook loses frames that break RFC 6455.
func overlook() *liar {
	return &liar{raw: func(first byte, masked bool) bool {
		return masked && (first == 0x81 || first == 0x88 || first == 0x8a)
	}}
}

var sequenceValue = regexp.MustCompile(`"sequenceId":(\d)`)

func countFrom2() *liar {
	return &liar{down: func(_ int, m message) []message {
		m.payload = sequenceValue.ReplaceAllString(m.payload, `"sequenceId":2$1`)
		return []message{m}
	}}
}

// respell adds a space to what is sent on the second WebSocket of a case that has a
// publisher between the two.
func respell() *liar {
	return &liar{down: func(conn int, m message) []message {
		if isData(m) && conn > honest+2 {
			m.payload = strings.Replace(m.payload, `{"type"`, `{ "type"`, 1)
		}
		return []message{m}
	}}
}
