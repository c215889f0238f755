package snmpdconf

import "strconv"

// bulkLimit reads maxGetbulkRepeats or maxGetbulkResponses: a number of which 0 is the default, and less than that no bound.
func (p *parser) bulkLimit(name, value string, to *int) {
	word, ok := bare(value)
	n, err := strconv.ParseInt(word, 10, 32)
	if err != nil || !ok {
		p.errorf("%s must be one number; 0 is the default, -1 is no bound", name)
		return
	}
	p.once(name)
	*to = int(max(n, 0))
}
