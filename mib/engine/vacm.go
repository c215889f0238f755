package engine

import (
	"context"
	"math"
	"slices"

	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/vacm"
)

// Family is a row of vacmViewTreeFamilyTable (RFC 3415).
type Family struct {
	View string
	vacm.Family
}

var (
	vacmMIBObjects = snmpModules.Append(16, 1)
	vacmContexts   = vacmMIBObjects.Append(1, 1)
	vacmGroups     = vacmMIBObjects.Append(2, 1)
	vacmAccess     = vacmMIBObjects.Append(4, 1)
	vacmMIBViews   = vacmMIBObjects.Append(5)
	vacmFamilies   = vacmMIBViews.Append(2, 1)
)

var (
	name32   = adminString(1, 32)
	upTo32   = adminString(0, 32)
	model    = integer(1, math.MaxInt32) // SnmpSecurityModel of its own, not any(0)
	level    = integer(int64(snmp.NoAuthNoPriv), int64(snmp.AuthPriv))
	mask     = octets(0, 16)
	included = integer(1, 2) // included, excluded
)

const excluded = 2

// The places of the cells of the three tables.
const (
	memberGroup = iota
	memberStorage
	memberStatus
)

const (
	entryMatch = iota
	entryRead
	entryWrite
	entryNotify
	entryStorage
	entryStatus
)

const (
	familyMask = iota
	familyType
	familyStorage
	familyStatus
)

const (
	exact  = 1 // vacmAccessContextMatch
	prefix = 2
)

var (
	memberKey = key{number(model), counted(name32)}
	entryKey  = key{counted(name32), counted(upTo32), number(anyInteger), number(level)}
	familyKey = key{counted(name32), countedOID}
)

func vacmSecurityToGroupTable() *table {
	return &table{
		key: memberKey,
		columns: []column{
			memberGroup:   {name: vacmGroups.Append(3), syntax: name32, must: true},
			memberStorage: {name: vacmGroups.Append(4), syntax: storageType},
			memberStatus:  {name: vacmGroups.Append(5), syntax: rowStatus},
		},
		storage: memberStorage,
		status:  memberStatus,
	}
}

func memberOf(r *row) vacm.Member {
	index, _ := memberKey.parse(r.index)
	return vacm.Member{Model: vacm.SecurityModel(index[0].Int()), Name: index[1].Octets(), Group: r.cells[memberGroup].Octets()}
}

func memberRow(t *table, m *vacm.Member) *row {
	r := t.configured(appendCounted(oid.New(uint32(m.Model)), m.Name))
	r.cells[memberGroup] = snmp.OctetString(m.Group)
	return r
}

func vacmAccessTable() *table {
	none := snmp.OctetString("")
	return &table{
		key: entryKey,
		columns: []column{
			entryMatch:   {name: vacmAccess.Append(4), syntax: integer(exact, prefix), value: snmp.Integer(exact)},
			entryRead:    {name: vacmAccess.Append(5), syntax: upTo32, value: none},
			entryWrite:   {name: vacmAccess.Append(6), syntax: upTo32, value: none},
			entryNotify:  {name: vacmAccess.Append(7), syntax: upTo32, value: none},
			entryStorage: {name: vacmAccess.Append(8), syntax: storageType},
			entryStatus:  {name: vacmAccess.Append(9), syntax: rowStatus},
		},
		storage: entryStorage,
		status:  entryStatus,
	}
}

func entryOf(r *row) vacm.Entry {
	index, _ := entryKey.parse(r.index)
	return vacm.Entry{
		Group: index[0].Octets(), Prefix: index[1].Octets(), Model: vacm.SecurityModel(index[2].Int()), Level: snmp.SecurityLevel(index[3].Int()),
		Exact: r.cells[entryMatch] == snmp.Integer(exact),
		Views: [3]string{vacm.Read: r.cells[entryRead].Octets(), vacm.Write: r.cells[entryWrite].Octets(), vacm.Notify: r.cells[entryNotify].Octets()},
	}
}

func entryRow(t *table, e *vacm.Entry) *row {
	r := t.configured(appendCounted(appendCounted(oid.OID{}, e.Group), e.Prefix).Append(uint32(e.Model), uint32(e.Level)))
	if !e.Exact {
		r.cells[entryMatch] = snmp.Integer(prefix)
	}
	for kind, at := range map[vacm.ViewType]int{vacm.Read: entryRead, vacm.Write: entryWrite, vacm.Notify: entryNotify} {
		r.cells[at] = snmp.OctetString(e.Views[kind])
	}
	return r
}

func vacmViewTreeFamilyTable() *table {
	return &table{
		key: familyKey,
		columns: []column{
			familyMask:    {name: vacmFamilies.Append(3), syntax: mask, value: snmp.OctetString("")},
			familyType:    {name: vacmFamilies.Append(4), syntax: included, value: snmp.Integer(1)},
			familyStorage: {name: vacmFamilies.Append(5), syntax: storageType},
			familyStatus:  {name: vacmFamilies.Append(6), syntax: rowStatus},
		},
		storage: familyStorage,
		status:  familyStatus,
	}
}

func familyOf(r *row) Family {
	index, _ := familyKey.parse(r.index)
	return Family{View: index[0].Octets(), Family: vacm.Family{
		Subtree: index[1].OID(), Mask: r.cells[familyMask].Octets(), Exclude: r.cells[familyType] == snmp.Integer(excluded),
	}}
}

func familyRow(t *table, f *Family) *row {
	r := t.configured(appendCounted(oid.OID{}, f.View).Append(uint32(f.Subtree.Len())).Join(f.Subtree))
	r.cells[familyMask] = snmp.OctetString(f.Mask)
	if f.Exclude {
		r.cells[familyType] = snmp.Integer(excluded)
	}
	return r
}

// vacmContextTable has the contexts that the agent serves; it is read-only.
func (m *MIB) vacmContextTable() mib.Group {
	return mib.Group{Entry: vacmContexts, Columns: []uint32{1}, Open: func(context.Context, *mib.Request) mib.Snapshot {
		names := map[oid.OID]string{}
		var index []oid.OID
		for _, name := range m.options.Contexts() {
			o := appendCounted(oid.OID{}, name)
			names[o], index = name, append(index, o)
		}
		slices.SortFunc(index, oid.OID.Compare)
		return mib.Snapshot{Index: index, Cell: func(row int, _ uint32) (snmp.Value, bool) { return snmp.OctetString(names[index[row]]), true }}
	}}
}
