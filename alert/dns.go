package alert

import (
	"fmt"
	"strconv"
	"time"

	"walkabout/metric"
)

// The measurements of the profile dns that rules look at, and that of the SOA queries to primaries.
const (
	dnsServerTable  = "dns_server"
	dnsZoneTable    = "dns_zone"
	dnsPrimaryTable = "dns_zone_primary"
)

// Values of dnsServConfigReset and dnsServZoneCurrent (RFC 1611).
const (
	resetOther   = 1 // a server in some unknown state: it cannot be read
	truthNotTrue = 2
)

// dnsRules are the built-in rules of name servers.
func (c *Config) dnsRules() []Rule {
	return []Rule{
		{RuleOptions: c.DNSServerDown, Name: RuleDNSServerDown, Measurement: dnsServerTable, kind: KindServerDown, Condition: fieldIs{
			"dnsServConfigReset", resetOther, "the name server cannot be read by its agent", "the name server is read again",
		}},
		{RuleOptions: c.DNSZoneStale, Name: RuleDNSZoneStale, Measurement: dnsZoneTable, kind: KindNotCurrent, Condition: fieldIs{
			"dnsServZoneCurrent", truthNotTrue, "the zone was never loaded or has expired", "the zone is current",
		}},
		{RuleOptions: c.DNSZoneStale, Name: RuleDNSZoneStale, Measurement: dnsPrimaryTable, kind: KindBehind, Condition: behindPrimary{}},
	}
}

// fieldIs holds where an integer field has a value.
type fieldIs struct {
	field      string
	value      uint64
	bad, cured string // for people
}

// Eval implements Condition.
func (c fieldIs) Eval(s *Row) (holds, known bool) {
	f, known := number(s.Sample, c.field)
	return f == c.value, known
}

// Values implements Condition.
func (c fieldIs) Values(s *Row) map[string]string {
	out := map[string]string{}
	for _, name := range []string{c.field, "dnsServZoneSerial"} {
		if n, ok := number(s.Sample, name); ok {
			out[name] = strconv.FormatUint(n, 10)
		}
	}
	return out
}

// Summary implements Condition.
func (c fieldIs) Summary(s *Row) string {
	if holds, _ := c.Eval(s); holds {
		return c.bad
	}
	return c.cured
}

// Same implements Condition.
func (c fieldIs) Same(other Condition) bool { return other == Condition(c) }

// The fields of dnsPrimaryTable: the serials of the zone and of its primary, for how many seconds the primary's has been newer, and the zone's refresh.
const (
	zoneSerial    = "serial"
	primarySerial = "primarySerial"
	behindSeconds = "behindSeconds"
	refresh       = "refresh"
)

// behindPrimary holds where the primary has had a newer serial for longer than the zone's refresh.
type behindPrimary struct{}

// Eval implements Condition.
func (behindPrimary) Eval(s *Row) (holds, known bool) {
	behind, known1 := number(s.Sample, behindSeconds)
	limit, known2 := number(s.Sample, refresh)
	return behind > limit, known1 && known2
}

// Values implements Condition.
func (behindPrimary) Values(s *Row) map[string]string {
	out := map[string]string{}
	for _, name := range []string{zoneSerial, primarySerial, behindSeconds, refresh} {
		if n, ok := number(s.Sample, name); ok {
			out[name] = strconv.FormatUint(n, 10)
		}
	}
	return out
}

// Summary implements Condition.
func (b behindPrimary) Summary(s *Row) string {
	if holds, _ := b.Eval(s); !holds {
		return "the zone is as new as the primary's, or its refresh is not over"
	}
	v := b.Values(s)
	behind, _ := number(s.Sample, behindSeconds)
	return fmt.Sprintf("the zone has serial %s, its primary %s, for %s, longer than its refresh of %s s", v[zoneSerial], v[primarySerial], short(time.Duration(behind)*time.Second), v[refresh])
}

// Same implements Condition.
func (behindPrimary) Same(other Condition) bool { return other == Condition(behindPrimary{}) }

// number returns an integer field.
func number(s *metric.Sample, name string) (uint64, bool) {
	f, ok := s.Field(name)
	return f.Num, ok && (f.Kind == metric.Integer || f.Kind == metric.Unsigned)
}
