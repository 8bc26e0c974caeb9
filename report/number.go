package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// dash stands for a figure that does not exist: no samples is not zero.
const dash = "–"

// numbers writes quantities for people. Separator stands between groups of three
// digits.
type numbers struct{ separator string }

var (
	textNumbers = numbers{separator: " "}
	htmlNumbers = numbers{separator: "\u202f"} // narrow, and does not break
)

func (n numbers) count(v uint64) string { return n.group(strconv.FormatUint(v, 10)) }

func (n numbers) group(digits string) string {
	if len(digits) < 4 {
		return digits
	}
	var b strings.Builder
	for i, c := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteString(n.separator)
		}
		b.WriteRune(c)
	}
	return b.String()
}

// float writes a plain number to at most three decimals, or four significant digits.
func (n numbers) float(v float64) string {
	a := math.Abs(v)
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return dash
	case a >= 1e15:
		return strconv.FormatFloat(v, 'e', 2, 64)
	case a >= 100 || v == math.Trunc(v):
		digits := strconv.FormatFloat(math.Round(a), 'f', 0, 64)
		return sign(v) + n.group(digits)
	case a >= 10:
		return sign(v) + trimZeros(strconv.FormatFloat(a, 'f', 1, 64))
	case a >= 0.001:
		return sign(v) + trimZeros(strconv.FormatFloat(a, 'f', 3, 64))
	}
	return strconv.FormatFloat(v, 'g', 2, 64)
}

func sign(v float64) string {
	if v < 0 {
		return "−"
	}
	return ""
}

