package scenario

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Problem is one mistake in a scenario, or one warning about it, with its place.
type Problem struct {
	File    string // the scenario file, or "--set PATH=VALUE"
	Line    int    // from 1; 0: not a line of the file
	Column  int    // from 1, in characters; 0: no exact place
	Length  int    // characters to underline
	Message string // what is wrong
	Label   string // said at the place
	Help    string // what to do about it; may be empty

	path string // of the key at fault, to keep one mistake from being told twice
}

// String is the problem in one line: file:line:column: message.
func (p Problem) String() string {
	return p.at() + ": " + p.Message
}

func (p Problem) at() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Format renders the problem with the line it is in, as report-design.md 9 shows
// it. Kind is the first word, such as error or warning; src is the scenario file.
// Access keys and tokens in the line are masked.
func (p Problem) Format(kind string, src []byte) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", kind, p.Message)
	number := ""
	if p.Line > 0 {
		number = fmt.Sprint(p.Line)
	}
	gutter := strings.Repeat(" ", max(2, len(number)))
	fmt.Fprintf(&b, "%s--> %s\n", gutter, p.at())
	if p.Column > 0 {
		p.excerpt(&b, gutter, src)
	} else if p.Label != "" {
		fmt.Fprintf(&b, "%s = %s\n", gutter, p.Label)
	}
	if p.Help != "" {
		fmt.Fprintf(&b, "%s = help: %s\n", gutter, p.Help)
	}
	return b.String()
}

// excerpt writes the line at fault below the one before it, and the carets.
func (p Problem) excerpt(b *strings.Builder, gutter string, src []byte) {
	line, before := strings.TrimPrefix(p.File, "--set "), ""
	if p.Line > 0 {
		lines := splitLines(src)
		if p.Line > len(lines) {
			return
		}
		line = lines[p.Line-1]
		if p.Line > 1 {
			before = strings.TrimRight(lines[p.Line-2], " \t")
		}
	}
	numbered := func(n int, text string) {
		if n == 0 {
			fmt.Fprintf(b, "%s | %s\n", gutter, text)
			return
		}
		fmt.Fprintf(b, "%*d | %s\n", len(gutter), n, text)
	}
	fmt.Fprintf(b, "%s |\n", gutter)
	if before != "" {
		text, _ := window(before, 1)
		numbered(p.Line-1, text)
	}
	text, column := window(line, p.Column)
	numbered(p.Line, text)
	carets := min(max(1, p.Length), max(1, len([]rune(text))-column+1))
	fmt.Fprintf(b, "%s | %s%s", gutter, strings.Repeat(" ", column-1), strings.Repeat("^", carets))
	if p.Label != "" {
		b.WriteString(" " + p.Label)
	}
	fmt.Fprintf(b, "\n%s |\n", gutter)
}

var secret = regexp.MustCompile(`(?i)(accesskey=|access_token=)([^;&"'\s]+)`)

// masked replaces access keys and tokens, character by character: they must not
// reach a terminal or a log, and columns must stay where they are.
func masked(s string) string {
	return secret.ReplaceAllStringFunc(s, func(s string) string {
		i := strings.IndexByte(s, '=') + 1
		return s[:i] + strings.Repeat("*", len([]rune(s[i:])))
	})
}

// window returns what of a line is shown, at most 120 characters around the
// column, and the column within it. Characters that would move the cursor or
// reorder text become a replacement character.
func window(line string, column int) (string, int) {
	text := []rune(printable(masked(line)))
	const width = 120
	if len(text) <= width {
		return string(text), column
	}
	from := max(0, min(column-1-width/4, len(text)-width))
	return string(text[from : from+width]), column - from
}

// printable replaces every character of s that is not a visible one, one for one.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case unicode.IsPrint(r):
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

// quote shows a text of the file inside a message.
func quote(s string) string {
	const longest = 60
	r := []rune(s)
	if len(r) > longest {
		r = append(r[:longest-1], '…')
	}
	return "`" + printable(string(r)) + "`"
}

// splitLines cuts a file at its line ends, which are not part of the lines.
func splitLines(src []byte) []string {
	text := strings.TrimPrefix(string(src), byteOrderMark)
	text = strings.ReplaceAll(text, "\r\n", "\n")
	return strings.Split(strings.ReplaceAll(text, "\r", "\n"), "\n")
}

// Problems are the mistakes of one scenario, sorted by place.
type Problems []Problem

// Error names every problem in a line of its own.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].String()
	}
	return strings.Join(lines, "\n")
}

// Format renders all problems with the lines of src they are in.
func (p Problems) Format(src []byte) string {
	if len(p) == 0 {
		return ""
	}
	var b strings.Builder
	for i := range p {
		b.WriteString(p[i].Format("error", src))
		b.WriteByte('\n')
	}
	noun := "problems"
	if len(p) == 1 {
		noun = "problem"
	}
	fmt.Fprintf(&b, "%d %s%s; nothing was run\n", len(p), noun, p.in())
	return b.String()
}

// in names the file the problems are in, if any of them is in one.
func (p Problems) in() string {
	for i := range p {
		if !strings.HasPrefix(p[i].File, "--") {
			return " in " + p[i].File
		}
	}
	return ""
}

func (p Problems) sort() {
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.File, b.File),
			cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Message, b.Message),
		)
	})
}
