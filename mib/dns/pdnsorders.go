package dns

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

const pdnsZones = pdnsServer + "/zones"

// CheckAdd implements ZoneWriter.
func (p *pdns) CheckAdd(z NewZone) error {
	if len(z.Sources) == 0 {
		return errors.New("a zone without a source would be empty: its records are not told by SNMP")
	}
	return nil
}

// AddZone implements ZoneWriter. PowerDNS keeps it, and transfers it when it next looks for secondaries that are not fresh.
func (p *pdns) AddZone(ctx context.Context, z NewZone) error {
	zone := map[string]any{"name": z.Name + ".", "kind": "Slave", "masters": z.Sources, "nameservers": []string{}}
	return p.do(ctx, http.MethodPost, pdnsZones, zone, nil)
}

// CheckRemove implements ZoneWriter.
func (p *pdns) CheckRemove(z *Zone) error {
	if z.Primary {
		return errors.New("its records are nowhere else, and would be lost")
	}
	return nil
}

// RemoveZone implements ZoneWriter. The records of a secondary are its primary's; no other zone is removed.
func (p *pdns) RemoveZone(ctx context.Context, name string) (Restore, error) {
	path := pdnsZones + "/" + name + "."
	var zone pdnsZone
	if err := p.get(ctx, path+"?rrsets=false", &zone); err != nil {
		return nil, err
	}
	if !zone.secondary() {
		return nil, fmt.Errorf("its kind is %s: %w", zone.Kind, p.CheckRemove(&Zone{Primary: true}))
	}
	if err := p.do(ctx, http.MethodDelete, path, nil, nil); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		again := map[string]any{"name": zone.Name, "kind": zone.Kind, "masters": zone.Masters, "nameservers": []string{}}
		return p.do(ctx, http.MethodPost, pdnsZones, again, nil)
	}, nil
}

// secondary reports whether the zone's records are transferred.
func (z *pdnsZone) secondary() bool {
	switch strings.ToLower(z.Kind) {
	case "slave", "secondary", "consumer":
		return true
	}
	return false
}

// orderedRecursor is a recursor that is told whom to recurse for. It takes that if it has an api-config-dir, where it keeps it over a restart.
type orderedRecursor struct {
	recursor
	clients []netip.Prefix // who is let in while recursion is restricted
}

// SetRecursion implements RecursionWriter.
func (p *orderedRecursor) SetRecursion(ctx context.Context, r Recursion) (Restore, error) {
	before, err := p.allowFrom(ctx)
	if err != nil {
		return nil, err
	}
	allowed := []string{"0.0.0.0/0", "::/0"}
	switch r {
	case RecursionUnavailable:
		allowed = []string{"!0.0.0.0/0", "!::/0"}
	case RecursionRestricted:
		allowed = nil
		for _, network := range p.clients {
			allowed = append(allowed, network.String())
		}
	}
	put := func(ctx context.Context, networks []string) error {
		return p.do(ctx, http.MethodPut, recursorAllowFrom, map[string]any{"name": "allow-from", "value": networks}, nil)
	}
	return func(ctx context.Context) error { return put(ctx, before) }, put(ctx, allowed)
}
