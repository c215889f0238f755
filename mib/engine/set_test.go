package engine_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"walkabout/mib/engine"
	"walkabout/mib/mibtest"
	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/tlstm"
)

// RowStatus.
const (
	active = iota + 1
	notInService
	notReady
	createAndGo
	createAndWait
	destroy
)

var (
	udpDomain = oid.New(1, 3, 6, 1, 6, 1, 1)
	system    = oid.New(1, 3, 6, 1, 2, 1, 1)
)

// rowOf is a table and a good row of it that a SET makes: the index, the RowStatus, the StorageType, and what must be set.
type rowOf struct {
	index           []any
	status, storage string
	must            []snmp.VarBind // without their index
	free            []snmp.VarBind // others
	frozen          []string       // not to be changed while active
	legal           []string       // which of TestHostile's indexes are an implied string or OID
}

var impliedString = []string{"a length without octets", "a number beyond the least"}

var fingerprint = string(tlstm.Of(tlstm.SHA256, []byte("a certificate")))

var rows = map[string]rowOf{
	"usmUserTable": {
		index: []any{ownID, "joe"}, status: "usmUserStatus", storage: "usmUserStorageType",
		free: []snmp.VarBind{text("x", "usmUserPublic")},
	},
	"vacmSecurityToGroupTable": {
		index: []any{3, "joe"}, status: "vacmSecurityToGroupStatus", storage: "vacmSecurityToGroupStorageType",
		must: []snmp.VarBind{text("joes", "vacmGroupName")},
	},
	"vacmAccessTable": {
		index: []any{"joes", "", 3, 2}, status: "vacmAccessStatus", storage: "vacmAccessStorageType",
		free: []snmp.VarBind{
			number(2, "vacmAccessContextMatch"), text("r", "vacmAccessReadViewName"), text("w", "vacmAccessWriteViewName"), text("n", "vacmAccessNotifyViewName"),
		},
	},
	"vacmViewTreeFamilyTable": {
		index: []any{"v", 7, system}, status: "vacmViewTreeFamilyStatus", storage: "vacmViewTreeFamilyStorageType",
		free: []snmp.VarBind{text("\xff\xa0", "vacmViewTreeFamilyMask"), number(2, "vacmViewTreeFamilyType")},
	},
	"snmpCommunityTable": {
		index: []any{implied("i")}, status: "snmpCommunityStatus", storage: "snmpCommunityStorageType",
		legal: impliedString,
		must:  []snmp.VarBind{text("zq-hidden", "snmpCommunityName"), text("sec", "snmpCommunitySecurityName")},
		free:  []snmp.VarBind{text("ctx", "snmpCommunityContextName"), text("tag", "snmpCommunityTransportTag"), text(ownID, "snmpCommunityContextEngineID")},
	},
	"snmpTargetAddrTable": {
		index: []any{implied("nms")}, status: "snmpTargetAddrRowStatus", storage: "snmpTargetAddrStorageType",
		legal: impliedString,
		must: []snmp.VarBind{
			pointer(udpDomain, "snmpTargetAddrTDomain"), text("\xc0\x00\x02\x01\x00\xa2", "snmpTargetAddrTAddress"), text("p", "snmpTargetAddrParams"),
		},
		free: []snmp.VarBind{
			number(9, "snmpTargetAddrTimeout"), number(255, "snmpTargetAddrRetryCount"), text("a b", "snmpTargetAddrTagList"),
			text("\xff\xff\xff\x00\x00\x00", "snmpTargetAddrTMask"), number(0, "snmpTargetAddrMMS"),
		},
		frozen: []string{"snmpTargetAddrTDomain", "snmpTargetAddrTAddress", "snmpTargetAddrTMask"},
	},
	"snmpTargetParamsTable": {
		index: []any{implied("p")}, status: "snmpTargetParamsRowStatus", storage: "snmpTargetParamsStorageType",
		legal: impliedString,
		must: []snmp.VarBind{
			number(3, "snmpTargetParamsMPModel"), number(3, "snmpTargetParamsSecurityModel"), text("admin", "snmpTargetParamsSecurityName"),
			number(3, "snmpTargetParamsSecurityLevel"),
		},
		frozen: []string{"snmpTargetParamsMPModel", "snmpTargetParamsSecurityModel", "snmpTargetParamsSecurityName", "snmpTargetParamsSecurityLevel"},
	},
	"snmpNotifyTable": {
		index: []any{implied("n")}, status: "snmpNotifyRowStatus", storage: "snmpNotifyStorageType",
		legal: impliedString,
		free:  []snmp.VarBind{text("tag", "snmpNotifyTag"), number(2, "snmpNotifyType")},
	},
	"snmpNotifyFilterProfileTable": {
		index: []any{implied("p")}, status: "snmpNotifyFilterProfileRowStatus", storage: "snmpNotifyFilterProfileStorType",
		legal: impliedString,
		must:  []snmp.VarBind{text("f", "snmpNotifyFilterProfileName")},
	},
	"snmpNotifyFilterTable": {
		index: []any{"f", system}, status: "snmpNotifyFilterRowStatus", storage: "snmpNotifyFilterStorageType",
		legal: []string{"a length that is one too small"},
		free:  []snmp.VarBind{text("\xf0", "snmpNotifyFilterMask"), number(2, "snmpNotifyFilterType")},
	},
	"snmpTlstmCertToTSNTable": {
		index: []any{10}, status: "snmpTlstmCertToTSNRowStatus", storage: "snmpTlstmCertToTSNStorageType",
		legal:  []string{"a length without octets"},
		must:   []snmp.VarBind{text(fingerprint, "snmpTlstmCertToTSNFingerprint")},
		free:   []snmp.VarBind{pointer(tlstm.DNSName.OID(), "snmpTlstmCertToTSNMapType"), text("x", "snmpTlstmCertToTSNData")},
		frozen: []string{"snmpTlstmCertToTSNFingerprint", "snmpTlstmCertToTSNMapType", "snmpTlstmCertToTSNData"},
	},
	"snmpTlstmParamsTable": {
		index: []any{implied("p")}, status: "snmpTlstmParamsRowStatus", storage: "snmpTlstmParamsStorageType",
		legal:  impliedString,
		must:   []snmp.VarBind{text(fingerprint, "snmpTlstmParamsClientFingerprint")},
		frozen: []string{"snmpTlstmParamsClientFingerprint"},
	},
	"snmpTlstmAddrTable": {
		index: []any{implied("nms")}, status: "snmpTlstmAddrRowStatus", storage: "snmpTlstmAddrStorageType",
		legal:  impliedString,
		must:   []snmp.VarBind{text(fingerprint, "snmpTlstmAddrServerFingerprint")},
		free:   []snmp.VarBind{text("nms.example.org", "snmpTlstmAddrServerIdentity")},
		frozen: []string{"snmpTlstmAddrServerFingerprint"},
	},
}

