package scenario

import "strings"

// suggest is the help for a word that is not one of those known: the nearest
// one, or all of them if there are few.
func suggest(word string, known []string) string {
	const few = 14
	best, bestDistance := "", max(1, len([]rune(word))/3)+1
	for _, k := range known {
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d < bestDistance {
			best, bestDistance = k, d
		}
	}
	switch {
	case best != "":
		return "did you mean " + quote(best) + "?"
	case len(known) == 0 || len(known) > few:
		return ""
	}
	return "known here: " + listed(known, "and")
}

// distance is the optimal string alignment distance: the number of insertions,
// deletions, replacements and swaps of neighbours that make b out of a.
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	const longest = 64 // more is no typing mistake, and costs the product of the lengths
	if len(s) > longest || len(t) > longest {
		return longest
	}
	before, row, next := make([]int, len(t)+1), make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range row {
		row[j] = j
	}
	for i := range s {
		next[0] = i + 1
		for j := range t {
			cost := 1
			if s[i] == t[j] {
				cost = 0
			}
			next[j+1] = min(row[j+1]+1, next[j]+1, row[j]+cost)
			if i > 0 && j > 0 && s[i] == t[j-1] && s[i-1] == t[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row, next = row, next, before
	}
	return row[len(t)]
}
