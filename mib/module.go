package mib

import (
	"time"

	"walkabout/snmp/oid"
)

// Module is a row of sysORTable: a MIB module that the agent serves.
type Module struct {
	ID    oid.OID // sysORID: of its MODULE-IDENTITY, or of a capabilities statement
	Descr string
	Since time.Time // when it was added; zero for the agent's start
}