// row returns the SET that gives the row a status with the given cells.
func (r *rowOf) row(status int32, cells ...snmp.VarBind) []snmp.VarBind {
	out := []snmp.VarBind{number(status, r.status, r.index...)}
	tail := name(r.status, r.index...).From(name(r.status).Len())
	for _, c := range cells {
		c.Name = c.Name.Join(tail)
		out = append(out, c)
	}
	return out
}

// TestRowStatus holds every table against the transitions of RFC 2579.
func TestRowStatus(t *testing.T) {
	for table, r := range rows {
		t.Run(table, func(t *testing.T) {
			f := newFixture(t)
			empty := f.all()
			status := name(r.status, r.index...)
			step := func(want string, wantStatus snmp.Value, vbs ...snmp.VarBind) {
				t.Helper()
				if got := f.set(vbs...); got != want {
					t.Errorf("%v: %s, want %s", vbs, got, want)
				}
				if got := f.get(request(), status)[0]; got != wantStatus {
					t.Errorf("%v: the status is %v, want %v", vbs, got, wantStatus)
				}
			}
			is := snmp.Integer
			step("inconsistentValue 0", snmp.NoSuchInstance, r.row(active)...)
			step("inconsistentValue 0", snmp.NoSuchInstance, r.row(notInService)...)
			step("wrongValue 0", snmp.NoSuchInstance, r.row(notReady)...)
			step("wrongValue 0", snmp.NoSuchInstance, r.row(7)...)
			step("noError", snmp.NoSuchInstance, r.row(destroy)...)
			for _, c := range append(r.must, r.free...) {
				step("inconsistentName 0", snmp.NoSuchInstance, r.row(active, c)[1])
			}
			unset := is(notInService)
			if len(r.must) > 0 {
				unset = is(notReady)
				step("inconsistentValue 0", snmp.NoSuchInstance, r.row(createAndGo, r.must[1:]...)...)
			}
			// Step by step.
			step("noError", unset, r.row(createAndWait)...)
			step("inconsistentValue 0", unset, r.row(createAndWait)...)
			step("inconsistentValue 0", unset, r.row(createAndGo)...)
			for i, c := range r.must {
				if f.get(request(), r.row(active, c)[1].Name)[0] != snmp.NoSuchInstance {
					t.Errorf("%v has a value before it is set", c.Name)
				}
				step("inconsistentValue 0", is(notReady), r.row(active)...)
				step("inconsistentValue 0", is(notReady), r.row(notInService)...)
				if i == len(r.must)-1 {
					unset = is(notInService)
				}
				step("noError", unset, r.row(active, c)[1])
			}
			step("noError", is(notInService), r.row(notInService)...)
			calls := f.calls
			step("noError", is(active), r.row(active, r.free...)...)
			if f.calls != calls+1 {
				t.Error("the change is not in force")
			}
			for _, c := range append(r.must, r.free...) {
				vb := r.row(active, c)[1]
				want := "noError"
				for _, frozen := range r.frozen {
					if c.Name == name(frozen) {
						want = "inconsistentValue 0"
					}
				}
				step(want, is(active), vb)
				if got := f.get(request(), vb.Name)[0]; got != vb.Value {
					t.Errorf("%v is %v", vb.Name, got)
				}
			}
			step("inconsistentValue 0", is(active), r.row(createAndGo)...)
			step("noError", is(active), number(2, r.storage, r.index...))
			if f.Kept() != nil {
				t.Error("a volatile row is kept")
			}
			for _, n := range []int32{0, 1, 4, 5, 6} {
				step("wrongValue 0", is(active), number(n, r.storage, r.index...))
			}
			step("noError", snmp.NoSuchInstance, r.row(destroy)...)
			if got := f.all(); got != empty {
				t.Errorf("left behind:\n%s", got)
			}
			// At once, in any order, and of no effect with a mistake somewhere.
			vbs := r.row(createAndGo, append(r.must, r.free...)...)
			vbs = append(vbs[1:], vbs[0])
			step(fmt.Sprintf("wrongType %d", len(vbs)), snmp.NoSuchInstance, append(vbs[:len(vbs):len(vbs)], snmp.VarBind{Name: status})...)
			step("noError", is(active), vbs...)
			if kept := f.Kept(); len(kept) < len(vbs) {
				t.Errorf("kept is %v", kept)
			}
			step("noError", is(notInService), r.row(notInService, r.must...)...)
			step("noError", snmp.NoSuchInstance, r.row(destroy, append(r.must, r.free...)...)...)
		})
	}
}

