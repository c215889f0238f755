package sinks

import (
	"context"
	"encoding/json"
	"math"
	"time"

	"walkabout/alert"
	"walkabout/metric"
	"walkabout/spool"
)

// eventMeasurement is the measurement of alerts' transitions.
const eventMeasurement = "alert"

// eventsTimeout is how long Events waits for a disk.
const eventsTimeout = 5 * time.Second

// Events puts every transition into s, from which the outputs take it, as a sample of the measurement alert, and waits until it is on disk.
func Events(s *spool.Spool) func([]alert.Transition) {
	return func(ts []alert.Transition) {
		for i := range ts {
			// Several of one series at one moment would take each other's place: nanoseconds tell them apart, the same ones whenever it is told again.
			at := ts[i].At.Truncate(time.Millisecond).Add(time.Duration(ts[i].Number % uint64(time.Millisecond)))
			// What the spool refuses, it counts.
			_ = s.Put(metric.Append(nil, metric.Batch{Device: ts[i].Device, At: at, Samples: []metric.Sample{Event(&ts[i], at)}}))
		}
		ctx, cancel := context.WithTimeout(context.Background(), eventsTimeout)
		defer cancel()
		_ = s.Sync(ctx)
	}
}

// fieldLabels are labels that may change while an alert lives, so that they are fields.
var fieldLabels = map[string]bool{"ifAlias": true, "sysLocation": true}

// Event returns t as a sample. docs/alerts.md tells of its tags and fields.
func Event(t *alert.Transition, at time.Time) metric.Sample {
	s := metric.Sample{Measurement: eventMeasurement, At: at}
	text := func(name, value string) {
		if value != "" {
			s.Fields = append(s.Fields, metric.Field{Name: name, Kind: metric.String, Str: value})
		}
	}
	tags := map[string]string{"device": t.Device, "rule": t.Rule, "kind": t.Kind, "severity": t.Severity, "key": t.Key}
	for name, value := range t.Labels {
		if _, taken := tags[name]; !taken && !fieldLabels[name] {
			tags[name] = value
		}
	}
	for name, value := range tags {
		if value != "" {
			s.Tags = append(s.Tags, metric.Tag{Name: name, Value: value})
		}
	}
	metric.SortTags(s.Tags)
	firing := uint64(0)
	if t.State == alert.Firing {
		firing = 1
	}
	s.Fields = append(s.Fields, metric.Field{Name: "firing", Kind: metric.Integer, Num: firing})
	text("state", t.State.String())
	text("from", t.From.String())
	text("reason", string(t.Reason))
	text("summary", t.Summary)
	text("id", t.ID)
	text("fingerprint", t.Fingerprint)
	text("since", t.Since.Format(time.RFC3339Nano))
	text("ifAlias", t.Labels["ifAlias"])
	text("sysLocation", t.Labels["sysLocation"])
	if values, err := json.Marshal(t.Values); err == nil && len(t.Values) > 0 {
		text("values", string(values))
	}
	s.Fields = append(s.Fields, metric.Field{Name: "observed_seconds", Kind: metric.Float, Num: math.Float64bits(t.Observed.Seconds())},
		flag("flapping", t.Flapping), flag("quiet", t.Quiet))
	return s
}

func flag(name string, v bool) metric.Field {
	f := metric.Field{Name: name, Kind: metric.Boolean}
	if v {
		f.Num = 1
	}
	return f
}
