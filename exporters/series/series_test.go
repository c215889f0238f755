package series_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/counter"
	"walkabout/exporters/series"
	"walkabout/metric"
)

var at = time.Date(2026, 11, 21, 9, 30, 0, 123456789, time.UTC)

func port() metric.Sample {
	return metric.Sample{Measurement: "interface", At: at,
		Tags: []metric.Tag{{Name: "agent_host", Value: "192.0.2.1"}, {Name: "device", Value: "core1"}, {Name: "hostname", Value: "core1.example"},
			{Name: "ifDescr", Value: "Gi\xff"}, {Name: "ifName", Value: "ge-0/0/1"}, {Name: "my-site", Value: "a"}, {Name: "zero", Value: ""}},
		Fields: []metric.Field{
			{Name: "ifAlias", Kind: metric.String, Str: "uplink"},
			{Name: "ifPhysAddress", Kind: metric.String, Str: "00:11:22:33:44:55"},
			{Name: "ifOperStatus", Kind: metric.Integer, Num: 1},
			{Name: "ifHCInOctets", Kind: metric.Counter64, Num: 1 << 60, Rate: 12.5, Verdict: counter.OK},
			{Name: "ifInErrors", Kind: metric.Counter32, Num: 7, Verdict: counter.Reset},
			{Name: "duplex", Kind: metric.String, Str: "full"},
			{Name: "mode", Kind: metric.String, Str: "odd"},
			{Name: "hrSystemDate", Kind: metric.String, Str: "2026-11-21T11:35:00.5+01:00"},
			{Name: "localDate", Kind: metric.String, Str: "2026-11-21T10:35:00.0"},
			{Name: "noDate", Kind: metric.String, Str: "soon"},
			{Name: "negative", Kind: metric.Integer, Num: math.MaxUint64},
			{Name: "a-b.1", Kind: metric.Float, Num: math.Float64bits(0.5)},
			{Name: "1st", Kind: metric.Boolean, Num: 9},
			{Name: "rate_seconds", Kind: metric.Float, Num: math.Float64bits(30)},
			{Name: "ifIndex", Kind: metric.Integer, Num: 5},
		}}
}

var objects = map[string]series.Object{
	"ifHCInOctets": {Help: "octets"},
	"duplex":       {Form: series.Info},
	"mode":         {Form: series.StateSet, States: []string{"on", "off"}},
	"hrSystemDate": {Form: series.Time}, "localDate": {Form: series.Time}, "noDate": {Form: series.Time},
}

// show writes a row as the text format does.
func show(r *series.Row) string {
	var b strings.Builder
	for i, l := range r.Labels {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, "%s=%q", l.Name, l.Value)
	}
	b.WriteString("\n")
	for _, p := range r.Points {
		fmt.Fprintf(&b, "%s{%s=%q} %v %v %s\n", p.Name, p.Label.Name, p.Label.Value, p.Value, p.Type, p.Help)
	}
	return b.String()
}

func TestMap(t *testing.T) {
	s := port()
	ping := metric.Sample{Measurement: "ping", At: at, Tags: []metric.Tag{{Name: "device", Value: "core1"}, {Name: "job", Value: "mine"}},
		Fields: []metric.Field{{Name: "state", Kind: metric.String, Str: "up"}, {Name: "average_response_ms", Kind: metric.Float, Num: math.Float64bits(1.5)}}}
	trap := metric.Sample{Measurement: "snmp_trap", Fields: []metric.Field{{Name: "x", Kind: metric.Integer}}}
	labels := `device="core1",ifAlias="uplink",ifDescr="Gi�",ifIndex="5",ifName="ge-0/0/1",instance="192.0.2.1",job="snmp",my_site="a"` + "\n"
	body := `ifAlias{=""} 1 gauge 
ifPhysAddress{ifPhysAddress="00:11:22:33:44:55"} 1 gauge 
ifOperStatus{=""} 1 gauge 
ifHCInOctets{=""} 1.152921504606847e+18 counter octets
%sifInErrors{=""} 7 counter 
duplex_info{duplex="full"} 1 gauge 
mode{mode="on"} 0 gauge 
mode{mode="off"} 0 gauge 
mode{mode="odd"} 1 gauge 
hrSystemDate{=""} 1.7952573e+09 gauge 
localDate{=""} 1.7952573e+09 gauge 
negative{=""} -1 gauge 
a_b_1{=""} 0.5 gauge 
_1st{=""} 1 gauge 
`
	for _, test := range []struct {
		name   string
		config series.Config
		sample metric.Sample
		want   string
	}{
		{"row", series.Config{}, s, labels + fmt.Sprintf(body, "")},
		{"rates", series.Config{Rates: true}, s, labels + fmt.Sprintf(body, "ifHCInOctets_rate{=\"\"} 12.5 gauge octets\n") + "rate_seconds{=\"\"} 30 gauge \n"},
		{"ping", series.Config{}, ping, `device="core1",job="mine"` + "\nping_state{ping_state=\"up\"} 1 gauge \nping_average_response_ms{=\"\"} 1.5 gauge \n"},
		{"collector", series.Config{}, metric.Sample{Measurement: "collector", Tags: []metric.Tag{{Name: "host", Value: "noc"}}, Fields: trap.Fields}, `instance="noc",job="snmp"` + "\nx{=\"\"} 0 gauge \n"},
		{"trap", series.Config{}, trap, "\n"},
		{"alert", series.Config{}, metric.Sample{Measurement: "alert", Fields: trap.Fields}, "\n"},
	} {
		test.config.Objects, test.config.Constant = objects, []series.Label{{Name: "job", Value: "snmp"}}
		m := series.New(test.config)
		for range 2 { // the second time from what is remembered
			row := m.Map(&test.sample)
			if diff := cmp.Diff(test.want, show(row)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.name, diff)
			}
		}
	}
	none := series.New(series.Config{Labels: []string{}}).Map(&s)
	if got := show(none); strings.Contains(got, `ifIndex="5"`) || !strings.Contains(got, "ifIndex{=\"\"} 5 gauge") || !strings.Contains(got, `ifAlias{ifAlias="uplink"} 1`) {
		t.Errorf("without labels of fields:\n%s", got)
	}
}

func FuzzName(f *testing.F) {
	for _, name := range []string{"", "ifName", "1", "a-b", "é", "__name__", "\xff"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got := series.Name(name)
		if got == "" || series.Name(got) != got || strings.Trim(got, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") != "" || got[0] >= '0' && got[0] <= '9' {
			t.Errorf("%q becomes %q", name, got)
		}
	})
}
