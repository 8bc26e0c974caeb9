package main

import (
	"bytes"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/wpsbench/wpsbench/report"
)

// screen keeps a few lines at the bottom of a terminal up to date, while everything
// else that is written goes by above them. It is an io.Writer, so that whoever has
// something to say need not know of the block. For concurrent use.
//
// It asks the terminal for nothing: no alternate screen, no raw mode, no input, no
// handler of signals. Lines are overwritten in place, in one write and without being
// cleared first, so that nothing flickers; the size is looked up at each redraw, so
// that a resize needs no notice, and rows which a narrower terminal has broken are
// counted. Bubble Tea (v2.0.10, inline, without input) was tried in its place with the
// same tests in a real terminal: it counts lines, not rows, so that a window made
// narrower keeps a line of the old block, and it brings thirteen modules and 1.9 MB.
type screen struct {
	w    io.Writer
	size func() (columns, rows int)

	mu    sync.Mutex
	block []string // as asked for
	drawn []int    // columns of the lines on the screen
}

// Write lets text scroll by above the block.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.drawn) == 0 {
		return s.w.Write(p)
	}
	var b bytes.Buffer
	s.home(&b)
	b.WriteString("\x1b[J")
	b.Write(p)
	if !bytes.HasSuffix(p, []byte("\n")) {
		b.WriteByte('\n')
	}
	s.put(&b)
	if _, err := s.w.Write(b.Bytes()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// draw replaces the block; without lines it is gone.
func (s *screen) draw(lines []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(lines) == 0 && len(s.drawn) == 0 {
		return
	}
	s.block = lines
	var b bytes.Buffer
	b.WriteString("\x1b[?2026h") // drawn at once by terminals that can
	s.home(&b)
	s.put(&b)
	b.WriteString("\x1b[?2026l")
	_, _ = s.w.Write(b.Bytes()) // a terminal that is gone has nobody to tell
}

// home goes up to the first line of the block. A terminal that was made narrower has
// broken the lines, and they take more rows than they did.
func (s *screen) home(b *bytes.Buffer) {
	columns, _ := s.size()
	rows := 0
	for _, width := range s.drawn {
		rows += max(1, (width+columns-1)/max(1, columns))
	}
	b.WriteByte('\r')
	if rows > 0 {
		b.WriteString("\x1b[" + strconv.Itoa(rows) + "A")
	}
	s.drawn = s.drawn[:0]
}

// put writes the block where the cursor is: never wider or higher than the screen.
func (s *screen) put(b *bytes.Buffer) {
	columns, rows := s.size()
	for _, line := range s.block[:min(len(s.block), max(0, rows-1))] {
		line = cut(line, columns-1)
		b.WriteString(line + "\x1b[K\n")
		s.drawn = append(s.drawn, report.Columns(stripColor(line)))
	}
	b.WriteString("\x1b[J")
}

// cut shortens a line that is too wide, at the price of its colours.
func cut(line string, columns int) string {
	plain := stripColor(line)
	if report.Columns(plain) <= columns {
		return line
	}
	return report.Fit(plain, columns)
}

// stripColor removes our own colours.
func stripColor(s string) string {
	if !strings.Contains(s, "\x1b") {
		return s
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "\x1b[")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		_, s, _ = strings.Cut(rest, "m")
	}
}
