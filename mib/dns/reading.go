package dns

import (
	"context"
	"errors"
	"net/netip"
	"time"
)

// Backend reads one name server. Its methods may be called by several goroutines.
type Backend interface {
	// Read asks the server for all but its zones. A backend whose counters need the zones reads them as well.
	Read(ctx context.Context) (*Reading, error)
	// Zones asks for the zones; ErrNoZones if this kind of server has none, or does not tell.
	Zones(ctx context.Context) ([]Zone, error)
	// Rules says which objects the server tells, and how.
	Rules() []Rule
}

// Errors of a Backend.
var (
	ErrNoZones = errors.New("this server tells no zones")
	// ErrAnswer is wrapped where a server's answer cannot be understood.
	ErrAnswer = errors.New("the server's answer cannot be understood")
	// ErrRefused is wrapped where a server says itself that it will not.
	ErrRefused = errors.New("the server refuses")
)

// Reading is what a name server told at one moment. What has its zero value was not told, unless it says otherwise.
type Reading struct {
	Software string // name and version
	// Started is when the server's process started, Reloaded when it last read its configuration.
	Started, Reloaded time.Time
	Recursion         Recursion
	Service           Service
	// Caches says that it has a cache which is in use, CachesNegative that it remembers what there is not.
	Caches, CachesNegative bool
	MaxTTL                 *uint32 // dnsResCacheMaxTTL, seconds; 0 is no limit
	MaxNegativeTTL         *uint32 // dnsResNCacheMaxTTL, seconds; 0 is no limit
	Sbelt                  []Sbelt

	// Counters are the server's, by its own names. One that is missing is not told, which is not 0.
	Counters Counters
	// ZoneCounters are those of single zones, by a name that tells zones of several views apart. Their sums are counters as well.
	ZoneCounters map[string]Counters
	// Zones is set by a backend that reads them with everything else.
	Zones []Zone
}

// Counters are counters by their names.
type Counters map[string]uint64

// Recursion is dnsServConfigRecurs.
type Recursion uint8

// The values of a Recursion.
const (
	RecursionAvailable Recursion = iota + 1
	RecursionRestricted
	RecursionUnavailable
)

// Service is dnsResConfigService.
type Service uint8

// The values of a Service.
const (
	RecursiveOnly Service = iota + 1
	IterativeOnly
	RecursiveAndIterative
)

// Sbelt is a row of dnsResConfigSbeltTable: a server that is asked when nothing better is known. Its address is IPv4: no other has a row.
type Sbelt struct {
	Addr       netip.Addr
	Name       string  // "" is not known
	Recursion  Service // RecursiveOnly is recursive(2) there, IterativeOnly iterative(1)
	Preference int32   // the lower, the better
	Subtree    string  // "." is all names
}

// Zone is a zone that a server serves. A time or an address with its zero value was not told.
type Zone struct {
	Name   string // fully qualified or not, escaped as in zone files
	View   string // the server's, where it has several
	Class  uint16
	Status ZoneStatus
	Serial uint32 // 0 of a zone that was never loaded; not told if HasSerial is false
	// HasSerial is set where the server tells serials, also of a zone that has none.
	HasSerial         bool
	LoadedAt, TriedAt time.Time    // the last reload that succeeded, and the last that was tried
	Primary           bool         // it comes from no other server
	From, TriedFrom   netip.Addr   // dnsServZoneLastSourceSuccess and dnsServZoneLastSourceAttempt: no server tells them yet
	Sources           []netip.Addr // where transfers are asked for
}

// ZoneStatus is what dnsServZoneCurrent is made of.
type ZoneStatus uint8

// The values of a ZoneStatus; 0 is not told.
const (
	ZoneCurrent    ZoneStatus = iota + 1
	ZoneNotCurrent            // never loaded, or expired
)

// Rule says where an object comes from. The counters among them are the sum of Plus less the sum of Minus, each counter by its own
// differences; other objects have neither, and are fields of Reading and Zone.
type Rule struct {
	Object      string // its descriptor
	Row         uint32 // the opcode or rcode of a row of dnsResCounterByOpcodeTable and dnsResCounterByRcodeTable
	From        string // what the server calls it; what Plus and Minus say if it is empty
	Plus, Minus []string
	Approximate string // by how much it may be wrong; "" is exact
}
