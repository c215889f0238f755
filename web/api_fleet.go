package web

import "time"

// Session answers /api/ui/session: what the pages need to know before anything else.
type Session struct {
	Version  string    `json:"version"`           // of the collector
	Started  time.Time `json:"started"`           // the collector; another value than before: load everything anew
	Now      time.Time `json:"now"`               // the collector's clock
	User     string    `json:"user,omitempty"`    // who is asking; "" if nobody had to say
	MayWrite bool      `json:"may_write"`         // acknowledge and silence, in this way, as this user
	WhyNot   string    `json:"why_not,omitempty"` // what to do about it, if not
	Store    bool      `json:"store"`             // there are graphs
}

// The states of a device.
const (
	StateNew     = "new"     // not polled yet
	StateUp      = "up"      // its last poll was answered as a whole
	StatePartial = "partial" // in part
	StateDown    = "down"    // not at all; Device.Cause says why
)

// Fleet answers /api/ui/fleet. Sort is one of "state" (those in trouble first, the default), "name", "address", "sys_name", "location", "last_poll", "duration",
// "round_trip", "in", "out", "load", "alerts", "interfaces", "since".
type Fleet struct {
	At       time.Time   `json:"at"`
	Counts   FleetCounts `json:"counts"`   // of all devices
	Matching int         `json:"matching"` // devices that search and state let through
	Offset   int         `json:"offset"`
	Devices  []Device    `json:"devices"` // Limit of them, from Offset on
}

// FleetCounts is the fleet in a line.
type FleetCounts struct {
	Devices        int `json:"devices"`
	Up             int `json:"up"`
	Partial        int `json:"partial"`
	Down           int `json:"down"`
	New            int `json:"new"`
	Interfaces     int `json:"interfaces"`
	InterfacesUp   int `json:"interfaces_up"`
	InterfacesDown int `json:"interfaces_down"` // admin up, oper not up
	Firing         int `json:"firing"`          // alerts
	Pending        int `json:"pending"`
	NeverUp        int `json:"never_up"` // ports that are admin up and never were in use
	Late           int `json:"late"`     // devices that missed more than three of their polls
}

// Device is one row of the fleet.
type Device struct {
	Name      string            `json:"name"`
	Address   string            `json:"address"` // as configured
	Labels    map[string]string `json:"labels,omitempty"`
	State     string            `json:"state"`           // StateNew, StateUp, StatePartial, StateDown
	Cause     string            `json:"cause,omitempty"` // of StateDown, in a word: "host_down", "snmp_silent", "authentication", "timeout", …
	Why       string            `json:"why,omitempty"`   // what is wrong, or makes it slow, in a sentence
	Since     time.Time         `json:"since,omitzero"`  // since when it is in State, as far as this run of the collector knows
	LastPoll  time.Time         `json:"last_poll,omitzero"`
	Interval  float64           `json:"interval"`             // between polls, in seconds
	Duration  float64           `json:"duration"`             // of the last poll, in seconds
	RoundTrip float64           `json:"round_trip,omitempty"` // of SNMP requests, smoothed, in seconds
	UpTime    float64           `json:"up_time,omitempty"`    // of the agent at the last answered poll, in seconds

	SysName  string `json:"sys_name,omitempty"`
	Location string `json:"location,omitempty"` // sysLocation

	Interfaces     int       `json:"interfaces"`
	InterfacesUp   int       `json:"interfaces_up"`
	InterfacesDown int       `json:"interfaces_down"` // admin up, oper not up
	Busiest        []Busiest `json:"busiest"`         // at most 3, the busiest first: by load where speeds are known
	Firing         int       `json:"firing"`          // alerts
	Pending        int       `json:"pending"`
}

// Busiest is a busy interface of a device.
type Busiest struct {
	Key  string   `json:"key"` // see Interface
	Name string   `json:"name"`
	In   *float64 `json:"in"`   // bits a second
	Out  *float64 `json:"out"`  // bits a second
	Load *float64 `json:"load"` // the busier direction's share of the speed, 0 to 1; null: no speed, or no rates
}
