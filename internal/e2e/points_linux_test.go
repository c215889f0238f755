//go:build interop

package e2e

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"walkabout/internal/interop"
	"walkabout/metric"
	"walkabout/spool"
)

// point is one of InfluxDB's. Numbers are json.Number, texts string.
type point struct {
	at     time.Time
	fields map[string]any
	took   time.Duration // the poll, which began at that time
}

// series is all points of one set of tags, in the order of their time.
type series struct {
	tags   map[string]string
	points []point
}

// database is InfluxDB, and the folder of the spool that it is fed from if a collection writes to it.
type database struct {
	*interop.InfluxDB
	spool string
}

func newInfluxDB(t *testing.T) *database {
	t.Helper()
	d := interop.StartInfluxDB(t)
	d.Query("", "CREATE DATABASE snmp")
	return &database{InfluxDB: d}
}

// durations returns how long the polls of a device took, by the nanoseconds of their start. The collector must have ended.
func (d *database) durations(t *testing.T, device string) map[int64]time.Duration {
	t.Helper()
	out := map[int64]time.Duration{}
	err := spool.Scan(d.spool, "", func(r spool.Record) error {
		b, err := metric.Decode(r.Data())
		if err != nil || b.Device != device {
			return err
		}
		for _, s := range b.Samples {
			for _, f := range s.Fields {
				if s.Measurement == metric.PollMeasurement && f.Name == "duration_seconds" {
					out[b.At.UnixNano()] = time.Duration(math.Float64frombits(f.Num) * float64(time.Second))
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// read returns all that a device has in a measurement of the database snmp.
func read(t *testing.T, d *database, measurement, device string) []series {
	t.Helper()
	var out []series
	var took map[int64]time.Duration
	if d.spool != "" {
		took = d.durations(t, device)
	}
	for _, s := range d.Query("snmp", `SELECT * FROM "`+measurement+`" WHERE device = '`+device+`' GROUP BY *`) {
		one := series{tags: s.Tags}
		for _, row := range s.Values {
			p := point{fields: map[string]any{}}
			for i, name := range s.Columns {
				switch {
				case name == "time":
					n, err := row[i].(json.Number).Int64()
					if err != nil {
						t.Fatal(err)
					}
					p.at = time.Unix(0, n)
					var known bool
					if p.took, known = took[n]; !known && took != nil {
						t.Errorf("%s: the spool has no poll of %v", device, p.at)
					}
				case row[i] != nil:
					p.fields[name] = row[i]
				}
			}
			one.points = append(one.points, p)
		}
		out = append(out, one)
	}
	return out
}

// interfaceSeries returns that of the interface of this name. The test fails unless there is exactly one.
func interfaceSeries(t *testing.T, d *database, device, ifName string) series {
	t.Helper()
	all := read(t, d, "interface", device)
	all = slices.DeleteFunc(all, func(s series) bool { return s.tags["ifName"] != ifName })
	if len(all) != 1 {
		var tags []map[string]string
		for _, s := range all {
			tags = append(tags, s.tags)
		}
		t.Fatalf("%s %s has %d series: %v", device, ifName, len(all), tags)
	}
	return all[0]
}

// number returns a field's value, and whether the point has it.
func (p point) number(t *testing.T, name string) (float64, bool) {
	t.Helper()
	v, ok := p.fields[name]
	if !ok {
		return 0, false
	}
	f, err := v.(json.Number).Float64()
	if err != nil {
		t.Fatal(err)
	}
	return f, true
}

// count returns a counter's value, and whether the point has it.
func (p point) count(t *testing.T, name string) (uint64, bool) {
	t.Helper()
	v, ok := p.fields[name]
	if !ok {
		return 0, false
	}
	n, err := v.(json.Number).Int64()
	if err != nil {
		t.Fatal(err)
	}
	return uint64(n), true
}

// verdict returns why a counter has no rate, "" if it has one.
func (p point) verdict(name string) string {
	v, _ := p.fields[name+"_verdict"].(string)
	return v
}

// verdicts returns a counter's verdicts, poll by poll, with repetitions left out.
func (s series) verdicts(name string) []string {
	var out []string
	for _, p := range s.points {
		if _, ok := p.fields[name]; !ok {
			continue
		}
		v := p.verdict(name)
		if v == "" {
			v = "rate"
		}
		out = append(out, v)
	}
	return slices.Compact(out)
}

// counters returns the names of the series' counters: fields that have a rate or a verdict beside them.
func (s series) counters() []string {
	seen := map[string]bool{}
	var out []string
	for _, p := range s.points {
		for name := range p.fields {
			name, ok := strings.CutSuffix(name, "_rate")
			if !ok {
				name, ok = strings.CutSuffix(name, "_verdict")
			}
			if ok && !seen[name] {
				seen[name] = true
				out = append(out, name)
			}
		}
	}
	slices.Sort(out)
	return out
}

// narrow reports whether the counter of this name is a Counter32.
func narrow(name string) bool { return !strings.Contains(name, "HC") }

// slack is by how much the time of a reading may be wrong beyond the length of its poll: agents answer from readings that are a moment old, and tell their
// time in hundredths of a second.
const slack = 2*reuse + 20*time.Millisecond

// audit checks every number of a series against its own raw values: each counter has a rate or a verdict and never both, and a rate is the
// difference to the last reading that was no repetition, over the time between.
func (s series) audit(t *testing.T) {
	t.Helper()
	rates := 0
	var base *point
	for i := range s.points {
		p := &s.points[i]
		for _, name := range s.counters() {
			raw, has := p.count(t, name)
			rate, rated := p.number(t, name+"_rate")
			verdict := p.verdict(name)
			if (rated || verdict != "") != has || rated && verdict != "" {
				t.Errorf("%v %s at %v: value %v (%t), rate %v (%t), verdict %q", s.tags, name, p.at, raw, has, rate, rated, verdict)
			}
			if rated {
				rates++
				s.auditRate(t, name, base, p, rate)
			}
		}
		if base == nil || !s.repeats(*base, *p) {
			base = p
		}
	}
	if rates == 0 {
		t.Errorf("%v: not one rate in %d points", s.tags, len(s.points))
	}
}

// repeats reports whether a point is stale: all its counters are said to be, and none differs from the point before.
func (s series) repeats(before, p point) bool {
	for _, name := range s.counters() {
		if _, has := p.fields[name]; has && (p.verdict(name) != "stale" || p.fields[name] != before.fields[name]) {
			return false
		}
	}
	return true
}

func (s series) auditRate(t *testing.T, name string, base, p *point, rate float64) {
	t.Helper()
	if base == nil {
		t.Errorf("%v %s at %v: a rate of %v without a reading before it", s.tags, name, p.at, rate)
		return
	}
	before, _ := base.count(t, name)
	now, _ := p.count(t, name)
	diff := now - before
	if narrow(name) {
		diff = uint64(uint32(diff))
	} else if now < before {
		t.Errorf("%v %s at %v: a rate of %v although it fell from %d to %d", s.tags, name, p.at, rate, before, now)
		return
	}
	// Each was read at some time from the start of its poll to the end.
	passed := p.at.Sub(base.at)
	longest, shortest := passed+p.took+slack, passed-base.took-slack
	if rate < float64(diff)/longest.Seconds() || shortest > 0 && rate > float64(diff)/shortest.Seconds() {
		t.Errorf("%v %s at %v: rate %v, but it went from %d to %d in %v, by polls of %v and %v", s.tags, name, p.at, rate, before, now, passed, base.took, p.took)
	}
}

func within(got, want, tolerance float64) bool {
	return math.Abs(got-want) <= tolerance*math.Abs(want)
}
