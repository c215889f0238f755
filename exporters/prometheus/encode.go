package prometheus

import (
	"encoding/binary"
	"hash/maphash"
	"math"

	"walkabout/exporters/series"
	"walkabout/metric"
)

// wire is one of the protocol's two.
type wire int

// The versions. Their Content-Types are those of https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/ and …/remote_write_spec/.
const (
	version1 wire = 1 // prometheus.WriteRequest
	version2 wire = 2 // io.prometheus.write.v2.Request
)

// request is samples as one message. It writes Protocol Buffers by itself: what is the same for all series of a row is encoded once, and nothing is
// allocated. Its buffers are used again.
type request struct {
	mapper  *series.Mapper
	version wire

	data    []byte            // the messages timeseries, one after the other
	points  int               // how many they are
	symbols []byte            // version 2: the messages symbols
	refs    map[string]uint32 // the place of each among them

	before, after []byte // the labels of a row that sort before __name__ and after it, encoded
	scratch       []byte
	seen          map[uint64]bool // rows, whatever their time

	keys []uint64        // of the rows in the message
	done map[uint64]bool // keys of rows that are left out
}

func newRequest(m *series.Mapper) *request {
	return &request{mapper: m, refs: map[string]uint32{}, seen: map[uint64]bool{}, done: map[uint64]bool{}}
}

var seed = maphash.MakeSeed()

// encode makes b a message of the first samples, and returns how many: those that limit octets hold, though at least one, and none whose series are
// those of another. With each series but once in a request, a server that wrote a part of it may be sent the same again in smaller parts, as what is
// the newest of a series may come twice.
func (b *request) encode(samples []metric.Sample, v wire, limit int) int {
	b.version, b.data, b.points, b.symbols, b.keys = v, b.data[:0], 0, b.symbols[:0], b.keys[:0]
	clear(b.refs)
	clear(b.seen)
	if v == version2 {
		b.symbol("") // the first is always empty
	}
	for i := range samples {
		row := b.mapper.Map(&samples[i])
		if len(row.Points) == 0 {
			continue
		}
		sum := hash(samples[i].Measurement, row.Labels)
		at := row.At.UnixMilli()
		key := sum + uint64(at)*0x9e3779b97f4a7c15 // an odd number, so that no two times of a row have one key
		if b.done[key] {
			continue
		}
		if b.seen[sum] {
			return i
		}
		b.seen[sum] = true
		data, symbols := len(b.data), len(b.symbols)
		b.labels(row.Labels)
		for p := range row.Points {
			b.series(row, &row.Points[p], at)
		}
		if b.points > 0 && len(b.data)+len(b.symbols) > limit { // the symbols that nobody refers to are left out, and stay in refs, of which nobody asks any more
			b.data, b.symbols = b.data[:data], b.symbols[:symbols]
			return i
		}
		b.points += len(row.Points)
		b.keys = append(b.keys, key)
	}
	return len(samples)
}

// appendTo appends the message to dst.
func (b *request) appendTo(dst []byte) []byte { return append(append(dst, b.symbols...), b.data...) }

// written leaves the rows of the message out of those to come, until forget.
func (b *request) written() {
	for _, key := range b.keys {
		b.done[key] = true
	}
}

func (b *request) forget() { clear(b.done) }

// hash tells rows of measurements apart.
func hash(measurement string, labels []series.Label) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	_, _ = h.WriteString(measurement)
	for _, l := range labels {
		_ = h.WriteByte(0xff) // no UTF-8 has one
		_, _ = h.WriteString(l.Name)
		_ = h.WriteByte(0xff)
		_, _ = h.WriteString(l.Value)
	}
	return h.Sum64()
}

const nameLabel = "__name__"

// labels encodes what all series of a row have.
func (b *request) labels(labels []series.Label) {
	b.before, b.after = b.before[:0], b.after[:0]
	for _, l := range labels {
		if l.Name < nameLabel {
			b.before = b.label(b.before, l)
		} else {
			b.after = b.label(b.after, l)
		}
	}
}

// label appends a label: a message of version 1, two references of version 2.
func (b *request) label(dst []byte, l series.Label) []byte {
	if b.version == version2 {
		dst = binary.AppendUvarint(dst, uint64(b.symbol(l.Name)))
		return binary.AppendUvarint(dst, uint64(b.symbol(l.Value)))
	}
	size := 1 + sizeOfText(l.Name) + 1 + sizeOfText(l.Value)
	dst = append(dst, 1<<3|bytesType)
	dst = binary.AppendUvarint(dst, uint64(size))
	dst = append(dst, 1<<3|bytesType)
	dst = appendText(dst, l.Name)
	dst = append(dst, 2<<3|bytesType)
	return appendText(dst, l.Value)
}

