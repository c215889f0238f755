// Package lineprotocol writes samples in InfluxDB's line protocol.
//
// What a Sample holds comes from devices, so any octet may stand anywhere. Every line that this package writes is read as
// exactly one point by InfluxDB 1.8, whose parser decides on line ends, tags and fields by three differing rules, and by
// github.com/influxdata/line-protocol/v2. A string field is read back exactly, but for octets that are no UTF-8. The
// format cannot carry all octets in measurements, tags and names; see escape.go for what becomes of those.
package lineprotocol

import (
	"errors"
	"math"
	"strconv"
	"sync/atomic"
	"time"

	"walkabout/counter"
	"walkabout/metric"
)

// Why a Sample has no line.
var (
	ErrNoMeasurement = errors.New("line protocol: sample without a measurement")
	ErrNoFields      = errors.New("line protocol: sample without a field that can be written")
	ErrTime          = errors.New("line protocol: sample's time is outside the years 1678 to 2261")
)

// What nanoseconds since 1970 in 64 bits can tell, less some hours: InfluxDB keeps the outermost values to itself.
var (
	earliest = time.Date(1678, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC)
)

// Encoder turns Samples into lines. The zero value is ready. Append is for one goroutine at a time.
type Encoder struct {
	// Unsigned writes Counter32, Counter64 and Unsigned fields as unsigned integers (`1u`) in place of signed ones (`1i`).
	// InfluxDB 1.8 needs a build with uint support for it, and no field of a measurement may ever change its type.
	Unsigned bool

	overflow, notFinite, invalid atomic.Uint64
}

// Omitted returns how many fields Append left out, by reason: "overflow" for 2^63 or more that was not written as unsigned
// (a counter's rate is kept), "not_finite" for NaN and the infinities (a rate's too), "invalid" for a field without a name or
// a kind. It may be called from any goroutine.
func (e *Encoder) Omitted() map[string]uint64 {
	return map[string]uint64{"overflow": e.overflow.Load(), "not_finite": e.notFinite.Load(), "invalid": e.invalid.Load()}
}

// Append appends s as one line, with its newline, and returns the extended buffer. Fields are named and typed so:
//
//   - Integer is NAME=1i, Unsigned the same (or 1u), Float NAME=1.5, Boolean NAME=true, String NAME="text".
//   - A counter is NAME=1i (or 1u), and NAME_rate=1.5 beside it when its verdict has a rate, else NAME_verdict="reset";
//     neither when the verdict is counter.None.
//
// Tags with an empty name or value are omitted, as the format has no place for them. A tag or field called time, and a tag
// called _field or _measurement, gets a "_" behind its name: InfluxDB keeps these names to itself and would drop a point
// with such a tag, and such a field in silence.
//
// The error is ErrNoMeasurement, ErrNoFields or ErrTime; dst is then returned as it was.
func (e *Encoder) Append(dst []byte, s *metric.Sample) ([]byte, error) {
	if s.Measurement == "" {
		return dst, ErrNoMeasurement
	}
	if s.At.Before(earliest) || !s.At.Before(latest) {
		return dst, ErrTime
	}
	start := len(dst)
	dst = appendMeasurement(dst, s.Measurement)
	for i := range s.Tags {
		t := &s.Tags[i]
		if t.Name == "" || t.Value == "" {
			continue
		}
		dst = append(dst, ',')
		dst = appendEscaped(dst, t.Name, &tagClasses)
		switch t.Name {
		case "time", "_field", "_measurement":
			dst = append(dst, '_')
		}
		dst = append(dst, '=')
		dst = appendEscaped(dst, t.Value, &tagClasses)
	}
	// Every field appends a comma behind itself; in the end the last one turns into the space before the time.
	dst = append(dst, ' ')
	empty := len(dst)
	for i := range s.Fields {
		dst = e.appendField(dst, &s.Fields[i])
	}
	if len(dst) == empty {
		return dst[:start], ErrNoFields
	}
	dst[len(dst)-1] = ' '
	dst = strconv.AppendInt(dst, s.At.UnixNano(), 10)
	return append(dst, '\n'), nil
}

func (e *Encoder) appendField(dst []byte, f *metric.Field) []byte {
	if f.Name == "" {
		e.invalid.Add(1)
		return dst
	}
	start := len(dst)
	dst = appendEscaped(dst, f.Name, &fieldClasses)
	if f.Name == "time" {
		dst = append(dst, '_')
	}
	name := dst[start:]
	dst = append(dst, '=')
	switch f.Kind {
	case metric.Integer:
		dst = strconv.AppendInt(dst, int64(f.Num), 10)
		return append(dst, 'i', ',')
	case metric.Unsigned:
		return e.appendUnsigned(dst, start, f.Num)
	case metric.Counter32, metric.Counter64:
		dst = e.appendUnsigned(dst, start, f.Num)
		return e.appendVerdict(dst, name, f)
	case metric.Float:
		return e.appendFloat(dst, start, math.Float64frombits(f.Num))
	case metric.String:
		return appendString(dst, f.Str)
	case metric.Boolean:
		dst = strconv.AppendBool(dst, f.Num != 0)
		return append(dst, ',')
	default:
		e.invalid.Add(1)
		return dst[:start]
	}
}

// appendUnsigned appends n to the field that begins at start, or takes the field back.
func (e *Encoder) appendUnsigned(dst []byte, start int, n uint64) []byte {
	suffix := byte('i')
	switch {
	case e.Unsigned:
		suffix = 'u'
	case n > math.MaxInt64:
		e.overflow.Add(1)
		return dst[:start]
	}
	dst = strconv.AppendUint(dst, n, 10)
	return append(dst, suffix, ',')
}

// appendVerdict appends the field that goes with the counter of the escaped name. The name may lie in dst, also where the
// new field begins: it is then copied onto itself.
func (e *Encoder) appendVerdict(dst, name []byte, f *metric.Field) []byte {
	if f.Verdict == counter.None {
		return dst
	}
	start := len(dst)
	dst = append(dst, name...)
	if f.Verdict.HasRate() {
		dst = append(dst, "_rate="...)
		return e.appendFloat(dst, start, f.Rate)
	}
	dst = append(dst, "_verdict="...)
	return appendString(dst, f.Verdict.String())
}

// appendFloat appends v to the field that begins at start, or takes the field back.
func (e *Encoder) appendFloat(dst []byte, start int, v float64) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		e.notFinite.Add(1)
		return dst[:start]
	}
	// Whole numbers are common in rates (idle ports above all), and the search for the shortest form is slow for them.
	if i := int64(v); float64(i) == v && -1<<53 < i && i < 1<<53 {
		dst = strconv.AppendInt(dst, i, 10)
	} else {
		dst = strconv.AppendFloat(dst, v, 'g', -1, 64)
	}
	return append(dst, ',')
}

// appendString appends the quoted text and a comma.
func appendString(dst []byte, text string) []byte {
	dst = append(dst, '"')
	dst = appendEscaped(dst, text, &stringClasses)
	return append(dst, '"', ',')
}
