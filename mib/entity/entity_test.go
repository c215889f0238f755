package entity_test

import (
	"errors"
	"flag"
	"slices"
	"strings"
	"testing"
	"time"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/mib/entity"
	"walkabout/mib/mibtest"
	"walkabout/snmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

var start = time.Date(2026, 5, 17, 12, 0, 0, 0, time.UTC)

// newMIB is the MIB of a machine with those sensors; nil are none that can be read.
func newMIB(t *testing.T, sensors *[]machine.Sensor) *entity.MIB {
	t.Helper()
	m, err := entity.New(entity.Options{Start: start, Machine: machine.NewGiven(machine.Given{
		Host: func(time.Time) (machine.Host, error) {
			return machine.Host{Hostname: "edge", System: "Linux", Release: "6.1.0", Hardware: "x86_64"}, nil
		},
		GivenHost: machine.GivenHost{Sensors: func(time.Time) ([]machine.Sensor, error) {
			if *sensors == nil {
				return nil, errors.New("unreadable")
			}
			return *sensors, nil
		}},
	}, nil)})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func all() []machine.Sensor {
	return []machine.Sensor{
		{Chip: "coretemp", Device: "coretemp.0", Kind: machine.Temperature, Number: 1, Label: "Package id 0", Value: 45000, Working: true},
		{Chip: "coretemp", Device: "coretemp.0", Kind: machine.Temperature, Number: 2, Value: -5000, Working: true},
		{Chip: "nct6776", Device: "nct.656", Kind: machine.Fan, Number: 1, Value: 1200, Working: true},
		{Chip: "nct6776", Device: "nct.656", Kind: machine.Fan, Number: 2},
		{Chip: "nct6776", Device: "nct.656", Kind: machine.Voltage, Number: 0, Value: 920, Working: true},
		{Chip: "psu", Device: "i2c-1", Kind: machine.Current, Number: 1, Value: 1500, Working: true},
		{Chip: "psu", Device: "i2c-1", Kind: machine.Power, Number: 1, Value: 1_250_000_000, Working: true},
		{Chip: "sht3x", Device: "i2c-2", Kind: machine.Humidity, Number: 1, Value: 40_000, Working: true},
	}
}

func walk(t *testing.T, h mib.Handler, at time.Time) []snmp.VarBind {
	t.Helper()
	return mibtest.Walk(t, h, &mib.Request{Version: snmp.V2c, At: at, Fresh: true}, entity.Roots()...)
}

func TestWalk(t *testing.T) {
	sensors := all()
	m := newMIB(t, &sensors)
	found := walk(t, m, start.Add(time.Minute))
	mibtest.Conform(t, found, mibtest.Holes{"entPhySensorValue": "not working"})
	mibtest.Golden(t, "sensors.walk", mibtest.Lines(found), *update)
	mibtest.Test(t, m, entity.Roots()...)
	served := map[string]bool{}
	for _, vb := range found {
		if o, _, ok := mibtest.Find(vb.Name); ok {
			served[o.Name] = true
		}
	}
	for _, root := range entity.Roots() {
		for _, o := range mibtest.Below(root) {
			if !served[o.Name] {
				t.Errorf("%s is not served", o.Name)
			}
		}
	}
}

// TestChange: entLastChangeTime moves when a sensor goes, and the others keep their numbers.
func TestChange(t *testing.T) {
	sensors := all()
	m := newMIB(t, &sensors)
	find := func(at time.Time, prefix string) string {
		for _, line := range mibtest.Lines(walk(t, m, at)) {
			if strings.HasPrefix(line, prefix) {
				return line
			}
		}
		return "none"
	}
	const last, fan = "1.3.6.1.2.1.47.1.4.1.0 ", "1.3.6.1.2.1.99.1.1.1.4.6 "
	if got := find(start.Add(time.Second), last); got != last+"= TimeTicks: 0" {
		t.Error(got)
	}
	if got := find(start.Add(time.Second), fan); got != fan+"= INTEGER: 1200" {
		t.Error(got)
	}
	sensors = slices.Delete(all(), 0, 1)
	if got := find(start.Add(time.Minute), last); got != last+"= TimeTicks: 6000" {
		t.Error(got)
	}
	if got := find(start.Add(time.Hour), fan); got != fan+"= INTEGER: 1200" {
		t.Error(got)
	}
	if got := find(start.Add(time.Hour), last); got != last+"= TimeTicks: 6000" {
		t.Error(got)
	}
	sensors = nil
	if got := mibtest.Lines(walk(t, m, start.Add(2*time.Hour))); len(got) != 19 {
		t.Errorf("without sensors: %q", got)
	}
}
