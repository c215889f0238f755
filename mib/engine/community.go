package engine

import (
	"errors"
	"slices"
	"strings"

	"walkabout/internal/secret"
	"walkabout/mib"
	"walkabout/snmp"
)

// Community is a row of snmpCommunityTable (RFC 3584 section 5) whose snmpCommunityContextEngineID is this engine.
type Community struct {
	Name         secret.String
	SecurityName string
	Context      string
	// Addrs are where it is accepted from: the rows of snmpTargetAddrTable that have its transport tag. All says that it has no tag, and
	// is accepted from anywhere.
	Addrs []TargetAddr
	All   bool
}

var (
	communityObjects = snmpModules.Append(18, 1)
	communityEntry   = communityObjects.Append(1, 1)
)

// The places of the cells.
const (
	communityName = iota
	communitySecurityName
	communityEngineID
	communityContext
	communityTag
	communityStorage
	communityStatus
)

func snmpCommunityTable() *table {
	return &table{
		key: nameKey,
		columns: []column{
			communityName:         {name: communityEntry.Append(2), syntax: octets(0, 255), must: true, secret: true},
			communitySecurityName: {name: communityEntry.Append(3), syntax: name32, must: true},
			communityEngineID:     {name: communityEntry.Append(4), syntax: engineID, assign: setContextEngine},
			communityContext:      {name: communityEntry.Append(5), syntax: upTo32, value: noOctets},
			communityTag:          {name: communityEntry.Append(6), syntax: tagValue, value: noOctets},
			communityStorage:      {name: communityEntry.Append(7), syntax: storageType},
			communityStatus:       {name: communityEntry.Append(8), syntax: rowStatus},
		},
		storage: communityStorage,
		status:  communityStatus,
		fresh: func(m *MIB, r *row) {
			if id := m.id(); id != "" {
				r.cells[communityEngineID] = snmp.OctetString(id)
			}
		},
		// A community that all who may read a MIB could read would be none (RFC 3584 section 6).
		hide: func(q *mib.Request, c *column) bool { return c.secret && q.Level != snmp.AuthPriv },
	}
}

// setContextEngine lets pass this engine alone, for no contexts of others are served. A row that was kept may name another, if this engine
// had another snmpEngineID then; it is not in use.
func setContextEngine(e *edit, v snmp.Value) (snmp.ErrorStatus, error) {
	if v.Octets() != e.m.id() {
		return snmp.InconsistentValue, errors.New("no contexts of other engines are served: it must be snmpEngineID")
	}
	e.row.cells[communityEngineID] = v
	return snmp.NoError, nil
}

// here reports whether the row of a community is of this engine.
func (m *MIB) here(r *row) bool { return r.cells[communityEngineID].Octets() == m.id() }

// communityOf returns the community of a row; addrs are all addresses there are.
func communityOf(r *row, addrs []TargetAddr) Community {
	c := Community{
		Name: secret.New(r.cells[communityName].Octets()), SecurityName: r.cells[communitySecurityName].Octets(), Context: r.cells[communityContext].Octets(),
	}
	tag := r.cells[communityTag].Octets()
	if tag == "" {
		c.All = true
		return c
	}
	for _, a := range addrs {
		if a.tagged(tag) {
			c.Addrs = append(c.Addrs, a)
		}
	}
	return c
}

// tagged reports whether a's tag list has tag.
func (a *TargetAddr) tagged(tag string) bool {
	tags := strings.FieldsFunc(a.TagList, func(r rune) bool { return strings.ContainsRune(delimiters, r) })
	return slices.Contains(tags, tag)
}
