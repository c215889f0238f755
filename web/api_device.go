package web

import "time"

// DeviceView answers /api/ui/device.
type DeviceView struct {
	At     time.Time `json:"at"`
	Device Device    `json:"device"`
	System System    `json:"system"`
	Polls  Polls     `json:"polls"`

	// Interfaces are those that search lets through, sorted by "index" (the default), "name", "alias", "admin", "oper", "speed", "in", "out",
	// "load", "errors", "discards", "alert" (trouble first) or "last_change". Many devices of today have more than a page shows.
	Matching   int         `json:"matching"`
	Offset     int         `json:"offset"`
	Interfaces []Interface `json:"interfaces"`

	// Tables are what else the device's profiles brought, what people look at first in front. Each has its first rows only (Table.Total says how many
	// there are); /api/ui/table has the others.
	Tables []Table `json:"tables"`

	Alerts []Alert `json:"alerts"` // of this device: firing, then pending
}

// System is what the device says of itself (SNMPv2-MIB).
type System struct {
	Name     string `json:"name,omitempty"`
	Descr    string `json:"descr,omitempty"`
	ObjectID string `json:"object_id,omitempty"`
	Contact  string `json:"contact,omitempty"`
	Location string `json:"location,omitempty"`
}

// Polls is how a device is polled. The counts are since the collector or the target began.
type Polls struct {
	Profiles       []string          `json:"profiles"`
	Version        string            `json:"version"` // of SNMP: "1", "2c", "3"
	Polls          uint64            `json:"polls"`
	Partial        uint64            `json:"partial"`
	Failed         uint64            `json:"failed"`
	Missed         uint64            `json:"missed"`   // slots of the schedule
	Lag            float64           `json:"lag"`      // by which the last poll began late, in seconds
	Requests       uint64            `json:"requests"` // of the last poll
	Retries        uint64            `json:"retries"`  // of the last poll
	MaxRepetitions int               `json:"max_repetitions"`
	GetNext        bool              `json:"get_next,omitempty"` // tables are walked a row a request
	Slowest        string            `json:"slowest,omitempty"`  // the measurement that took longest
	SlowestTook    float64           `json:"slowest_took,omitempty"`
	Samples        int               `json:"samples"`            // of the last poll
	Withheld       map[string]uint64 `json:"withheld,omitempty"` // readings of counters without a rate, by verdict
	EngineTwins    []string          `json:"engine_twins,omitempty"`
	Error          string            `json:"error,omitempty"` // of the last poll
}

// Interface is one of a device as its last answered poll saw it.
type Interface struct {
	// Key is what names the interface within its device: ifName, else ifDescr, else "ifIndex N"; with " (ifIndex N)" where several have one name.
	Key   string `json:"key"`
	Index int64  `json:"index"` // ifIndex
	Name  string `json:"name"`  // ifName, else ifDescr
	Descr string `json:"descr,omitempty"`
	Alias string `json:"alias,omitempty"`
	Type  int64  `json:"type,omitempty"` // IANAifType
	MTU   int64  `json:"mtu,omitempty"`
	MAC   string `json:"mac,omitempty"` // ifPhysAddress

	Admin string  `json:"admin"` // up, down, testing, "?" if the device does not say, a number that the MIB does not have
	Oper  string  `json:"oper"`  // up, down, testing, unknown, dormant, notPresent, lowerLayerDown; "?" and numbers as of Admin
	Speed float64 `json:"speed"` // bits a second; 0: it tells none
	// Duplex is "half" or "full" (dot3StatsDuplexStatus), where the device tells it and the pages know: not in Memory.Interfaces.
	Duplex string `json:"duplex,omitempty"`

	In       *float64 `json:"in"`       // bits a second
	Out      *float64 `json:"out"`      // bits a second
	Load     *float64 `json:"load"`     // the busier direction's share of the speed, 0 to 1
	Errors   *float64 `json:"errors"`   // a second, in and out
	Discards *float64 `json:"discards"` // a second, in and out
	// Verdict says how the rate of the octets that came in was judged: "ok", "wrapped", or why there is none ("first", "reset", "ambiguous", …; see docs).
	Verdict string `json:"verdict,omitempty"`

	LastChange time.Time `json:"last_change,omitzero"` // of oper, by ifLastChange, or as this run of the collector saw it if that is later

	// Recent are the rates of the last polls, the oldest first, at most RecentPoints, for a line without axes. All devices with one interval have the
	// same spacing.
	Recent Recent `json:"recent"`

	Alert  string `json:"alert,omitempty"`       // firing, pending, "never up", or nothing
	Finger string `json:"fingerprint,omitempty"` // of that alert
}

// RecentPoints is how many polls Recent remembers.
const RecentPoints = 30

// Recent are the last rates of an interface, of poll after poll, Interval apart.
type Recent struct {
	Interval float64 `json:"interval"` // seconds
	In       Numbers `json:"in"`       // bits a second, null where there was no rate; three significant digits
	Out      Numbers `json:"out"`
}

// Table is a measurement of a device as last read: rows of cells, as many in each row as there are Columns.
type Table struct {
	Measurement string    `json:"measurement"` // "host_storage"
	Title       string    `json:"title"`       // "Storage"
	At          time.Time `json:"at"`          // when it was read
	Complete    bool      `json:"complete"`    // it was read to its end
	Columns     []Column  `json:"columns"`
	Total       int       `json:"total"`    // rows that were read
	Kept        int       `json:"kept"`     // rows that are kept for the pages: MaxRows at most
	Matching    int       `json:"matching"` // of those kept, what search lets through
	Offset      int       `json:"offset"`   // of the first of Rows
	Rows        [][]Cell  `json:"rows"`     // a string, a number, a boolean or null each
}

// Column is a column of a Table.
type Column struct {
	Name string `json:"name"` // of the MIB object
	// Kind is "tag" (a text that identifies the row), "text", "number", "boolean", or "rate": a counter's, a second. The numbers of an enumeration are
	// texts, as "running(2)".
	Kind string `json:"kind"`
	// Unit is that of the numbers, and of what a rate counts: "B" (octets), "packet", "s", "%", "°C", …; "" if it is not known. The values of sensors, each with
	// a unit of its own, are texts with it: "41.5 °C".
	Unit string `json:"unit,omitempty"`
}

// InlineRows is how many rows a Table of a DeviceView has at the most; MaxRows how many are kept.
const (
	InlineRows = 20
	MaxRows    = 2000
)
