// Package entity serves ENTITY-MIB (RFC 6933) and ENTITY-SENSOR-MIB (RFC 3433) of the sensors of the machine that the agent runs on: temperatures, fans,
// voltages, currents, power and humidity, as the kernel's hwmon tells them. A machine without sensors has its chassis alone.
//
// What RFC 6933 has a value for where it is not known (a zero-length string) has that value. Logical entities, and what maps them, are not served: there is
// one agent, with everything in it.
package entity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

var (
	entityMIB        = oid.New(1, 3, 6, 1, 2, 1, 47)
	entPhysicalTable = entityMIB.Append(1, 1, 1)
	entContainsTable = entityMIB.Append(1, 3, 3)
	entityGeneral    = entityMIB.Append(1, 4)
	entitySensorMIB  = oid.New(1, 3, 6, 1, 2, 1, 99)
	entPhySensor     = entitySensorMIB.Append(1, 1)
)

// Roots returns the subtrees to register a MIB for, ascending.
func Roots() []oid.OID {
	return []oid.OID{entPhysicalTable, entContainsTable, entityGeneral, entPhySensor}
}

// Modules is what sysORTable says.
func Modules() []mib.Module {
	return []mib.Module{{ID: entityMIB, Descr: "ENTITY-MIB (RFC 6933): the chassis and its sensors"}, {ID: entitySensorMIB, Descr: "ENTITY-SENSOR-MIB (RFC 3433)"}}
}

// Options are what a MIB serves.
type Options struct {
	Machine *machine.Machine
	Start   time.Time // when sysUpTime was 0
}

// MIB is a mib.Handler for the subtrees of Roots.
type MIB struct {
	tree    *mib.Tree
	machine *machine.Machine
	start   time.Time
	numbers mib.Numbers

	mu      sync.Mutex
	names   []string  // of the entities that were seen last
	changed time.Time // when they last changed; zero if never
}

// New returns the MIB of o; an error if something is missing.
func New(o Options) (*MIB, error) {
	if o.Machine == nil || o.Start.IsZero() {
		return nil, errors.New("entity: machine and start time are needed")
	}
	m := &MIB{machine: o.Machine, start: o.Start}
	var err error
	if m.tree, err = mib.NewTree(m.physicalTable(), m.containsTable(), m.generalScalars(), m.sensorTable()); err != nil {
		return nil, fmt.Errorf("entity: %w", err)
	}
	return m, nil
}

// View implements mib.Handler.
func (m *MIB) View(ctx context.Context, q *mib.Request) (mib.View, error) { return m.tree.View(ctx, q) }

// physical is a row of entPhysicalTable.
type physical struct {
	index, parent, position uint32
	class                   int32
	name, descr, software   string
	sensor                  *machine.Sensor // nil unless it is one
}

// entPhysicalClass.
const (
	classOther   = 1
	classChassis = 3
	classSensor  = 8
)

// chassis is the index of the machine itself; chips and sensors follow.
const chassis = 1

// entities returns the chassis, its chips, and their sensors.
func (m *MIB) entities(ctx context.Context, q *mib.Request) []physical {
	r := q.Shared(m.machine, func() any { return m.machine.Reading(q.At, q.Fresh) }).(*machine.Reading)
	box := physical{index: chassis, position: 0, class: classChassis, name: "chassis", descr: "this machine"}
	if h, err := r.Host(ctx); err == nil {
		box.name, box.descr, box.software = h.Hostname, h.Hardware, h.System+" "+h.Release
	}
	rows := []physical{box}
	q.Slow()
	sensors, err := r.Sensors(ctx)
	if err != nil {
		return rows
	}
	var names []string
	chips := map[string]int{} // their rows
	for i := range sensors {
		s := &sensors[i]
		key := s.Chip + " " + s.Device
		if _, known := chips[key]; !known {
			chips[key] = len(rows)
			rows = append(rows, physical{parent: chassis, class: classOther, position: uint32(len(chips)), name: key, descr: "hardware monitoring chip " + s.Chip})
			names = append(names, key)
		}
		chip := &rows[chips[key]]
		rows = append(rows, physical{
			parent: uint32(chips[key]), position: s.Number, class: classSensor, name: s.Name(), descr: s.Name() + " of " + chip.name, sensor: s,
		})
		names = append(names, fmt.Sprintf("%s %d %d", key, s.Kind, s.Number))
	}
	for i, n := range m.numbers.Of(names) {
		rows[i+1].index = chassis + n
	}
	for i := range rows {
		if rows[i].sensor != nil {
			rows[i].parent = rows[rows[i].parent].index
		}
	}
	m.note(names, q.At)
	return rows
}

