package entity

import (
	"context"
	"slices"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/snmp"
)

const (
	entPhySensorType            = 1
	entPhySensorScale           = 2
	entPhySensorPrecision       = 3
	entPhySensorValue           = 4
	entPhySensorOperStatus      = 5
	entPhySensorUnitsDisplay    = 6
	entPhySensorValueTimeStamp  = 7
	entPhySensorValueUpdateRate = 8
)

// EntitySensorDataScale.
const (
	scaleMilli = 8
	scaleUnits = 9
)

// quantity is how a kind of sensor is told.
type quantity struct {
	kind  int32 // EntitySensorDataType
	scale int32
	per   int64 // what the kernel's figure is divided by
	units string
}

var quantities = map[machine.SensorKind]quantity{
	machine.Temperature: {8, scaleMilli, 1, "millidegrees Celsius"},
	machine.Fan:         {10, scaleUnits, 1, "revolutions per minute"},
	machine.Voltage:     {4, scaleMilli, 1, "millivolts"},
	machine.Current:     {5, scaleMilli, 1, "milliamperes"},
	machine.Power:       {6, scaleMilli, 1000, "milliwatts"},
	machine.Humidity:    {9, scaleMilli, 1, "thousandths of a percent of relative humidity"},
}

func (m *MIB) sensorTable() mib.Group {
	return mib.Group{
		Entry: entPhySensor.Append(1),
		Columns: []uint32{
			entPhySensorType, entPhySensorScale, entPhySensorPrecision, entPhySensorValue, entPhySensorOperStatus, entPhySensorUnitsDisplay,
			entPhySensorValueTimeStamp, entPhySensorValueUpdateRate,
		},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			rows := slices.DeleteFunc(m.entities(ctx, q), func(row physical) bool { return row.sensor == nil })
			read := m.ticks(q.At)
			return mib.NewTable(rows, indexOf).Snapshot(func(row *physical, column uint32) (snmp.Value, bool) {
				if column == entPhySensorValueTimeStamp {
					return read, true
				}
				return sensorCell(row.sensor, column)
			})
		},
	}
}

func sensorCell(s *machine.Sensor, column uint32) (snmp.Value, bool) {
	q := quantities[s.Kind]
	switch column {
	case entPhySensorType:
		return snmp.Integer(q.kind), true
	case entPhySensorScale:
		return snmp.Integer(q.scale), true
	case entPhySensorPrecision:
		return snmp.Integer(0), true
	case entPhySensorValue:
		const most = 1_000_000_000 // RFC 3433: as much as, or more than, can be told
		return mib.Integer(min(max(s.Value/q.per, -most), most)), s.Working
	case entPhySensorOperStatus:
		const ok, nonoperational = 1, 3
		if !s.Working {
			return snmp.Integer(nonoperational), true
		}
		return snmp.Integer(ok), true
	case entPhySensorUnitsDisplay:
		return snmp.OctetString(q.units), true
	case entPhySensorValueUpdateRate: // milliseconds; 0 is read when asked
		return snmp.Gauge32(2000), true
	}
	return snmp.Value{}, false
}
