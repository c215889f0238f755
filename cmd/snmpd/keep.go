package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"

	"walkabout/agent/persist"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// memory is what SETs changed and the state folder holds. Restore comes before the first request; then it belongs to the SET that is
// under way.
type memory struct {
	engine  *engine // nil if there is no state folder
	keepers []keeper
	saved   []snmp.VarBind // what the folder holds, or may hold
	unknown bool           // it may hold something else after an error
	others  []snmp.VarBind // what no keeper took; it stays in the folder
	broken  error          // why nothing may be saved
}

// keeper is a mib.Keeper and the subtrees that its objects lie in.
type keeper struct {
	mib.Keeper
	roots []oid.OID
}

func (k *keeper) owns(name oid.OID) bool {
	return slices.ContainsFunc(k.roots, name.HasPrefix)
}

var errNoFolder = errors.New("a change of this object must be kept, and there is no state folder (the log says why since the start)")

// restore hands out what the state folder holds. What cannot be taken stays there untouched: then nothing that is to be kept can be SET.
func (m *memory) restore(log *slog.Logger) {
	if m.engine == nil {
		return
	}
	parts := make([][]snmp.VarBind, len(m.keepers))
	for _, vb := range m.engine.state.Objects {
		i := slices.IndexFunc(m.keepers, func(k keeper) bool { return k.owns(vb.Name) })
		if i < 0 {
			m.others = append(m.others, vb)
			continue
		}
		parts[i] = append(parts[i], vb)
	}
	file := filepath.Join(m.engine.dir.Path(), persist.FileName)
	for i, k := range m.keepers {
		if err := k.Restore(parts[i]); err != nil {
			m.broken = fmt.Errorf("%s was not understood in whole at the start: correct it, or remove its object lines, and start again: %w", file, err)
			log.Error("objects that were SET earlier are not restored, and none that is to be kept can be SET now: correct the file, or remove its object lines",
				"file", file, "err", err)
		}
	}
	if len(m.others) > 0 {
		log.Warn("the state has objects that are not known here; they are kept as they are", "file", file, "first", m.others[0].Name, "objects", len(m.others))
	}
	m.saved = m.kept()
}

func (m *memory) kept() []snmp.VarBind {
	var out []snmp.VarBind
	for _, k := range m.keepers {
		out = append(out, k.Kept()...)
	}
	return append(out, m.others...)
}

// save puts what is to be kept on the disk, unless it is there. It is agent.Config.Save.
func (m *memory) save(context.Context) error {
	objects := m.kept()
	if !m.unknown && slices.Equal(objects, m.saved) {
		return nil
	}
	switch {
	case m.engine == nil:
		return errNoFolder
	case m.broken != nil:
		return m.broken
	}
	m.unknown = true
	m.engine.state.Objects = objects
	if err := persist.Save(m.engine.dir.Path(), m.engine.state); err != nil {
		if slices.Equal(objects, m.saved) { // it is an earlier SET that is undone on the disk, too; this one has nothing to keep
			return nil
		}
		return err
	}
	m.saved, m.unknown = objects, false
	return nil
}
