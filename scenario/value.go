package scenario

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// unreadable says why a text is not the value it should be. An empty label means
// that the text itself says it all.
type unreadable struct{ label, help string }

const (
	needsDuration = "a duration"
	needsRate     = "a rate"
	needsShare    = "a count or a percentage"
	needsSize     = "a size in bytes"
	needsFactor   = "a factor"
)

// parseDuration reads Go's notation: 250ms, 20s, 1m30s.
func parseDuration(text string) (time.Duration, *unreadable) {
	if isNumber(text) {
		return 0, &unreadable{"a number without a unit", "write " + text + "s"}
	}
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return 0, &unreadable{"", "write it like 250ms, 20s or 1m30s"}
	case d < 0:
		return 0, &unreadable{"negative", ""}
	}
	return d, nil
}

// parseRate reads N/s, or N per another time: 1/30s, 5/m.
func parseRate(text string) (Rate, *unreadable) {
	if isNumber(text) {
		return 0, &unreadable{"a number without a time", "write " + text + "/s"}
	}
	number, per, ok := strings.Cut(text, "/")
	bad := &unreadable{"", "write it like 5/s or 1/30s"}
	if !ok || !isNumber(number) || per == "" {
		return 0, bad
	}
	if per[0] != '.' && (per[0] < '0' || per[0] > '9') {
		per = "1" + per
	}
	d, err := time.ParseDuration(per)
	n, _ := strconv.ParseFloat(number, 64)
	rate := n / d.Seconds()
	switch {
	case err != nil:
		return 0, bad
	case !(rate > 0 && rate <= math.MaxFloat64):
		return 0, &unreadable{"not above 0", ""}
	}
	return Rate(rate), nil
}

// parseShare reads 100 or 20%.
func parseShare(text string) (Share, *unreadable) {
	if number, ok := strings.CutSuffix(text, "%"); ok {
		v, err := strconv.ParseFloat(number, 64)
		switch {
		case err != nil || !isNumber(number):
			return Share{}, &unreadable{"", "write it like 100 or 20%"}
		case v <= 0 || v > 100:
			return Share{}, &unreadable{"not above 0% and up to 100%", ""}
		}
		return Share{Percent: v, IsPercent: true}, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	switch {
	case err != nil:
		return Share{}, &unreadable{"", "write it like 100 or 20%"}
	case n < 1:
		return Share{}, &unreadable{"must be at least 1", ""}
	}
	return Share{Count: int(n)}, nil
}

// parseSize reads bytes: 128, 2KiB, 1MiB.
func parseSize(text string) (int, *unreadable) {
	end := strings.IndexFunc(text, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	number, unit := text, ""
	if end >= 0 {
		number, unit = text[:end], strings.TrimSpace(text[end:])
	}
	scale := 1.0
	switch unit {
	case "", "B":
	case "KiB":
		scale = 1 << 10
	case "MiB":
		scale = 1 << 20
	case "K", "k", "KB", "kB", "kb", "M", "MB", "Mb", "mb":
		binary := strings.ToUpper(unit[:1]) + "iB"
		return 0, &unreadable{quote(unit) + " may mean 1000 or 1024", "write " + number + binary + " or plain bytes"}
	default:
		return 0, &unreadable{"", "write it like 128, 2KiB or 1MiB"}
	}
	v, err := strconv.ParseFloat(number, 64)
	v *= scale
	switch {
	case err != nil:
		return 0, &unreadable{"", "write it like 128, 2KiB or 1MiB"}
	case v != math.Trunc(v) || v > math.MaxInt32:
		return 0, &unreadable{"not a whole number of bytes", ""}
	}
	return int(v), nil
}

// parseFactor reads x5 or x0.5.
func parseFactor(text string) (float64, *unreadable) {
	if isNumber(text) {
		return 0, &unreadable{"a bare number", "write x" + text}
	}
	number, ok := strings.CutPrefix(text, "x")
	if !ok || !isNumber(number) {
		return 0, &unreadable{"", "write it like x5 or x0.5"}
	}
	v, _ := strconv.ParseFloat(number, 64)
	if v < 0.001 || v > 1000 {
		return 0, &unreadable{"not from x0.001 to x1000", ""}
	}
	return v, nil
}

// isNumber says whether a text is a plain decimal number: no sign, exponent,
// underscore or hexadecimal.
func isNumber(text string) bool {
	whole, fraction, point := strings.Cut(text, ".")
	return isDigits(whole) && (!point || isDigits(fraction))
}

func isDigits(text string) bool {
	return text != "" && len(text) <= 18 && strings.Trim(text, "0123456789") == ""
}
