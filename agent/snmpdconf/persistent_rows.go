package snmpdconf

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/usm"
)

// The rows and scalars that a persistent file may have (RFC 3414, 3415, 3413, 3418).
var (
	usmUserEntry      = oid.New(1, 3, 6, 1, 6, 3, 15, 1, 2, 2, 1)
	vacmGroupEntry    = oid.New(1, 3, 6, 1, 6, 3, 16, 1, 2, 1)
	vacmAccessEntry   = oid.New(1, 3, 6, 1, 6, 3, 16, 1, 4, 1)
	vacmFamilyEntry   = oid.New(1, 3, 6, 1, 6, 3, 16, 1, 5, 2, 1)
	targetAddrEntry   = oid.New(1, 3, 6, 1, 6, 3, 12, 1, 2, 1)
	targetParamsEntry = oid.New(1, 3, 6, 1, 6, 3, 12, 1, 3, 1)
	notifyEntry       = oid.New(1, 3, 6, 1, 6, 3, 13, 1, 1, 1)
	profileEntry      = oid.New(1, 3, 6, 1, 6, 3, 13, 1, 2, 1)
	filterEntry       = oid.New(1, 3, 6, 1, 6, 3, 13, 1, 3, 1)

	sysContact            = oid.New(1, 3, 6, 1, 2, 1, 1, 4, 0)
	sysName               = oid.New(1, 3, 6, 1, 2, 1, 1, 5, 0)
	sysLocation           = oid.New(1, 3, 6, 1, 2, 1, 1, 6, 0)
	snmpEnableAuthenTraps = oid.New(1, 3, 6, 1, 2, 1, 11, 30, 0)
)

// persistentRows reads lines by their names, in small letters. A line that says nothing gives no objects.
var persistentRows = map[string]func(f *fields) ([]snmp.VarBind, error){
	"psyscontact":                  func(f *fields) ([]snmp.VarBind, error) { return f.systemText(sysContact) },
	"psysname":                     func(f *fields) ([]snmp.VarBind, error) { return f.systemText(sysName) },
	"psyslocation":                 func(f *fields) ([]snmp.VarBind, error) { return f.systemText(sysLocation) },
	"pauthtrapenable":              authenTraps,
	"usmuser":                      usmUser,
	"vacmgroup":                    vacmGroup,
	"vacmaccess":                   vacmAccess,
	"vacmview":                     vacmView,
	"targetaddr":                   targetAddr,
	"targetparams":                 targetParams,
	"snmpnotifytable":              notifyRow,
	"snmpnotifyfilterprofiletable": filterProfile,
	"snmpnotifyfiltertable":        notifyFilter,
	"ifxtable":                     ifXTable,
}

// rowOf collects the cells of a row.
type rowOf struct {
	entry, index oid.OID
	objects      []snmp.VarBind
}

func (r *rowOf) set(column uint32, v snmp.Value) {
	r.objects = append(r.objects, snmp.VarBind{Name: r.entry.Append(column).Join(r.index), Value: v})
}

func (r *rowOf) text(column uint32, s string) { r.set(column, snmp.OctetString(s)) }

// The StorageType and the RowStatus of all rows here: what was SET is nonVolatile, and Net-SNMP's agent keeps no other.
var (
	nonVolatile = snmp.Integer(3)
	active      = snmp.Integer(1)
)

// implied is an index that is a string, one octet an arc; counted has its length before it.
func implied(s string) oid.OID {
	arcs := make([]uint32, len(s))
	for i := range len(s) {
		arcs[i] = uint32(s[i])
	}
	return oid.New(arcs...)
}

func counted(s string) oid.OID { return oid.New(uint32(len(s))).Join(implied(s)) }

// userObjects are the cells of a row of usmUserTable. It counts as cloned from nobody: without that its keys could never be changed.
func userObjects(engineID string, u usm.User, auth, priv oid.OID, public string) []snmp.VarBind {
	r := rowOf{entry: usmUserEntry, index: counted(engineID).Join(counted(u.Name))}
	name := u.SecurityName
	if name == "" {
		name = u.Name
	}
	r.text(3, name)
	r.set(4, snmp.ObjectID(nowhere))
	r.set(5, snmp.ObjectID(auth))
	if auth != usmProtocols[usm.NoAuth] {
		r.text(6, string(u.AuthKey))
	}
	r.set(8, snmp.ObjectID(priv))
	if priv != privProtocols[usm.NoPriv] {
		r.text(9, string(u.PrivKey))
	}
	r.text(11, public)
	r.set(12, nonVolatile)
	r.set(13, active)
	return r.objects
}

