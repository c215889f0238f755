package web

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxText is how many characters of a text from the network the pages are given.
const MaxText = 256

// Text returns s as valid UTF-8 of at most MaxText characters; what is cut ends in "…".
func Text(s string) string {
	if most := 4 * (MaxText + 1); len(s) > most {
		s = s[:most] // what is left has too many characters still, and a text of megabytes costs nothing
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= MaxText || utf8.RuneCountInString(s) <= MaxText {
		return s
	}
	n := 0
	for i := range s {
		if n++; n == MaxText {
			return s[:i] + "…"
		}
	}
	return s
}

// digits rounds v to n significant digits.
func digits(v float64, n int) float64 {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return v
	}
	places := n - 1 - int(math.Floor(math.Log10(math.Abs(v))))
	if places < 0 {
		unit := math.Pow10(-places)
		return math.Round(v/unit) * unit
	}
	if scale := math.Pow10(places); !math.IsInf(scale, 0) {
		return math.Round(v*scale) / scale
	}
	return v
}

// Numbers are numbers of which NaN and infinite ones are null in JSON. They are written with five significant digits: they are drawn.
type Numbers []float64

// MarshalJSON implements json.Marshaler.
func (n Numbers) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, 8*len(n)+2)
	b = append(b, '[')
	for i, v := range n {
		if i > 0 {
			b = append(b, ',')
		}
		if math.IsNaN(v) || math.IsInf(v, 0) {
			b = append(b, "null"...)
		} else {
			b = strconv.AppendFloat(b, v, 'g', 5, 64)
		}
	}
	return append(b, ']'), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (n *Numbers) UnmarshalJSON(data []byte) error {
	var all []*float64
	if err := json.Unmarshal(data, &all); err != nil {
		return err
	}
	*n = make(Numbers, 0, len(all))
	for _, v := range all {
		if v == nil {
			*n = append(*n, math.NaN())
		} else {
			*n = append(*n, *v)
		}
	}
	return nil
}

// Cell is a cell of a Table: nil, or a string, a float64, an int64, a uint64 or a bool.
type Cell any
