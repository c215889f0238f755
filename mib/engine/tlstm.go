package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/tlstm"
)

// TLSParams is a row of snmpTlstmParamsTable (RFC 9456): whose certificate the agent presents to receivers of notifications.
type TLSParams struct {
	Name        string            // of a row of snmpTargetParamsTable
	Fingerprint tlstm.Fingerprint // of the agent's own certificate
}

// TLSAddr is a row of snmpTlstmAddrTable (RFC 9456): who a receiver of notifications has to be.
type TLSAddr struct {
	Name        string            // of a row of snmpTargetAddrTable
	Fingerprint tlstm.Fingerprint // of the receiver's certificate; "" to go by Identity
	Identity    string            // the name that its certificate must prove, on a path to a trusted authority
}

var (
	snmpTlstmCertificateMapping = snmpTlstmObjects.Append(2, 1)
	certToTSNEntry              = snmpTlstmCertificateMapping.Append(3, 1)
	tlstmParamsEntry            = snmpTlstmCertificateMapping.Append(6, 1)
	tlstmAddrEntry              = snmpTlstmCertificateMapping.Append(9, 1)
)

// The places of the cells of the three tables.
const (
	certFingerprint = iota
	certMapType
	certData
	certStorage
	certStatus
)

const (
	tlstmParamsFingerprint = iota
	tlstmParamsStorage
	tlstmParamsStatus
)

const (
	tlstmAddrFingerprint = iota
	tlstmAddrIdentity
	tlstmAddrStorage
	tlstmAddrStatus
)

// fingerprintOf is an SnmpTLSFingerprint of at least so many octets, of an algorithm that is supported.
func fingerprintOf(least int64) syntax {
	return syntax{kind: snmp.KindOctetString, min: least, max: 255, valid: func(v snmp.Value) bool {
		_, known := tlstm.Fingerprint(v.Octets()).Algorithm()
		return known || v.Octets() == ""
	}}
}

var certKey = key{func(o oid.OID) (v snmp.Value, rest oid.OID, ok bool) { // Unsigned32 (1..4294967295)
	if o.IsEmpty() || o.Arc(0) == 0 {
		return v, o, false
	}
	return snmp.Gauge32(o.Arc(0)), o.From(1), true
}}

func snmpTlstmCertToTSNTable() *table {
	mapType := pointer(func(v snmp.Value) bool { _, ok := tlstm.MapTypeOf(v.OID()); return ok })
	return &table{
		key: certKey,
		columns: []column{
			certFingerprint: {name: certToTSNEntry.Append(2), syntax: fingerprintOf(1), must: true, frozen: true},
			certMapType:     {name: certToTSNEntry.Append(3), syntax: mapType, value: snmp.ObjectID(tlstm.Specified.OID()), frozen: true},
			certData:        {name: certToTSNEntry.Append(4), syntax: octets(0, 1024), value: snmp.OctetString(""), frozen: true},
			certStorage:     {name: certToTSNEntry.Append(5), syntax: storageType},
			certStatus:      {name: certToTSNEntry.Append(6), syntax: rowStatus},
		},
		storage: certStorage,
		status:  certStatus,
	}
}

func mappingOf(r *row) tlstm.Mapping {
	t, _ := tlstm.MapTypeOf(r.cells[certMapType].OID())
	return tlstm.Mapping{
		ID: r.index.Arc(0), Fingerprint: tlstm.Fingerprint(r.cells[certFingerprint].Octets()), Type: t, Data: r.cells[certData].Octets(),
	}
}

func mappingRow(t *table, v *tlstm.Mapping) *row {
	r := t.configured(oid.New(v.ID))
	r.cells[certFingerprint], r.cells[certMapType] = snmp.OctetString(string(v.Fingerprint)), snmp.ObjectID(v.Type.OID())
	r.cells[certData] = snmp.OctetString(v.Data)
	return r
}

func snmpTlstmParamsTable() *table {
	return &table{
		key: nameKey,
		columns: []column{
			tlstmParamsFingerprint: {name: tlstmParamsEntry.Append(1), syntax: fingerprintOf(0), must: true, frozen: true},
			tlstmParamsStorage:     {name: tlstmParamsEntry.Append(2), syntax: storageType},
			tlstmParamsStatus:      {name: tlstmParamsEntry.Append(3), syntax: rowStatus},
		},
		storage: tlstmParamsStorage,
		status:  tlstmParamsStatus,
	}
}

