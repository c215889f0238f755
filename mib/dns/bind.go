package dns

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// bind reads BIND 9 by its statistics channel in JSON (BIND 9 Administrator Reference Manual, statistics-channels; bin/named/statschannel.c).
type bind struct{ *httpAPI }

// Counters of zones, which are served as sums over all zones of all views. BIND tells them with zone-statistics full.
const (
	bindZoneSuccess  = "zones.QrySuccess"
	bindZoneNXDomain = "zones.QryNXDOMAIN"
	bindZoneNxrrset  = "zones.QryNxrrset"
)

// What BIND resolved for a name below a delegation of its own zone counts with that zone (bin/named's query.authzone stays set). A server that does not
// resolve, or delegates nothing that it is asked for, is exact.
const (
	bindMore = "counts what it resolved below delegations of its own zones as well"
	bindLess = "without what it resolved below delegations of its own zones"
)

var bindRules = []Rule{
	{Object: "dnsServConfigImplementIdent", From: "version"},
	{Object: "dnsServConfigUpTime", From: "boot-time"},
	{Object: "dnsServConfigResetTime", From: "config-time"},
	{Object: "dnsServConfigReset", From: "whether it answers"},
	{Object: "dnsServCounterAuthAns", Plus: []string{bindZoneSuccess}, Approximate: bindMore},
	{Object: "dnsServCounterAuthNoNames", Plus: []string{bindZoneNXDomain}, Approximate: bindMore},
	{Object: "dnsServCounterAuthNoDataResps", Plus: []string{bindZoneNxrrset}, Approximate: bindMore},
	{Object: "dnsServCounterNonAuthDatas", Plus: []string{"nsstats.QrySuccess"}, Minus: []string{bindZoneSuccess}, Approximate: bindLess},
	{Object: "dnsServCounterNonAuthNoDatas", Plus: []string{"nsstats.QryNxrrset"}, Minus: []string{bindZoneNxrrset}, Approximate: bindLess},
	{Object: "dnsServCounterReferrals", Plus: []string{"nsstats.QryReferral"}},
	{Object: "dnsServCounterErrors", From: "sum of rcodes.* but NOERROR and NXDOMAIN", Plus: []string{rcodeErrors}},
	{Object: "dnsServCounterReqRefusals", Plus: []string{"rcodes.REFUSED"}},
	{Object: "dnsServCounterReqUnparses", Plus: []string{"rcodes.FORMERR"}, Approximate: "without packets shorter than a header"},
	{Object: "dnsServCounterOtherErrors", Plus: []string{"rcodes.SERVFAIL"}, Approximate: "counts failures of other servers as well, where it resolves"},
	{Object: "dnsServZoneLastReloadSuccess", From: "zones: loaded, of a secondary"},
	{Object: "dnsServZoneLastSourceAttempt", From: "0.0.0.0 of a primary; of a secondary absent"},
	{Object: "dnsServZoneStatus", From: "zones"},
	{Object: "dnsServZoneSerial", From: "zones: serial"},
	{Object: "dnsServZoneCurrent", From: "zones: serial, expires"},
	{Object: "dnsServZoneLastSourceSuccess", From: "0.0.0.0 of a primary; of a secondary absent"},
	{Object: "dnsServZoneSrcStatus", From: "rndc showzone: primaries, if it has rndc= and allow-new-zones yes, and names no list of them"},
	{Object: "dnsResConfigImplementIdent", From: "version"},
	{Object: "dnsResConfigUpTime", From: "boot-time"},
	{Object: "dnsResConfigResetTime", From: "config-time"},
	{Object: "dnsResConfigReset", From: "whether it answers"},
	{Object: "dnsResCounterByOpcodeQueries", Plus: []string{"resolver.Queryv4", "resolver.Queryv6"}},
	{Object: "dnsResCounterByOpcodeResponses", Plus: []string{"resolver.Responsev4", "resolver.Responsev6"}},
	{Object: "dnsResCounterByRcodeResponses", Row: dns.RcodeFormatError, Plus: []string{"resolver.FORMERR"}},
	{Object: "dnsResCounterByRcodeResponses", Row: dns.RcodeServerFailure, Plus: []string{"resolver.SERVFAIL"}},
	{Object: "dnsResCounterByRcodeResponses", Row: dns.RcodeNameError, Plus: []string{"resolver.NXDOMAIN"}},
	{Object: "dnsResCounterByRcodeResponses", Row: dns.RcodeRefused, Plus: []string{"resolver.REFUSED"}},
	{Object: "dnsResCounterMartians", Plus: []string{"resolver.Mismatch"}},
	{Object: "dnsResCounterRecdResponses", Plus: []string{"resolver.Responsev4", "resolver.Responsev6"}},
	{Object: "dnsResOptCounterRetrans", Plus: []string{"resolver.Retry"}},
	{Object: "dnsResOptCounterNoResponses", Plus: []string{"resolver.QueryTimeout"}, Approximate: "counts queries that are not sent again as well"},
}

// Rules implements Backend.
func (b *bind) Rules() []Rule { return bindRules }

