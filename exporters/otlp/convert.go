package otlp

import (
	"math"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"

	"walkabout/counter"
	"walkabout/metric"
)

// The tags that are of a device as a whole, and so attributes of the resource.
const (
	deviceTag    = "device"
	agentHostTag = "agent_host"
	hostnameTag  = "hostname"
)

// device is what a resource is made of. Renames may have taken any of it away, so all of it tells devices apart.
type device struct{ name, agentHost, hostname string }

func deviceOf(s *metric.Sample) device {
	return device{s.Tag(deviceTag), s.Tag(agentHostTag), s.Tag(hostnameTag)}
}

// discontinuityField is IF-MIB's ifCounterDiscontinuityTime: sysUpTime when counters of the interface last began anew, in hundredths of a second.
const discontinuityField = "ifCounterDiscontinuityTime"

// converted is the metrics of one device while they are put together.
type converted struct {
	scopes  []metricdata.ScopeMetrics
	byScope map[string]int
	byName  map[metricKey]int // to a place in the scope
	points  int
}

type metricKey struct {
	scope int
	name  string
	kind  shape
}

// shape is a form of metric.
type shape uint8

const (
	gaugeInt shape = iota
	gaugeFloat
	sumInt
)

// convert returns samples of batch, which are one device's, as metrics, and how many points those have.
func (e *Exporter) convert(batch []metric.Sample, samples []int) (*metricdata.ResourceMetrics, int) {
	c := converted{byScope: map[string]int{}, byName: map[metricKey]int{}}
	for _, i := range samples {
		e.add(&c, &batch[i])
	}
	return &metricdata.ResourceMetrics{Resource: resourceOf(&batch[samples[0]]), ScopeMetrics: c.scopes}, c.points
}

// resourceOf returns the device of s. service.name and service.instance.id are what OpenTelemetry wants a resource to have; Prometheus makes job and
// instance of them.
func resourceOf(s *metric.Sample) *resource.Resource {
	attributes := []attribute.KeyValue{attribute.String("service.name", "snmpcollect")}
	for _, name := range []string{deviceTag, agentHostTag, hostnameTag} {
		if v := s.Tag(name); v != "" {
			attributes = append(attributes, attribute.String(name, valid(v)))
			if name == deviceTag {
				attributes = append(attributes, attribute.String("service.instance.id", valid(v)))
			}
		}
	}
	return resource.NewSchemaless(attributes...)
}

// add adds the points of s.
//
//   - A counter NAME is a cumulative monotonic sum that began when its agent did, or at its last discontinuity, and its rate a gauge NAME_rate.
//     There is no point where there is no rate.
//   - Other numbers are gauges, truth values 0 and 1.
//   - Texts are left out.
func (e *Exporter) add(c *converted, s *metric.Sample) {
	var tags []attribute.KeyValue
	for _, t := range s.Tags {
		switch t.Name {
		case "", deviceTag, agentHostTag, hostnameTag:
		default:
			if t.Value != "" {
				tags = append(tags, attribute.String(valid(t.Name), valid(t.Value)))
			}
		}
	}
	p := point{converted: c, scope: c.scope(valid(s.Measurement)), at: s.At, start: e.starts.of(s), set: attribute.NewSet(tags...)}
	for i := range s.Fields {
		f := &s.Fields[i]
		switch f.Kind {
		case metric.Integer:
			p.int(gaugeInt, f.Name, int64(f.Num))
		case metric.Boolean:
			p.int(gaugeInt, f.Name, int64(min(f.Num, 1)))
		case metric.Unsigned:
			e.unsigned(p, gaugeInt, f)
		case metric.Counter32, metric.Counter64:
			e.unsigned(p, sumInt, f)
			if f.Verdict != counter.None && f.Verdict.HasRate() {
				e.float(p, f.Name+"_rate", f.Rate)
			}
		case metric.Float:
			e.float(p, f.Name, math.Float64frombits(f.Num))
		case metric.String:
			e.text.Add(1)
		}
	}
}

func (e *Exporter) unsigned(p point, kind shape, f *metric.Field) {
	if f.Num > math.MaxInt64 {
		e.overflow.Add(1)
		return
	}
	p.int(kind, f.Name, int64(f.Num))
}

func (e *Exporter) float(p point, name string, v float64) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		e.notFinite.Add(1)
		return
	}
	data := p.metric(gaugeFloat, name)
	g, _ := data.Data.(metricdata.Gauge[float64])
	g.DataPoints = append(g.DataPoints, metricdata.DataPoint[float64]{Attributes: p.set, Time: p.at, Value: v})
	data.Data = g
}

// point is what the points of one sample have in common.
type point struct {
	*converted
	scope     int
	at, start time.Time
	set       attribute.Set
}

func (p point) int(kind shape, name string, v int64) {
	data := p.metric(kind, name)
	d := metricdata.DataPoint[int64]{Attributes: p.set, Time: p.at, Value: v}
	if kind == gaugeInt {
		g, _ := data.Data.(metricdata.Gauge[int64])
		g.DataPoints = append(g.DataPoints, d)
		data.Data = g
		return
	}
	d.StartTime = p.start
	sum, _ := data.Data.(metricdata.Sum[int64])
	sum.Temporality, sum.IsMonotonic = metricdata.CumulativeTemporality, true
	sum.DataPoints = append(sum.DataPoints, d)
	data.Data = sum
}

// metric returns the metric of that form and name, to which a point will be added.
func (p point) metric(kind shape, name string) *metricdata.Metrics {
	p.points++
	key := metricKey{p.scope, name, kind}
	scope := &p.scopes[p.scope]
	i, ok := p.byName[key]
	if !ok {
		i = len(scope.Metrics)
		p.byName[key] = i
		scope.Metrics = append(scope.Metrics, metricdata.Metrics{Name: valid(name)})
	}
	return &scope.Metrics[i]
}

func (c *converted) scope(measurement string) int {
	i, ok := c.byScope[measurement]
	if !ok {
		i = len(c.scopes)
		c.byScope[measurement] = i
		c.scopes = append(c.scopes, metricdata.ScopeMetrics{Scope: instrumentation.Scope{Name: measurement}})
	}
	return i
}
