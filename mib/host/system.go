package host

import (
	"context"

	"walkabout/mib"
	"walkabout/snmp"
)

const (
	hrSystemUptime                = 1
	hrSystemDate                  = 2
	hrSystemInitialLoadDevice     = 3
	hrSystemInitialLoadParameters = 4
	hrSystemNumUsers              = 5
	hrSystemProcesses             = 6
	hrSystemMaxProcesses          = 7
)

func (m *MIB) systemScalars() mib.Group {
	return mib.Group{
		Entry: hrSystem,
		Columns: []uint32{
			hrSystemUptime, hrSystemDate, hrSystemInitialLoadDevice, hrSystemInitialLoadParameters, hrSystemNumUsers, hrSystemProcesses,
			hrSystemMaxProcesses,
		},
		Open: func(ctx context.Context, q *mib.Request) mib.Snapshot {
			return mib.Scalars(func(column uint32) (snmp.Value, bool) { return m.systemScalar(ctx, q, column) })
		},
	}
}

func (m *MIB) systemScalar(ctx context.Context, q *mib.Request, column uint32) (snmp.Value, bool) {
	r := m.reading(q)
	if column > hrSystemDate {
		q.Slow()
	}
	switch column {
	case hrSystemUptime:
		h, err := r.Host(ctx)
		if err != nil || h.BootTime.IsZero() || q.At.Before(h.BootTime) {
			return none()
		}
		return hundredths(q.At.Sub(h.BootTime)), true
	case hrSystemDate:
		return dateAndTime(q.At)
	case hrSystemInitialLoadDevice:
		return m.loadDevice(ctx, q)
	case hrSystemInitialLoadParameters:
		k, err := r.Kernel(ctx)
		if err != nil || k.Parameters == "" {
			return none()
		}
		return text(k.Parameters, 128)
	case hrSystemNumUsers:
		n, err := r.Sessions(ctx)
		return snmp.Gauge32(uint32(n)), err == nil
	case hrSystemProcesses:
		k, err := r.Kernel(ctx)
		if err != nil || !known(k.Processes) {
			return none()
		}
		return snmp.Gauge32(uint32(k.Processes)), true
	case hrSystemMaxProcesses:
		return snmp.Integer(0), true // the limits of all systems can be changed while they run
	}
	return none()
}

// loadDevice returns the index of the disk that the root file system is on; false if that is on none, or on one that is not shown.
func (m *MIB) loadDevice(ctx context.Context, q *mib.Request) (snmp.Value, bool) {
	k, err := m.reading(q).Kernel(ctx)
	disks, _ := m.shownDisks(ctx, q)
	if err != nil || k.RootDevice == 0 {
		return none()
	}
	for _, d := range disks {
		if d.device.Number == k.RootDevice {
			return number(int64(d.index))
		}
		for _, p := range d.partitions {
			if p.Number == k.RootDevice {
				return number(int64(d.index))
			}
		}
	}
	return none()
}