// bindStatistics is /json/v1/server.
type bindStatistics struct {
	Version    string           `json:"json-stats-version"`
	Software   string           `json:"version"`
	BootTime   time.Time        `json:"boot-time"`
	ConfigTime time.Time        `json:"config-time"`
	Rcodes     map[string]int64 `json:"rcodes"`
	NSStats    map[string]int64 `json:"nsstats"`
	Views      map[string]struct {
		Resolver struct {
			Stats map[string]int64 `json:"stats"`
		} `json:"resolver"`
	} `json:"views"`
}

// bindZones is /json/v1/zones.
type bindZones struct {
	Views map[string]struct {
		Zones []bindZone `json:"zones"`
	} `json:"views"`
}

type bindZone struct {
	Name    string    `json:"name"`
	Class   string    `json:"class"`
	Type    string    `json:"type"`
	Serial  *uint32   `json:"serial"` // nil if nothing is loaded
	Loaded  time.Time `json:"loaded"` // of a primary the time of its file
	Expires time.Time `json:"expires"`
	// Rcodes holds counters that are not 0, by names such as QrySuccess; it is empty unless zone-statistics is full.
	Rcodes map[string]uint64 `json:"rcodes"`
}

// Read implements Backend. The server's figures are read before its zones': what is answered between is not of the cache.
func (b *bind) Read(ctx context.Context) (*Reading, error) {
	var s bindStatistics
	if err := b.get(ctx, "/json/v1/server", &s); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(s.Version, "1.") {
		return nil, fmt.Errorf("%w: json-stats-version is %q, not 1", ErrAnswer, clip(s.Version))
	}
	zones, err := b.zones(ctx)
	if err != nil {
		return nil, err
	}
	r := &Reading{Started: s.BootTime, Reloaded: s.ConfigTime, Counters: s.counters()}
	if s.Software != "" {
		r.Software = "bind " + s.Software
	}
	counted := zones.count(r)
	if counted || s.NSStats["QryAuthAns"] == 0 { // a zone that was asked for nothing tells no counters, whatever zone-statistics is
		for _, name := range []string{bindZoneSuccess, bindZoneNXDomain, bindZoneNxrrset} {
			r.Counters[name] = 0 // the zones' own are added
		}
	}
	r.Zones = zones.list(time.Now())
	return r, nil
}

// counters returns those that rules name: one that is not told is 0, for BIND leaves those out.
func (s *bindStatistics) counters() Counters {
	out := Counters{rcodeErrors: 0}
	for code, n := range s.Rcodes {
		if isError(code) {
			out[rcodeErrors] += uint64(max(n, 0))
		}
	}
	for i := range bindRules {
		for _, name := range slices.Concat(bindRules[i].Plus, bindRules[i].Minus) {
			group, key, _ := strings.Cut(name, ".")
			var n int64
			switch group {
			case "rcodes":
				n = s.Rcodes[key]
			case "nsstats":
				n = s.NSStats[key]
			case "resolver":
				for _, v := range s.Views {
					n += max(v.Resolver.Stats[key], 0)
				}
			default:
				continue
			}
			out[name] = uint64(max(n, 0))
		}
	}
	return out
}

func (b *bind) zones(ctx context.Context) (*bindZones, error) {
	var z bindZones
	return &z, b.get(ctx, "/json/v1/zones", &z)
}

// count sets the counters of zones; false if no zone tells any.
func (z *bindZones) count(r *Reading) bool {
	r.ZoneCounters = map[string]Counters{}
	for view, v := range z.Views {
		for i := range v.Zones {
			zone := &v.Zones[i]
			if len(zone.Rcodes) == 0 {
				continue
			}
			c := Counters{}
			for name, n := range zone.Rcodes {
				c["zones."+name] = n
			}
			r.ZoneCounters[view+"/"+zone.Name+"/"+zone.Class] = c
		}
	}
	return len(r.ZoneCounters) > 0
}

// list returns the zones that are loaded from somewhere, by their views' names: of a zone of several views it is always the same that has the row.
func (z *bindZones) list(now time.Time) []Zone {
	zones := []Zone{}
	for _, view := range slices.Sorted(maps.Keys(z.Views)) {
		for _, zone := range z.Views[view].Zones {
			out := Zone{Name: zone.Name, View: view, Class: dns.StringToClass[zone.Class], HasSerial: true, Status: ZoneNotCurrent}
			switch zone.Type {
			case "primary", "master":
				out.Primary = true
			case "secondary", "slave", "mirror":
				if zone.Loaded.Unix() > 0 {
					out.LoadedAt = zone.Loaded
				}
			default:
				continue
			}
			expired := zone.Expires.Unix() > 0 && zone.Expires.Before(now)
			if zone.Serial != nil {
				out.Serial = *zone.Serial
				if !expired {
					out.Status = ZoneCurrent
				}
			}
			zones = append(zones, out)
		}
	}
	return zones
}

// Zones implements Backend.
func (b *bind) Zones(ctx context.Context) ([]Zone, error) {
	z, err := b.zones(ctx)
	if err != nil {
		return nil, err
	}
	return z.list(time.Now()), nil
}