// note remembers when the entities changed.
func (m *MIB) note(names []string, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.names != nil && !slices.Equal(m.names, names) {
		m.changed = at
	}
	m.names = slices.Clip(append([]string{}, names...))
}

// ticks returns sysUpTime at the moment t: a TimeStamp (RFC 2579).
func (m *MIB) ticks(t time.Time) snmp.Value {
	if t.Before(m.start) {
		return snmp.TimeTicks(0)
	}
	return snmp.TimeTicks(uint32(t.Sub(m.start) / (10 * time.Millisecond)))
}

func indexOf(row *physical) oid.OID { return oid.New(row.index) }

func (m *MIB) generalScalars() mib.Group {
	const entLastChangeTime = 1
	return mib.Group{
		Entry: entityGeneral, Columns: []uint32{entLastChangeTime},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			return mib.Scalars(func(uint32) (snmp.Value, bool) {
				m.entities(ctx, q)
				m.mu.Lock()
				defer m.mu.Unlock()
				return m.ticks(m.changed), true
			})
		},
	}
}

const (
	entPhysicalDescr        = 2
	entPhysicalVendorType   = 3
	entPhysicalContainedIn  = 4
	entPhysicalClass        = 5
	entPhysicalParentRelPos = 6
	entPhysicalName         = 7
	entPhysicalHardwareRev  = 8
	entPhysicalFirmwareRev  = 9
	entPhysicalSoftwareRev  = 10
	entPhysicalSerialNum    = 11
	entPhysicalMfgName      = 12
	entPhysicalModelName    = 13
	entPhysicalAlias        = 14
	entPhysicalAssetID      = 15
	entPhysicalIsFRU        = 16
	entPhysicalMfgDate      = 17
	entPhysicalUris         = 18
	entPhysicalUUID         = 19
)

func (m *MIB) physicalTable() mib.Group {
	return mib.Group{
		Entry: entPhysicalTable.Append(1),
		Columns: []uint32{
			entPhysicalDescr, entPhysicalVendorType, entPhysicalContainedIn, entPhysicalClass, entPhysicalParentRelPos, entPhysicalName, entPhysicalHardwareRev,
			entPhysicalFirmwareRev, entPhysicalSoftwareRev, entPhysicalSerialNum, entPhysicalMfgName, entPhysicalModelName, entPhysicalAlias,
			entPhysicalAssetID, entPhysicalIsFRU, entPhysicalMfgDate, entPhysicalUris, entPhysicalUUID,
		},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			return mib.NewTable(m.entities(ctx, q), indexOf).Snapshot(physicalCell)
		},
	}
}

func physicalCell(row *physical, column uint32) (snmp.Value, bool) {
	const no = 2
	switch column {
	case entPhysicalDescr:
		return mib.Text(row.descr, 255), true
	case entPhysicalVendorType:
		return snmp.ObjectID(oid.New(0, 0)), true
	case entPhysicalContainedIn:
		return snmp.Integer(int32(row.parent)), true
	case entPhysicalClass:
		return snmp.Integer(row.class), true
	case entPhysicalParentRelPos:
		return snmp.Integer(int32(row.position)), true
	case entPhysicalName:
		return mib.Text(row.name, 255), true
	case entPhysicalSoftwareRev:
		return mib.Text(row.software, 255), true
	case entPhysicalIsFRU:
		return snmp.Integer(no), true
	case entPhysicalMfgDate: // what RFC 6933 has for a date that is not known
		return snmp.OctetString("\x00\x00\x00\x00\x00\x00\x00\x00"), true
	}
	return snmp.OctetString(""), true
}

func (m *MIB) containsTable() mib.Group {
	const entPhysicalChildIndex = 1
	return mib.Group{
		Entry: entContainsTable.Append(1), Columns: []uint32{entPhysicalChildIndex},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			rows := slices.DeleteFunc(m.entities(ctx, q), func(row physical) bool { return row.parent == 0 })
			index := func(row *physical) oid.OID { return oid.New(row.parent, row.index) }
			return mib.NewTable(rows, index).Snapshot(func(row *physical, _ uint32) (snmp.Value, bool) { return snmp.Integer(int32(row.index)), true })
		},
	}
}