// TestHostile sends what has no sense to every column of every table: each is refused as RFC 3416 orders it, and nothing is changed.
func TestHostile(t *testing.T) {
	f := newFixture(t)
	before := f.all()
	for object := range objects {
		if object == "snmpEngineBoots" || object == "usmUserEngineID" || object == "usmUserSecurityName" ||
			object == "snmpTlstmCertToTSNCount" || object == "snmpTlstmCertToTSNTableLastChanged" {
			if got := f.set(number(1, object, 0)); got != "notWritable 0" {
				t.Errorf("%s: %s", object, got)
			}
			continue
		}
		for _, v := range []snmp.Value{
			snmp.Null, snmp.NoSuchObject, snmp.NoSuchInstance, snmp.EndOfMibView, snmp.Counter32(1), snmp.Counter64(1), snmp.Gauge32(1), snmp.TimeTicks(1), snmp.Opaque(""),
		} {
			if got := f.set(snmp.VarBind{Name: name(object, 0), Value: v}); got != "wrongType 0" {
				t.Errorf("%s = %v: %s", object, v.Kind(), got)
			}
		}
	}
	for table, r := range rows {
		for what, index := range map[string]oid.OID{
			"no index":                       {},
			"a length without octets":        oid.New(5),
			"a length of 2^32-1":             oid.New(4294967295, 1),
			"a length of 2^31":               oid.New(2147483648, 1, 2, 3, 4, 5, 6),
			"octets beyond 255":              oid.New(256, 257),
			"more than a name may have":      oid.MustParse(strings.TrimSuffix(strings.Repeat("5.", 118), ".")),
			"a number beyond the least":      oid.New(0, 0, 0, 0, 0, 0),
			"a length that is one too small": oid.New(8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 300),
			"no UTF-8":                       oid.New(3, 255, 254, 253, 300),
		} {
			if slices.Contains(r.legal, what) {
				continue
			}
			for _, status := range []int32{createAndGo, createAndWait, active, destroy} {
				if got := f.set(snmp.VarBind{Name: name(r.status).Join(index), Value: snmp.Integer(status)}); got != "noCreation 0" {
					t.Errorf("%s: %s: %s", table, what, got)
				}
			}
		}
	}
	for _, vb := range []snmp.VarBind{
		number(createAndGo, "usmUserStatus", "1234", "joe"), number(createAndGo, "usmUserStatus", strings.Repeat("1", 33), "joe"),
		number(createAndGo, "usmUserStatus", "\x00\x00\x00\x00\x00", "joe"), number(createAndGo, "usmUserStatus", ownID, ""),
		number(createAndGo, "usmUserStatus", ownID, strings.Repeat("j", 33)), number(createAndGo, "usmUserStatus", ownID, "joe", 1),
		number(createAndGo, "vacmAccessStatus", "g", "", 3, 0), number(createAndGo, "vacmAccessStatus", "g", "", 3, 4),
		number(createAndGo, "vacmSecurityToGroupStatus", 0, "joe"), number(createAndGo, "snmpNotifyRowStatus", implied(strings.Repeat("n", 33))),
		number(createAndGo, "vacmViewTreeFamilyStatus", "v", 6, system), number(createAndGo, "vacmViewTreeFamilyStatus", "v", 8, system),
		number(createAndGo, "snmpNotifyFilterRowStatus", "f"),
	} {
		if got := f.set(vb); got != "noCreation 0" {
			t.Errorf("%v: %s", vb.Name, got)
		}
	}
	if got := f.all(); got != before || f.Kept() != nil {
		t.Errorf("something was changed:\n%s", got)
	}
}

