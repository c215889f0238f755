package engine

import (
	"crypto/sha256"
	"slices"

	"walkabout/snmp"
	"walkabout/snmp/usm"
)

// A user of the configuration who authenticates has a permanent(4) row: nobody can delete it, but its keys can be changed, as RFC 3414 section 5
// wants it (usmUserStorageType). The row with the changed keys is kept beside the configuration's, and holds in the cell of
// usmUserOwnAuthKeyChange a digest of what the configuration said then. Once it says something else, somebody has given the user other keys
// there, and those are in force.

// keyColumns are what can be SET of such a row.
var keyColumns = func() []int {
	out := []int{userAuthKey, userOwnAuthKey, userPrivKey, userOwnPrivKey, userPublic}
	for i := range dhColumns() {
		out = append(out, userStatus+1+i)
	}
	return out
}()

// said returns the digest of a user's row of the configuration.
func said(r *row) snmp.Value {
	h := sha256.New()
	for _, i := range []int{userAuthProtocol, userAuthKey, userPrivProtocol, userPrivKey} {
		v := r.cells[i]
		if v.Kind() == snmp.KindOID {
			h.Write([]byte(v.OID().String()))
		} else {
			h.Write([]byte(v.Octets()))
		}
		h.Write([]byte{0})
	}
	return snmp.OctetString(string(h.Sum(nil)))
}

// changesKeys reports whether e changes no more than the keys of a user, whose row the configuration says.
func (e *edit) changesKeys(of *row) bool {
	return e.at == userTable && of.cells[userStorage] == snmp.Integer(permanent) &&
		!slices.ContainsFunc(e.settings, func(s setting) bool { return !slices.Contains(keyColumns, s.column) })
}

// changedKeys returns those of set, by which users of file have other keys.
func changedKeys(file, set rows) []*row {
	var out []*row
	for _, r := range set.list {
		if r.cells[userStorage] != snmp.Integer(permanent) {
			continue
		}
		if f := file.find(r.index); f != nil && r.cells[userOwnAuthKey] == said(f) {
			out = append(out, r)
		}
	}
	return out
}

// useKeysLocked puts the changed keys of users into s.all, and forgets those of which the configuration says something else by now.
func (s *state) useKeysLocked() {
	if s.apply == nil { // there is no configuration yet
		return
	}
	changed := changedKeys(s.file[userTable], s.set[userTable])
	kept := slices.Clone(changed)
	for _, r := range s.set[userTable].list {
		if r.cells[userStorage] != snmp.Integer(permanent) {
			kept = append(kept, r)
		}
	}
	s.set[userTable] = newRows(kept)
	s.all[userTable] = merge(newRows(changed), merge(s.file[userTable], s.set[userTable]))
}

// users returns the users of the configuration with their keys of now, and after them those that were SET.
func (s *state) users(m *MIB) []User {
	var out []User
	t := m.tables[userTable]
	for i := range s.says.Users {
		u := s.says.Users[i]
		if r := s.set[userTable].find(u.row(t).index); r != nil && r.cells[userStorage] == snmp.Integer(permanent) {
			now := userOf(r)
			u.AuthKey, u.PrivKey = now.AuthKey, now.PrivKey
		}
		out = append(out, u)
	}
	for _, r := range s.inForce(m, userTable) {
		out = append(out, userOf(r))
	}
	return out
}

// storageOf returns the StorageType of a user of the configuration.
func storageOf(u *User) snmp.Value {
	if u.Auth == usm.NoAuth {
		return snmp.Integer(readOnly)
	}
	return snmp.Integer(permanent)
}
