package sim

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"walkabout/snmp"
)

// variation is what one of snmpsim's variation modules does to an object. The zero variation is none.
type variation struct {
	numeric *changing
	refused bool // reading it is genErr
	delay   *delay
}

// errAbsent is of a line that says that the object is not there.
var errAbsent = errors.New("not there")

// variations are the modules that newVariation knows.
var variations = map[string]bool{"numeric": true, "delay": true, "error": true, "notification": true, "writecache": true}

// newVariation returns what module, one of variations, does by its options, and the object's value where that stands still.
func newVariation(module string, k snmp.Kind, text string) (variation, snmp.Value, error) {
	options := map[string]string{}
	for _, option := range splitOptions(text, ",") {
		if kv := splitOptions(option, "="); len(kv) > 1 {
			options[strings.TrimSpace(kv[0])] = kv[1]
		}
	}
	switch module {
	case "numeric":
		n, err := newNumeric(k, options)
		return variation{numeric: n}, snmp.Integer(0), err
	case "delay":
		v, err := standing(k, options)
		if err != nil {
			return variation{}, v, err
		}
		d, err := newDelay(options)
		return variation{delay: d}, v, err
	case "error", "writecache":
		if options["status"] != "" && options["op"] != "set" {
			return refusal(options["status"])
		}
	}
	v, err := standing(k, options)
	return variation{}, v, err
}

// splitOptions splits as snmpsim does: by the separator three times, else twice, else once, so that what it separates may contain fewer.
func splitOptions(s, separator string) []string {
	for n := 3; n > 1; n-- {
		if long := strings.Repeat(separator, n); strings.Contains(s, long) {
			return strings.Split(s, long)
		}
	}
	return strings.Split(s, separator)
}

// refusal is of an object whose reading ends with status.
func refusal(status string) (variation, snmp.Value, error) {
	switch strings.ToLower(status) {
	case "nosuchobject", "nosuchinstance", "endofmib":
		return variation{}, snmp.Null, errAbsent
	}
	return variation{refused: true}, snmp.Integer(0), nil
}

// standing returns the value that options give.
func standing(k snmp.Kind, options map[string]string) (snmp.Value, error) {
	if text, ok := options["hexvalue"]; ok {
		octets, err := hex.DecodeString(text)
		if err != nil {
			return snmp.Null, fmt.Errorf("hexvalue %q is not hexadecimal", clip(text))
		}
		return recorded(k, string(octets), true)
	}
	text, ok := options["value"]
	if !ok {
		return snmp.Null, errors.New("neither value nor hexvalue is given")
	}
	return recorded(k, text, false)
}

// changing is a number that changes with time, as snmpsim's module numeric has it: initial + scale × function(rate × seconds) + offset ± deviation,
// within least and most. If it is cumulative it goes on evenly instead, by what it would gain in the mean, so that its rate is known.
type changing struct {
	kind                             snmp.Kind
	initial, scale, rate, offset     float64
	deviation, least, most           float64
	function                         func(seconds float64) float64
	identity, cumulative, wrap, wall bool // wall: seconds are since 1970
}

func newNumeric(k snmp.Kind, options map[string]string) (*changing, error) {
	n := &changing{kind: k, scale: 1, rate: 1, most: math.MaxUint32}
	switch k {
	case snmp.KindInteger:
		n.most = math.MaxInt32
	case snmp.KindCounter64:
		n.most = math.MaxUint64
	case snmp.KindCounter32, snmp.KindGauge32, snmp.KindTimeTicks, snmp.KindOctetString:
	default:
		return nil, fmt.Errorf("a %v is no number", k)
	}
	given := map[string]*float64{"initial": &n.initial, "scale": &n.scale, "rate": &n.rate, "offset": &n.offset, "deviation": &n.deviation, "min": &n.least, "max": &n.most}
	var flag float64
	for name, text := range options {
		to := given[name]
		switch name {
		case "function":
			continue
		case "cumulative", "wrap", "atime":
			to = &flag
			n.cumulative, n.wrap, n.wall = n.cumulative || name == "cumulative", n.wrap || name == "wrap", n.wall || name == "atime"
		}
		if to == nil {
			return nil, fmt.Errorf("the module numeric has no option %q", clip(name))
		}
		var err error
		if *to, err = strconv.ParseFloat(strings.TrimSpace(text), 64); err != nil || math.IsNaN(*to) || math.IsInf(*to, 0) {
			return nil, fmt.Errorf("%s %q is no number", name, clip(text))
		}
	}
	if _, ok := options["initial"]; !ok {
		n.initial = n.least
	}
	if n.least > n.most {
		return nil, fmt.Errorf("min %v is above max %v", n.least, n.most)
	}
	var err error
	n.function, n.identity, err = newFunction(options["function"])
	return n, err
}