func TestValues(t *testing.T) {
	long := strings.Repeat("x", 33)
	for _, tt := range []struct {
		table string
		cells []snmp.VarBind // over those that a row must have
		want  string
	}{
		{"vacmSecurityToGroupTable", []snmp.VarBind{text("", "vacmGroupName")}, "wrongLength"},
		{"vacmSecurityToGroupTable", []snmp.VarBind{text(long, "vacmGroupName")}, "wrongLength"},
		{"vacmSecurityToGroupTable", []snmp.VarBind{text("\xff", "vacmGroupName")}, "wrongValue"},
		{"vacmAccessTable", []snmp.VarBind{number(3, "vacmAccessContextMatch")}, "wrongValue"},
		{"vacmAccessTable", []snmp.VarBind{text(long, "vacmAccessReadViewName")}, "wrongLength"},
		{"vacmViewTreeFamilyTable", []snmp.VarBind{text(long[:17], "vacmViewTreeFamilyMask")}, "wrongLength"},
		{"vacmViewTreeFamilyTable", []snmp.VarBind{number(0, "vacmViewTreeFamilyType")}, "wrongValue"},
		{"snmpCommunityTable", []snmp.VarBind{text(otherID, "snmpCommunityContextEngineID")}, "inconsistentValue"},
		{"snmpCommunityTable", []snmp.VarBind{text("\xff\xff\xff\xff\xff", "snmpCommunityContextEngineID")}, "wrongValue"},
		{"snmpCommunityTable", []snmp.VarBind{text("two tags", "snmpCommunityTransportTag")}, "wrongValue"},
		{"snmpTargetAddrTable", []snmp.VarBind{text(" a", "snmpTargetAddrTagList")}, "wrongValue"},
		{"snmpTargetAddrTable", []snmp.VarBind{text("a ", "snmpTargetAddrTagList")}, "wrongValue"},
		{"snmpTargetAddrTable", []snmp.VarBind{text("a\t\nb", "snmpTargetAddrTagList")}, "wrongValue"},
		{"snmpTargetAddrTable", []snmp.VarBind{text("12345", "snmpTargetAddrTAddress")}, "inconsistentValue"},
		{"snmpTargetAddrTable", []snmp.VarBind{text("12345", "snmpTargetAddrTMask")}, "inconsistentValue"},
		{"snmpTargetAddrTable", []snmp.VarBind{text("", "snmpTargetAddrTAddress")}, "wrongLength"},
		{"snmpTargetAddrTable", []snmp.VarBind{number(256, "snmpTargetAddrRetryCount")}, "wrongValue"},
		{"snmpTargetAddrTable", []snmp.VarBind{number(-1, "snmpTargetAddrTimeout")}, "wrongValue"},
		{"snmpTargetAddrTable", []snmp.VarBind{number(483, "snmpTargetAddrMMS")}, "wrongValue"},
		{"snmpTargetParamsTable", []snmp.VarBind{number(2, "snmpTargetParamsMPModel")}, "inconsistentValue"},
		{"snmpTargetParamsTable", []snmp.VarBind{number(2, "snmpTargetParamsSecurityModel")}, "inconsistentValue"},
		{"snmpTargetParamsTable", []snmp.VarBind{number(0, "snmpTargetParamsSecurityModel")}, "wrongValue"},
		{"snmpTargetParamsTable", []snmp.VarBind{number(1, "snmpTargetParamsMPModel"), number(2, "snmpTargetParamsSecurityModel")}, "inconsistentValue"},
		{"snmpTargetParamsTable", []snmp.VarBind{number(0, "snmpTargetParamsSecurityLevel")}, "wrongValue"},
		{"snmpNotifyTable", []snmp.VarBind{number(3, "snmpNotifyType")}, "wrongValue"},
		{"snmpNotifyFilterProfileTable", []snmp.VarBind{text("", "snmpNotifyFilterProfileName")}, "wrongLength"},
	} {
		f := newFixture(t)
		r := rows[tt.table]
		cells := append([]snmp.VarBind(nil), tt.cells...)
		for _, m := range r.must {
			given := false
			for _, c := range tt.cells {
				given = given || c.Name == m.Name
			}
			if !given {
				cells = append(cells, m)
			}
		}
		if got, _, _ := strings.Cut(f.set(r.row(createAndGo, cells...)...), " "); got != tt.want {
			t.Errorf("%s: %v: %s, want %s", tt.table, tt.cells, got, tt.want)
		}
	}
}

