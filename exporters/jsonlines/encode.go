// Package jsonlines writes samples as JSON (RFC 8259), an object a line:
//
//	{"measurement":"interface","time":"2026-11-21T14:03:31.545317715Z","tags":{"device":"core1","ifName":"eth0"},"fields":{"ifIndex":2,"ifAlias":"uplink","ifHCInOctets":212361620,"ifHCInOctets_rate":33.68}}
//
// Fields have the names and forms of line protocol: a counter NAME is followed by NAME_rate, or by NAME_verdict where there is no rate.
package jsonlines

import (
	"errors"
	"math"
	"strconv"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"walkabout/counter"
	"walkabout/metric"
)

// Why a Sample has no line.
var (
	ErrNoMeasurement = errors.New("JSON: sample without a measurement")
	ErrNoFields      = errors.New("JSON: sample without a field that can be written")
)

// Encoder turns Samples into lines. The zero value is ready. Append is for one goroutine at a time.
type Encoder struct {
	notFinite, invalid atomic.Uint64
}

// Omitted returns how many fields Append left out, by reason: "not_finite" for NaN and the infinities (a rate's too), for which JSON has no form,
// "invalid" for a field without a name or a kind. It may be called from any goroutine.
func (e *Encoder) Omitted() map[string]uint64 {
	return map[string]uint64{"not_finite": e.notFinite.Load(), "invalid": e.invalid.Load()}
}

// Append appends s as one line, with its newline, and returns the extended buffer. time is in UTC with as many digits of the second as it has. Numbers
// are written whole, up to 2^64-1: a reader that takes them for doubles sees those beyond 2^53 rounded. Octets that are no UTF-8 become U+FFFD. Tags
// without a name or value are left out.
//
// The error is ErrNoMeasurement or ErrNoFields; dst is then returned as it was.
func (e *Encoder) Append(dst []byte, s *metric.Sample) ([]byte, error) {
	if s.Measurement == "" {
		return dst, ErrNoMeasurement
	}
	start := len(dst)
	dst = append(dst, `{"measurement":`...)
	dst = appendString(dst, s.Measurement)
	dst = append(dst, `,"time":"`...)
	dst = s.At.UTC().AppendFormat(dst, time.RFC3339Nano)
	dst = append(dst, `","tags":{`...)
	empty := len(dst)
	for i := range s.Tags {
		if t := &s.Tags[i]; t.Name != "" && t.Value != "" {
			dst = appendString(dst, t.Name)
			dst = append(dst, ':')
			dst = appendString(dst, t.Value)
			dst = append(dst, ',')
		}
	}
	dst = trim(dst, empty)
	dst = append(dst, `},"fields":{`...)
	empty = len(dst)
	for i := range s.Fields {
		dst = e.appendField(dst, &s.Fields[i])
	}
	if len(dst) == empty {
		return dst[:start], ErrNoFields
	}
	return append(trim(dst, empty), "}}\n"...), nil
}

// trim takes the comma behind the last of a list's members, if it has any, off.
func trim(dst []byte, empty int) []byte {
	if len(dst) > empty {
		return dst[:len(dst)-1]
	}
	return dst
}

// appendField appends what f has to say, each with a comma behind it.
func (e *Encoder) appendField(dst []byte, f *metric.Field) []byte {
	start := len(dst)
	if f.Name == "" {
		e.invalid.Add(1)
		return dst
	}
	dst = appendName(dst, f.Name, "")
	switch f.Kind {
	case metric.Integer:
		dst = strconv.AppendInt(dst, int64(f.Num), 10)
	case metric.Unsigned, metric.Counter32, metric.Counter64:
		dst = strconv.AppendUint(dst, f.Num, 10)
	case metric.Float:
		return e.appendFloat(dst, start, math.Float64frombits(f.Num))
	case metric.String:
		dst = appendString(dst, f.Str)
	case metric.Boolean:
		dst = strconv.AppendBool(dst, f.Num != 0)
	default:
		e.invalid.Add(1)
		return dst[:start]
	}
	dst = append(dst, ',')
	if f.Verdict == counter.None || f.Kind != metric.Counter32 && f.Kind != metric.Counter64 {
		return dst
	}
	start = len(dst)
	if f.Verdict.HasRate() {
		return e.appendFloat(appendName(dst, f.Name, "_rate"), start, f.Rate)
	}
	dst = appendString(appendName(dst, f.Name, "_verdict"), f.Verdict.String())
	return append(dst, ',')
}

// appendFloat appends v to the member that begins at start, or takes that back.
func (e *Encoder) appendFloat(dst []byte, start int, v float64) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		e.notFinite.Add(1)
		return dst[:start]
	}
	return append(strconv.AppendFloat(dst, v, 'g', -1, 64), ',')
}

func appendName(dst []byte, name, suffix string) []byte {
	dst = appendString(dst, name)
	dst = append(dst[:len(dst)-1], suffix...)
	return append(dst, `":`...)
}

// appendString appends s in quotes.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	done := 0 // s[:done] is in dst
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' && c != 0x7f {
				i++
				continue
			}
			dst = append(dst, s[done:i]...)
			dst = appendEscaped(dst, c)
			i++
			done = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			dst = append(dst, s[done:i]...)
			dst = append(dst, "\uFFFD"...)
			done = i + 1
		}
		i += size
	}
	dst = append(dst, s[done:]...)
	return append(dst, '"')
}

func appendEscaped(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}
