package web

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// FieldInfo is what is known of a field, beside its values.
type FieldInfo struct {
	Unit   string           // as Column.Unit
	Factor float64          // what values are multiplied by to be of Unit; 0 is 1
	Labels map[int64]string // the names of an enumeration's numbers
}

// Describe says what fields are, by their names. What is not among them is shown as it is.
func (m *Memory) Describe(fields map[string]FieldInfo) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fields = fields
}

func (m *Memory) described() map[string]FieldInfo {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.fields
}

// written returns a cell in the unit of its column, or the name of its number.
func (f *FieldInfo) written(c Cell) Cell {
	switch v := c.(type) {
	case int64:
		if name, ok := f.Labels[v]; ok {
			return fmt.Sprintf("%s(%d)", name, v)
		}
		return f.scaled(c, float64(v))
	case uint64:
		if name, ok := f.Labels[int64(min(v, math.MaxInt64))]; ok {
			return fmt.Sprintf("%s(%d)", name, v)
		}
		return f.scaled(c, float64(v))
	case float64:
		return f.scaled(c, v)
	}
	return c
}

func (f *FieldInfo) scaled(c Cell, v float64) Cell {
	if f.Factor == 0 || f.Factor == 1 {
		return c
	}
	return finite(v * f.Factor)
}

// Storage is counted in units of each row (HOST-RESOURCES-MIB, hrStorageEntry).
const (
	storageUnit = "hrStorageAllocationUnits"
	storageSize = "hrStorageSize"
	storageUsed = "hrStorageUsed"
	usedShare   = "used"
)

// place returns where the column is, or -1.
func (t *Table) place(column string) int {
	return slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == column })
}

// storage makes octets of what is told in allocation units, and adds a column with the share that is used, behind the first: a phone shows both.
func (t *Table) storage(rows [][]Cell) {
	unit, size, used := t.place(storageUnit), t.place(storageSize), t.place(storageUsed)
	if unit < 0 || size < 0 || used < 0 {
		return
	}
	for _, at := range []int{size, used} {
		t.Columns[at].Unit = "B"
	}
	t.Columns = slices.Insert(t.Columns, 1, Column{Name: usedShare, Kind: "number", Unit: "%"})
	for i, row := range rows {
		var share Cell
		if n, ok := numberOf(row[unit]); ok {
			whole, known := numberOf(row[size])
			part, told := numberOf(row[used])
			if known {
				row[size] = whole * n
			}
			if told {
				row[used] = part * n
			}
			if known && told && whole > 0 {
				share = math.Round(part/whole*1000) / 10
			}
		}
		rows[i] = slices.Insert(row, 1, share)
	}
}

// sensorUnits are of EntitySensorDataType (RFC 3433), and of Cisco's SensorDataType.
var sensorUnits = map[string]string{"voltsAC": "V", "voltsDC": "V", "amperes": "A", "watts": "W", "hertz": "Hz", "celsius": "°C", "percentRH": "% RH", "rpm": "rpm",
	"cmm": "m³/min", "dBm": "dBm"}

// sensors writes the values of sensors with the unit that their row names.
func (t *Table) sensors() {
	kind := max(t.place("entPhySensorType"), t.place("entSensorType"))
	if kind < 0 {
		return
	}
	for at := range t.Columns {
		if name := t.Columns[at].Name; name != "entPhySensorValue" && name != "entSensorValue" && !strings.HasPrefix(name, "aristaEntSensorThreshold") {
			continue
		}
		for _, row := range t.Rows {
			unit := sensorUnits[textOf(row[kind])]
			if v, ok := numberOf(row[at]); ok && unit != "" {
				row[at] = strconv.FormatFloat(digits(v, 6), 'f', -1, 64) + " " + unit
			}
		}
	}
}
