package lineprotocol

import "walkabout/metric"

// Batch holds many samples as lines and remembers which line came from which sample. Its buffers are used again by the next
// Encode. Set the Encoder's options before the first.
type Batch struct {
	Encoder
	// Skipped are the indexes of the samples that have no line, ascending, and Err is the first one's error.
	Skipped []int
	Err     error

	lines   []byte
	ends    []int // of each line in lines, past its newline
	samples []int // the index of each line's sample
}

// Encode fills b with the lines of samples.
func (b *Batch) Encode(samples []metric.Sample) {
	b.lines, b.ends, b.samples = b.lines[:0], b.ends[:0], b.samples[:0]
	b.Skipped, b.Err = nil, nil
	for i := range samples {
		var err error
		if b.lines, err = b.Append(b.lines, &samples[i]); err != nil {
			b.Skipped = append(b.Skipped, i)
			if b.Err == nil {
				b.Err = err
			}
			continue
		}
		b.ends = append(b.ends, len(b.lines))
		b.samples = append(b.samples, i)
	}
}

// Len returns the number of lines.
func (b *Batch) Len() int { return len(b.ends) }

// Lines returns the lines from up to, but without, to. They are valid until the next Encode.
func (b *Batch) Lines(from, to int) []byte { return b.lines[b.End(from-1):b.End(to-1)] }

// End returns the offset where the line ends, 0 for line -1. (A newline does not tell: strings may hold some.)
func (b *Batch) End(line int) int {
	if line < 0 {
		return 0
	}
	return b.ends[line]
}

// Sample returns the index of the sample that the line came from.
func (b *Batch) Sample(line int) int { return b.samples[line] }
