// Package nearest finds the word that somebody meant.
package nearest

import "strings"

// maxLen is the longest word that a suggestion is looked for: no keyword comes near.
const maxLen = 40

// Word returns the known word that is most like word, whatever its case; "" if none is much like it.
func Word(word string, known []string) string {
	if len(word) > maxLen {
		return ""
	}
	word = strings.ToLower(word)
	best, most := "", max(1, len(word)/3)+1
	for _, k := range known {
		if d := distance(word, strings.ToLower(k)); d < most {
			best, most = k, d
		}
	}
	return best
}

// distance returns how many octets must be inserted, removed or replaced to make b of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