// TestSpinLock: who names a lock with the value that it had wins, once.
func TestSpinLock(t *testing.T) {
	f := newFixture(t)
	for _, lock := range []string{"snmpSetSerialNo", "usmUserSpinLock", "vacmViewSpinLock", "snmpTargetSpinLock"} {
		now := int32(f.get(request(), name(lock, 0))[0].Int())
		calls := f.calls
		row := rows["snmpNotifyTable"]
		for _, tt := range []struct {
			vbs  []snmp.VarBind
			want string
		}{
			{[]snmp.VarBind{number(now+1, lock, 0)}, "inconsistentValue 0"},
			{[]snmp.VarBind{number(-1, lock, 0)}, "wrongValue 0"},
			{[]snmp.VarBind{number(now, lock, 1)}, "noCreation 0"},
			{[]snmp.VarBind{number(now, lock)}, "noCreation 0"},
			{append(row.row(createAndGo), number(now, lock, 0)), "noError"},
			{append(row.row(destroy), number(now, lock, 0)), "inconsistentValue 1"},
			{[]snmp.VarBind{number(now+1, lock, 0)}, "noError"},
			{row.row(destroy), "noError"},
		} {
			if got := f.set(tt.vbs...); got != tt.want {
				t.Errorf("%s: %v: %s, want %s", lock, tt.vbs, got, tt.want)
			}
		}
		if got := f.get(request(), name(lock, 0))[0]; got != snmp.Integer(now+2) {
			t.Errorf("%s is %v, want %d", lock, got, now+2)
		}
		if f.calls != calls+2 {
			t.Errorf("%s: %d changes of rows instead of 2", lock, f.calls-calls)
		}
	}
}

