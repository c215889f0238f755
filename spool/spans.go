package spool

import "slices"

// span is the sequence numbers from ≤ n < to.
type span struct {
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
}

// spans is a set of sequence numbers: ascending, not empty, and with a gap between neighbours.
type spans []span

// add returns s with from ≤ n < to.
func (s spans) add(from, to uint64) spans {
	if from >= to {
		return s
	}
	i, _ := slices.BinarySearchFunc(s, from, func(a span, from uint64) int { // the first that is not wholly below
		if a.To < from {
			return -1
		}
		return 1
	})
	j := i
	for ; j < len(s) && s[j].From <= to; j++ {
		from, to = min(from, s[j].From), max(to, s[j].To)
	}
	return slices.Replace(s, i, j, span{from, to})
}

// missing returns the first span of numbers ≥ from and below end that are not in s; it is empty if there is none.
func (s spans) missing(from, end uint64) span {
	for _, a := range s {
		if a.To <= from {
			continue
		}
		if a.From > from {
			end = min(end, a.From)
			break
		}
		from = a.To
	}
	return span{min(from, end), end}
}

// lacks returns how many of the numbers from ≤ n < to are not in s.
func (s spans) lacks(from, to uint64) uint64 {
	if from >= to {
		return 0
	}
	n := to - from
	for _, a := range s {
		if a.From >= to {
			break
		}
		if a.To > from {
			n -= min(a.To, to) - max(a.From, from)
		}
	}
	return n
}

// below returns s with every number below n.
func (s spans) below(n uint64) spans { return s.add(0, n) }

// cut returns s without every number from on.
func (s spans) cut(from uint64) (out spans) {
	for _, a := range s {
		if a.From < from {
			out = append(out, span{a.From, min(a.To, from)})
		}
	}
	return out
}

// valid reports whether s is what add makes, all below end.
func (s spans) valid(end uint64) bool {
	for i, a := range s {
		if a.From >= a.To || a.To > end || i > 0 && a.From <= s[i-1].To {
			return false
		}
	}
	return true
}