// systemText takes the rest of the line for a DisplayString.
func (f *fields) systemText(name oid.OID) ([]snmp.VarBind, error) {
	if f.rest == "" {
		return nil, nil
	}
	for i := range len(f.rest) {
		if c := f.rest[i]; c < ' ' || c > '~' {
			return nil, errors.New("a DisplayString has ASCII characters alone: write it into snmpd.conf")
		}
	}
	if len(f.rest) > maxDisplayString {
		return nil, fmt.Errorf("%d octets, the most is %d", len(f.rest), maxDisplayString)
	}
	return []snmp.VarBind{{Name: name, Value: snmp.OctetString(f.rest)}}, nil
}

func authenTraps(f *fields) ([]snmp.VarBind, error) {
	n := f.number()
	if f.err == nil && n != 1 && n != 2 {
		f.fail(errors.New("it must be 1 or 2"))
	}
	return f.end([]snmp.VarBind{{Name: snmpEnableAuthenTraps, Value: snmp.Integer(n)}})
}

// unfinished takes the RowStatus and the StorageType off the front of a line, and reports whether the row is none to keep.
func (f *fields) unfinished() bool {
	return snmp.Integer(f.number()) != active || f.number() == 2 && f.err == nil // volatile
}

// vacmGroup reads STATUS STORAGE MODEL NAME GROUP.
func vacmGroup(f *fields) ([]snmp.VarBind, error) {
	if f.unfinished() {
		return nil, f.err
	}
	model, name, group := f.number(), f.text(), f.text()
	r := rowOf{entry: vacmGroupEntry, index: oid.New(uint32(model)).Join(counted(name))}
	r.text(3, group)
	r.set(4, nonVolatile)
	r.set(5, active)
	return f.end(r.objects)
}

// vacmAccess reads STATUS STORAGE MODEL LEVEL MATCH GROUP PREFIX READ WRITE NOTIFY.
func vacmAccess(f *fields) ([]snmp.VarBind, error) {
	if f.unfinished() {
		return nil, f.err
	}
	model, level, match := f.number(), f.number(), f.number()
	group, prefix := f.text(), f.text()
	r := rowOf{entry: vacmAccessEntry, index: counted(group).Join(counted(prefix)).Append(uint32(model), uint32(level))}
	r.set(4, snmp.Integer(match))
	for column := uint32(5); column <= 7; column++ {
		r.text(column, f.text())
	}
	r.set(8, nonVolatile)
	r.set(9, active)
	return f.end(r.objects)
}

// vacmView reads STATUS STORAGE TYPE NAME SUBTREE MASK.
func vacmView(f *fields) ([]snmp.VarBind, error) {
	if f.unfinished() {
		return nil, f.err
	}
	kind, name, subtree, mask := f.number(), f.text(), f.oid(), f.octets()
	r := rowOf{entry: vacmFamilyEntry, index: counted(name).Append(uint32(subtree.Len())).Join(subtree)}
	r.text(3, mask)
	r.set(4, snmp.Integer(kind))
	r.set(5, nonVolatile)
	r.set(6, active)
	return f.end(r.objects)
}

// lastNumbers takes the last n words off the line, which are numbers: names before them may have spaces without being quoted.
func (f *fields) lastNumbers(n int) []int32 {
	out := make([]int32, n)
	for i := n - 1; i >= 0; i-- {
		f.rest = strings.TrimRight(f.rest, " ")
		at := strings.LastIndexByte(f.rest, ' ') + 1
		v, err := strconv.ParseInt(f.rest[at:], 10, 32)
		if err != nil {
			f.fail(errors.New("a field is not the number that it should be"))
			return out
		}
		out[i], f.rest = int32(v), strings.TrimRight(f.rest[:at], " ")
	}
	return out
}

// bareText takes all that is left, which may be quoted or not.
func (f *fields) bareText() string {
	if f.rest == "" || f.rest[0] == '"' || f.rest[0] == '\'' || strings.HasPrefix(f.rest, "0x") {
		return f.text()
	}
	s := f.rest
	f.rest = ""
	return s
}

