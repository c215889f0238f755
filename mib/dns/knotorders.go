package dns

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// knotOrder is an order by its fields.
type knotOrder = map[knotField]string

// Reload implements Reloader.
func (k *knot) Reload(ctx context.Context) error {
	_, err := k.knotOrders(ctx, knotOrder{knotCommand: "reload"})
	return err
}

// CheckAdd implements ZoneWriter.
func (k *knot) CheckAdd(NewZone) error { return nil }

// AddZone implements ZoneWriter. Knot DNS keeps it over a restart if its configuration is a database. Sources are remotes of its configuration.
func (k *knot) AddZone(ctx context.Context, z NewZone) error {
	items := []knotOrder{{}}
	if k.pattern != "" {
		items = append(items, knotOrder{knotItem: "template", knotData: k.pattern})
	}
	if len(z.Sources) > 0 {
		remotes, err := k.remotes(ctx)
		if err != nil {
			return err
		}
		for _, a := range z.Sources {
			id := remotes[a]
			if id == "" {
				return fmt.Errorf("no remote of the server's configuration has the address %v", a)
			}
			items = append(items, knotOrder{knotItem: "master", knotData: id})
		}
	}
	return k.configure(ctx, z.Name, "conf-set", items)
}

// remotes returns those of the configuration by their addresses.
func (k *knot) remotes(ctx context.Context) (map[netip.Addr]string, error) {
	a, err := k.knotOrders(ctx, knotOrder{knotCommand: "conf-read", knotSection: "remote", knotItem: "address"})
	if err != nil {
		return nil, err
	}
	out := map[netip.Addr]string{}
	for _, u := range a.units[0] {
		host, _, _ := strings.Cut(u[knotData], "@")
		if address, err := netip.ParseAddr(host); err == nil && out[address] == "" {
			out[address] = u[knotID]
		}
	}
	return out, nil
}

// CheckRemove implements ZoneWriter.
func (k *knot) CheckRemove(*Zone) error { return nil }

// RemoveZone implements ZoneWriter. Where the configuration is a file, the zone is back when that is read again.
func (k *knot) RemoveZone(ctx context.Context, name string) (Restore, error) {
	a, err := k.knotOrders(ctx, knotOrder{knotCommand: "conf-read", knotSection: "zone", knotID: name})
	if err != nil {
		return nil, err
	}
	items := []knotOrder{{}}
	for _, u := range a.units[0] {
		if u[knotItem] != "" && u[knotItem] != "domain" {
			items = append(items, knotOrder{knotItem: u[knotItem], knotData: u[knotData]})
		}
	}
	if err := k.configure(ctx, name, "conf-unset", []knotOrder{{}}); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error { return k.configure(ctx, name, "conf-set", items) }, nil
}

// configure changes items of a zone in one transaction of the server's.
func (k *knot) configure(ctx context.Context, zone, command string, items []knotOrder) error {
	// Knot DNS 3.2 with mod-dnstap dies of a transaction, whoever makes it: it unloads the module that it runs.
	switch tap, err := k.knotOrders(ctx, knotOrder{knotCommand: "conf-read", knotSection: "mod-dnstap"}); {
	case err == nil && len(tap.units[0]) > 0:
		return fmt.Errorf("%w: its configuration uses mod-dnstap", ErrRefused)
	case err != nil && !errors.Is(err, ErrRefused): // it does not know the module
		return err
	}
	orders := []knotOrder{{knotCommand: "conf-begin"}}
	for _, item := range items {
		order := knotOrder{knotCommand: command, knotSection: "zone", knotID: zone}
		for f, value := range item {
			order[f] = value
		}
		orders = append(orders, order)
	}
	done, err := k.knotOrders(ctx, append(orders, knotOrder{knotCommand: "conf-commit"})...)
	if err == nil || len(done.units) == 0 { // nothing was begun, or it is another's
		return err
	}
	if _, abort := k.knotOrders(context.WithoutCancel(ctx), knotOrder{knotCommand: "conf-abort"}); abort != nil {
		return fmt.Errorf("%w; its transaction is still open: %w", err, abort)
	}
	return err
}
