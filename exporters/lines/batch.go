// Package lines turns samples into lines of text for outputs that carry those: in InfluxDB's line protocol, or in JSON.
package lines

import (
	"fmt"

	"walkabout/exporters/jsonlines"
	"walkabout/exporters/lineprotocol"
	"walkabout/metric"
)

// Encoder turns samples into lines. Append is for one goroutine at a time, Omitted for any.
type Encoder interface {
	// Append appends s as one line, with its newline. After an error, which says why s has no line, dst is returned as it was.
	Append(dst []byte, s *metric.Sample) ([]byte, error)
	// Omitted returns how many fields were left out, by reason.
	Omitted() map[string]uint64
}

// Format names a form of lines.
type Format string

// The formats that there are.
const (
	Influx Format = "influx" // line protocol
	JSON   Format = "json"
)

// New returns the Encoder of a format; Influx if that is empty. unsigned is lineprotocol.Encoder's; in JSON every number is written as it is.
func New(f Format, unsigned bool) (Encoder, error) {
	switch f {
	case "", Influx:
		return &lineprotocol.Encoder{Unsigned: unsigned}, nil
	case JSON:
		if unsigned {
			return nil, fmt.Errorf("unsigned is of the format %s; in %s every number is written as it is", Influx, JSON)
		}
		return &jsonlines.Encoder{}, nil
	default:
		return nil, fmt.Errorf("format %q: write %s or %s", f, Influx, JSON)
	}
}

// Batch holds many samples as lines and remembers which line came from which sample. Its buffers are used again by the next
// Encode.
type Batch struct {
	// Encoder is set before the first Encode; line protocol with signed numbers if nil.
	Encoder Encoder
	// Skipped are the indexes of the samples that have no line, ascending, and Err is the first one's error.
	Skipped []int
	Err     error

	lines   []byte
	ends    []int // of each line in lines, past its newline
	samples []int // the index of each line's sample
}

// Encode fills b with the lines of samples.
func (b *Batch) Encode(samples []metric.Sample) {
	if b.Encoder == nil {
		b.Encoder = &lineprotocol.Encoder{}
	}
	b.lines, b.ends, b.samples = b.lines[:0], b.ends[:0], b.samples[:0]
	b.Skipped, b.Err = nil, nil
	for i := range samples {
		var err error
		if b.lines, err = b.Encoder.Append(b.lines, &samples[i]); err != nil {
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
