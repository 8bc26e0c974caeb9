package conform

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// transcript is the exchange of one case, a line per frame or request: the first
// and the latest lines, each cut to a bounded length. It is safe for concurrent use.
type transcript struct {
	start time.Time

	mu      sync.Mutex
	first   []string
	latest  []string // a ring once it is full
	next    int
	total   int
	secrets []string
}

const (
	firstLines  = 20
	latestLines = 40
	lineBytes   = 400
	cleanBytes  = 16 << 10 // of a message that are looked at
)

// secret remembers what must not be shown.
func (l *transcript) secret(s string) {
	if len(s) < 8 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.secrets = append(l.secrets, s)
}

var (
	jsonSecret  = regexp.MustCompile(`("reconnectionToken"\s*:\s*")[^"]*`)
	querySecret = regexp.MustCompile(`(?i)((?:access_token|awps_reconnection_token)=)[^&\s"]+`)
	jwtSecret   = regexp.MustCompile(`eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*`)
)

// clean removes secrets from the start of s. The rest is left out: it is far more
// than a line shows, and searching a mebibyte for secrets takes long.
func (l *transcript) clean(s string) string {
	s = s[:min(len(s), cleanBytes)]
	l.mu.Lock()
	for _, secret := range l.secrets {
		s = strings.ReplaceAll(s, secret, "****")
	}
	l.mu.Unlock()
	s = jsonSecret.ReplaceAllString(s, "${1}****")
	s = querySecret.ReplaceAllString(s, "${1}****")
	return jwtSecret.ReplaceAllString(s, "****")
}

// add writes a line: who, in which direction, what.
func (l *transcript) add(who, arrow, what string) {
	line := fmt.Sprintf("%8.3fs  %s %s %s", time.Since(l.start).Seconds(), who, arrow, l.line(what))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total++
	switch {
	case len(l.first) < firstLines:
		l.first = append(l.first, line)
	case len(l.latest) < latestLines:
		l.latest = append(l.latest, line)
	default:
		l.latest[l.next] = line
		l.next = (l.next + 1) % latestLines
	}
}

// line makes one bounded, printable line without secrets of what a stranger said.
func (l *transcript) line(what string) string {
	s := shorten(printable(l.clean(what)))
	if len(what) > cleanBytes {
		s += fmt.Sprintf(" of %d bytes", len(what))
	}
	return s
}

func (l *transcript) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := append([]string(nil), l.first...)
	if missing := l.total - len(l.first) - len(l.latest); missing > 0 {
		lines = append(lines, fmt.Sprintf("           … %d lines left out …", missing))
	}
	lines = append(lines, l.latest[l.next:]...)
	return append(lines, l.latest[:l.next]...)
}

// printable quotes what a terminal should not see: the text is a stranger's.
func printable(s string) string {
	for _, r := range s {
		if !strconv.IsPrint(r) || r == utf8.RuneError {
			return strconv.Quote(s)
		}
	}
	return s
}

func shorten(s string) string {
	if len(s) <= lineBytes {
		return s
	}
	n := lineBytes
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
