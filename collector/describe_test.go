package collector_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"walkabout/collector"
	"walkabout/collector/smi"
	"walkabout/snmp/oid"
)

func TestFieldsAndIntervals(t *testing.T) {
	p, err := collector.ParseProfile([]byte(`
about: test
interval: 1m
scalars:
  - measurement: one
    objects: [{name: a, oid: 1.3.6.1.4.1.1.1, type: gauge}]
tables:
  - measurement: two
    interval: 5m
    index: {name: n}
    columns:
      - {name: tagged, oid: 1.3.6.1.4.1.1.2.1.1, type: string, tag: true}
      - {name: state, oid: 1.3.6.1.4.1.1.2.1.2, type: enum, labels: {2: down, 1: up}}
`), smi.BuiltIn())
	if err != nil {
		t.Fatal(err)
	}
	want := []collector.FieldInfo{
		{Name: "a", OID: oid.MustParse("1.3.6.1.4.1.1.1"), Type: collector.TypeGauge},
		{Name: "state", OID: oid.MustParse("1.3.6.1.4.1.1.2.1.2"), Type: collector.TypeEnum, Labels: []string{"up", "down"}},
	}
	if diff := cmp.Diff(want, p.Fields(), cmpopts.EquateComparable(oid.OID{})); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	for interval, want := range map[time.Duration]map[string]time.Duration{
		30 * time.Second: {"one": time.Minute, "two": 5 * time.Minute},
		time.Hour:        {"one": time.Hour, "two": time.Hour},
	} {
		if diff := cmp.Diff(want, p.Intervals(interval)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", interval, diff)
		}
	}
}
