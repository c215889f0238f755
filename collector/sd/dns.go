package sd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Resolver is what DNS needs of *net.Resolver.
type Resolver interface {
	LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// DNS is a list in the DNS, as Prometheus' dns_sd: every record of Names is a target.
type DNS struct {
	Names    []string
	Type     string // "SRV", whose records name host and port, or "A" or "AAAA"
	Port     uint16 // of A and AAAA
	Resolver Resolver

	last map[string][]string // of each name that ever had an answer
}

// DNSTypes are the values of DNS.Type.
func DNSTypes() []string { return []string{"SRV", "A", "AAAA"} }

// Fetch asks for the names. One that fails keeps the records that it had.
func (d *DNS) Fetch(ctx context.Context) ([]Group, error) {
	groups := []Group{}
	var errs []error
	if d.last == nil {
		d.last = map[string][]string{}
	}
	for _, name := range d.Names {
		targets, err := d.lookup(ctx, name)
		if err != nil {
			errs = append(errs, err)
		} else {
			slices.Sort(targets) // or the servers' shuffling would look like change
			d.last[name] = slices.Compact(targets)
		}
		if known := d.last[name]; len(known) > 0 {
			groups = append(groups, Group{Targets: known, Labels: map[string]string{"__meta_dns_name": name}})
		}
	}
	err := errors.Join(errs...)
	if err != nil && len(d.last) == 0 {
		return nil, err
	}
	return groups, err
}

func (d *DNS) lookup(ctx context.Context, name string) ([]string, error) {
	var targets []string
	if d.Type == "SRV" {
		_, records, err := d.Resolver.LookupSRV(ctx, "", "", name)
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			if r.Target == "." { // RFC 2782: the service is decidedly not there
				continue
			}
			targets = append(targets, hostPort(strings.TrimSuffix(r.Target, "."), r.Port))
		}
		return targets, nil
	}
	network := map[string]string{"A": "ip4", "AAAA": "ip6"}[d.Type]
	if network == "" {
		return nil, fmt.Errorf("dns type %q; known are %v", d.Type, DNSTypes())
	}
	addresses, err := d.Resolver.LookupNetIP(ctx, network, name)
	for _, a := range addresses {
		targets = append(targets, hostPort(a.Unmap().String(), d.Port))
	}
	return targets, err
}

func hostPort(host string, port uint16) string {
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}
