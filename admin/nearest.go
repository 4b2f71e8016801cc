package admin

import "strings"

// Nearest returns the one of words an operator most likely meant by word: a
// slip away, or what word begins, whatever the case; "" if none is near. Both
// sides use it, so that they suggest alike.
func Nearest(word string, words []string) string {
	word = strings.ToLower(word)
	best, distance := "", len(word)/3+2
	if len(word) <= 3 {
		distance = 2
	}
	for _, w := range words {
		d, lower := distance, strings.ToLower(w)
		switch {
		case len(word) > 1 && strings.HasPrefix(lower, word):
			d = 1
		case abs(len(lower)-len(word)) < distance:
			d = edits(word, lower)
		}
		if d < distance {
			best, distance = w, d
		}
	}
	return best
}

// edits counts insertions, deletions, replacements and swaps of neighbours
// (optimal string alignment) between two words, byte by byte.
func edits(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

func abs(n int) int { return max(n, -n) }
