package scenario

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// parseScale reads 1% or x0.01.
func parseScale(text string) (float64, *unreadable) {
	number, percent := strings.CutSuffix(text, "%")
	if !percent {
		return parseFactor(text)
	}
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || !isNumber(number) || v <= 0 || v > 100_000 {
		return 0, &unreadable{"", "write it like 1%, 150% or x2"}
	}
	return v / 100, nil
}

// applyScale multiplies every value that scales: names. It returns the same changes as
// --set arguments, by which a record tells them.
func applyScale(root *node, text string) (sets []string, problems Problems) {
	refuse := func(p place, message, label, help string) {
		problems = append(problems, p.problem("scales", message, label, help))
	}
	factor, bad := parseScale(text)
	here := place{file: "--scale " + printable(text), column: 1, length: 1}
	if bad != nil {
		refuse(here, "`--scale` needs a percentage or a factor", bad.label, bad.help)
		return nil, problems
	}
	list := root.slot("scales")
	if list == nil || len((*list).items) == 0 {
		refuse(here, "the scenario does not say what `--scale` multiplies", "no `scales` in the file",
			"add, for example, scales: [populations.members.connections], or change single values with --set")
		return nil, problems
	}
	for _, item := range (*list).items {
		n := root.find(item.text)
		if n == nil {
			continue // the decoder of scales tells
		}
		scaled, ok := scaledText(n.text, factor)
		if !ok {
			continue
		}
		n.text, n.verbatim = scaled, false
		sets = append(sets, item.text+"="+scaled)
	}
	return sets, problems
}

// scaledText multiplies a count, a rate or a duration. A count stays at least 1, unless
// it was less before.
func scaledText(text string, factor float64) (scaled string, ok bool) {
	if n, err := strconv.ParseInt(text, 10, 32); err == nil {
		if n < 1 {
			return text, true
		}
		return strconv.FormatFloat(math.Max(1, math.Round(float64(n)*factor)), 'f', -1, 64), true
	}
	if _, bad := parseRate(text); bad == nil {
		number, per, _ := strings.Cut(text, "/")
		v, _ := strconv.ParseFloat(number, 64) // parseRate has read it
		return trimmedDecimal(v*factor) + "/" + per, true
	}
	if d, bad := parseDuration(text); bad == nil {
		return time.Duration(math.Round(float64(d) * factor)).String(), true
	}
	return "", false
}

// trimmedDecimal writes a number in the format's plain notation.
func trimmedDecimal(v float64) string {
	return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.12f", v), "0"), ".")
}

// find is the node at a path as --set writes it, or nil.
func (n *node) find(path string) *node {
	for segment := range strings.SplitSeq(path, ".") {
		switch n.kind {
		case mapping:
			slot := n.slot(segment)
			if slot == nil {
				return nil
			}
			n = *slot
		case sequence:
			i, err := strconv.Atoi(segment)
			if err != nil || i < 0 || i >= len(n.items) {
				return nil
			}
			n = n.items[i]
		case scalar:
			return nil
		}
	}
	return n
}

// scales reads what --scale multiplies. What it names is judged by scaled, when all of
// the file has been read.
func (d *decoder) scales(dst *[]string, items *[]*node) func(*node) {
	return func(n *node) {
		d.list(n, false, func(n *node) {
			var path string
			if d.text(&path)(n); path != "" {
				*dst, *items = append(*dst, path), append(*items, n)
			}
		})
	}
}

// scaled refuses all but paths of counts, rates and durations that are written in the
// file, each once. Of a value that cannot be read enough was said.
func (d *decoder) scaled(root *node, paths []string, items []*node) {
	for i, path := range paths {
		n, at := items[i], root.find(path)
		switch {
		case slices.Contains(paths[:i], path):
			d.refuse(n, quote(path)+" is given twice", "it would be multiplied twice", "")
		case at == nil:
			d.refuse(n, "unknown path "+quote(path), "not in the file", "a default is scaled only where it is written out")
		case d.places.spoiled(path):
		default:
			if _, ok := scaledText(at.text, 1); at.kind != scalar || at.null || !ok {
				d.refuse(n, quote(path)+" cannot be scaled", at.is(), "a count, a rate or a duration can")
			}
		}
	}
}
