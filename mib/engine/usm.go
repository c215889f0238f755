package engine

import (
	"context"
	"errors"
	"fmt"

	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/usm"
)

// User is a row of usmUserTable (RFC 3414 section 5): a user of this engine, or of another that is sent notifications.
type User struct {
	EngineID string
	usm.User
}

var (
	usmMIBObjects = snmpModules.Append(15, 1)
	usmStatsGroup = usmMIBObjects.Append(1)
	usmUserGroup  = usmMIBObjects.Append(2)
	usmUserEntry  = usmUserGroup.Append(2, 1)

	authProtocols = protocols(snmpModules.Append(10, 1, 1), 1, 2, 3, 4, 5, 6, 7) // NoAuth, MD5, SHA, SHA224 … SHA512 (RFC 3414, RFC 7860)
	// usmNoPrivProtocol, usmDESPrivProtocol (RFC 3414), usmAesCfb128Protocol (RFC 3826); the others are Net-SNMP's.
	privProtocols = append(protocols(snmpModules.Append(10, 1, 2), 1, 2, 4),
		oid.New(1, 3, 6, 1, 4, 1, 14832, 1, 3), oid.New(1, 3, 6, 1, 4, 1, 14832, 1, 4),
		oid.New(1, 3, 6, 1, 4, 1, 9, 12, 6, 1, 1), oid.New(1, 3, 6, 1, 4, 1, 9, 12, 6, 1, 2))
)

// protocols returns the OIDs below root, in the order of usm's constants.
func protocols(root oid.OID, arcs ...uint32) []oid.OID {
	var out []oid.OID
	for _, arc := range arcs {
		out = append(out, root.Append(arc))
	}
	return out
}

// protocolOf returns which of list v names; -1 if none.
func protocolOf(list []oid.OID, v snmp.Value) int {
	for i, o := range list {
		if v == snmp.ObjectID(o) {
			return i
		}
	}
	return -1
}

func oneOf(list []oid.OID) syntax {
	return pointer(func(v snmp.Value) bool { return protocolOf(list, v) >= 0 })
}

// The places of usmUserTable's cells. Those of the KeyChange objects hold the keys, which are localised; that of usmUserCloneFrom what the
// row was cloned from. A key's place is behind that of its protocol.
const (
	userSecurityName = iota
	userCloneFrom
	userAuthProtocol
	userAuthKey
	userOwnAuthKey
	userPrivProtocol
	userPrivKey
	userOwnPrivKey
	userPublic
	userStorage
	userStatus
)

// userKey is the index: usmUserEngineID and usmUserName.
var userKey = key{counted(engineID), counted(adminString(1, 32))}

func usmUserTable() *table {
	noKey := func(*state) snmp.Value { return noOctets }
	noRow := func(*state) snmp.Value { return snmp.ObjectID(oid.New(0, 0)) }
	keyChange, localKey := octets(0, 128), octets(1, 64) // SHA-512: 64 octets of random and 64 of delta
	auth, priv := oneOf(authProtocols), oneOf(privProtocols)
	noAuth, noPriv := snmp.ObjectID(authProtocols[usm.NoAuth]), snmp.ObjectID(privProtocols[usm.NoPriv])
	return &table{
		key: userKey,
		columns: append([]column{
			userSecurityName: {name: usmUserEntry.Append(3), syntax: adminString(1, 32), fixed: true},
			userCloneFrom:    {name: usmUserEntry.Append(4), syntax: pointer(nil), shown: noRow, early: true, assign: cloneFrom},
			userAuthProtocol: {name: usmUserEntry.Append(5), syntax: auth, value: noAuth, assign: setAuthProtocol},
			userAuthKey:      {name: usmUserEntry.Append(6), syntax: keyChange, keeps: &localKey, shown: noKey, secret: true, assign: changeAuthKey},
			userOwnAuthKey:   {name: usmUserEntry.Append(7), syntax: keyChange, shown: noKey, secret: true, assign: own(changeAuthKey)},
			userPrivProtocol: {name: usmUserEntry.Append(8), syntax: priv, value: noPriv, assign: setPrivProtocol},
			userPrivKey:      {name: usmUserEntry.Append(9), syntax: keyChange, keeps: &localKey, shown: noKey, secret: true, assign: changePrivKey},
			userOwnPrivKey:   {name: usmUserEntry.Append(10), syntax: keyChange, shown: noKey, secret: true, assign: own(changePrivKey)},
			userPublic:       {name: usmUserEntry.Append(11), syntax: octets(0, 32), value: snmp.OctetString("")},
			userStorage:      {name: usmUserEntry.Append(12), syntax: storageType},
			userStatus:       {name: usmUserEntry.Append(13), syntax: rowStatus},
		}, dhColumns()...),
		storage: userStorage,
		status:  userStatus,
		fresh: func(_ *MIB, r *row) {
			index, _ := userKey.parse(r.index)
			r.cells[userSecurityName] = index[1]
		},
		check: func(_ *MIB, r *row) error {
			_, err := usm.NewKeyed(userOf(r).User)
			return err
		},
	}
}

