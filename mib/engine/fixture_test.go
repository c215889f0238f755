package engine_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"walkabout/mib"
	"walkabout/mib/engine"
	"walkabout/mib/mibtest"
	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/usm"
	"walkabout/snmp/vacm"
)

const (
	ownID   = "\x80\x00\x1f\x88\x04test"
	otherID = "\x80\x00\x1f\x88\x04away"
)

var start = time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC)

type engineUser = engine.User

// fixture is a MIB, and what it has put to use.
type fixture struct {
	*engine.MIB
	t      testing.TB
	usm    *usm.Engine
	config engine.Config // of the last Apply
	calls  int
	refuse error
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	e, err := usm.NewEngine(ownID, 3, start)
	if err != nil {
		t.Fatal(err)
	}
	return fixtureOf(t, e)
}

func fixtureOf(t testing.TB, e *usm.Engine) *fixture {
	t.Helper()
	f := &fixture{t: t, usm: e, MIB: emptyMIB(t, e)}
	if err := f.SetConfig(configured(), f.apply); err != nil {
		t.Fatal(err)
	}
	return f
}

// emptyMIB is one without a configuration.
func emptyMIB(t testing.TB, e *usm.Engine) *engine.MIB {
	t.Helper()
	m, err := engine.New(engine.Options{
		Engine: e, MPD: new(snmp.MPDStats), TSM: new(snmp.TSMStats), TLSTM: new(snmp.TLSTMStats), Start: time.Now(),
		Contexts: func() []string { return []string{"", "b", "aa"} },
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (f *fixture) apply(c engine.Config) error {
	if f.refuse != nil {
		return f.refuse
	}
	f.config, f.calls = c, f.calls+1
	return nil
}

func key(octet string, n int) []byte { return []byte(strings.Repeat(octet, n)) }

// configured is what a configuration says: users with each kind of keys, and access for one.
func configured() engine.Config {
	users := []usm.User{
		{Name: "admin", Auth: usm.SHA, Priv: usm.AES, AuthKey: key("a", 20), PrivKey: key("p", 16)},
		{Name: "md5", Auth: usm.MD5, Priv: usm.DES, AuthKey: key("a", 16), PrivKey: key("p", 16)},
		{Name: "big", Auth: usm.SHA512, Priv: usm.AES256, AuthKey: key("a", 64), PrivKey: key("p", 32)},
		{Name: "open"},
	}
	var c engine.Config
	for _, u := range users {
		c.Users = append(c.Users, engine.User{EngineID: ownID, User: u})
	}
	c.Members = []vacm.Member{{Model: vacm.USM, Name: "admin", Group: "admins"}, {Model: vacm.USM, Name: strings.Repeat("x", 33), Group: "long"}}
	c.Entries = []vacm.Entry{{Group: "admins", Model: vacm.USM, Level: snmp.AuthPriv, Prefix: "c", Views: [3]string{"all", "all", ""}}}
	c.Families = []engine.Family{{View: "all", Family: vacm.Family{}}, {View: "all", Family: vacm.Family{Subtree: oid.New(1, 3, 9), Mask: "\xf0", Exclude: true}}}
	return c
}

// The objects, by their numbers below snmpModules, or whole.
var objects = map[string]string{
	"usmDHUserAuthKeyChange": "1.3.6.1.3.101.1.1.2.1.1", "usmDHUserOwnAuthKeyChange": "1.3.6.1.3.101.1.1.2.1.2",
	"usmDHUserPrivKeyChange": "1.3.6.1.3.101.1.1.2.1.3", "usmDHUserOwnPrivKeyChange": "1.3.6.1.3.101.1.1.2.1.4",
	"snmpSetSerialNo": "1.1.6.1", "snmpEngineBoots": "10.2.1.2",
	"usmUserSpinLock": "15.1.2.1", "vacmViewSpinLock": "16.1.5.1", "snmpTargetSpinLock": "12.1.1",

	"usmUserEngineID": "15.1.2.2.1.1", "usmUserSecurityName": "15.1.2.2.1.3", "usmUserCloneFrom": "15.1.2.2.1.4",
	"usmUserAuthProtocol": "15.1.2.2.1.5", "usmUserAuthKeyChange": "15.1.2.2.1.6", "usmUserOwnAuthKeyChange": "15.1.2.2.1.7",
	"usmUserPrivProtocol": "15.1.2.2.1.8", "usmUserPrivKeyChange": "15.1.2.2.1.9", "usmUserOwnPrivKeyChange": "15.1.2.2.1.10",
	"usmUserPublic": "15.1.2.2.1.11", "usmUserStorageType": "15.1.2.2.1.12", "usmUserStatus": "15.1.2.2.1.13",

	"vacmGroupName": "16.1.2.1.3", "vacmSecurityToGroupStorageType": "16.1.2.1.4", "vacmSecurityToGroupStatus": "16.1.2.1.5",
	"vacmAccessContextMatch": "16.1.4.1.4", "vacmAccessReadViewName": "16.1.4.1.5", "vacmAccessWriteViewName": "16.1.4.1.6",
	"vacmAccessNotifyViewName": "16.1.4.1.7", "vacmAccessStorageType": "16.1.4.1.8", "vacmAccessStatus": "16.1.4.1.9",
	"vacmViewTreeFamilyMask": "16.1.5.2.1.3", "vacmViewTreeFamilyType": "16.1.5.2.1.4", "vacmViewTreeFamilyStorageType": "16.1.5.2.1.5",
	"vacmViewTreeFamilyStatus": "16.1.5.2.1.6",

	"snmpCommunityName": "18.1.1.1.2", "snmpCommunitySecurityName": "18.1.1.1.3", "snmpCommunityContextEngineID": "18.1.1.1.4",
	"snmpCommunityContextName": "18.1.1.1.5", "snmpCommunityTransportTag": "18.1.1.1.6", "snmpCommunityStorageType": "18.1.1.1.7",
	"snmpCommunityStatus": "18.1.1.1.8", "snmpTargetAddrTMask": "18.1.2.1.1", "snmpTargetAddrMMS": "18.1.2.1.2",

	"snmpTargetAddrTDomain": "12.1.2.1.2", "snmpTargetAddrTAddress": "12.1.2.1.3", "snmpTargetAddrTimeout": "12.1.2.1.4",
	"snmpTargetAddrRetryCount": "12.1.2.1.5", "snmpTargetAddrTagList": "12.1.2.1.6", "snmpTargetAddrParams": "12.1.2.1.7",
	"snmpTargetAddrStorageType": "12.1.2.1.8", "snmpTargetAddrRowStatus": "12.1.2.1.9",
	"snmpTargetParamsMPModel": "12.1.3.1.2", "snmpTargetParamsSecurityModel": "12.1.3.1.3", "snmpTargetParamsSecurityName": "12.1.3.1.4",
	"snmpTargetParamsSecurityLevel": "12.1.3.1.5", "snmpTargetParamsStorageType": "12.1.3.1.6", "snmpTargetParamsRowStatus": "12.1.3.1.7",

	"snmpNotifyTag": "13.1.1.1.2", "snmpNotifyType": "13.1.1.1.3", "snmpNotifyStorageType": "13.1.1.1.4", "snmpNotifyRowStatus": "13.1.1.1.5",
	"snmpNotifyFilterProfileName": "13.1.2.1.1", "snmpNotifyFilterProfileStorType": "13.1.2.1.2", "snmpNotifyFilterProfileRowStatus": "13.1.2.1.3",
	"snmpNotifyFilterMask": "13.1.3.1.2", "snmpNotifyFilterType": "13.1.3.1.3", "snmpNotifyFilterStorageType": "13.1.3.1.4",
	"snmpNotifyFilterRowStatus": "13.1.3.1.5",

	"snmpTsmConfigurationUsePrefix":      "1.3.6.1.2.1.190.1.2.1",
	"snmpTlstmCertToTSNCount":            "1.3.6.1.2.1.198.2.2.1.1",
	"snmpTlstmCertToTSNTableLastChanged": "1.3.6.1.2.1.198.2.2.1.2",
	"snmpTlstmCertToTSNFingerprint":      "1.3.6.1.2.1.198.2.2.1.3.1.2",
	"snmpTlstmCertToTSNMapType":          "1.3.6.1.2.1.198.2.2.1.3.1.3",
	"snmpTlstmCertToTSNData":             "1.3.6.1.2.1.198.2.2.1.3.1.4",
	"snmpTlstmCertToTSNStorageType":      "1.3.6.1.2.1.198.2.2.1.3.1.5",
	"snmpTlstmCertToTSNRowStatus":        "1.3.6.1.2.1.198.2.2.1.3.1.6",
	"snmpTlstmParamsClientFingerprint":   "1.3.6.1.2.1.198.2.2.1.6.1.1",
	"snmpTlstmParamsStorageType":         "1.3.6.1.2.1.198.2.2.1.6.1.2",
	"snmpTlstmParamsRowStatus":           "1.3.6.1.2.1.198.2.2.1.6.1.3",
	"snmpTlstmAddrServerFingerprint":     "1.3.6.1.2.1.198.2.2.1.9.1.1",
	"snmpTlstmAddrServerIdentity":        "1.3.6.1.2.1.198.2.2.1.9.1.2",
	"snmpTlstmAddrStorageType":           "1.3.6.1.2.1.198.2.2.1.9.1.3",
	"snmpTlstmAddrRowStatus":             "1.3.6.1.2.1.198.2.2.1.9.1.4",
}

// name returns the OID of an object, or of an instance: an object and the parts of its index, each a number, a string with its length
// before it, implied for one without, or an OID.
func name(object string, index ...any) oid.OID {
	below, ok := objects[object]
	if !ok {
		panic(object)
	}
	if !strings.HasPrefix(below, "1.3.") {
		below = "1.3.6.1.6.3." + below
	}
	o := oid.MustParse(below)
	for _, part := range index {
		switch part := part.(type) {
		case int:
			o = o.Append(uint32(part))
		case string:
			o = letters(o.Append(uint32(len(part))), part)
		case implied:
			o = letters(o, string(part))
		case oid.OID:
			o = o.Join(part)
		}
	}
	return o
}

type implied string

func letters(o oid.OID, s string) oid.OID {
	for i := range len(s) {
		o = o.Append(uint32(s[i]))
	}
	return o
}

// number, text and pointer make variable bindings.
func number(n int32, object string, index ...any) snmp.VarBind {
	return snmp.VarBind{Name: name(object, index...), Value: snmp.Integer(n)}
}

func text(s, object string, index ...any) snmp.VarBind {
	return snmp.VarBind{Name: name(object, index...), Value: snmp.OctetString(s)}
}

func pointer(o oid.OID, object string, index ...any) snmp.VarBind {
	return snmp.VarBind{Name: name(object, index...), Value: snmp.ObjectID(o)}
}

// request is one of the administrator's.
func request() *mib.Request {
	return &mib.Request{Version: snmp.V3, SecurityModel: snmp.USMSecurityModel, Principal: "admin", Level: snmp.AuthPriv, At: start.Add(time.Minute)}
}

// set carries out a SET as the agent does, and returns its outcome: "noError", or a status and an index that counts from 0.
func (f *fixture) set(vbs ...snmp.VarBind) string { return f.setAs(request(), vbs...) }

func (f *fixture) setAs(q *mib.Request, vbs ...snmp.VarBind) string {
	f.t.Helper()
	c, err := f.Prepare(f.t.Context(), q, vbs)
	if err != nil {
		var v *mib.VarError
		if !errors.As(err, &v) || v.Err == nil || v.Index >= len(vbs) {
			f.t.Fatalf("an error that blames nobody: %v", err)
		}
		return fmt.Sprintf("%v %d", v.Status, v.Index)
	}
	defer c.Close()
	if err := c.Commit(f.t.Context()); err != nil {
		return "commitFailed"
	}
	return "noError"
}

// get returns the values of names.
func (f *fixture) get(q *mib.Request, names ...oid.OID) []snmp.Value {
	f.t.Helper()
	view, err := f.View(f.t.Context(), q)
	if err != nil {
		f.t.Fatal(err)
	}
	values, err := view.Get(f.t.Context(), nil, names)
	if err != nil {
		f.t.Fatal(err)
	}
	return values
}

// all returns everything that is served, as one text.
func (f *fixture) all() string {
	f.t.Helper()
	view, err := f.View(f.t.Context(), request())
	if err != nil {
		f.t.Fatal(err)
	}
	vbs, err := view.Next(f.t.Context(), nil, []mib.Range{{}}, math.MaxInt32)
	if err != nil {
		f.t.Fatal(err)
	}
	var out strings.Builder
	for _, vb := range vbs {
		if o, _, ok := mibtest.Find(vb.Name); ok && strings.HasPrefix(o.Name, "snmpTlstm") && strings.HasSuffix(o.Name, "TableLastChanged") {
			continue // the time is not what a SET leaves behind
		}
		fmt.Fprintln(&out, vb.Name, vb.Value)
	}
	return out.String()
}
