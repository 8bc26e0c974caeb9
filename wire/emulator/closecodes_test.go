package emulator_test

import (
	"encoding/hex"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/wpsbench/wpsbench/wire"
	"github.com/wpsbench/wpsbench/wire/emulator"
)

// closeCodes are the ways to break the protocol and the close code of each: the rows
// of protocol.md 3.6, and for what it leaves to RFC 6455 its sections 5 and 7.4.1. The
// bytes are written out; M stands for a mask of zeros, which leaves the payload legible.
var closeCodes = []struct {
	name  string
	json  string // frames on the JSON subprotocols, "" = not there
	proto string // the same on the protobuf ones, in hex
	code  int
}{
	// 1002: malformed fragmentation.
	{"continuation of nothing", "\x80\x82M{}", "8082M4a00", 1002},
	{"unfinished continuation of nothing", "\x00\x81M{", "0081M4a", 1002},
	{"message within the fragments of another", "\x01\x81M{\x81\x82M{}", "0281M4a8282M4a00", 1002},
	{"fragments begun within fragments", "\x01\x81M{\x01\x81M{", "0281M4a0281M4a", 1002},
	{"fragmented ping", "\x09\x80M", "0980M", 1002},
	{"fragmented close", "\x08\x82M\x03\xe8", "0882M03e8", 1002},
	// 1002 of RFC 6455: 5.1, 5.2, 5.5, 7.4.
	{"not masked", "\x81\x0f{\"type\":\"ping\"}", "82024a00", 1002},
	{"reserved bit 1", "\xc1\x82M{}", "c282M4a00", 1002},
	{"reserved bit 2", "\xa1\x82M{}", "a282M4a00", 1002},
	{"reserved bit 3", "\x91\x82M{}", "9282M4a00", 1002},
	{"reserved data opcode", "\x83\x82M{}", "8782M4a00", 1002},
	{"reserved control opcode", "\x8b\x80M", "8f80M", 1002},
	{"ping of 126 bytes", "\x89\xfe\x00\x7eM" + strings.Repeat("p", 126), "89fe007eM" + strings.Repeat("70", 126), 1002},
	{"length not in its shortest form", "\x81\xfe\x00\x02M{}", "82fe0002M4a00", 1002},
	{"64-bit length not in its shortest form", "\x81\xff\x00\x00\x00\x00\x00\x00\x00\x02M{}", "82ff0000000000000002M4a00", 1002},
	{"length with the highest bit", "\x81\xff\x80\x00\x00\x00\x00\x00\x00\x00M", "82ff8000000000000000M", 1002},
	{"close of one byte", "\x88\x81M\x03", "8881M03", 1002},
	{"close code 1005", "\x88\x82M\x03\xed", "8882M03ed", 1002},
	{"close code 999", "\x88\x82M\x03\xe7", "8882M03e7", 1002},
	{"close code 5000", "\x88\x82M\x13\x88", "8882M1388", 1002},
	// 1003: wrong frame type for the protocol.
	{"other type of frame", "\x82\x8fM{\"type\":\"ping\"}", "8182M4a00", 1003},
	{"other type in fragments", "\x02\x81M{", "0181M4a", 1003},
	// 1007: cannot be parsed.
	{"empty message", "\x81\x80M", "8280M", 1007},
	{"cut short", "\x81\x81M{", "8283M320a0a", 1007},
	{"not of the protocol", "\x81\x85Mhello", "8285M68656c6c6f", 1007},
	{"two messages in one", "\x81\x9eM{\"type\":\"ping\"}{\"type\":\"ping\"}", "", 1007},
	{"list", "\x81\x82M[]", "", 1007},
	{"unknown type", "\x81\x90M{\"type\":\"dance\"}", "8282M1200", 1007},
	{"no type", "\x81\x82M{}", "8283M9a0600", 1007},
	{"text that is not UTF-8", "\x81\x82M\"\xff", binary("3205 0a03 72ff6d"), 1007},
	{"close reason that is not UTF-8", "\x88\x83M\x03\xe8\xff", "8883M03e8ff", 1007},
	// 1007: breaks the rule of a field.
	{"no group", text(`{"type":"joinGroup"}`), binary("3200"), 1007},
	{"blank group", text(`{"type":"joinGroup","group":" "}`), binary("3203 0a01 20"), 1007},
	{"group of 1,025 characters", text(`{"type":"leaveGroup","group":"` + strings.Repeat("g", 1025) + `"}`), binary("3a8408 0a8108" + strings.Repeat("67", 1025)), 1007},
	{"event name", text(`{"type":"event","event":"1st","data":1}`), binary("2a0b 0a03317374 1204 0a02 6869"), 1007},
	{"bad base64", text(`{"type":"sendToGroup","group":"g","dataType":"binary","data":"A"}`), "", 1007},
	{"data null", text(`{"type":"sendToGroup","group":"g","data":null}`), "", 1007},
	{"JSON data that is not JSON", "", binary("0a08 0a0167 1a03 220178"), 1007},
	{"data missing", text(`{"type":"sendToGroup","group":"g"}`), binary("0a03 0a0167"), 1007},
	{"data of no kind", text(`{"type":"sendToGroup","group":"g","dataType":"protobuf","data":""}`), binary("0a05 0a0167 1a00"), 1007},
	{"ttlSeconds of 301", text(`{"type":"sendToGroup","group":"g","data":1,"ttlSeconds":301}`), binary("0a0a 0a0167 1a02 0a00 28ad02"), 1007},
	{"metadata key", text(`{"type":"sendToGroup","group":"g","data":1,"metadata":{"a b":"x"}}`), binary("0a11 0a0167 1a02 0a00 3208 0a03612062 120178"), 1007},
	{"metadata value", text(`{"type":"sendToGroup","group":"g","data":1,"metadata":{"a":"ü"}}`), binary("0a10 0a0167 1a02 0a00 3207 0a0161 1202c3bc"), 1007},
	{"ack id of the wrong type", text(`{"type":"joinGroup","group":"g","ackId":"1"}`), "", 1007},
	{"start of a stream", text(`{"type":"sendToGroup","group":"g","stream":{"streamId":"s"}}`), binary("0a08 0a0167 3a03 0a0173"), 1007},
	// 1009: larger than 1 MiB, whole message.
	{"header of 1 MiB and a byte", "\x81\xff\x00\x00\x00\x00\x00\x10\x00\x01M", "82ff0000000000100001M", 1009},
	{"header of 2^63-1 bytes", "\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xffM", "82ff7fffffffffffffffM", 1009},
	{"fragments of 1 MiB and a byte", "\x01\x81M{\x80\xff\x00\x00\x00\x00\x00\x10\x00\x00M", "0281M4a80ff0000000000100000M", 1009},
}

