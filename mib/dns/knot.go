package dns

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// knot reads Knot DNS by its control socket (knotc(8)). Its counters are those of mod-stats, as a global module.
type knot struct {
	*control
	pattern string // the template of new zones; "" for the default one
}

const knotRcode = "response-code["

// What knot adds up: its counters are of many kinds.
const (
	knotNoError  = knotRcode + "NOERROR]"
	knotNXDomain = knotRcode + "NXDOMAIN]"
	knotNoData   = "reply-nodata[*]"
)

var knotRules = []Rule{
	{Object: "dnsServConfigImplementIdent", From: "status version"},
	{Object: "dnsServConfigRecurs", From: "unavailable: it is an authoritative server"},
	{Object: "dnsServConfigUpTime", From: "the start of the process that listens on the control socket"},
	{Object: "dnsServConfigReset", From: "whether it answers"},
	{
		Object: "dnsServCounterAuthAns", Plus: []string{knotNoError}, Minus: []string{knotNoData},
		Approximate: "counts referrals, and answers to transfers, NOTIFY and UPDATE, as well",
	},
	{Object: "dnsServCounterAuthNoNames", Plus: []string{knotNXDomain}},
	{Object: "dnsServCounterAuthNoDataResps", Plus: []string{knotNoData}},
	{Object: "dnsServCounterErrors", From: "sum of response-code[*] but NOERROR and NXDOMAIN", Plus: []string{rcodeErrors}, Approximate: "without answers to what it cannot parse"},
	{Object: "dnsServCounterReqRefusals", Plus: []string{knotRcode + "REFUSED]"}, Approximate: "without transfers that are refused with NOTAUTH"},
	{Object: "dnsServCounterOtherErrors", Plus: []string{knotRcode + "SERVFAIL]"}},
	{Object: "dnsServZoneLastSourceAttempt", From: "0.0.0.0 of a primary; of a secondary absent"},
	{Object: "dnsServZoneStatus", From: "zone-status"},
	{Object: "dnsServZoneSerial", From: "zone-status: serial"},
	{Object: "dnsServZoneCurrent", From: "zone-status: serial"},
	{Object: "dnsServZoneLastSourceSuccess", From: "0.0.0.0 of a primary; of a secondary absent"},
	{Object: "dnsServZoneSrcStatus", From: "conf-read: zone.master, remote.address"},
}

// Rules implements Backend.
func (k *knot) Rules() []Rule { return knotRules }

// Read implements Backend. The flag F has counters that are 0 told as well.
func (k *knot) Read(ctx context.Context) (*Reading, error) {
	answers, err := k.knotOrders(ctx,
		knotOrder{knotCommand: "status", knotType: "version"},
		knotOrder{knotCommand: "stats", knotFlags: "F", knotSection: "mod-stats", knotItem: "response-code"},
		knotOrder{knotCommand: "stats", knotFlags: "F", knotSection: "mod-stats", knotItem: "reply-nodata"},
	)
	// A server without mod-stats counts nothing, and refuses to tell counters.
	if err != nil && !(errors.Is(err, ErrRefused) && len(answers.units) == 1) {
		return nil, err
	}
	r := &Reading{Recursion: RecursionUnavailable, Started: answers.started, Software: knotVersion(answers.units[0])}
	if r.Software == "" {
		return nil, fmt.Errorf("%w: it tells no version", ErrAnswer)
	}
	if err != nil {
		return r, nil
	}
	r.Counters = Counters{}
	for _, u := range slices.Concat(answers.units[1], answers.units[2]) {
		n, err := strconv.ParseUint(u[knotData], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%w: %s[%s] is %q", ErrAnswer, u[knotItem], u[knotID], clip(u[knotData]))
		}
		switch {
		case u[knotItem] == "reply-nodata":
			r.Counters[knotNoData] += n
		case u[knotItem] == "response-code":
			r.Counters[knotRcode+u[knotID]+"]"] = n
			if isError(u[knotID]) {
				r.Counters[rcodeErrors] += n
			}
		}
	}
	return r, nil
}

func knotVersion(units []knotUnit) string {
	for _, u := range units {
		if _, version, ok := strings.Cut(u[knotData], ": "); ok {
			return "knot " + version
		}
		if u[knotData] != "" {
			return "knot " + u[knotData]
		}
	}
	return ""
}

// Zones implements Backend.
func (k *knot) Zones(ctx context.Context) ([]Zone, error) {
	answers, err := k.knotOrders(ctx,
		knotOrder{knotCommand: "zone-status"},
		knotOrder{knotCommand: "conf-read", knotSection: "zone", knotItem: "master"},
		knotOrder{knotCommand: "conf-read", knotSection: "remote", knotItem: "address"},
	)
	if err != nil {
		return nil, err
	}
	addresses, sources := map[string][]netip.Addr{}, map[string][]netip.Addr{}
	for _, u := range answers.units[2] {
		host, _, _ := strings.Cut(u[knotData], "@")
		if a, err := netip.ParseAddr(host); err == nil {
			addresses[u[knotID]] = append(addresses[u[knotID]], a)
		}
	}
	for _, u := range answers.units[1] {
		sources[u[knotID]] = append(sources[u[knotID]], addresses[u[knotData]]...)
	}
	zones := []Zone{}
	for _, u := range answers.units[0] {
		if last := len(zones) - 1; last < 0 || zones[last].Name != u[knotZone] {
			zones = append(zones, Zone{Name: u[knotZone], Class: classIN, Sources: sources[u[knotZone]]})
		}
		switch z := &zones[len(zones)-1]; u[knotType] {
		case "role":
			z.Primary = u[knotData] == "master"
		case "serial":
			z.HasSerial, z.Status = true, ZoneNotCurrent
			if n, err := strconv.ParseUint(u[knotData], 10, 32); err == nil { // "-" or "none" where nothing is loaded
				z.Serial, z.Status = uint32(n), ZoneCurrent
			}
		}
	}
	return zones, nil
}
