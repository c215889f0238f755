package main

import (
	"testing"

	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// fuzzFile lets admin read everything, at every level, and write the engine's users, access and communities: what else can be written is this
// machine's.
const fuzzFile = `
agentAddress udp:127.0.0.1:0,tcp:127.0.0.1:0
engineID soak
rocommunity ` + hidden + `
createUser admin SHA-256 authpassword AES privpassword
group fuzzers usm admin
view all included .1
view engine included .1.3.6.1.6.3
view engine excluded .1.3.6.1.6.3.12
view engine excluded .1.3.6.1.6.3.13
view engine included .1.3.6.1.3.101
access fuzzers "" usm noauth exact all engine none
`

// FuzzDaemon sends what a user who has the keys may send: anything at all below the encryption, to a whole daemon with all that it serves. Each
// message is answered, or counted.
func FuzzDaemon(f *testing.F) {
	vbs := []snmp.VarBind{
		{Name: oid.MustParse("1.3.6.1.6.3.16.1.2.1.5.3.1.117"), Value: snmp.Integer(4)},
		{Name: oid.MustParse("1.3.6.1.6.3.16.1.2.1.3.3.1.117"), Value: snmp.OctetString("fuzzers")},
	}
	for _, p := range []snmp.PDU{
		{Type: snmp.GetRequest, RequestID: 1, VarBinds: asked(oid.MustParse("1.3.6.1.2.1.1.3.0"), oid.MustParse("1.3.6.1.2.1.2.2.1.10.1"))},
		{Type: snmp.GetNextRequest, RequestID: 2, VarBinds: asked(oid.MustParse("1.3.6.1.2.1.4"), oid.MustParse("1.3.6.1.2.1.25"), oid.MustParse("1.3.6.1.6.3.15"))},
		{Type: snmp.GetBulkRequest, RequestID: 3, ErrorStatus: 1, ErrorIndex: 20, VarBinds: asked(oid.MustParse("1.3"), oid.MustParse("1.3.6.1.2.1.31"))},
		{Type: snmp.SetRequest, RequestID: 4, VarBinds: vbs},
		{Type: snmp.SetRequest, RequestID: 5, VarBinds: []snmp.VarBind{{Name: vbs[0].Name, Value: snmp.Integer(6)}}},
		{Type: snmp.SetRequest, RequestID: 6, VarBinds: []snmp.VarBind{{Name: oid.MustParse("1.3.6.1.6.3.15.1.2.2.1.6.5.128.0.0.0.1.1.117"), Value: snmp.OctetString("x")}}},
		{Type: snmp.Report, RequestID: 7},
	} {
		s := snmp.ScopedPDU{ContextEngineID: targetID, PDU: p}
		f.Add(byte(snmp.AuthFlag|snmp.PrivFlag), s.Append(nil))
	}
	d := startTargetOf(f, fuzzFile)
	f.Fuzz(func(t *testing.T, flags byte, content []byte) {
		if len(content) > 1<<15 {
			return
		}
		d.t = t
		m := d.message(snmp.PDU{})
		m.Flags, m.Content = snmp.Flags(flags)&^snmp.ReportableFlag, content
		if got := d.send(d.octets(&m)); !refused.MatchString(got) && !responded.MatchString(got) {
			t.Errorf("%q", got)
		}
	})
}
