package engine

import (
	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/tlstm"
	"walkabout/snmp/vacm"
)

// Config is active rows of the tables. It is immutable.
//
// The receivers that the configuration says are seen, but no row can tell all of a receiver (a community, a source address): who configured
// them puts them to use. So from Addrs to Filters an ApplyFunc gets only what was SET, and of Communities as well, which a configuration
// has outside of the tables.
type Config struct {
	Users    []User
	Members  []vacm.Member // vacmSecurityToGroupTable
	Entries  []vacm.Entry  // vacmAccessTable
	Families []Family

	TransportPrefix *bool // snmpTsmConfigurationUsePrefix; nil if nobody says it, which is false

	Communities []Community
	Addrs       []TargetAddr
	Params      []TargetParams
	Notifies    []Notify
	Profiles    []FilterProfile
	Filters     []Filter

	Mappings  []tlstm.Mapping // snmpTlstmCertToTSNTable
	TLSParams []TLSParams
	TLSAddrs  []TLSAddr
}

// The places of the tables.
const (
	userTable = iota
	memberTable
	entryTable
	familyTable
	communityTable
	addrTable
	paramsTable
	notifyTable
	profileTable
	filterTable
	certTable
	tlstmParamsTable
	tlstmAddrTable
	tableCount
)

func newTables() [tableCount]*table {
	return [tableCount]*table{
		userTable: usmUserTable(), memberTable: vacmSecurityToGroupTable(), entryTable: vacmAccessTable(), familyTable: vacmViewTreeFamilyTable(),
		communityTable: snmpCommunityTable(), addrTable: snmpTargetAddrTable(), paramsTable: snmpTargetParamsTable(), notifyTable: snmpNotifyTable(),
		profileTable: snmpNotifyFilterProfileTable(), filterTable: snmpNotifyFilterTable(),
		certTable: snmpTlstmCertToTSNTable(), tlstmParamsTable: snmpTlstmParamsTable(), tlstmAddrTable: snmpTlstmAddrTable(),
	}
}

// configured returns an active, readOnly row.
func (t *table) configured(index oid.OID) *row {
	r := &row{index: index}
	for i := range t.columns {
		r.cells = append(r.cells, t.columns[i].value)
	}
	r.cells[t.status], r.cells[t.storage] = snmp.Integer(active), snmp.Integer(readOnly)
	return r
}

// rowsOf returns c's as rows. What has no place in a table for its index would be none is left out: it cannot be seen, but is in force.
func (m *MIB) rowsOf(c *Config) (out [tableCount]rows) {
	t := &m.tables
	out[userTable] = list(t[userTable], c.Users, (*User).row)
	out[memberTable] = list(t[memberTable], c.Members, func(v *vacm.Member, t *table) *row { return memberRow(t, v) })
	out[entryTable] = list(t[entryTable], c.Entries, func(v *vacm.Entry, t *table) *row { return entryRow(t, v) })
	out[familyTable] = list(t[familyTable], c.Families, func(v *Family, t *table) *row { return familyRow(t, v) })
	out[addrTable] = list(t[addrTable], c.Addrs, (*TargetAddr).row)
	out[paramsTable] = list(t[paramsTable], c.Params, (*TargetParams).row)
	out[notifyTable] = list(t[notifyTable], c.Notifies, (*Notify).row)
	out[profileTable] = list(t[profileTable], c.Profiles, (*FilterProfile).row)
	out[filterTable] = list(t[filterTable], c.Filters, (*Filter).row)
	out[certTable] = list(t[certTable], c.Mappings, func(v *tlstm.Mapping, t *table) *row { return mappingRow(t, v) })
	out[tlstmParamsTable] = list(t[tlstmParamsTable], c.TLSParams, (*TLSParams).row)
	out[tlstmAddrTable] = list(t[tlstmAddrTable], c.TLSAddrs, (*TLSAddr).row)
	return out
}

// list returns the rows that row makes of values; of two with one index the first.
func list[T any](t *table, values []T, make func(*T, *table) *row) rows {
	var all []*row
	for i := range values {
		if r := make(&values[i], t); t.fits(r.index) {
			all = append(all, r)
		}
	}
	return newRows(all)
}

// config returns what is in force: what the configuration says, and after it the active rows that were SET.
func (s *state) config(m *MIB) Config {
	c := s.says
	c.Communities, c.TransportPrefix = nil, s.usePrefix()
	c.Users = s.users(m)
	c.Members = join(c.Members, s.inForce(m, memberTable), memberOf)
	c.Entries = join(c.Entries, s.inForce(m, entryTable), entryOf)
	c.Families = join(c.Families, s.inForce(m, familyTable), familyOf)
	c.Addrs = join(nil, s.inForce(m, addrTable), targetAddrOf)
	c.Params = join(nil, s.inForce(m, paramsTable), targetParamsOf)
	c.Notifies = join(nil, s.inForce(m, notifyTable), notifyOf)
	c.Profiles = join(nil, s.inForce(m, profileTable), profileOf)
	c.Filters = join(nil, s.inForce(m, filterTable), filterOf)
	c.Mappings = join(c.Mappings, s.inForce(m, certTable), mappingOf)
	c.TLSParams = join(c.TLSParams, s.inForce(m, tlstmParamsTable), tlsParamsOf)
	c.TLSAddrs = join(c.TLSAddrs, s.inForce(m, tlstmAddrTable), tlsAddrOf)
	for _, r := range s.inForce(m, communityTable) {
		if m.here(r) {
			c.Communities = append(c.Communities, communityOf(r, c.Addrs))
		}
	}
	return c
}

// join returns a new list of what the configuration says and what rows say.
func join[T any](says []T, rows []*row, of func(*row) T) []T {
	out := append([]T(nil), says...)
	for _, r := range rows {
		out = append(out, of(r))
	}
	return out
}