func tlsParamsOf(r *row) TLSParams {
	index, _ := nameKey.parse(r.index)
	return TLSParams{Name: index[0].Octets(), Fingerprint: tlstm.Fingerprint(r.cells[tlstmParamsFingerprint].Octets())}
}

// row returns the row of p, which the configuration says.
func (p *TLSParams) row(t *table) *row {
	r := t.configured(appendText(oid.OID{}, p.Name))
	r.cells[tlstmParamsFingerprint] = snmp.OctetString(string(p.Fingerprint))
	return r
}

func snmpTlstmAddrTable() *table {
	none := snmp.OctetString("")
	return &table{
		key: nameKey,
		columns: []column{
			tlstmAddrFingerprint: {name: tlstmAddrEntry.Append(1), syntax: fingerprintOf(0), must: true, frozen: true},
			tlstmAddrIdentity:    {name: tlstmAddrEntry.Append(2), syntax: adminString(0, 255), value: none},
			tlstmAddrStorage:     {name: tlstmAddrEntry.Append(3), syntax: storageType},
			tlstmAddrStatus:      {name: tlstmAddrEntry.Append(4), syntax: rowStatus},
		},
		storage: tlstmAddrStorage,
		status:  tlstmAddrStatus,
		check: func(_ *MIB, r *row) error {
			if a := tlsAddrOf(r); a.Fingerprint == "" && (a.Identity == "" || a.Identity == "*") {
				return errors.New("without a fingerprint and an identity any certificate would do")
			}
			return nil
		},
	}
}

func tlsAddrOf(r *row) TLSAddr {
	index, _ := nameKey.parse(r.index)
	return TLSAddr{
		Name: index[0].Octets(), Fingerprint: tlstm.Fingerprint(r.cells[tlstmAddrFingerprint].Octets()), Identity: r.cells[tlstmAddrIdentity].Octets(),
	}
}

// row returns the row of a, which the configuration says.
func (a *TLSAddr) row(t *table) *row {
	r := t.configured(appendText(oid.OID{}, a.Name))
	r.cells[tlstmAddrFingerprint], r.cells[tlstmAddrIdentity] = snmp.OctetString(string(a.Fingerprint)), snmp.OctetString(a.Identity)
	return r
}

// UnknownServerCertificate returns the objects of snmpTlstmServerCertificateUnknown.
func (m *MIB) UnknownServerCertificate() []snmp.VarBind {
	return []snmp.VarBind{{Name: snmpTlstmSession.Append(8, 0), Value: snmp.Counter32(uint32(m.options.TLSTM.UnknownServerCertificate.Load()))}}
}

// InvalidServerCertificate returns the objects of snmpTlstmServerInvalidCertificate: of the row that says who the receiver is to be.
func (m *MIB) InvalidServerCertificate(a TLSAddr) []snmp.VarBind {
	return []snmp.VarBind{
		{Name: appendText(tlstmAddrEntry.Append(1), a.Name), Value: snmp.OctetString(string(a.Fingerprint))},
		{Name: snmpTlstmSession.Append(9, 0), Value: snmp.Counter32(uint32(m.options.TLSTM.InvalidServerCertificates.Load()))},
	}
}

// tlstmTables are the places of the three tables, in the order of their scalars: each has a count of its rows, and after it the time of its last
// change.
var tlstmTables = [...]int{certTable, tlstmParamsTable, tlstmAddrTable}

func (m *MIB) tlstmScalars() mib.Group {
	return mib.Group{Entry: snmpTlstmCertificateMapping, Columns: []uint32{1, 2, 4, 5, 7, 8}, Open: func(context.Context, *mib.Request) mib.Snapshot {
		s := m.state.Load()
		return mib.Scalars(func(column uint32) (snmp.Value, bool) {
			i := column / 3
			if column%3 == 1 {
				return snmp.Gauge32(uint32(len(s.all[tlstmTables[i]].list))), true
			}
			if s.changed[i].IsZero() {
				return snmp.TimeTicks(0), true
			}
			return snmp.TimeTicks(uint32(s.changed[i].Sub(m.options.Start) / (10 * time.Millisecond))), true
		})
	}}
}

// noteChanges remembers which of tlstmTables differ from what they were before.
func (s *state) noteChanges(before *state, now time.Time) {
	for i, table := range tlstmTables {
		same := slices.EqualFunc(s.all[table].list, before.all[table].list, func(a, b *row) bool { return a.index == b.index && slices.Equal(a.cells, b.cells) })
		if !same && before.apply != nil { // what holds from the start on is no change
			s.changed[i] = now
		}
	}
}
