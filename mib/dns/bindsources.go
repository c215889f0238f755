package dns

import (
	"context"
	"errors"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Limits of asking BIND for the sources of its zones, which is an order for each.
const (
	sourcesReuse = 10 * time.Minute // then they are asked for again, for one may have changed without a new configuration
	mostShown    = 200              // zones that one reading asks for; the next one goes on
	showTime     = 2 * time.Second  // for all of them
)

// bindSources remembers where BIND transfers its secondaries from, as rndc showzone tells where allow-new-zones is on.
type bindSources struct {
	mu     sync.Mutex
	config time.Time // when BIND read the configuration that they are of
	asked  time.Time // the first of them
	of     map[[2]string][]netip.Addr
	off    bool // BIND does not tell; until all is asked for again
}

// forget has all be asked for again.
func (s *bindSources) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of = nil
}

// fill sets the Sources of zones, as far as they are known or told now. config is when BIND read its configuration, zero if that is not known. Where it takes no
// orders there are none: what is SET says why.
func (s *bindSources) fill(ctx context.Context, r *rndc, config time.Time, zones []Zone) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil || time.Since(s.asked) > sourcesReuse || !config.IsZero() && !config.Equal(s.config) {
		s.of, s.asked, s.off = map[[2]string][]netip.Addr{}, time.Now(), false
		if !config.IsZero() {
			s.config = config
		}
	}
	var missing [][2]string
	for i := range zones {
		z := [2]string{zones[i].Name, zones[i].View}
		if _, known := s.of[z]; !known && !zones[i].Primary && shown.MatchString(z[0]) && shown.MatchString(z[1]) && len(missing) < mostShown {
			missing = append(missing, z)
		}
	}
	if len(missing) > 0 && !s.off {
		s.show(ctx, r, missing)
	}
	for i := range zones {
		zones[i].Sources = s.of[[2]string{zones[i].Name, zones[i].View}]
	}
}

// shown are the names that may stand in an order as they are.
var shown = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)

// show asks for the configuration of zones.
func (s *bindSources) show(ctx context.Context, r *rndc, zones [][2]string) {
	ctx, cancel := context.WithTimeout(ctx, showTime)
	defer cancel()
	session, end, err := r.open(ctx)
	if err != nil {
		s.off = true
		return
	}
	defer end()
	for _, z := range zones {
		text, err := session.order(ctx, "showzone "+z[0]+" IN "+z[1])
		switch {
		case err == nil:
			s.of[z] = primariesOf(text)
		case !errors.Is(err, ErrRefused) || len(s.of) == 0: // the channel is not well, or it shows none
			s.off = true
			return
		default:
			s.of[z] = nil
		}
	}
}

var primariesBlock = regexp.MustCompile(`[{;]\s*(?:primaries|masters)\b[^{};]*\{([^{}]*)\}`)

// primariesOf reads primaries { 192.0.2.1; 2001:db8::1 port 5300 key "k"; }; of a zone's configuration. Where one is the name of a list, nobody tells what is in it.
func primariesOf(config string) []netip.Addr {
	block := primariesBlock.FindStringSubmatch(config)
	if block == nil {
		return nil
	}
	var list []netip.Addr
	for entry := range strings.SplitSeq(block[1], ";") {
		words := strings.Fields(entry)
		if len(words) == 0 {
			continue
		}
		a, err := netip.ParseAddr(words[0])
		if err != nil {
			return nil
		}
		list = append(list, a)
	}
	return list
}

// Read implements Backend.
func (b *orderedBIND) Read(ctx context.Context) (*Reading, error) {
	r, err := b.bind.Read(ctx)
	if err == nil {
		b.sources.fill(ctx, &b.rndc, r.Reloaded, r.Zones)
	}
	return r, err
}

// Zones implements Backend.
func (b *orderedBIND) Zones(ctx context.Context) ([]Zone, error) {
	zones, err := b.bind.Zones(ctx)
	if err == nil {
		b.sources.fill(ctx, &b.rndc, time.Time{}, zones)
	}
	return zones, err
}
