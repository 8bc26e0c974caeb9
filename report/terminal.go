package report

import "time"

// What a terminal shows while a run goes on is written like its summary.

// Latency writes a latency for people: 41.2 ms; a dash when it is negative, which
// stands for no samples.
func Latency(d time.Duration) string {
	if d < 0 {
		return dash
	}
	return micros(float64(d) / 1e3)
}

// Count writes a number with groups of three digits.
func Count(n uint64) string { return textNumbers.count(n) }

// Percent writes a share between 0 and 1; a dash when it is negative, which stands for
// not measured.
func Percent(ratio float64) string {
	if ratio < 0 {
		return dash
	}
	return percent(ratio)
}

// Columns is how many columns of a terminal a text takes.
func Columns(s string) int { return columns(s) }

// Fit cuts a text to a number of columns, marking the cut.
func Fit(s string, width int) string { return ellipsize(s, width, "…") }

// ASCII replaces our own marks where the terminal knows no more than ASCII.
func ASCII(s string) string { return asciiMarks.Replace(s) }
