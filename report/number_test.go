package report

import (
	"math"
	"strings"
	"testing"
)

func TestNumbers(t *testing.T) {
	tests := []struct{ name, got, want string }{
		{"micros 0", micros(0), "0 µs"},
		{"micros", micros(512), "512 µs"},
		{"micros round to ms", micros(999.6), "1.0 ms"},
		{"millis", micros(41_200), "41.2 ms"},
		{"millis round up a digit", micros(99_960), "100 ms"},
		{"hundreds of millis", micros(812_000), "812 ms"},
		{"millis round to seconds", micros(999_600), "1.00 s"},
		{"seconds", micros(4_310_000), "4.31 s"},
		{"seconds round up a digit", micros(9_996_000), "10.0 s"},
		{"tens of seconds", micros(12_340_000), "12.3 s"},
		{"an hour", micros(3600e6), "3 600 s"},
		{"negative", micros(-1500), "−1.5 ms"},
		{"not a number", micros(math.NaN()), "–"},
		{"no samples", microsOf(nil), "–"},

		{"count", textNumbers.count(27_000_000), "27 000 000"},
		{"small count", textNumbers.count(999), "999"},
		{"largest count", textNumbers.count(math.MaxUint64), "18 446 744 073 709 551 615"},
		{"page count", htmlNumbers.count(1234), "1\u202f234"},
		{"short plain", short(99_999), "99 999"},
		{"short k", short(240_000), "240 k"},
		{"short M", short(24_000_000), "24.0 M"},
		{"short rounds to the next unit", short(999_600), "1.00 M"},
		{"short largest", short(math.MaxUint64), "18.4 E"},

		{"whole", percent(1), "100 %"},
		{"nothing", percent(0), "0 %"},
		{"nearly all", percent(0.9999999), "> 99.99 %"},
		{"nearly nothing", percent(0.0000001), "< 0.01 %"},
		{"never rounded up", percent(0.99989), "99.98 %"},
		{"a share", percent(0.41), "41 %"},
		{"a small share", percent(0.025), "2.5 %"},
		{"more than all", percent(1.2), "120 %"},
		{"ratio of nothing", ratioOf(0, 0), "–"},
		{"ratio one short", ratioOf(26_999_999, 27_000_000), "> 99.99 %"},

		{"change down", change(-0.18), "−18 %"},
		{"change up", change(0.0163), "+1.6 %"},
		{"no change", change(0), "+0 %"},
		{"much of it", change(-0.9949), "−99 %"},
		{"most of it", change(-0.99522), "−99.5 %"},
		{"nearly all of it", change(-0.99991), "−99.9 %"},
		{"all of it", change(-1), "−100 %"},

		{"bytes", bytesText(300), "300 B"},
		{"kilobytes", bytesText(212_345), "212 kB"},
		{"megabytes", bytesText(1_550_000), "1.6 MB"},
		{"bytes round to the next unit", bytesText(999_950), "1.0 MB"},

		{"clock seconds", clock(90), "90 s"},
		{"clock minutes", clock(750), "12:30"},
		{"clock hours", clock(3661), "1:01:01"},
		{"length short", length(1.2), "1.20 s"},
		{"length", length(45), "45 s"},
		{"length minutes", length(300), "5 min 00 s"},
		{"length hours", length(3725), "1 h 02 min"},
		{"instant", instant(211.44), "211.4 s"},

		{"plain number", textNumbers.float(0.25), "0.25"},
		{"thousands", textNumbers.float(12345.6), "12 346"},
		{"huge", textNumbers.float(1e300), "1.00e+300"},
		{"infinite", textNumbers.float(math.Inf(1)), "–"},
		{"rate", textNumbers.measured(99_870, "per_s"), "99 870/s"},
		{"share of a gate", textNumbers.measured(0.995, "ratio"), "99.5 %"},
		{"nothing measured", textNumbers.measuredOf(nil, "us"), "–"},

		{"ellipsis", ellipsize("abcdef", 4, "…"), "abc…"},
		{"it fits", ellipsize("abcd", 4, "…"), "abcd"},
		{"wide characters", ellipsize("日本語日本語", 5, "…"), "日本…"},
		{"no room at all", ellipsize("abc", 0, "…"), ""},
	}
	for _, test := range tests {
		if test.got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, test.got, test.want)
		}
	}
}

func TestVisible(t *testing.T) {
	tests := []struct {
		name  string
		p     plain
		in    string
		lines bool
		want  string
	}{
		{"harmless", plain{}, "room-001 größer 日本 שלום 🙂", false, "room-001 größer 日本 שלום 🙂"},
		{"controls", plain{}, "a\x00b\x1b[2Jc\r\n\td\x7f\u0085", false, `a\x00b\x1b[2Jc\r\n\td\x7f\u0085`},
		{"lines kept", plain{}, "a:\n\tb\r", true, "a:\n\tb\\r"},
		{"bidi overrides", plain{}, "\u202eabc\u202c\u2066\u2069\u200f", false, `\u202eabc\u202c\u2066\u2069\u200f`},
		{"line separators", plain{}, "a\u2028b\u2029c", false, `a\u2028b\u2029c`},
		{"zero width", plain{}, "a\u200bb\ufeffc\u00add", false, `a\u200bb\ufeffc\u00add`},
		{"tags", plain{}, "a\U000e0041", false, `a\U000e0041`},
		{"broken UTF-8", plain{}, "a\xffb\xc3", false, `a\xffb\xc3`},
		{"ASCII only", plain{ascii: true}, "größer 🙂", false, `gr\u00f6\u00dfer \U0001f642`},
		{"Azure command", plain{commands: true}, "x ##vso[a]b ##[section]", false, "x # #vso[a]b # #[section]"},
		{"GitHub command", plain{commands: true}, "::error::x", false, ": :error::x"},
		{"GitHub command, indented", plain{commands: true}, "  ::error::x", false, "  : :error::x"},
		{"no command", plain{commands: true}, "a::b", false, "a::b"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := test.p.visible(test.in, 100, test.lines); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	if got := (plain{}).visible(strings.Repeat("x", 10_000), 10, false); got != "xxxxxxxxxx…" {
		t.Errorf("a long text became %q", got)
	}
}
