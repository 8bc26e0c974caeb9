package scenario

import (
	"strings"
	"testing"
	"time"
)

func TestValues(t *testing.T) {
	duration := func(s string) (any, *unreadable) { return anyOf(parseDuration(s)) }
	rate := func(s string) (any, *unreadable) { return anyOf(parseRate(s)) }
	share := func(s string) (any, *unreadable) { return anyOf(parseShare(s)) }
	size := func(s string) (any, *unreadable) { return anyOf(parseSize(s)) }
	factor := func(s string) (any, *unreadable) { return anyOf(parseFactor(s)) }
	for _, row := range []struct {
		name  string
		parse func(string) (any, *unreadable)
		text  string
		want  any // nil: refused
	}{
		{"duration", duration, "1m30s", 90 * time.Second},
		{"duration", duration, "250ms", 250 * time.Millisecond},
		{"duration", duration, "0s", time.Duration(0)},
		{"duration", duration, "0", nil},
		{"duration", duration, "-1s", nil},
		{"duration", duration, "9999999999h", nil},
		{"rate", rate, "500/s", Rate(500)},
		{"rate", rate, "0.5/s", Rate(0.5)},
		{"rate", rate, "1/30s", Rate(1.0 / 30)},
		{"rate", rate, "30/m", Rate(0.5)},
		{"rate", rate, "1/1m30s", Rate(1.0 / 90)},
		{"rate", rate, "5/.5s", Rate(10)},
		{"rate", rate, "5/.s", nil},
		{"rate", rate, "5", nil},
		{"rate", rate, "5/s/s", nil},
		{"rate", rate, "NaN/s", nil},
		{"rate", rate, "Inf/s", nil},
		{"rate", rate, "0x10/s", nil},
		{"rate", rate, "0/s", nil},
		{"share", share, "20%", Share{Percent: 20, IsPercent: true}},
		{"share", share, "0.5%", Share{Percent: 0.5, IsPercent: true}},
		{"share", share, "7", Share{Count: 7}},
		{"share", share, "101%", nil},
		{"share", share, "NaN%", nil},
		{"share", share, "-7", nil},
		{"size", size, "128", 128},
		{"size", size, "128B", 128},
		{"size", size, "1.5KiB", 1536},
		{"size", size, "1 MiB", 1 << 20},
		{"size", size, "1KB", nil},
		{"size", size, "1k", nil},
		{"size", size, "1.2.3", nil},
		{"size", size, "KiB", nil},
		{"size", size, "999999999999", nil},
		{"factor", factor, "x5", 5.0},
		{"factor", factor, "x0.25", 0.25},
		{"factor", factor, "5", nil},
		{"factor", factor, "x0", nil},
		{"factor", factor, "xInf", nil},
	} {
		got, bad := row.parse(row.text)
		if (bad != nil) != (row.want == nil) || (bad == nil && got != row.want) {
			t.Errorf("%s %q: got %v, %v, want %v", row.name, row.text, got, bad, row.want)
		}
	}
}

func anyOf[T any](v T, bad *unreadable) (any, *unreadable) { return v, bad }

func TestShareOf(t *testing.T) {
	for _, row := range []struct {
		share   string
		n, want int
	}{{"20%", 1000, 200}, {"1%", 10, 1}, {"33%", 10, 3}, {"35%", 10, 4}, {"100%", 7, 7}, {"5", 10, 5}, {"50", 10, 10}} {
		s, _ := parseShare(row.share)
		if got := s.Of(row.n); got != row.want {
			t.Errorf("%s of %d: got %d, want %d", row.share, row.n, got, row.want)
		}
	}
}

func TestThresholdExpressions(t *testing.T) {
	for _, row := range []struct {
		metric, expr string
		want         Threshold // zero: refused
	}{
		{"e2e_latency", "p(99)<250ms", Threshold{Aggregate: "p", Quantile: 0.99, Op: "<", Limit: 250_000}},
		{"e2e_latency", "p(99.9) <= 1.5s", Threshold{Aggregate: "p", Quantile: 0.999, Op: "<=", Limit: 1.5e6}},
		{"e2e_latency", "med>1us", Threshold{Aggregate: "med", Op: ">", Limit: 1}},
		{"ack_rtt", "max>=500ns", Threshold{Aggregate: "max", Op: ">=", Limit: 0.5}},
		{"lost", "count==0", Threshold{Aggregate: "count", Op: "==", Limit: 0}},
		{"lost", "count===0", Threshold{Aggregate: "count", Op: "==", Limit: 0}},
		{"delivered", "rate!=1.5", Threshold{Aggregate: "rate", Op: "!=", Limit: 1.5}},
		{"delivered", "rate>1e3", Threshold{}},
		{"lost", "avg<1", Threshold{}},
		{"e2e_latency", "rate<1s", Threshold{}},
		{"e2e_latency", "p(0)<1s", Threshold{}},
		{"e2e_latency", "p(N)<1s", Threshold{}},
		{"e2e_latency", "p(99<1s", Threshold{}},
		{"e2e_latency", "p(99)<1s<2s", Threshold{}},
		{"e2e_latency", "p(99)<-1s", Threshold{}},
		{"e2e_latency", "", Threshold{}},
		{"e2e_latency", "<", Threshold{}},
	} {
		got := Threshold{Metric: row.metric}
		at, bad := parseThreshold(row.expr, &got)
		got.Metric = ""
		if bad != nil {
			if at[0] < 0 || at[1] < at[0] || at[1] > len(row.expr) {
				t.Errorf("%q: fault at %v, outside of the text", row.expr, at)
			}
			got = Threshold{}
		}
		if got != row.want {
			t.Errorf("%s %q: got %+v (%v), want %+v", row.metric, row.expr, got, bad, row.want)
		}
	}
}

