package report

import (
	"html/template"
	"strconv"
	"strings"

	"github.com/wpsbench/wpsbench/report/svg"
)

// table is one table of the page. Its first column heads the rows.
type table struct {
	ID       string
	Caption  string
	Head     []head
	Rows     []row
	Sortable bool
	Note     string // below it, such as how many rows were left out
}

type head struct {
	Name string
	Num  bool // right-aligned
}

type row struct {
	ID    string // target of links
	Class string
	Cells []cell
}

// cell is one value. Sort is what the script orders by when the text does not do.
type cell struct {
	Text  string
	Sort  string
	Num   bool
	Code  bool
	Class string
	Icon  template.HTML
	Sub   string   // in small print behind the text
	Lines []string // folded
}

func (t *table) add(cells ...cell) *row {
	t.Rows = append(t.Rows, row{Cells: cells})
	return &t.Rows[len(t.Rows)-1]
}

// heads names columns; a leading > marks a column of numbers.
func heads(names ...string) []head {
	out := make([]head, len(names))
	for i, n := range names {
		out[i].Name, out[i].Num = strings.CutPrefix(n, ">")
	}
	return out
}

func textCell(s string) cell { return cell{Text: s} }

func codeCell(s string) cell { return cell{Text: s, Code: true} }

func numCell(s string) cell { return cell{Text: s, Num: true} }

func countCell(v uint64) cell {
	return cell{Text: htmlNumbers.count(v), Sort: strconv.FormatUint(v, 10), Num: true}
}

// orDash shows a dash for a number that counts from 1 and was never given.
func orDash(c cell) cell {
	if c.Sort == "0" {
		c.Text = dash
	}
	return c
}

// intCell writes a count that a record holds as a signed number.
func intCell(v int) cell {
	return cell{Text: htmlNumbers.float(float64(v)), Sort: strconv.Itoa(v), Num: true}
}

func microsCell(us *int64) cell {
	c := cell{Text: microsOf(us), Num: true}
	if us != nil {
		c.Sort = strconv.FormatInt(*us, 10)
	}
	return c
}

func valueCell(v *float64, unit string) cell {
	c := cell{Text: htmlNumbers.measuredOf(v, unit), Num: true}
	if v != nil {
		c.Sort = strconv.FormatFloat(*v, 'g', -1, 64)
	}
	return c
}

// answerCell shows the answer of a check, limit or gate: shape, word and colour.
func answerCell(result string) cell {
	s := answerOf(result)
	return cell{Text: s.word, Sort: strconv.Itoa(rank(result)) + s.word, Class: wordClass(s), Icon: icon(s.shape, s.token, 14)}
}

// wordClass colours a word; the warn colour is too light for words, which stay ink.
func wordClass(s verdictStyle) string {
	switch s.token {
	case svg.Pass, svg.Fail, svg.Invalid, svg.Muted:
		return string(s.token)
	default:
		return ""
	}
}

func icon(s svg.Shape, t svg.Token, size int) template.HTML {
	return template.HTML(svg.Icon(s, t, size)) //nolint:gosec // holds no text
}