func trimZeros(s string) string {
	if !strings.Contains(s, ".") {
		return s
	}
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// micros writes a latency: 512 µs, 41.2 ms, 812 ms, 4.31 s, 12.3 s, 212 s.
func micros(us float64) string {
	if math.IsNaN(us) || math.IsInf(us, 0) {
		return dash
	}
	a := math.Abs(us)
	s := sign(us)
	switch {
	case a < 999.5:
		return s + strconv.FormatFloat(math.Round(a), 'f', 0, 64) + " µs"
	case a < 99_950:
		return s + strconv.FormatFloat(a/1e3, 'f', 1, 64) + " ms"
	case a < 999_500:
		return s + strconv.FormatFloat(a/1e3, 'f', 0, 64) + " ms"
	case a < 999_500_000:
		return s + threeDigits(a/1e6) + " s"
	}
	return s + textNumbers.float(math.Round(a/1e6)) + " s"
}

func microsOf(us *int64) string {
	if us == nil {
		return dash
	}
	return micros(float64(*us))
}

// seconds writes a short length or age: 1.9 s, 12.3 s, 212 s.
func seconds(s float64) string { return micros(s * 1e6) }

func secondsOf(s *float64) string {
	if s == nil {
		return dash
	}
	return seconds(*s)
}

// instant writes a time since the start of the run to a tenth: 211.4 s.
func instant(s float64) string {
	if math.IsNaN(s) || math.Abs(s) > 1e12 {
		return dash
	}
	return sign(s) + strconv.FormatFloat(math.Abs(s), 'f', 1, 64) + " s"
}

// clock writes a tick of the time axis: 90 s, and 12:30 past ten minutes.
func clock(s float64) string {
	if math.Abs(s) < 600 || math.Abs(s) > 1e9 {
		return htmlNumbers.float(s) + " s"
	}
	t := int64(math.Round(math.Abs(s)))
	if t >= 3600 {
		return fmt.Sprintf("%s%d:%02d:%02d", sign(s), t/3600, t/60%60, t%60)
	}
	return fmt.Sprintf("%s%d:%02d", sign(s), t/60, t%60)
}

// length writes how long something took: 45 s, 5 min 00 s, 1 h 02 min.
func length(s float64) string {
	if math.IsNaN(s) || s < 0 || s > 1e9 {
		return dash
	}
	d := time.Duration(math.Round(s)) * time.Second
	switch {
	case s < 10:
		return seconds(s)
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min %02d s", d/time.Minute, d/time.Second%60)
	}
	return fmt.Sprintf("%d h %02d min", d/time.Hour, d/time.Minute%60)
}

// percent writes a share. What is not all never reads 100 %, what is not nothing
// never reads 0 %.
func percent(ratio float64) string {
	switch p := ratio * 100; {
	case math.IsNaN(p) || math.IsInf(p, 0):
		return dash
	case ratio > 0 && p < 0.01:
		return "< 0.01 %"
	case ratio < 1 && p > 99.99:
		return "> 99.99 %"
	case p > 90 && ratio < 1:
		return trimZeros(strconv.FormatFloat(math.Floor(p*100)/100, 'f', 2, 64)) + " %"
	case p == math.Trunc(p) || math.Abs(p) >= 10:
		return sign(p) + textNumbers.float(math.Round(math.Abs(p))) + " %"
	default:
		return sign(p) + trimZeros(strconv.FormatFloat(math.Abs(p), 'f', 2, 64)) + " %"
	}
}

// change writes a signed share: −18 %, +16.3 %.
func change(ratio float64) string {
	p := math.Abs(ratio * 100)
	if math.IsNaN(p) || math.IsInf(p, 0) {
		return dash
	}
	plus := "+"
	if ratio < 0 {
		plus = "−"
	}
	switch {
	case p < 100 && math.Round(p) == 100: // not all of it
		return plus + strconv.FormatFloat(min(p, 99.9), 'f', 1, 64) + " %"
	case p >= 10 || p == 0:
		return plus + textNumbers.float(math.Round(p)) + " %"
	}
	return plus + trimZeros(strconv.FormatFloat(p, 'f', 1, 64)) + " %"
}

// ratioOf writes a ÷ b as a share, a dash when b is 0.
func ratioOf(a, b uint64) string {
	if b == 0 {
		return dash
	}
	if a == b {
		return "100 %"
	}
	return percent(float64(a) / float64(b))
}

// short writes a large count in three digits: 240 k, 24.0 M.
func short(v uint64) string {
	if v < 100_000 {
		return textNumbers.count(v)
	}
	q := float64(v)
	for _, unit := range []string{"k", "M", "G", "T", "P"} {
		if q /= 1000; q < 999.5 {
			return threeDigits(q) + " " + unit
		}
	}
	return threeDigits(q/1000) + " E"
}

// threeDigits writes a number from 1 to 999 with three significant digits. The
// limits lie where rounding would add a fourth.
func threeDigits(q float64) string {
	switch {
	case q < 9.995:
		return strconv.FormatFloat(q, 'f', 2, 64)
	case q < 99.95:
		return strconv.FormatFloat(q, 'f', 1, 64)
	}
	return strconv.FormatFloat(q, 'f', 0, 64)
}

// bytesText writes a size in decimal units, as file listings do: 300 B, 212 kB.
func bytesText(v uint64) string {
	f := float64(v)
	for _, unit := range []struct {
		size float64
		name string
	}{{1e12, "TB"}, {1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}} {
		if f < unit.size*0.9995 {
			continue
		}
		if f/unit.size < 9.95 && unit.size > 1e3 {
			return strconv.FormatFloat(f/unit.size, 'f', 1, 64) + " " + unit.name
		}
		return textNumbers.float(math.Round(f/unit.size)) + " " + unit.name
	}
	return strconv.FormatUint(v, 10) + " B"
}

// measured writes a value in the unit of a threshold or a gate.
func (n numbers) measured(v float64, unit string) string {
	switch unit {
	case "us":
		return micros(v)
	case "ms":
		return micros(v * 1e3)
	case "s":
		return seconds(v)
	case "ratio":
		return percent(v)
	case "pct", "%":
		return percent(v / 100)
	case "per_s":
		return n.float(v) + "/s"
	case "bytes":
		if v >= 0 && v < 1e18 {
			return bytesText(uint64(v))
		}
		return n.float(v)
	case "", "count":
		return n.float(v)
	}
	return n.float(v) + " " + unit
}

func (n numbers) measuredOf(v *float64, unit string) string {
	if v == nil {
		return dash
	}
	return n.measured(*v, unit)
}

// ellipsize cuts s to width columns, marking the cut.
func ellipsize(s string, width int, mark string) string {
	if columns(s) <= width {
		return s
	}
	room := width - columns(mark)
	var b strings.Builder
	used := 0
	for _, r := range s {
		w := runeColumns(r)
		if used+w > room {
			break
		}
		b.WriteRune(r)
		used += w
	}
	if room < 0 {
		return ""
	}
	return b.String() + mark
}