// TestAllOrNothing: several rows and tables, one of which is wrong; and what cannot be put to use or is taken back.
func TestAllOrNothing(t *testing.T) {
	f := newFixture(t)
	before := f.all()
	var vbs []snmp.VarBind
	for _, r := range rows {
		vbs = append(vbs, r.row(createAndGo, append(r.must, r.free...)...)...)
	}
	if got := f.set(append(vbs, text("", "vacmGroupName", 3, "jane"))...); got != fmt.Sprintf("wrongLength %d", len(vbs)) {
		t.Error(got)
	}
	if got := f.set(append(vbs, text("x", "vacmGroupName", 3, "jane"))...); got != fmt.Sprintf("inconsistentName %d", len(vbs)) {
		t.Error(got)
	}
	twice := rows["snmpNotifyTable"]
	if got := f.set(append(twice.row(createAndGo, twice.free...), twice.row(createAndGo, text("other", "snmpNotifyTag"))[1])...); got != "inconsistentValue 3" {
		t.Errorf("two values for one object: %s", got)
	}
	f.refuse = errors.New("out of order")
	if got := f.set(vbs...); got != "commitFailed" || f.all() != before {
		t.Errorf("%s, and now\n%s", got, f.all())
	}
	f.refuse = nil
	c, err := f.Prepare(t.Context(), request(), vbs)
	if err != nil || f.all() != before {
		t.Fatalf("%v, and now\n%s", err, f.all())
	}
	if err := c.Commit(t.Context()); err != nil || f.all() == before || len(f.Kept()) == 0 || len(f.config.Notifies) != 1 {
		t.Errorf("%v, and now\n%s", err, f.all())
	}
	if err := c.Undo(t.Context()); err != nil || f.all() != before || f.Kept() != nil || len(f.config.Notifies) != 0 {
		t.Errorf("%v, and now\n%s", err, f.all())
	}
	c.Close()

	// A reload comes between.
	if c, err = f.Prepare(t.Context(), request(), vbs); err != nil {
		t.Fatal(err)
	}
	if err := f.SetConfig(engine.Config{}, f.apply); err != nil {
		t.Fatal(err)
	}
	if err := c.Commit(t.Context()); err != nil || len(f.config.Notifies) != 1 || len(f.config.Families) != 1 {
		t.Errorf("%v, and now %+v", err, f.config)
	}
	if err := c.Undo(t.Context()); err != nil || len(f.config.Notifies) != 0 || f.Kept() != nil {
		t.Errorf("%v, and now %+v", err, f.config)
	}
}

