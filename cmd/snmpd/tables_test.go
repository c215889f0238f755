package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/gosnmp/gosnmp"

	"walkabout/agent/persist"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// set sends a SET of the administrator's, and returns what became of it.
func (f *target) set(vbs ...snmp.VarBind) string {
	f.t.Helper()
	m := f.message(snmp.PDU{Type: snmp.SetRequest, RequestID: 1, VarBinds: vbs})
	return f.send(f.octets(&m))
}

// secondCommunity is rows that let someone read by the community zq-second-zq, or with another RowStatus, take it back.
func secondCommunity(status int32) []snmp.VarBind {
	const community, member, access, family = "18.1.1.1.%d.105", "16.1.2.1.%d.2.3.115.101.99", "16.1.4.1.%d.1.103.0.2.1", "16.1.5.2.1.%d.1.118.1.1"
	var out []snmp.VarBind
	cell := func(entry string, column int, v snmp.Value) {
		out = append(out, snmp.VarBind{Name: oid.MustParse(snmpModules + fmt.Sprintf(entry, column)), Value: v})
	}
	cell(community, 8, snmp.Integer(status))
	cell(member, 5, snmp.Integer(status))
	cell(access, 9, snmp.Integer(status))
	cell(family, 6, snmp.Integer(status))
	if status == 4 { // createAndGo
		cell(community, 2, snmp.OctetString(second))
		cell(community, 3, snmp.OctetString("sec"))
		cell(member, 3, snmp.OctetString("g"))
		cell(access, 5, snmp.OctetString("v"))
	}
	return out
}

const second = "zq-second-zq"

// readsBySecond returns what becomes of a request by that community.
func (f *target) readsBySecond() string {
	f.t.Helper()
	m := snmp.Message{Version: snmp.V2c, Community: second, PDU: snmp.PDU{Type: snmp.GetRequest, RequestID: 1, VarBinds: asked(oid.MustParse("1.3.6.1.2.1.1.5.0"))}}
	return f.send(m.Append(nil))
}

// TestTables: rows that are SET are in force when the SET is answered, stay so through reloads and starts, and are gone as quickly.
func TestTables(t *testing.T) {
	const create, destroy, unknown = 4, 6, "silence snmpInBadCommunityNames"
	dir := t.TempDir()
	d := startIn(t, dir, targetFile)
	f := aim(t, d.ready()[0])
	expect := func(what, want string) {
		t.Helper()
		if got := f.readsBySecond(); got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	set := func(status int32) {
		t.Helper()
		if got := f.set(secondCommunity(status)...); got != "noError 0" {
			t.Errorf("%d: %s", status, got)
		}
	}
	expect("before", unknown)
	for range 20 { // while the files are read again
		d.hangup <- syscall.SIGHUP
		set(create)
		expect("created", "noError 0")
		set(destroy)
		expect("destroyed", unknown)
	}
	set(create)
	d.hangup <- syscall.SIGHUP
	for range 21 {
		d.until("msg=reloaded")
	}
	expect("after a reload", "noError 0")
	if all := d.finish(); strings.Contains(all, second) {
		t.Errorf("a community in the log:\n%s", all)
	}

	d = startIn(t, dir, targetFile)
	f = aim(t, d.ready()[0])
	expect("after a start", "noError 0")
	set(destroy)
	expect("destroyed after a start", unknown)
	d.finish()
	if state, err := persist.Load(dir); err != nil || len(state.Objects) != 0 {
		t.Errorf("%+v, %v", state, err)
	}
}

// TestTablesNotKept: without a state folder a row that is to be kept is not made, and one that is not may be.
func TestTablesNotKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "")
	d := startIn(t, file, "agentAddress 127.0.0.1:0\nrwcommunity "+hidden+"\n")
	address := d.ready()[0]
	const notify = ".1.3.6.1.6.3.13.1.1.1."
	row := []gosnmp.SnmpPDU{{Name: notify + "5.110", Type: gosnmp.Integer, Value: 4}, text(notify+"2.110", "told")}
	if got := set(t, address, row...); got != gosnmp.CommitFailed {
		t.Errorf("a row that is to be kept: %v", got)
	}
	row = append(row, gosnmp.SnmpPDU{Name: notify + "4.110", Type: gosnmp.Integer, Value: 2})
	if got := set(t, address, row...); got != gosnmp.NoError {
		t.Errorf("a volatile row, which must not be there yet: %v", got)
	}
	if got := ask(t, address, notify+"2.110"); got != "told" {
		t.Errorf("it is %q", got)
	}
	d.finish()
}

// TestUselessRows: a row that is of no use is told of once, not at each SET.
func TestUselessRows(t *testing.T) {
	d := startIn(t, t.TempDir(), targetFile)
	f := aim(t, d.ready()[0])
	const addr, notify, params = "12.1.2.1.%d.97", "13.1.1.1.%d.110", "gone"
	cell := func(entry string, column int, v snmp.Value) snmp.VarBind {
		return snmp.VarBind{Name: oid.MustParse(snmpModules + fmt.Sprintf(entry, column)), Value: v}
	}
	row := []snmp.VarBind{
		cell(addr, 9, snmp.Integer(4)), cell(addr, 2, snmp.ObjectID(oid.MustParse("1.3.6.1.6.1.1"))), cell(addr, 3, snmp.OctetString("\x7f\x00\x00\x01\x00\xa2")),
		cell(addr, 6, snmp.OctetString("t")), cell(addr, 7, snmp.OctetString(params)), cell(notify, 5, snmp.Integer(4)), cell(notify, 2, snmp.OctetString("t")),
	}
	if got := f.set(row...); got != "noError 0" {
		t.Fatal(got)
	}
	for range 5 {
		if got := f.set(cell(notify, 3, snmp.Integer(2))); got != "noError 0" {
			t.Fatal(got)
		}
	}
	if all := d.finish(); strings.Count(all, "receivers of notifications are left out") != 1 {
		t.Errorf("told otherwise than once:\n%s", all)
	}
}
