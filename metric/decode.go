package metric

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"walkabout/counter"
)

// ErrCorrupt is wrapped by Decode's errors about octets that Append did not write.
var ErrCorrupt = errors.New("corrupt batch")

// ErrVersion is wrapped by Decode's error about a batch that a later release wrote.
var ErrVersion = errors.New("batch of an unknown version")

// Decode returns the Batch that Append encoded as data, which it does not keep. What it takes in memory is bounded by a small
// multiple of data's length, whatever data claims.
func Decode(data []byte) (Batch, error) {
	if len(data) > 0 && data[0] != version {
		return Batch{}, fmt.Errorf("%w: %d", ErrVersion, data[0])
	}
	d := decoder{rest: string(data)}
	b := d.batch()
	if d.failed {
		return Batch{}, fmt.Errorf("%w: octet %d of %d", ErrCorrupt, len(data)-len(d.rest), len(data))
	}
	if len(d.rest) > 0 {
		return Batch{}, fmt.Errorf("%w: %d octets too many", ErrCorrupt, len(d.rest))
	}
	return b, nil
}

// shape is what samples of a table have in common.
type shape struct {
	measurement string
	tags        []string
	fields      []fieldShape
}

type fieldShape struct {
	name string
	kind Kind
}

// decoder reads from rest, whose parts become the strings of the batch. After a failure it reads zeros.
type decoder struct {
	rest   string
	failed bool
	shapes []shape
	// Slices of samples are cut from these, so that a batch has few allocations.
	tags   []Tag
	fields []Field
}

func (d *decoder) batch() Batch {
	d.octet() // the version
	var b Batch
	b.Device = d.string()
	at := d.varint()
	b.At = time.Unix(0, at)
	b.Interval = time.Duration(d.uvarint())
	flags := d.octet()
	b.Reset, b.HasUpTime = flags&batchReset != 0, flags&batchHasUpTime != 0
	b.Answered, b.Extra = flags&batchAnswered != 0, flags&batchExtra != 0
	b.UpTime = uint32(d.uvarint())
	if n := d.count(1); n > 0 {
		b.Complete = make([]string, n)
		for i := range b.Complete {
			b.Complete[i] = d.string()
		}
	}
	const leastSample = 2 // a shape's number and a time
	n := d.count(leastSample)
	if n == 0 {
		return b
	}
	b.Samples = make([]Sample, 0, n)
	var before []Tag
	for range n {
		s := d.sample(b.At, before, n-len(b.Samples))
		if d.failed {
			return Batch{}
		}
		b.Samples = append(b.Samples, s)
		before = s.Tags
	}
	return b
}

// sample reads one of the samples that are left.
func (d *decoder) sample(at time.Time, before []Tag, left int) Sample {
	n := d.uvarint()
	if n == 0 {
		n = d.uvarint()
		if !d.shape(n) {
			return Sample{}
		}
	} else {
		n--
	}
	if n >= uint64(len(d.shapes)) {
		d.failed = true
		return Sample{}
	}
	shape := &d.shapes[n]
	s := Sample{Measurement: shape.measurement, At: at.Add(time.Duration(d.varint()))}
	s.Tags = cut(&d.tags, len(shape.tags), left, len(d.rest))
	for i, name := range shape.tags {
		s.Tags[i].Name = name
		switch length := d.uvarint(); {
		case length > 0:
			s.Tags[i].Value = d.take(length - 1)
		case i < len(before):
			s.Tags[i].Value = before[i].Value
		default:
			d.failed = true
		}
	}
	s.Fields = cut(&d.fields, len(shape.fields), left, len(d.rest))
	for i, f := range shape.fields {
		d.value(&s.Fields[i], f)
	}
	return s
}

// cut returns n elements of *from, which it replaces by one that serves up to left such rows, of which each element has at least one of the
// rest octets.
func cut[T any](from *[]T, n, left, rest int) []T {
	if n == 0 {
		return nil
	}
	if len(*from) < n {
		*from = make([]T, max(n, min(n*left, rest)))
	}
	out := (*from)[:n:n]
	*from = (*from)[n:]
	return out
}

// shape reads shape n, which is the next one or replaces the last.
func (d *decoder) shape(n uint64) bool {
	var s shape
	s.measurement = d.string()
	if count := d.count(1); count > 0 {
		s.tags = make([]string, count)
		for i := range s.tags {
			s.tags[i] = d.string()
		}
	}
	const leastField = 2 // a kind and a length
	if count := d.count(leastField); count > 0 {
		s.fields = make([]fieldShape, count)
		for i := range s.fields {
			s.fields[i] = fieldShape{kind: Kind(d.octet()), name: d.string()}
			if k := s.fields[i].kind; k < Integer || k > Boolean {
				d.failed = true
			}
		}
	}
	// Each tag and field takes an octet at least of each sample, so that shapes cannot make a small batch big.
	if len(s.tags)+len(s.fields) > len(d.rest) {
		d.failed = true
	}
	switch {
	case n >= maxShapes || n > uint64(len(d.shapes)):
		d.failed = true
	case n == uint64(len(d.shapes)):
		d.shapes = append(d.shapes, s)
	default:
		d.shapes[n] = s
	}
	return !d.failed
}

func (d *decoder) value(f *Field, shape fieldShape) {
	f.Name, f.Kind = shape.name, shape.kind
	switch shape.kind {
	case Counter32, Counter64:
		head := d.octet()
		f.Verdict = counter.Verdict(head & verdictBits)
		f.Num = d.uvarint()
		if head&hasRate != 0 {
			f.Rate = math.Float64frombits(d.uint64())
		}
	case Integer:
		f.Num = uint64(d.varint())
	case Float:
		f.Num = d.uint64()
	case String:
		f.Str = d.string()
	default:
		f.Num = d.uvarint()
	}
}

// count reads how many things follow, each of which has at least size octets.
func (d *decoder) count(size int) int {
	n := d.uvarint()
	if n > uint64(len(d.rest)/size) {
		d.failed = true
		return 0
	}
	return int(n)
}

func (d *decoder) string() string { return d.take(d.uvarint()) }

func (d *decoder) take(n uint64) string {
	if d.failed || n > uint64(len(d.rest)) {
		d.failed = true
		return ""
	}
	s := d.rest[:n]
	d.rest = d.rest[n:]
	return s
}

func (d *decoder) octet() byte {
	if s := d.take(1); s != "" {
		return s[0]
	}
	return 0
}

func (d *decoder) uint64() uint64 {
	var n uint64
	for i, c := range []byte(d.take(8)) {
		n |= uint64(c) << (8 * i)
	}
	return n
}

func (d *decoder) uvarint() uint64 {
	var n uint64
	for i := range binary.MaxVarintLen64 {
		if d.failed || i == len(d.rest) {
			break
		}
		c := d.rest[i]
		if i == binary.MaxVarintLen64-1 && c > 1 {
			break
		}
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			d.rest = d.rest[i+1:]
			return n
		}
	}
	d.failed = true
	return 0
}

func (d *decoder) varint() int64 {
	u := d.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}
