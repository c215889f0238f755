package mib

import (
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// Keeper is a Handler with objects whose values outlive the program.
type Keeper interface {
	Handler
	// Kept returns the objects to keep, and their values; of a conceptual row all cells that it is made from.
	Kept() []snmp.VarBind
	// Restore takes what Kept returned, at another time and perhaps of another version of the program. It is called before the
	// first request. After an error nothing of it is taken.
	Restore(vbs []snmp.VarBind) error
}

// Confidential is a Setter with objects whose values are secrets: keys, communities. They are not logged.
type Confidential interface {
	Setter
	Secret(name oid.OID) bool
}
