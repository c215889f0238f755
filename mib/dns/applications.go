package dns

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"time"

	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// applEntry is that of applTable (NETWORK-SERVICES-MIB, RFC 2788).
var applEntry = oid.New(1, 3, 6, 1, 2, 1, 27, 1, 1)

// Columns of applTable, and the values of applOperStatus.
const (
	applName          = 2
	applDirectoryName = 3
	applVersion       = 4
	applUptime        = 5
	applOperStatus    = 6
	applLastChange    = 7
	applDescription   = 16

	applUp   = 1
	applDown = 2
)

// Applications is a mib.Handler of the name servers of this machine in applTable, all in one view, with how reading them goes.
type Applications struct {
	tree    *mib.Tree
	start   time.Time
	servers []Application
}

// Application is a name server.
type Application struct {
	Name, Kind string
	MIB        *MIB
}

// NewApplications returns one that serves a row for each server, by their order. start is when sysUpTime was 0. The MIBs live longer than what is returned.
func NewApplications(start time.Time, servers []Application) (*Applications, error) {
	a := &Applications{start: start, servers: servers}
	var err error
	a.tree, err = mib.NewTree(mib.Group{
		Entry: applEntry, Columns: []uint32{applName, applDirectoryName, applVersion, applUptime, applOperStatus, applLastChange, applDescription}, Open: a.open,
	})
	return a, err
}

// ApplicationsRoot returns the subtree to register Applications for.
func ApplicationsRoot() oid.OID { return oid.New(1, 3, 6, 1, 2, 1, 27) }

// ApplicationsModule is what sysORTable says.
func ApplicationsModule() mib.Module {
	return mib.Module{ID: ApplicationsRoot(), Descr: "NETWORK-SERVICES-MIB (RFC 2788)"}
}

// View implements mib.Handler.
func (a *Applications) View(ctx context.Context, q *mib.Request) (mib.View, error) {
	return a.tree.View(ctx, q)
}

// open reads all servers at once: one that does not answer costs what all of them cost that do not.
func (a *Applications) open(ctx context.Context, q *mib.Request) mib.Snapshot {
	for _, s := range a.servers {
		s.MIB.source.figures.begin(q)
	}
	index, told := make([]oid.OID, len(a.servers)), make([]*figures, len(a.servers))
	for i, s := range a.servers {
		index[i], told[i] = oid.New(uint32(i+1)), s.MIB.figures(ctx, q)
	}
	return mib.Snapshot{Index: index, Cell: func(row int, column uint32) (snmp.Value, bool) { return a.cell(&a.servers[row], told[row], column) }}
}

func (a *Applications) cell(s *Application, f *figures, column uint32) (snmp.Value, bool) {
	stats := s.MIB.Stats()
	switch column {
	case applName:
		return mib.Text(s.Name, 255), true
	case applDirectoryName: // it is in no directory
		return snmp.OctetString(""), true
	case applVersion:
		if f == nil {
			return none()
		}
		return mib.Text(f.Software, 255), true
	case applUptime:
		if f == nil || f.Started.IsZero() {
			return none()
		}
		return a.ticks(f.Started), true
	case applOperStatus:
		switch {
		case f != nil:
			return snmp.Integer(applUp), true
		case nobodyListens(stats.Err):
			return snmp.Integer(applDown), true
		}
		return none() // the server may well serve others
	case applLastChange:
		return a.ticks(stats.Since), !stats.Since.IsZero()
	}
	return mib.Text(s.describe(stats), 255), true
}

// ticks returns sysUpTime at the moment t, 0 for what was before the start: a TimeStamp (RFC 2579).
func (a *Applications) ticks(t time.Time) snmp.Value {
	return snmp.TimeTicks(uint32(max(t.Sub(a.start), 0) / (10 * time.Millisecond)))
}

// nobodyListens reports whether an error says that there is no server.
func nobodyListens(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist)
}

// describe says what a server is and what was counted in reading it.
func (s *Application) describe(stats Stats) string {
	text := []string{fmt.Sprintf("%s name server; readings %d, failed %d", s.Kind, stats.Readings, stats.Faults)}
	if stats.LeftOut > 0 || stats.NoSources > 0 {
		text = append(text, fmt.Sprintf("without a row zones %d, sources %d", stats.LeftOut, stats.NoSources))
	}
	if t := s.MIB.tap; t != nil {
		tap := t.Stats()
		text = append(text, fmt.Sprintf("dnstap connections %d, frames %d, malformed %d, without a row %d", tap.Connections, tap.Frames, tap.Malformed, tap.RowsLeftOut))
	}
	return strings.Join(text, "; ")
}