// The wire types of Protocol Buffers.
const (
	varintType  = 0
	fixed64Type = 1
	bytesType   = 2
)

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func sizeOfText(s string) int { return sizeOfUvarint(len(s)) + len(s) }

func sizeOfUvarint(n int) int {
	size := 1
	for ; n >= 0x80; n >>= 7 {
		size++
	}
	return size
}

// symbol returns the reference to s.
func (b *request) symbol(s string) uint32 {
	if ref, ok := b.refs[s]; ok {
		return ref
	}
	ref := uint32(len(b.refs))
	b.refs[s] = ref
	b.symbols = append(b.symbols, 4<<3|bytesType)
	b.symbols = appendText(b.symbols, s)
	return ref
}

// series appends the message of one series.
func (b *request) series(r *series.Row, p *series.Point, at int64) {
	body := b.scratch[:0]
	switch {
	case p.Label.Name == "":
		body = append(body, b.before...)
		body = b.label(body, series.Label{Name: nameLabel, Value: p.Name})
		body = append(body, b.after...)
	default:
		body = b.allLabels(body, r.Labels, p)
	}
	if b.version == version2 {
		b.data = b.head(b.data, p, len(body), at)
		b.data = append(b.data, 1<<3|bytesType)
		b.data = binary.AppendUvarint(b.data, uint64(len(body)))
		b.data = append(b.data, body...)
		b.data = appendSample(b.data, p.Value, at)
		b.data = b.metadata(b.data, p)
	} else {
		b.data = append(b.data, 1<<3|bytesType)
		b.data = binary.AppendUvarint(b.data, uint64(len(body)+sizeOfSample(at)))
		b.data = append(b.data, body...)
		b.data = appendSample(b.data, p.Value, at)
	}
	b.scratch = body[:0]
}

// head appends the tag and length of a series of version 2.
func (b *request) head(dst []byte, p *series.Point, refs int, at int64) []byte {
	size := 1 + sizeOfUvarint(refs) + refs + sizeOfSample(at) + b.sizeOfMetadata(p)
	return binary.AppendUvarint(append(dst, 5<<3|bytesType), uint64(size))
}

// allLabels appends the labels of a point that has one of its own.
func (b *request) allLabels(dst []byte, labels []series.Label, p *series.Point) []byte {
	own := [2]series.Label{{Name: nameLabel, Value: p.Name}, p.Label}
	if own[1].Name < own[0].Name {
		own[0], own[1] = own[1], own[0]
	}
	rest := own[:]
	for _, l := range labels {
		for len(rest) > 0 && rest[0].Name < l.Name {
			dst, rest = b.label(dst, rest[0]), rest[1:]
		}
		dst = b.label(dst, l)
	}
	for _, l := range rest {
		dst = b.label(dst, l)
	}
	return dst
}

// appendSample appends the field samples, number 2 in both versions: a double and milliseconds since 1970.
func appendSample(dst []byte, value float64, at int64) []byte {
	dst = append(dst, 2<<3|bytesType, byte(sampleSize(at)), 1<<3|fixed64Type)
	dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(value))
	dst = append(dst, 2<<3|varintType)
	return binary.AppendUvarint(dst, uint64(at))
}

// sampleSize is the length of a sample's message, at most 20.
func sampleSize(at int64) int {
	size := 1 + 8 + 1 + 1
	for n := uint64(at); n >= 0x80; n >>= 7 {
		size++
	}
	return size
}

func sizeOfSample(at int64) int { return 2 + sampleSize(at) }

// The types of io.prometheus.write.v2.Metadata.
const (
	metadataCounter = 1
	metadataGauge   = 2
)

// metadata appends the field metadata, number 5, of version 2.
func (b *request) metadata(dst []byte, p *series.Point) []byte {
	typ := byte(metadataGauge)
	if p.Type == series.Counter {
		typ = metadataCounter
	}
	size := b.sizeOfMetadata(p) - 2
	dst = append(dst, 5<<3|bytesType, byte(size), 1<<3|varintType, typ)
	if p.Help != "" {
		dst = append(dst, 3<<3|varintType)
		dst = binary.AppendUvarint(dst, uint64(b.symbol(p.Help)))
	}
	return dst
}

func (b *request) sizeOfMetadata(p *series.Point) int {
	if p.Help == "" {
		return 4
	}
	return 5 + sizeOfUvarint(int(b.symbol(p.Help)))
}
