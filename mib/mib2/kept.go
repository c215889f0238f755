package mib2

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"walkabout/machine"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// kept is what was SET and outlives the program. It is immutable. A scalar that was never SET is Null.
type kept struct {
	contact, name, location snmp.Value
	authenTraps             snmp.Value
	linkTraps               map[string]snmp.Value // ifLinkUpDownTrapEnable by ifName, which outlives an ifIndex
}

// maxLinkTraps bounds kept.linkTraps: links that come and go each have another name.
const maxLinkTraps = 4096

// withLinkTraps returns k with the value of a link.
func (k kept) withLinkTraps(name string, v snmp.Value) kept {
	k.linkTraps = maps.Clone(k.linkTraps)
	if k.linkTraps == nil {
		k.linkTraps = make(map[string]snmp.Value)
	}
	k.linkTraps[name] = v
	return k
}

// scalar returns where k has a scalar; nil for one that is not kept.
func (k *kept) scalar(name oid.OID) *snmp.Value {
	switch name {
	case systemGroup.Append(sysContact, 0):
		return &k.contact
	case systemGroup.Append(sysName, 0):
		return &k.name
	case systemGroup.Append(sysLocation, 0):
		return &k.location
	case snmpGroup.Append(snmpEnableAuthenTraps, 0):
		return &k.authenTraps
	}
	return nil
}

// Kept implements mib.Keeper: the scalars that were SET, also those that snmpd.conf hides now, and ifLinkUpDownTrapEnable. A row of
// that is its ifName and its value, under a number that is no ifIndex.
func (m *MIB) Kept() []snmp.VarBind {
	k := m.kept.Load()
	var vbs []snmp.VarBind
	for _, name := range []oid.OID{
		systemGroup.Append(sysContact, 0), systemGroup.Append(sysName, 0), systemGroup.Append(sysLocation, 0),
		snmpGroup.Append(snmpEnableAuthenTraps, 0),
	} {
		if v := *k.scalar(name); v.Kind() != snmp.KindNull {
			vbs = append(vbs, snmp.VarBind{Name: name, Value: v})
		}
	}
	for i, link := range slices.Sorted(maps.Keys(k.linkTraps)) {
		row := uint32(i + 1)
		vbs = append(vbs, snmp.VarBind{Name: ifXEntry.Append(ifName, row), Value: snmp.OctetString(link)},
			snmp.VarBind{Name: ifXEntry.Append(ifLinkUpDownTrapEnable, row), Value: k.linkTraps[link]})
	}
	return vbs
}

// ErrNotKept is wrapped by Restore's errors.
var ErrNotKept = errors.New("not what this MIB keeps")

// Restore implements mib.Keeper.
func (m *MIB) Restore(vbs []snmp.VarBind) error {
	var k kept
	names, traps := map[oid.OID]string{}, map[oid.OID]snmp.Value{}
	for i := range vbs {
		vb := &vbs[i]
		if ifNames := ifXEntry.Append(ifName); vb.Name.HasPrefix(ifNames) && vb.Value.Kind() == snmp.KindOctetString {
			names[vb.Name.From(ifNames.Len())] = vb.Value.Octets()
			continue
		}
		o := writableAt(vb.Name)
		if o == nil || !o.kept {
			return fmt.Errorf("%w: %v", ErrNotKept, vb.Name)
		}
		if status, err := o.syntax.check(vb.Value); err != nil {
			return fmt.Errorf("%w: %v: %v: %w", ErrNotKept, vb.Name, status, err)
		}
		if to := k.scalar(vb.Name); to != nil {
			*to = vb.Value
		} else {
			traps[vb.Name.From(o.column.Len())] = vb.Value
		}
	}
	if len(names) != len(traps) {
		return fmt.Errorf("%w: %d rows of ifLinkUpDownTrapEnable, with ifName of %d", ErrNotKept, len(traps), len(names))
	}
	if len(traps) > maxLinkTraps {
		return fmt.Errorf("%w: ifLinkUpDownTrapEnable of %d links, at most %d are kept", ErrNotKept, len(traps), maxLinkTraps)
	}
	k.linkTraps = make(map[string]snmp.Value, len(traps))
	for row, v := range traps {
		name, ok := names[row]
		if !ok {
			return fmt.Errorf("%w: ifLinkUpDownTrapEnable.%v without its ifName", ErrNotKept, row)
		}
		k.linkTraps[name] = v
	}
	m.kept.Store(&k)
	return nil
}

// AuthenTraps reports whether authenticationFailure is to be sent (snmpEnableAuthenTraps).
func (m *MIB) AuthenTraps() bool { return m.authenTraps() == snmp.Integer(enabled) }

func (m *MIB) authenTraps() snmp.Value {
	if configured := m.system.Load().AuthenTraps; configured != 0 {
		return snmp.Integer(configured)
	}
	if v := m.kept.Load().authenTraps; v.Kind() != snmp.KindNull {
		return v
	}
	return snmp.Integer(disabled)
}

// LinkTraps reports whether linkUp and linkDown are to be sent for a link of links (ifLinkUpDownTrapEnable).
func (m *MIB) LinkTraps(links *machine.Links, l *machine.Link) bool {
	return m.linkTraps(m.interfaces.layoutOf(links), l) == snmp.Integer(enabled)
}

// linkTraps returns what was SET, else enabled(1), but disabled(2) for what stands on other interfaces (RFC 2863).
func (m *MIB) linkTraps(on *layout, l *machine.Link) snmp.Value {
	if set := m.kept.Load().linkTraps; len(set) > 0 {
		if v, ok := set[l.Name]; ok {
			return v
		}
	}
	if on.stacks[l.Index] {
		return snmp.Integer(disabled)
	}
	return snmp.Integer(enabled)
}
