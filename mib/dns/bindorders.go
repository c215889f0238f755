package dns

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// orderedBIND is a bind that takes orders by rndc's channel (rndc(8)).
type orderedBIND struct {
	bind
	rndc    rndc
	pattern string // the configuration of new zones, in which %s is the zone's name
	sources *bindSources
}

// Reload implements Reloader.
func (b *orderedBIND) Reload(ctx context.Context) error {
	_, err := b.rndc.order(ctx, "reload")
	return err
}

// CheckAdd implements ZoneWriter.
func (b *orderedBIND) CheckAdd(NewZone) error {
	if b.pattern == "" {
		return errors.New("the server's line in snmpd.conf has no pattern= of new zones")
	}
	return nil
}

// AddZone implements ZoneWriter. BIND takes it where allow-new-zones is on, and keeps it over a restart.
func (b *orderedBIND) AddZone(ctx context.Context, z NewZone) error {
	config := strings.ReplaceAll(b.pattern, "%s", z.Name)
	if len(z.Sources) > 0 {
		config += " primaries {"
		for _, a := range z.Sources {
			config += " " + a.String() + ";"
		}
		config += " };"
	}
	_, err := b.rndc.order(ctx, "addzone "+z.Name+" { "+config+" };")
	return err
}

// CheckRemove implements ZoneWriter.
func (b *orderedBIND) CheckRemove(*Zone) error { return nil }

// RemoveZone implements ZoneWriter. A zone of named.conf is back when the server reads that again.
func (b *orderedBIND) RemoveZone(ctx context.Context, name string) (Restore, error) {
	shown, err := b.rndc.order(ctx, "showzone "+name) // zone "NAME" { CONFIGURATION };
	if err != nil {
		return nil, err
	}
	b.sources.forget()
	at := strings.Index(shown, "{")
	if at < 0 {
		return nil, fmt.Errorf("%w: to showzone it says %q", ErrAnswer, clip(shown))
	}
	if _, err := b.rndc.order(ctx, "delzone "+name); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		_, err := b.rndc.order(ctx, "addzone "+name+" "+shown[at:])
		return err
	}, nil
}