// targetAddr reads NAME TDOMAIN TADDRESS TIMEOUT RETRYCOUNT TAGLIST PARAMS STORAGE STATUS.
func targetAddr(f *fields) ([]snmp.VarBind, error) {
	end := f.lastNumbers(2)
	name, domain, address, timeout, retries, tags, params := f.text(), f.oid(), f.octets(), f.number(), f.number(), f.text(), f.bareText()
	r := rowOf{entry: targetAddrEntry, index: implied(name)}
	r.set(2, snmp.ObjectID(domain))
	r.text(3, address)
	r.set(4, snmp.Integer(timeout))
	r.set(5, snmp.Integer(retries))
	r.text(6, tags)
	r.text(7, params)
	return f.finish(r, 8, end)
}

// targetParams reads NAME MPMODEL SECMODEL SECNAME LEVEL STORAGE STATUS.
func targetParams(f *fields) ([]snmp.VarBind, error) {
	end := f.lastNumbers(3)
	name, mpModel, model, securityName := f.text(), f.number(), f.number(), f.bareText()
	r := rowOf{entry: targetParamsEntry, index: implied(name)}
	r.set(2, snmp.Integer(mpModel))
	r.set(3, snmp.Integer(model))
	r.text(4, securityName)
	r.set(5, snmp.Integer(end[0]))
	return f.finish(r, 6, end[1:])
}

// notifyRow reads NAME TAG TYPE STORAGE STATUS.
func notifyRow(f *fields) ([]snmp.VarBind, error) {
	end := f.lastNumbers(3)
	name, tag := f.text(), f.bareText()
	r := rowOf{entry: notifyEntry, index: implied(name)}
	r.text(2, tag)
	r.set(3, snmp.Integer(end[0]))
	return f.finish(r, 4, end[1:])
}

// filterProfile reads NAME PROFILE STORAGE STATUS.
func filterProfile(f *fields) ([]snmp.VarBind, error) {
	end := f.lastNumbers(2)
	name, profile := f.text(), f.bareText()
	r := rowOf{entry: profileEntry, index: implied(name)}
	r.text(1, profile)
	return f.finish(r, 2, end)
}

// finish ends a row whose StorageType, at column, and RowStatus end has: one that is volatile or not active is none to keep.
func (f *fields) finish(r rowOf, column uint32, end []int32) ([]snmp.VarBind, error) {
	r.set(column, nonVolatile)
	r.set(column+1, active)
	objects, err := f.end(r.objects)
	if err != nil || end[0] == 2 || snmp.Integer(end[1]) != active {
		return nil, err
	}
	return objects, nil
}

// columns reads COLUMN:VALUE fields up to a $, and returns their values.
func (f *fields) columns() map[string]string {
	out := map[string]string{}
	for f.err == nil && f.rest != "" && f.rest != "$" {
		number, rest, ok := strings.Cut(f.rest, ":")
		if !ok {
			f.fail(errFields)
			break
		}
		f.rest = rest
		out[number] = f.octets()
	}
	f.rest = strings.TrimPrefix(f.rest, "$")
	return out
}

// notifyFilter reads .INDEX 2:MASK 3:TYPE 4:STORAGE 5:STATUS $.
func notifyFilter(f *fields) ([]snmp.VarBind, error) {
	r := rowOf{entry: filterEntry, index: f.oid()}
	c := f.columns()
	kind, err := strconv.ParseInt(c["3"], 10, 32)
	if f.err == nil && err != nil {
		f.fail(errFields)
	}
	r.text(2, c["2"])
	r.set(3, snmp.Integer(int32(kind)))
	r.set(4, nonVolatile)
	r.set(5, active)
	objects, err := f.end(r.objects)
	if err != nil || c["4"] == "2" || c["5"] != "1" {
		return nil, err
	}
	return objects, nil
}

// ifXTable reads .IFINDEX 14:TRAPS 18:ALIAS $. Such a number says nothing of which link it was: that somebody SET something is told.
func ifXTable(f *fields) ([]snmp.VarBind, error) {
	f.oid()
	c := f.columns()
	if _, err := f.end(nil); err != nil {
		return nil, err
	}
	if c["14"] != "0" && c["14"] != "" || c["18"] != "" {
		return nil, errors.New("it names an interface by its ifIndex, which may be another's by now: SET its ifAlias or ifLinkUpDownTrapEnable again")
	}
	return nil, nil
}
