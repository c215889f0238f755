package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"walkabout/agent/persist"
	"walkabout/agent/snmpdconf"
	enginemib "walkabout/mib/engine"
	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/usm"
)

// netSNMPDirs is where builds of Net-SNMP's agent keep their state: Debian's, Red Hat's, and as it comes.
var netSNMPDirs = []string{"/var/lib/snmp", "/var/lib/net-snmp", "/var/net-snmp"}

// predecessor is what Net-SNMP's agent left. The zero predecessor has left nothing.
type predecessor struct {
	snmpdconf.Persistent
	path        string
	diagnostics []snmpdconf.Diagnostic
}

// findPredecessor reads the file in which Net-SNMP's agent kept its state. A folder that the configuration names is
// the only one that counts; else it takes root, whose agent alone is this machine's. With -C nothing is read, as with Net-SNMP.
func (p *process) findPredecessor(o *options, ours, configured string) (predecessor, error) {
	dirs := []string{ours}
	switch {
	case o.noDefault:
		return predecessor{}, nil
	case configured == "" && p.env.Root:
		dirs = append(dirs, p.netSNMP...)
	}
	for _, dir := range dirs {
		path := filepath.Join(dir, "snmpd.conf")
		state, diagnostics, err := snmpdconf.ReadPersistent(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return predecessor{}, fmt.Errorf("the state of Net-SNMP's agent, without which its users' keys are void (-C goes on without it): %w", err)
		}
		return predecessor{*state, path, diagnostics}, nil
	}
	return predecessor{}, nil
}

// objects returns what of the state a mib.Keeper takes, in an engine of this ID. The rest is logged.
func (d *predecessor) objects(log *slog.Logger, engineID string) ([]snmp.VarBind, error) {
	if d.path == "" {
		return nil, nil
	}
	logDiagnostics(log, d.diagnostics)
	users, err := d.UserRows(engineID)
	if err != nil {
		return nil, err
	}
	engine, err := usm.NewEngine(engineID, 1, time.Now())
	if err != nil {
		return nil, err
	}
	trial, err := enginemib.New(enginemib.Options{
		Engine: engine, MPD: new(snmp.MPDStats), TSM: new(snmp.TSMStats), TLSTM: new(snmp.TLSTMStats), Contexts: func() []string { return nil },
	})
	if err != nil {
		return nil, err
	}
	tables := keeper{trial, enginemib.Roots()}
	var out []snmp.VarBind
	for _, row := range append(d.Rows, users...) {
		if tables.owns(row.Objects[0].Name) {
			if err := trial.Restore(row.Objects); err != nil {
				log.Warn("not taken over from Net-SNMP's agent", "file", d.path, "line", row.Line, "err", err)
				continue
			}
		}
		out = append(out, row.Objects...)
	}
	log.Info("taken over from Net-SNMP's agent", "file", d.path, "engineID", fmt.Sprintf("0x%x", d.EngineID), "engineBoots", d.Boots, "objects", len(out))
	return out, nil
}

// warnNew tells of users that were written for Net-SNMP's agent after its state was taken over.
func (d *predecessor) warnNew(log *slog.Logger, s *persist.State) error {
	rows, err := d.UserRows(s.EngineID)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if name := row.Objects[0].Name; !slices.ContainsFunc(s.Objects, func(vb snmp.VarBind) bool { return sameRow(vb.Name, name) }) {
			log.Warn("this user is not known: the file is read at the first start alone. Write the createUser line into snmpd.conf", "file", d.path, "line", row.Line)
			break
		}
	}
	return nil
}

// sameRow reports whether two names are of one row: they differ in the column of an entry of usmUserTable alone.
func sameRow(a, b oid.OID) bool {
	const column = 11 // usmUserEntry has as many arcs
	return a.Len() == b.Len() && a.Len() > column && a.Slice(0, column) == b.Slice(0, column) && a.From(column+1) == b.From(column+1)
}