// newFunction returns the function of a name, with its arguments behind it as in "pow%<time>%2".
func newFunction(text string) (f func(float64) float64, identity bool, err error) {
	name, rest, _ := strings.Cut(text, "%")
	one := map[string]func(float64) float64{"": func(x float64) float64 { return x }, "sin": math.Sin, "cos": math.Cos, "tan": math.Tan, "exp": math.Exp, "log": math.Log,
		"log10": math.Log10, "sqrt": math.Sqrt, "fabs": math.Abs, "floor": math.Floor, "ceil": math.Ceil}
	two := map[string]func(x, y float64) float64{"pow": math.Pow, "fmod": math.Mod, "hypot": math.Hypot, "atan2": math.Atan2}
	arguments := []string{"<time>"}
	if rest != "" {
		arguments = strings.Split(rest, "%")
	}
	values := make([]func(t float64) float64, len(arguments))
	for i, a := range arguments {
		number, err := strconv.ParseFloat(a, 64)
		if err != nil && a != "<time>" {
			return nil, false, fmt.Errorf("the argument %q of a function is no number, nor <time>", clip(a))
		}
		values[i] = func(t float64) float64 {
			if a == "<time>" {
				return t
			}
			return number
		}
	}
	switch {
	case one[name] != nil && len(values) == 1:
		return func(t float64) float64 { return one[name](values[0](t)) }, name == "" && arguments[0] == "<time>", nil
	case two[name] != nil && len(values) == 2:
		return func(t float64) float64 { return two[name](values[0](t), values[1](t)) }, false, nil
	}
	return nil, false, fmt.Errorf("unknown function %q", clip(text))
}

// value returns the number at now, when it has changed for age.
func (n *changing) value(age time.Duration, now time.Time) snmp.Value {
	seconds := max(0, age.Seconds())
	x := n.initial
	if n.cumulative {
		gain := n.offset * n.rate
		if n.identity {
			gain += n.scale * n.rate
		}
		x += max(0, gain) * seconds
	} else {
		if n.wall {
			seconds = float64(now.UnixNano()) / 1e9
		}
		x += n.scale*n.function(seconds*n.rate) + n.offset + n.deviation*(2*rand.Float64()-1)
	}
	switch {
	case x > n.most && (n.wrap || n.cumulative):
		x = n.least + math.Mod(x-n.least, n.most-n.least+1)
	case !(x >= n.least): // or no number
		x = n.least
	}
	x = min(x, n.most)
	switch n.kind {
	case snmp.KindInteger:
		return snmp.Integer(int32(max(math.MinInt32, min(x, math.MaxInt32))))
	case snmp.KindCounter64:
		if x >= math.MaxUint64 {
			return snmp.Counter64(math.MaxUint64)
		}
		return snmp.Counter64(uint64(max(0, x)))
	case snmp.KindOctetString:
		return snmp.OctetString(strconv.FormatFloat(x, 'f', 2, 64))
	}
	whole := uint32(max(0, min(x, math.MaxUint32)))
	switch n.kind {
	case snmp.KindCounter32:
		return snmp.Counter32(whole)
	case snmp.KindTimeTicks:
		return snmp.TimeTicks(whole)
	}
	return snmp.Gauge32(whole)
}

// delay is for how long an answer with the object is held back.
type delay struct {
	wait, deviation time.Duration
	times           []timedWait
}

// timedWait holds in place of wait where the time in seconds since 1970 is less than, equal to or greater than at.
type timedWait struct {
	order int // as of cmp.Compare
	at    int64
	wait  time.Duration
}

const (
	defaultDelay = 500 * time.Millisecond
	// longestDelay is the longest that is no loss.
	longestDelay = 99_999 * time.Millisecond
	farDelay     = 24 * time.Hour
)

func newDelay(options map[string]string) (*delay, error) {
	d := &delay{wait: defaultDelay}
	for name, to := range map[string]*time.Duration{"wait": &d.wait, "deviation": &d.deviation} {
		if text, ok := options[name]; ok {
			var err error
			if *to, err = milliseconds(text); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	list := options["tlist"]
	if list == "" {
		return d, nil
	}
	parts := splitOptions(list, ":")
	if len(parts)%3 != 0 {
		return nil, fmt.Errorf("tlist %q is not of the form ORDER:SECONDS:MILLISECONDS", clip(list))
	}
	orders := map[string]int{"lt": -1, "eq": 0, "gt": 1}
	for ; len(parts) > 0; parts = parts[3:] {
		order, ok := orders[parts[0]]
		at, errAt := strconv.ParseInt(parts[1], 10, 64)
		wait, errWait := milliseconds(parts[2])
		if !ok || errAt != nil || errWait != nil {
			return nil, fmt.Errorf("tlist %q is not of the form ORDER:SECONDS:MILLISECONDS", clip(list))
		}
		d.times = append(d.times, timedWait{order, at, wait})
	}
	return d, nil
}

func milliseconds(text string) (time.Duration, error) {
	f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || !(f >= 0) {
		return 0, fmt.Errorf("%q is no number of milliseconds", clip(text))
	}
	return time.Duration(min(f*float64(time.Millisecond), float64(farDelay))), nil
}

// at returns how long to wait with an answer at now.
func (d *delay) at(now time.Time) time.Duration {
	wait := d.wait
	for _, t := range d.times {
		if cmp.Compare(now.Unix(), t.at) == t.order {
			wait = t.wait
			break
		}
	}
	return max(0, wait+time.Duration(float64(d.deviation)*(2*rand.Float64()-1)))
}
