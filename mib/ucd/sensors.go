package ucd

import (
	"context"
	"fmt"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// The tables.
const (
	lmTempSensors = 2
	lmFanSensors  = 3
	lmVoltSensors = 4
	lmMiscSensors = 5
)

const (
	lmSensorsIndex           = 1
	lmSensorsDevice          = 2
	lmSensorsValue           = 3
	lmTempSensorsTemperature = 4
)

// sensorTables are the tables of LM-SENSORS-MIB, by what they have: the others have temperatures, fans and voltages, in thousandths of a
// degree, revolutions a minute and millivolts, and the last what is left, in thousandths of an ampere, a watt, a percent.
func (m *MIB) sensorTables() []mib.Group {
	kinds := []struct {
		table uint32
		of    func(k machine.SensorKind) bool
	}{
		{lmTempSensors, func(k machine.SensorKind) bool { return k == machine.Temperature }},
		{lmFanSensors, func(k machine.SensorKind) bool { return k == machine.Fan }},
		{lmVoltSensors, func(k machine.SensorKind) bool { return k == machine.Voltage }},
		{lmMiscSensors, func(k machine.SensorKind) bool { return k > machine.Voltage }},
	}
	var groups []mib.Group
	for _, k := range kinds {
		columns := []uint32{lmSensorsIndex, lmSensorsDevice, lmSensorsValue}
		if k.table == lmTempSensors {
			columns = append(columns, lmTempSensorsTemperature)
		}
		groups = append(groups, mib.Group{Entry: lmSensors.Append(k.table, 1), Columns: columns, Open: m.openSensors(k.table, k.of)})
	}
	return groups
}

// sensor is a row of one of the tables.
type sensor struct {
	*machine.Sensor
	number uint32
}

func (m *MIB) openSensors(table uint32, of func(k machine.SensorKind) bool) func(ctx context.Context, q *mib.Request) mib.Snapshot {
	return func(ctx context.Context, q *mib.Request) mib.Snapshot {
		q.Slow()
		list, err := m.reading(q).Sensors(ctx)
		if err != nil {
			return mib.Snapshot{}
		}
		var rows []sensor
		var names []string
		for i := range list {
			if s := &list[i]; of(s.Kind) {
				rows, names = append(rows, sensor{Sensor: s}), append(names, fmt.Sprintf("%s %s %d %d", s.Chip, s.Device, s.Kind, s.Number))
			}
		}
		for i, n := range m.sensors[table].Of(names) {
			rows[i].number = n
		}
		return mib.NewTable(rows, func(row *sensor) oid.OID { return oid.New(row.number) }).Snapshot(sensorCell)
	}
}

func sensorCell(row *sensor, column uint32) (snmp.Value, bool) {
	value := row.Value
	if row.Kind == machine.Power { // which the kernel has in microwatts
		value /= 1000
	}
	switch {
	case column == lmSensorsIndex:
		return integer(int64(row.number))
	case column == lmSensorsDevice:
		return text(row.Name())
	case !row.Working:
		return none()
	case column == lmTempSensorsTemperature:
		return integer(value)
	default: // a Gauge32, which is why temperatures below zero have a column of their own
		return snmp.Gauge32(uint32(min(value, 1<<32-1))), value >= 0
	}
}
