package metric

import (
	"encoding/binary"
	"math"
	"time"
)

// The encoding of a Batch, version 1; docs/spool.md has it at length. Samples of a table look alike, so what is the same for all of them, the
// measurement with the names of tags and the names and kinds of fields, is a shape that is written once; a tag's value that is that of
// the sample before is one octet.
const version = 1

const (
	batchReset = 1 << iota // flags of a batch
	batchHasUpTime
	batchAnswered
	batchExtra
)

const (
	verdictBits = 0x0f // of the octet before a counter
	hasRate     = 0x10
)

// maxShapes is how many shapes of a batch are looked through for one that fits; beyond them a shape is written again.
const maxShapes = 16

// Append appends the encoding of b to dst. It keeps of a Field what its Kind has: Num, or Str; for counters Num, Rate and Verdict.
func Append(dst []byte, b Batch) []byte {
	dst = append(dst, version)
	dst = appendString(dst, b.Device)
	dst = binary.AppendVarint(dst, b.At.UnixNano())
	dst = binary.AppendUvarint(dst, uint64(b.Interval))
	dst = append(dst, b.flags())
	dst = binary.AppendUvarint(dst, uint64(b.UpTime))
	dst = binary.AppendUvarint(dst, uint64(len(b.Complete)))
	for _, m := range b.Complete {
		dst = appendString(dst, m)
	}
	dst = binary.AppendUvarint(dst, uint64(len(b.Samples)))
	var shapes [maxShapes]int // shape n is that of the sample shapes[n]
	known, last := 0, 0
	for i := range b.Samples {
		s := &b.Samples[i]
		shape := find(b.Samples, shapes[:known], last, s)
		if shape < 0 {
			shape = min(known, maxShapes-1)
			shapes[shape] = i
			known = shape + 1
			dst = binary.AppendUvarint(dst, 0)
			dst = binary.AppendUvarint(dst, uint64(shape))
			dst = appendShape(dst, s)
		} else {
			dst = binary.AppendUvarint(dst, uint64(shape)+1)
		}
		last = shape
		var before []Tag
		if i > 0 {
			before = b.Samples[i-1].Tags
		}
		dst = appendSample(dst, s, before, b.At)
	}
	return dst
}

func (b *Batch) flags() (flags byte) {
	if b.Reset {
		flags |= batchReset
	}
	if b.HasUpTime {
		flags |= batchHasUpTime
	}
	if b.Answered {
		flags |= batchAnswered
	}
	if b.Extra {
		flags |= batchExtra
	}
	return flags
}

// find returns the number of the shape that s has, -1 if none does. A table's rows come together, so the last shape is tried first.
func find(samples []Sample, shapes []int, last int, s *Sample) int {
	if last < len(shapes) && alike(&samples[shapes[last]], s) {
		return last
	}
	for n, at := range shapes {
		if n != last && alike(&samples[at], s) {
			return n
		}
	}
	return -1
}

// alike reports whether a and b have one shape. Names are mostly the same strings, which is quick to see.
func alike(a, b *Sample) bool {
	if a.Measurement != b.Measurement || len(a.Tags) != len(b.Tags) || len(a.Fields) != len(b.Fields) {
		return false
	}
	for i := range a.Tags {
		if a.Tags[i].Name != b.Tags[i].Name {
			return false
		}
	}
	for i := range a.Fields {
		if a.Fields[i].Kind != b.Fields[i].Kind || a.Fields[i].Name != b.Fields[i].Name {
			return false
		}
	}
	return true
}

func appendShape(dst []byte, s *Sample) []byte {
	dst = appendString(dst, s.Measurement)
	dst = binary.AppendUvarint(dst, uint64(len(s.Tags)))
	for _, t := range s.Tags {
		dst = appendString(dst, t.Name)
	}
	dst = binary.AppendUvarint(dst, uint64(len(s.Fields)))
	for i := range s.Fields {
		dst = append(dst, byte(s.Fields[i].Kind))
		dst = appendString(dst, s.Fields[i].Name)
	}
	return dst
}

// appendSample appends what is s's own. before are the tags of the sample before.
func appendSample(dst []byte, s *Sample, before []Tag, at time.Time) []byte {
	dst = binary.AppendVarint(dst, int64(s.At.Sub(at)))
	for i, t := range s.Tags {
		if i < len(before) && before[i].Value == t.Value {
			dst = append(dst, 0)
			continue
		}
		dst = binary.AppendUvarint(dst, uint64(len(t.Value))+1)
		dst = append(dst, t.Value...)
	}
	for i := range s.Fields {
		dst = appendValue(dst, &s.Fields[i])
	}
	return dst
}

func appendValue(dst []byte, f *Field) []byte {
	switch f.Kind {
	case Counter32, Counter64:
		head := byte(f.Verdict) & verdictBits
		rate := math.Float64bits(f.Rate)
		if rate != 0 {
			head |= hasRate
		}
		dst = append(dst, head)
		dst = binary.AppendUvarint(dst, f.Num)
		if rate != 0 {
			dst = binary.LittleEndian.AppendUint64(dst, rate)
		}
		return dst
	case Integer:
		return binary.AppendVarint(dst, int64(f.Num))
	case Float:
		return binary.LittleEndian.AppendUint64(dst, f.Num)
	case String:
		return appendString(dst, f.Str)
	default:
		return binary.AppendUvarint(dst, f.Num)
	}
}

func appendString(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}
