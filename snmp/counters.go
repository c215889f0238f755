package snmp

import "sync/atomic"

// Counter names a counter of the snmp group by its column (RFC 1213 section 6.11, RFC 3418).
type Counter uint8

const (
	InPkts              Counter = 1
	OutPkts             Counter = 2
	InBadVersions       Counter = 3
	InBadCommunityNames Counter = 4
	InBadCommunityUses  Counter = 5
	InASNParseErrs      Counter = 6
	InTooBigs           Counter = 8
	InNoSuchNames       Counter = 9
	InBadValues         Counter = 10
	InReadOnlys         Counter = 11
	InGenErrs           Counter = 12
	InTotalReqVars      Counter = 13
	InTotalSetVars      Counter = 14
	InGetRequests       Counter = 15
	InGetNexts          Counter = 16
	InSetRequests       Counter = 17
	InGetResponses      Counter = 18
	InTraps             Counter = 19
	OutTooBigs          Counter = 20
	OutNoSuchNames      Counter = 21
	OutBadValues        Counter = 22
	OutGenErrs          Counter = 24
	OutGetRequests      Counter = 25
	OutGetNexts         Counter = 26
	OutSetRequests      Counter = 27
	OutGetResponses     Counter = 28
	OutTraps            Counter = 29
	SilentDrops         Counter = 31
	ProxyDrops          Counter = 32
)

// Counters is the snmp group of one engine. The agent counts, the MIB serves; the zero value is ready, for any number of
// goroutines.
type Counters struct{ n [33]atomic.Uint64 }

// Add adds delta to counter c.
func (s *Counters) Add(c Counter, delta uint64) { s.n[c].Add(delta) }

// Load returns counter c.
func (s *Counters) Load(c Counter) uint64 { return s.n[c].Load() }

// MPDStats counts what message processing refuses (snmpMPDStats, RFC 3412 section 5), and the contexts that nobody serves
// (snmpUnknownContexts, RFC 3413 section 5).
type MPDStats struct {
	UnknownSecurityModels, InvalidMsgs, UnknownPDUHandlers, UnknownContexts atomic.Uint64
}

// TSMStats counts what the Transport Security Model refuses (snmpTsmStats, RFC 5591 section 7).
type TSMStats struct {
	InvalidCaches, InadequateSecurityLevels, UnknownPrefixes, InvalidPrefixes atomic.Uint64
}

// TLSTMStats counts sessions of the TLS Transport Model (snmpTlstmSession, RFC 9456 section 4), in the order of its columns: as a client,
// as a server, and of messages that leave.
type TLSTMStats struct {
	Opens, ClientCloses, OpenErrors, Accepts, ServerCloses, NoSessions, InvalidClientCertificates, UnknownServerCertificate, InvalidServerCertificates,
	InvalidCaches atomic.Uint64
}