// userOf returns the user of a row.
func userOf(r *row) User {
	index, _ := userKey.parse(r.index)
	u := User{EngineID: index[0].Octets(), User: usm.User{
		Name:         index[1].Octets(),
		SecurityName: r.cells[userSecurityName].Octets(),
		Auth:         usm.AuthProtocol(protocolOf(authProtocols, r.cells[userAuthProtocol])),
		Priv:         usm.PrivProtocol(protocolOf(privProtocols, r.cells[userPrivProtocol])),
	}}
	if u.Auth != usm.NoAuth {
		u.AuthKey = []byte(r.cells[userAuthKey].Octets())
	}
	if u.Priv != usm.NoPriv {
		u.PrivKey = []byte(r.cells[userPrivKey].Octets())
	}
	return u
}

// row returns the row of u, which the configuration says.
func (u *User) row(t *table) *row {
	r := t.configured(appendCounted(appendCounted(oid.OID{}, u.EngineID), u.Name))
	r.cells[userStorage] = storageOf(u)
	r.cells[userCloneFrom] = snmp.ObjectID(oid.New(0, 0)) // its keys are those of nobody else, and can be changed
	r.cells[userSecurityName] = snmp.OctetString(u.SecurityName)
	if u.SecurityName == "" {
		r.cells[userSecurityName] = snmp.OctetString(u.Name)
	}
	r.cells[userAuthProtocol], r.cells[userPrivProtocol] = snmp.ObjectID(authProtocols[u.Auth]), snmp.ObjectID(privProtocols[u.Priv])
	r.cells[userAuthKey], r.cells[userPrivKey] = snmp.OctetString(string(u.AuthKey)), snmp.OctetString(string(u.PrivKey))
	return r
}

// cloneFrom copies protocols and keys of the row that v points to, the first time. A pointer to any cell of it will do.
func cloneFrom(e *edit, v snmp.Value) (snmp.ErrorStatus, error) {
	if e.row.cells[userCloneFrom].Kind() != snmp.KindNull {
		return snmp.NoError, nil
	}
	var from *row
	if o := v.OID(); o.HasPrefix(usmUserEntry) && o.Len() > usmUserEntry.Len() {
		from = e.next.all[e.at].find(o.From(usmUserEntry.Len() + 1))
	}
	if from == nil || !e.table.is(from, active) {
		return snmp.InconsistentName, errors.New("there is no active user to clone")
	}
	for _, i := range []int{userAuthProtocol, userAuthKey, userPrivProtocol, userPrivKey} {
		e.row.cells[i] = from.cells[i]
	}
	e.row.cells[userCloneFrom] = v
	return snmp.NoError, nil
}

// will returns the value that a cell will have once all of the SET is done.
func (e *edit) will(column int) snmp.Value {
	for i := range e.settings {
		if e.settings[i].column == column {
			return e.settings[i].value
		}
	}
	return e.row.cells[column]
}