func TestMaxPayload(t *testing.T) {
	for _, row := range []struct {
		protocol string
		dataType string
		fromFile bool
		want     int
	}{
		// 1,048,576 less 106 of envelope, 32 for a run id and twice 8 for the name.
		{ProtocolJSON, "text", false, 1_048_422},
		{ProtocolJSON, "json", false, 1_048_422},
		{ProtocolJSON, "binary", false, 786_315},
		{ProtocolJSON, "text", true, 174_737},
		{ProtocolJSONReliable, "binary", true, 786_315},
		// 28 of envelope, 32, 8 for the name and 2 for the quotes of JSON.
		{ProtocolProtobuf, "text", false, 1_048_506},
		{ProtocolProtobufReliable, "json", false, 1_048_506},
		{ProtocolProtobuf, "binary", false, 1_048_506},
		{ProtocolProtobuf, "text", true, 174_751},
		{ProtocolProtobuf, "binary", true, 1_048_506},
	} {
		got := MaxPayloadBytes(row.protocol, row.dataType, 8, row.fromFile)
		if got != row.want {
			t.Errorf("%s, %s, from a file %v: got %d, want %d", row.protocol, row.dataType, row.fromFile, got, row.want)
		}
		if row.protocol == ProtocolProtobuf || row.protocol == ProtocolProtobufReliable {
			data := fieldBytes(fieldBytes(got + len(`""`)))
			if encoded := fieldBytes(fieldBytes(8+32) + 1 + 10 + data + 2); encoded > maxMessageBytes {
				t.Errorf("%s: %d bytes encoded, more than 1 MiB", row.dataType, encoded)
			}
			continue
		}
		frame := strings.Replace(publishEnvelope, `"group":""`, `"group":"room-000"`, 1)
		if encoded := len(frame) + jsonDataBytes(&Publish{DataType: row.dataType, Size: got}); encoded > maxMessageBytes {
			t.Errorf("%s: %d bytes encoded, more than 1 MiB", row.dataType, encoded)
		}
	}
}

func TestRoles(t *testing.T) {
	for _, row := range []struct {
		role, group string
		ok, allows  bool
	}{
		{"webpubsub.sendToGroup", "any", true, true},
		{"webpubsub.sendToGroup.a.b", "a.b", true, true},
		{"webpubsub.sendToGroup.a.b", "a", true, false},
		{"webpubsub.sendToGroup.", "", false, false},
		{"webpubsub.sendToGroup.a*", "ab", true, false}, // a literal
		{"webpubsub.sendToGroups.a*", "ab", true, true},
		{"webpubsub.sendToGroups.a*", "a", true, true},
		{"webpubsub.sendToGroups.a*", "a.b", true, false},
		{"webpubsub.sendToGroups.a**", "a.b", true, true},
		{"webpubsub.sendToGroups.a***b", "a.x.b", true, true},
		{"webpubsub.sendToGroups.**", "x.y", true, true},
		{"webpubsub.sendToGroups.room-??", "room-07", true, true},
		{"webpubsub.sendToGroups.room-??", "room-7", true, false},
		{"webpubsub.sendToGroups.?", ".", true, false},
		{`webpubsub.sendToGroups.a\*b`, "a*b", true, true},
		{`webpubsub.sendToGroups.a\*b`, "axb", true, false},
		{`webpubsub.sendToGroups.a\b`, "ab", false, false},
		{`webpubsub.sendToGroups.a\`, "a", false, false},
		{"webpubsub.sendToGroups.a*b*c*d*e*f", "abcdef", true, true},
		{"webpubsub.sendToGroups.*a*b*c*d*e*f", "abcdef", false, false},
		{"webpubsub.sendToGroups", "a", false, false},
		{"webpubsub.sendToEveryone", "a", false, false},
		{"sendToGroup", "a", false, false},
		{"webpubsub.getGroupState.a", "a", true, true},
	} {
		r, ok := parseRole(row.role)
		if ok != row.ok {
			t.Errorf("%s: valid is %v, want %v", row.role, ok, row.ok)
			continue
		}
		if got := ok && r.allows(row.group); got != row.allows {
			t.Errorf("%s allows %q: got %v, want %v", row.role, row.group, got, row.allows)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, row := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"connectons", "connections", 1}, {"stedy", "steady", 1}, {"raet", "rate", 1}, {"kitten", "sitting", 3}} {
		if got := distance(row.a, row.b); got != row.want {
			t.Errorf("%q, %q: got %d, want %d", row.a, row.b, got, row.want)
		}
	}
}