// text is a masked text frame in the notation of closeCodes, binary one in hex.
func text(payload string) string { return string(head(0x81, len(payload))) + "M" + payload }

func binary(payload string) string {
	payload = strings.ReplaceAll(payload, " ", "")
	return hex.EncodeToString(head(0x82, len(payload)/2)) + "M" + payload
}

func head(first byte, n int) []byte {
	if n < 126 {
		return []byte{first, 0x80 | byte(n)}
	}
	return []byte{first, 0xfe, byte(n >> 8), byte(n)}
}

// names returns what a greeting in either notation says: the connection id of
// protocol.md 1.5 and the reconnection token, a JWT.
func names(greeting string) (id, token string) {
	return regexp.MustCompile(`[0-9a-f]{32}`).FindString(greeting), regexp.MustCompile(`eyJ[\w.-]+`).FindString(greeting)
}

// reasons are the service's words (protocol.md 3.6). For 1007 on protobuf it has none.
var reasons = map[int]map[bool]string{
	1002: {false: "The client frame is invalid.", true: "The client frame is invalid."},
	1003: {false: "The JSON subprotocol requires text messages."},
	1007: {false: "The client message is not a valid JSON protocol message."},
	1009: {false: "The client message is too large.", true: "The client message is too large."},
}

// Every way to break the protocol ends the connection with its close code, and a
// reliable session for good; the server goes on.
func TestEveryViolationHasItsCloseCode(t *testing.T) {
	srv := start(t, emulator.Options{})
	for _, p := range wire.Subprotocols {
		protobuf := strings.HasPrefix(string(p), "protobuf")
		for _, tt := range closeCodes {
			frames := strings.ReplaceAll(tt.json, "M", "\x00\x00\x00\x00")
			if protobuf {
				raw, err := hex.DecodeString(strings.ReplaceAll(tt.proto, "M", "00000000"))
				if err != nil {
					t.Fatalf("%s: %v", tt.name, err)
				}
				frames = string(raw)
			}
			if frames == "" {
				continue
			}
			t.Run(string(p)+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				address := clientURL(t, srv, "chat", wire.ClientToken{Roles: allRoles})
				c := connect(t, address, string(p), nil)
				id, token := names(c.next())
				c.write([]byte(frames))
				code, reason, _ := strings.Cut(strings.TrimPrefix(c.next(), "close "), " ")
				if code != strconv.Itoa(tt.code) {
					t.Fatalf("close %s %s, want %d", code, reason, tt.code)
				}
				if words := reasons[tt.code][protobuf]; words != "" && reason != words {
					t.Errorf("reason %q, want %q", reason, words)
				}
				_, _ = c.nc.Write([]byte("\x88\x80\x00\x00\x00\x00")) // an end that waits for it goes on
				c.wantEnd()
				if p.Reliable() {
					c = connect(t, address+"&awps_connection_id="+id+"&awps_reconnection_token="+url.QueryEscape(token), string(p), nil)
					c.want("close 1008 The connection could not be recovered.")
				}
			})
		}
	}
}