// setProtocol sets a protocol: any at the creation of a row, afterwards none alone.
func (e *edit) setProtocol(column int, v, none snmp.Value) (snmp.ErrorStatus, error) {
	cloned := e.row.cells[userCloneFrom].Kind() != snmp.KindNull
	if now := e.row.cells[column]; v != now && v != none && (e.old != nil || cloned) {
		return snmp.InconsistentValue, errors.New("a protocol can be changed to none alone, else by cloning another user")
	}
	if e.will(userAuthProtocol) == snmp.ObjectID(authProtocols[usm.NoAuth]) && e.will(userPrivProtocol) != snmp.ObjectID(privProtocols[usm.NoPriv]) {
		return snmp.InconsistentValue, errors.New("privacy needs authentication")
	}
	e.row.cells[column] = v
	if v == none {
		e.row.cells[column+1] = snmp.Null // the key
	}
	return snmp.NoError, nil
}

func setAuthProtocol(e *edit, v snmp.Value) (snmp.ErrorStatus, error) {
	return e.setProtocol(userAuthProtocol, v, snmp.ObjectID(authProtocols[usm.NoAuth]))
}

func setPrivProtocol(e *edit, v snmp.Value) (snmp.ErrorStatus, error) {
	return e.setProtocol(userPrivProtocol, v, snmp.ObjectID(privProtocols[usm.NoPriv]))
}

func changeAuthKey(e *edit, v snmp.Value) (snmp.ErrorStatus, error) {
	return e.changeKey(userAuthKey, userAuthProtocol, snmp.ObjectID(authProtocols[usm.NoAuth]), v)
}

func changePrivKey(e *edit, v snmp.Value) (snmp.ErrorStatus, error) {
	return e.changeKey(userPrivKey, userPrivProtocol, snmp.ObjectID(privProtocols[usm.NoPriv]), v)
}

var errNotCloned = errors.New("clone a user first: there is no key to change")

// changeKey changes a key as KeyChange (RFC 3414) has it. Without a protocol that is no error, and changes nothing.
func (e *edit) changeKey(column, protocol int, none, v snmp.Value) (snmp.ErrorStatus, error) {
	if e.row.cells[userCloneFrom].Kind() == snmp.KindNull {
		return snmp.InconsistentName, errNotCloned
	}
	if e.row.cells[protocol] == none {
		return snmp.NoError, nil
	}
	auth := usm.AuthProtocol(protocolOf(authProtocols, e.row.cells[userAuthProtocol]))
	next, err := usm.ChangeKey(auth, []byte(e.row.cells[column].Octets()), []byte(v.Octets()))
	if err != nil {
		return snmp.WrongLength, fmt.Errorf("key change: %w", err)
	}
	e.row.cells[column] = snmp.OctetString(string(next))
	return snmp.NoError, nil
}

// own allows a change to the user itself alone, and while its row is active.
func own(change func(*edit, snmp.Value) (snmp.ErrorStatus, error)) func(*edit, snmp.Value) (snmp.ErrorStatus, error) {
	return func(e *edit, v snmp.Value) (snmp.ErrorStatus, error) {
		index, _ := userKey.parse(e.index)
		if e.request.SecurityModel != snmp.USMSecurityModel || e.request.Principal != index[1].Octets() || index[0].Octets() != e.m.id() {
			return snmp.NoAccess, errors.New("only the user itself may, by USM")
		}
		if e.old == nil || !e.table.is(e.old, active) {
			return snmp.InconsistentValue, errors.New("the user is not active")
		}
		return change(e, v)
	}
}

func (m *MIB) usmStats() mib.Group {
	g := mib.Group{Entry: usmStatsGroup}
	for r := usm.UnsupportedSecLevel; r <= usm.DecryptionError; r++ {
		g.Columns = append(g.Columns, uint32(r))
	}
	g.Open = func(context.Context, *mib.Request) mib.Snapshot {
		return mib.Scalars(func(column uint32) (snmp.Value, bool) {
			return snmp.Counter32(uint32(m.options.Engine.Count(usm.Refusal(column)))), true
		})
	}
	return g
}
