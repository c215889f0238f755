package engine

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

var (
	mib2              = oid.New(1, 3, 6, 1, 2, 1)
	snmpTsmMIBObjects = mib2.Append(190, 1)
	snmpTsmStats      = snmpTsmMIBObjects.Append(1)
	snmpTsmUsePrefix  = snmpTsmMIBObjects.Append(2, 1)

	snmpTlstmObjects = mib2.Append(198, 2)
	snmpTlstmSession = snmpTlstmObjects.Append(1)
)

// TruthValue (RFC 2579).
const (
	truthTrue  = 1
	truthFalse = 2
)

var truthValue = integer(truthTrue, truthFalse)

// transportScalars has SNMP-TSM-MIB (RFC 5591), and the counters of SNMP-TLS-TM-MIB.
func (m *MIB) transportScalars() []mib.Group {
	tsm, t := m.options.TSM, m.options.TLSTM
	return []mib.Group{
		counters(snmpTsmStats, &tsm.InvalidCaches, &tsm.InadequateSecurityLevels, &tsm.UnknownPrefixes, &tsm.InvalidPrefixes),
		counters(snmpTlstmSession, &t.Opens, &t.ClientCloses, &t.OpenErrors, &t.Accepts, &t.ServerCloses, &t.NoSessions, &t.InvalidClientCertificates,
			&t.UnknownServerCertificate, &t.InvalidServerCertificates, &t.InvalidCaches),
		{Entry: snmpTsmMIBObjects.Append(2), Columns: []uint32{snmpTsmUsePrefix.Last()}, Open: func(context.Context, *mib.Request) mib.Snapshot {
			value := snmp.Integer(truthFalse)
			if use := m.state.Load().usePrefix(); use != nil && *use {
				value = snmp.Integer(truthTrue)
			}
			return mib.Scalars(func(uint32) (snmp.Value, bool) { return value, true })
		}},
	}
}

// counters are scalars of type Counter32, in the order of their columns from 1 on.
func counters(group oid.OID, list ...*atomic.Uint64) mib.Group {
	g := mib.Group{Entry: group}
	for i := range list {
		g.Columns = append(g.Columns, uint32(i+1))
	}
	g.Open = func(context.Context, *mib.Request) mib.Snapshot {
		return mib.Scalars(func(column uint32) (snmp.Value, bool) { return snmp.Counter32(uint32(list[column-1].Load())), true })
	}
	return g
}

// usePrefix returns snmpTsmConfigurationUsePrefix: what the configuration says, else what was SET, else nil.
func (s *state) usePrefix() *bool {
	if s.says.TransportPrefix != nil || s.prefix == 0 {
		return s.says.TransportPrefix
	}
	use := s.prefix == truthTrue
	return &use
}

// setPrefix is a SET of snmpTsmConfigurationUsePrefix.
func (s *state) setPrefix(vb snmp.VarBind) (snmp.ErrorStatus, error) {
	if status, err := truthValue.check(vb.Value); err != nil {
		return status, err
	}
	switch {
	case vb.Name != snmpTsmUsePrefix.Append(0):
		return snmp.NoCreation, errors.New("a scalar has the instance 0 alone")
	case s.says.TransportPrefix != nil:
		return snmp.NotWritable, fmt.Errorf("%w: tsmUseTransportPrefix", errConfigured)
	}
	s.prefix = int32(vb.Value.Int())
	return snmp.NoError, nil
}
