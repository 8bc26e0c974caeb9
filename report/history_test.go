package report

import (
	"bytes"
	"testing"

	"github.com/wpsbench/wpsbench/report/compare"
)

// A commit's name is anybody's text.
func TestHistoryDefusesForeignText(t *testing.T) {
	var b bytes.Buffer
	must(t, WriteHistory(&b, &compare.History{
		Header: []string{"time", "commit", "run", "e2e_p50_us"},
		Rows: [][]string{
			{"2026-03-04T10:15:02Z", "=cmd|'/c calc'!A1", "1", "7900"},
			{"2026-03-04T10:17:02Z", "a,\"b\"\n\x1b[2J", "@2", "8000.5"},
			{"2026-03-04T10:19:02Z", "", "3", "8000"},
		},
	}))
	const want = "time,commit,run,e2e_p50_us\n" +
		"2026-03-04T10:15:02Z,'=cmd|'/c calc'!A1,1,7900\n" +
		"2026-03-04T10:17:02Z,\"a,\"\"b\"\"\\n\\x1b[2J\",'@2,8000.5\n" +
		"2026-03-04T10:19:02Z,,3,8000\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &b, want)
	}
}
