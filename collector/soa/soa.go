// Package soa asks the primaries of zones for their serials, so that a secondary that lags behind shows.
//
// The zones and their sources are those that the profile dns collects (dns_zone, dns_zone_source). A Sink adds to each poll what is known of them by
// then: the measurement dns_zone_primary. Primaries are asked beside the polls, and seldom.
package soa

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"

	"walkabout/collector"
	"walkabout/metric"
)

// The measurements and fields that are read, and that is made.
const (
	zoneTable   = "dns_zone"
	sourceTable = "dns_zone_source"
	// Measurement is that of what is added: the serial of the zone, that of its primary, for how many seconds the primary's has been newer, and the zone's
	// refresh in seconds.
	Measurement = "dns_zone_primary"
)

// notCurrent is false(2) of dnsServZoneCurrent.
const notCurrent = 2

// How often a primary is asked for one zone, how long it has to answer, and what is asked at a time.
const (
	every      = 5 * time.Minute
	queryTime  = 5 * time.Second
	most       = 8
	maxZones   = 100_000 // that are remembered
	forgetTime = time.Hour
)

// SOA is what a primary says of a zone.
type SOA struct{ Serial, Refresh uint32 }

// Exchange asks a primary for the SOA of a zone.
type Exchange func(ctx context.Context, primary netip.Addr, zone string) (SOA, error)

// Sink is a collector.Sink before another.
type Sink struct {
	next collector.Sink
	ask  Exchange
	log  *slog.Logger
	ctx  context.Context // ends at Close
	stop context.CancelFunc
	busy sync.WaitGroup
	room chan struct{}

	mu    sync.Mutex
	zones map[key]*zone
}

// key is a zone of a device, which may be served in several contexts: the device is the target.
type key struct{ device, name string }

type zone struct {
	sources []netip.Addr
	seen    time.Time // the last poll that had it
	asked   time.Time // the last query began
	asking  bool
	failed  bool
	soa     SOA
	known   bool
	behind  time.Time // since when the primary's serial is newer than the zone's; zero: it is not
}

