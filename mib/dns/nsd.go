package dns

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"
)

// nsd reads NSD by its control channel (nsd-control(8)).
type nsd struct {
	nlnet
	pattern string // that of new zones; "" if there are none
}

const nsdRcode = "num.rcode."

var nsdRules = []Rule{
	{Object: "dnsServConfigImplementIdent", From: "status: version"},
	{Object: "dnsServConfigRecurs", From: "unavailable: it is an authoritative server"},
	{Object: "dnsServConfigUpTime", From: "time.boot"},
	{Object: "dnsServConfigReset", From: "whether it answers"},
	{Object: "dnsServCounterAuthNoNames", Plus: []string{nsdRcode + "NXDOMAIN"}},
	{Object: "dnsServCounterReferrals", Plus: []string{"num.answer_wo_aa"}},
	{Object: "dnsServCounterErrors", From: "sum of num.rcode.* but NOERROR and NXDOMAIN", Plus: []string{rcodeErrors}},
	{Object: "dnsServCounterReqRefusals", Plus: []string{nsdRcode + "REFUSED"}},
	{Object: "dnsServCounterReqUnparses", Plus: []string{nsdRcode + "FORMERR"}, Approximate: "without packets shorter than a header"},
	{Object: "dnsServCounterOtherErrors", Plus: []string{nsdRcode + "SERVFAIL"}},
	{Object: "dnsServZoneLastReloadSuccess", From: "zonestatus: served-serial since, of a secondary"},
	{Object: "dnsServZoneLastSourceAttempt", From: "0.0.0.0 of a primary; of a secondary absent"},
	{Object: "dnsServZoneStatus", From: "zonestatus"},
	{Object: "dnsServZoneSerial", From: "zonestatus: served-serial, of a secondary"},
	{Object: "dnsServZoneCurrent", From: "zonestatus: state and served-serial, of a secondary"},
	{Object: "dnsServZoneLastSourceSuccess", From: "0.0.0.0 of a primary; of a secondary absent"},
}

// Rules implements Backend.
func (n *nsd) Rules() []Rule { return nsdRules }

// Read implements Backend.
func (n *nsd) Read(ctx context.Context) (*Reading, error) {
	s, r, err := n.read(ctx, "nsd", "time.boot")
	if err != nil {
		return nil, err
	}
	r.Recursion, r.Counters = RecursionUnavailable, s.counters(nsdRules, nsdRcode)
	return r, nil
}

// nsdTime is how nsd-control writes times, in the local time of the machine.
const nsdTime = "2006-01-02T15:04:05"

// Zones implements Backend: a line "zone: NAME", and lines of the form "state: ok" behind white space.
func (n *nsd) Zones(ctx context.Context) ([]Zone, error) {
	text, err := n.ask(ctx, "zonestatus")
	if err != nil {
		return nil, err
	}
	zones := []Zone{}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		value = strings.Trim(strings.TrimSpace(value), `"`)
		if key == "zone" {
			zones = append(zones, Zone{Name: value, Class: classIN})
		}
		if len(zones) == 0 {
			continue
		}
		switch z := &zones[len(zones)-1]; key {
		case "state":
			switch value {
			case "master", "primary":
				z.Primary = true
			case "expired":
				z.Status = ZoneNotCurrent
			}
		case "served-serial":
			z.served(value)
		}
	}
	return zones, nil
}

// served reads "none" or "7 since 2026-01-02T15:04:05", in the local time of the machine.
func (z *Zone) served(value string) {
	serial, since, ok := strings.Cut(value, " since ")
	n, err := strconv.ParseUint(serial, 10, 32)
	z.HasSerial = serial == "none" || err == nil
	switch {
	case err == nil:
		z.Serial = uint32(n)
		if z.Status == 0 {
			z.Status = ZoneCurrent
		}
	case z.HasSerial:
		z.Status = ZoneNotCurrent
	}
	if at, err := time.ParseInLocation(nsdTime, since, time.Local); ok && err == nil {
		z.LoadedAt = at
	}
}

// Reload implements Reloader: NSD has an order for the configuration, and one for the zones.
func (n *nsd) Reload(ctx context.Context) error {
	if _, err := n.ask(ctx, "reconfig"); err != nil {
		return err
	}
	_, err := n.ask(ctx, "reload")
	return err
}

// CheckAdd implements ZoneWriter.
func (n *nsd) CheckAdd(z NewZone) error {
	switch {
	case n.pattern == "":
		return errors.New("the server's line in snmpd.conf has no pattern= of new zones")
	case len(z.Sources) > 0:
		return errors.New("a zone's sources are those of its pattern in nsd.conf")
	}
	return nil
}

// AddZone implements ZoneWriter. NSD keeps it over a restart.
func (n *nsd) AddZone(ctx context.Context, z NewZone) error {
	_, err := n.ask(ctx, "addzone "+z.Name+" "+n.pattern)
	return err
}

// CheckRemove implements ZoneWriter.
func (n *nsd) CheckRemove(*Zone) error { return nil }

// RemoveZone implements ZoneWriter. Zones of nsd.conf are not NSD's to remove.
func (n *nsd) RemoveZone(ctx context.Context, name string) (Restore, error) {
	status, err := n.ask(ctx, "zonestatus "+name)
	if err != nil {
		return nil, err
	}
	pattern := ""
	for line := range strings.Lines(status) {
		if key, value, _ := strings.Cut(strings.TrimSpace(line), ":"); key == "pattern" {
			pattern = strings.TrimSpace(value)
		}
	}
	if _, err := n.ask(ctx, "delzone "+name); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		_, err := n.ask(ctx, "addzone "+name+" "+pattern)
		return err
	}, nil
}