// TestConfiguredRows: what the configuration says cannot be written, and comes and goes with it.
func TestConfiguredRows(t *testing.T) {
	f := newFixture(t)
	for _, vb := range []snmp.VarBind{
		number(destroy, "usmUserStatus", ownID, "admin"), text("x", "usmUserPublic", ownID, "open"), number(2, "usmUserStorageType", ownID, "admin"),
		number(notInService, "vacmSecurityToGroupStatus", 3, "admin"), text("g", "vacmGroupName", 3, "admin"),
		text("x", "vacmAccessReadViewName", "admins", "c", 3, 3), number(1, "vacmViewTreeFamilyType", "all", 3, oid.New(1, 3, 9)),
		number(createAndGo, "vacmViewTreeFamilyStatus", "all", 0),
	} {
		if got := f.set(vb); got != "notWritable 0" {
			t.Errorf("%v: %s", vb.Name, got)
		}
	}
	if got := f.get(request(), name("usmUserStorageType", ownID, "admin"), name("vacmAccessContextMatch", "admins", "c", 3, 3), name("vacmViewTreeFamilyMask", "all", 3, oid.New(1, 3, 9))); got[0] != snmp.Integer(4) ||
		got[1] != snmp.Integer(2) || got[2] != snmp.OctetString("\xf0") {
		t.Errorf("%v", got)
	}

	// A row that was SET is hidden by one of the configuration, and kept.
	member := rows["vacmSecurityToGroupTable"]
	if got := f.set(member.row(createAndGo, member.must...)...); got != "noError" {
		t.Fatal(got)
	}
	kept := fmt.Sprint(f.Kept())
	c := configured()
	c.Members[0].Name = "joe"
	group := name("vacmGroupName", 3, "joe")
	for _, tt := range []struct {
		config engine.Config
		want   string
		groups int
	}{{c, "admins", 2}, {configured(), "joes", 3}} {
		if err := f.SetConfig(tt.config, f.apply); err != nil {
			t.Fatal(err)
		}
		if got := f.get(request(), group)[0]; got != snmp.OctetString(tt.want) || fmt.Sprint(f.Kept()) != kept || len(f.config.Members) != tt.groups {
			t.Errorf("%v, want %s; %v", got, tt.want, f.config.Members)
		}
	}
	f.refuse = errors.New("no")
	before := f.all()
	if err := f.SetConfig(c, f.apply); !errors.Is(err, f.refuse) || f.all() != before {
		t.Errorf("%v, and now\n%s", err, f.all())
	}
}

// TestBound: a table takes a thousand rows.
func TestBound(t *testing.T) {
	f := newFixture(t)
	for i := range 1000 {
		if got := f.set(number(createAndGo, "snmpNotifyRowStatus", 1+i%100, 1+i/100)); got != "noError" {
			t.Fatalf("row %d: %s", i, got)
		}
	}
	if got := f.set(number(createAndGo, "snmpNotifyRowStatus", 1, 1, 1)); got != "resourceUnavailable 0" {
		t.Error(got)
	}
	if got := f.set(number(notInService, "snmpNotifyRowStatus", 1, 1)); got != "noError" {
		t.Error(got)
	}
}

func TestHandler(t *testing.T) {
	f := newFixture(t)
	for _, r := range rows {
		if got := f.set(r.row(createAndGo, append(r.must, r.free...)...)...); got != "noError" {
			t.Fatalf("%s: %s", r.status, got)
		}
	}
	mibtest.Test(t, f.MIB, engine.Roots()...)
	// Without SNMPv3 the rest is there.
	mibtest.Test(t, fixtureOf(t, nil).MIB, engine.Roots()...)
}