// New returns a Sink that passes polls on to next. It lives until Close. A nil ask is Query.
func New(next collector.Sink, ask Exchange, log *slog.Logger) *Sink {
	s := &Sink{next: next, ask: ask, log: log, room: make(chan struct{}, most), zones: map[key]*zone{}}
	if ask == nil {
		s.ask = Query
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s
}

// Close ends what is asked. No poll may come after it.
func (s *Sink) Close() {
	s.stop()
	s.busy.Wait()
}

// Poll implements collector.Sink.
func (s *Sink) Poll(ctx context.Context, p collector.Poll) {
	if slices.ContainsFunc(p.Samples, func(m metric.Sample) bool { return m.Measurement == zoneTable || m.Measurement == sourceTable }) {
		added, whole := s.take(&p)
		p.Samples = append(slices.Clip(p.Samples), added...)
		if whole && slices.Contains(p.Complete, zoneTable) {
			p.Complete = append(slices.Clip(p.Complete), Measurement)
		}
	}
	s.next.Poll(ctx, p)
}

// take remembers what p says of zones, has primaries asked, and returns the samples to add, and whether they are of all zones that have a source.
func (s *Sink) take(p *collector.Poll) (added []metric.Sample, whole bool) {
	whole = true
	s.mu.Lock()
	defer s.mu.Unlock()
	sources := map[string][]netip.Addr{}
	for i := range p.Samples {
		m := &p.Samples[i]
		if a, err := netip.ParseAddr(tag(m, "dnsServZoneSrcAddr")); err == nil && mayBeAsked(a) && m.Measurement == sourceTable && tag(m, "dnsServZoneSrcClass") == "1" {
			name := tag(m, "dnsServZoneSrcName")
			sources[name] = append(sources[name], a)
		}
	}
	for name, list := range sources {
		if z := s.zone(key{p.Device, name}); z != nil {
			z.sources, z.seen = list, p.At
		}
	}
	for i := range p.Samples {
		m := &p.Samples[i]
		name := tag(m, "dnsServZoneName")
		z := s.zones[key{p.Device, name}]
		serial, ok := m.Field("dnsServZoneSerial")
		if m.Measurement != zoneTable || tag(m, "dnsServZoneClass") != "1" || z == nil || !ok {
			continue
		}
		z.seen = p.At
		if current, ok := m.Field("dnsServZoneCurrent"); ok && current.Num == notCurrent {
			z.behind = time.Time{} // it has no serial to compare, and says worse by itself
		} else if extra, ok := z.compare(m, uint32(serial.Num), p.At); ok {
			added = append(added, extra)
		} else {
			whole = false
		}
		if !z.asking && p.At.Sub(z.asked) >= every {
			z.asking, z.asked = true, p.At
			s.busy.Go(func() { s.query(z, name) })
		}
	}
	s.forget(p.At)
	return added, whole
}

// mayBeAsked reports whether an address is that of a primary seen from here as well: what an agent calls its loopback is not ours.
func mayBeAsked(a netip.Addr) bool { return a.IsGlobalUnicast() && !a.IsLoopback() }

// zone returns the one of k, a new one if there is room.
func (s *Sink) zone(k key) *zone {
	z := s.zones[k]
	if z == nil && len(s.zones) < maxZones {
		z = &zone{}
		s.zones[k] = z
	}
	return z
}

// forget drops zones that no poll has had for long.
func (s *Sink) forget(now time.Time) {
	for k, z := range s.zones {
		if now.Sub(z.seen) > forgetTime && !z.asking {
			delete(s.zones, k)
		}
	}
}

// compare returns the sample of z beside that of its row; false while nothing is known of the primary.
func (z *zone) compare(row *metric.Sample, serial uint32, at time.Time) (metric.Sample, bool) {
	if !z.known {
		return metric.Sample{}, false
	}
	if !Newer(z.soa.Serial, serial) {
		z.behind = time.Time{}
	} else if z.behind.IsZero() {
		z.behind = at
	}
	behind := time.Duration(0)
	if !z.behind.IsZero() {
		behind = max(at.Sub(z.behind), 0)
	}
	field := func(name string, n uint64) metric.Field {
		return metric.Field{Name: name, Kind: metric.Integer, Num: n}
	}
	return metric.Sample{Measurement: Measurement, Tags: row.Tags, At: row.At, Fields: []metric.Field{
		field("serial", uint64(serial)), field("primarySerial", uint64(z.soa.Serial)), field("behindSeconds", uint64(behind/time.Second)), field("refresh", uint64(z.soa.Refresh)),
	}}, true
}

// query asks the sources of z, one after another, until one answers.
func (s *Sink) query(z *zone, name string) {
	select {
	case s.room <- struct{}{}:
		defer func() { <-s.room }()
	case <-s.ctx.Done():
		return
	}
	s.mu.Lock()
	sources := z.sources
	s.mu.Unlock()
	var soa SOA
	err := errors.New("it has no source")
	for _, a := range sources {
		ctx, cancel := context.WithTimeout(s.ctx, queryTime)
		soa, err = s.ask(ctx, a, name)
		cancel()
		if err == nil {
			break
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	z.asking = false
	if err == nil {
		z.soa, z.known = soa, true
	} else {
		z.known, z.behind = false, time.Time{} // what was known is no longer
	}
	if failed := err != nil; failed != z.failed && s.ctx.Err() == nil {
		if z.failed = failed; failed {
			s.log.Warn("no primary of a zone tells its serial", "zone", name, "err", err)
		} else {
			s.log.Info("a primary of the zone tells its serial again", "zone", name)
		}
	}
}

// Newer reports whether serial a is greater than b by RFC 1982 section 3.2. Of serials that are 2^31 apart neither is.
func Newer(a, b uint32) bool { return a != b && a-b < 1<<31 }

// Query asks by UDP, and by TCP if the answer does not fit.
func Query(ctx context.Context, primary netip.Addr, zone string) (SOA, error) {
	question := new(dns.Msg).SetQuestion(dns.Fqdn(zone), dns.TypeSOA)
	question.RecursionDesired = false
	to := netip.AddrPortFrom(primary, 53).String()
	answer, _, err := new(dns.Client).ExchangeContext(ctx, question, to)
	if err == nil && answer.Truncated {
		answer, _, err = (&dns.Client{Net: "tcp"}).ExchangeContext(ctx, question, to)
	}
	if err != nil {
		return SOA{}, err
	}
	for _, rr := range answer.Answer {
		if soa, ok := rr.(*dns.SOA); ok && answer.Authoritative {
			return SOA{soa.Serial, soa.Refresh}, nil
		}
	}
	return SOA{}, fmt.Errorf("%v: %s, and no authoritative SOA", primary, dns.RcodeToString[answer.Rcode])
}

func tag(m *metric.Sample, name string) string {
	for _, t := range m.Tags {
		if t.Name == name {
			return t.Value
		}
	}
	return ""
}
