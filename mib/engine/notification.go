package engine

import (
	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/vacm"
)

// Notify is a row of snmpNotifyTable (RFC 3413): which targets get notifications.
type Notify struct {
	Name   string // 1 to 32 octets
	Tag    string // of the targets
	Inform bool   // they are informs, not traps
}

// FilterProfile is a row of snmpNotifyFilterProfileTable: the filter of all targets that use the parameters.
type FilterProfile struct {
	Params  string // the Name of TargetParams
	Profile string
}

// Filter is a row of snmpNotifyFilterTable.
type Filter struct {
	Profile string
	vacm.Family
}

var (
	notifyObjects  = snmpModules.Append(13, 1)
	notifyEntry    = notifyObjects.Append(1, 1)
	profileEntry   = notifyObjects.Append(2, 1)
	filterEntry    = notifyObjects.Append(3, 1)
	notifyType     = integer(trapType, informType)
	noOctets       = snmp.OctetString("")
	filterIncluded = snmp.Integer(1)
)

const (
	trapType   = 1
	informType = 2
)

// The places of the cells of the three tables.
const (
	notifyTag = iota
	notifyTypeOf
	notifyStorage
	notifyStatus
)

const (
	profileName = iota
	profileStorage
	profileStatus
)

const (
	filterMask = iota
	filterType
	filterStorage
	filterStatus
)

var filterKey = key{counted(name32), impliedOID}

func snmpNotifyTable() *table {
	return &table{
		key: nameKey,
		columns: []column{
			notifyTag:     {name: notifyEntry.Append(2), syntax: tagValue, value: noOctets},
			notifyTypeOf:  {name: notifyEntry.Append(3), syntax: notifyType, value: snmp.Integer(trapType)},
			notifyStorage: {name: notifyEntry.Append(4), syntax: storageType},
			notifyStatus:  {name: notifyEntry.Append(5), syntax: rowStatus},
		},
		storage: notifyStorage,
		status:  notifyStatus,
	}
}

func notifyOf(r *row) Notify {
	index, _ := nameKey.parse(r.index)
	return Notify{Name: index[0].Octets(), Tag: r.cells[notifyTag].Octets(), Inform: r.cells[notifyTypeOf] == snmp.Integer(informType)}
}

// row returns the row of n, which the configuration says; so do those of the other two types.
func (n *Notify) row(t *table) *row {
	r := t.configured(appendText(oid.OID{}, n.Name))
	r.cells[notifyTag] = snmp.OctetString(n.Tag)
	if n.Inform {
		r.cells[notifyTypeOf] = snmp.Integer(informType)
	}
	return r
}

func snmpNotifyFilterProfileTable() *table {
	return &table{
		key: nameKey,
		columns: []column{
			profileName:    {name: profileEntry.Append(1), syntax: name32, must: true},
			profileStorage: {name: profileEntry.Append(2), syntax: storageType},
			profileStatus:  {name: profileEntry.Append(3), syntax: rowStatus},
		},
		storage: profileStorage,
		status:  profileStatus,
	}
}

func profileOf(r *row) FilterProfile {
	index, _ := nameKey.parse(r.index)
	return FilterProfile{Params: index[0].Octets(), Profile: r.cells[profileName].Octets()}
}

func (p *FilterProfile) row(t *table) *row {
	r := t.configured(appendText(oid.OID{}, p.Params))
	r.cells[profileName] = snmp.OctetString(p.Profile)
	return r
}

func snmpNotifyFilterTable() *table {
	return &table{
		key: filterKey,
		columns: []column{
			filterMask:    {name: filterEntry.Append(2), syntax: mask, value: noOctets},
			filterType:    {name: filterEntry.Append(3), syntax: included, value: filterIncluded},
			filterStorage: {name: filterEntry.Append(4), syntax: storageType},
			filterStatus:  {name: filterEntry.Append(5), syntax: rowStatus},
		},
		storage: filterStorage,
		status:  filterStatus,
	}
}

func filterOf(r *row) Filter {
	index, _ := filterKey.parse(r.index)
	return Filter{Profile: index[0].Octets(), Family: vacm.Family{
		Subtree: index[1].OID(), Mask: r.cells[filterMask].Octets(), Exclude: r.cells[filterType] == snmp.Integer(excluded),
	}}
}

func (f *Filter) row(t *table) *row {
	r := t.configured(appendCounted(oid.OID{}, f.Profile).Join(f.Subtree))
	r.cells[filterMask] = snmp.OctetString(f.Mask)
	if f.Exclude {
		r.cells[filterType] = snmp.Integer(excluded)
	}
	return r
}
