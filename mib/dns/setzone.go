package dns

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"

	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// RowStatus (RFC 2579) beside active.
const (
	createAndGo = 4
	destroy     = 6
)

var (
	errRowStatus  = errors.New("active(1), createAndGo(4) and destroy(6) can be written")
	errNoRow      = errors.New("there is no such row")
	errRow        = errors.New("there is such a row")
	errSources    = errors.New("sources are given together with their zone, and go with it")
	errZonesDown  = errors.New("the server does not tell its zones")
	errZoneName   = errors.New("a zone that is made has a name in upper case, of labels of letters, digits, - and _, and the class IN")
	errZoneSource = errors.New("a zone that is made has IPv4 addresses for sources")
)

// zoneOrder is what a SET asks for one zone.
type zoneOrder struct {
	zone    *setting // its dnsServZoneStatus; nil if only sources are named
	sources []*setting
}

// zoneOrders are those of a SET by the index of dnsServZoneTable.
type zoneOrders map[oid.OID]*zoneOrder

func (o zoneOrders) at(index oid.OID) *zoneOrder {
	if o[index] == nil {
		o[index] = &zoneOrder{}
	}
	return o[index]
}

// rowStatus checks a setting as far as it needs no look at the table.
func (m *MIB) rowStatus(s *setting) error {
	if _, ok := m.source.backend.(ZoneWriter); !ok {
		return s.refuse(snmp.NotWritable, errNoOrders)
	}
	n, err := s.integer(active, destroy)
	if err == nil && n != active && n != createAndGo && n != destroy {
		err = s.refuse(snmp.WrongValue, errRowStatus)
	}
	return err
}

func (m *MIB) takeZone(orders zoneOrders, s *setting) error {
	if err := m.rowStatus(s); err != nil {
		return err
	}
	o := orders.at(s.Name.From(zoneStatusColumn.Len()))
	if o.zone != nil && o.zone.Value != s.Value {
		return s.refuse(snmp.InconsistentValue, errTwoValues)
	}
	o.zone = s
	return nil
}

func (m *MIB) takeSource(orders zoneOrders, s *setting) error {
	if err := m.rowStatus(s); err != nil {
		return err
	}
	const address = 4
	index := s.Name.From(srcStatusColumn.Len())
	if index.Len() <= address {
		return s.refuse(snmp.NoCreation, errZoneName)
	}
	o := orders.at(index.Slice(0, index.Len()-address))
	if slices.ContainsFunc(o.sources, func(other *setting) bool { return other.Name == s.Name && other.Value != s.Value }) {
		return s.refuse(snmp.InconsistentValue, errTwoValues)
	}
	o.sources = append(o.sources, s)
	return nil
}

// zoneSteps holds orders against the zones that there are. Zones are removed before others are added.
func (m *MIB) zoneSteps(ctx context.Context, q *mib.Request, orders zoneOrders) ([]step, error) {
	if len(orders) == 0 {
		return nil, nil
	}
	writer := m.source.backend.(ZoneWriter)
	zones := m.zones(ctx, q)
	var removed, added []step
	for index, o := range orders {
		first := o.zone
		if first == nil {
			first = o.sources[0]
		}
		if zones == nil {
			return nil, first.refuse(snmp.ResourceUnavailable, errZonesDown)
		}
		row := zones.zone(index)
		if err := o.check(zones, row != nil); err != nil {
			return nil, err
		}
		switch {
		case o.asks(destroy) && row != nil:
			if err := writer.CheckRemove(row); err != nil {
				return nil, first.refuse(snmp.InconsistentValue, err)
			}
			name := plainName(index)
			if name == "" {
				return nil, first.refuse(snmp.InconsistentValue, errZoneName)
			}
			removed = append(removed, step{first, func(ctx context.Context) (Restore, error) { return writer.RemoveZone(ctx, name) }})
		case o.asks(createAndGo):
			z, err := o.newZone(index)
			if err != nil {
				return nil, err
			}
			if err := writer.CheckAdd(z); err != nil {
				return nil, first.refuse(snmp.InconsistentValue, err)
			}
			added = append(added, step{first, func(ctx context.Context) (Restore, error) {
				return func(ctx context.Context) error {
					_, err := writer.RemoveZone(ctx, z.Name)
					return err
				}, writer.AddZone(ctx, z)
			}})
		}
	}
	slices.SortFunc(removed, byIndex)
	slices.SortFunc(added, byIndex)
	return slices.Concat(removed, added), nil
}

func byIndex(a, b step) int { return cmp.Compare(a.index, b.index) }

// asks reports whether the zone's RowStatus is to become status.
func (o *zoneOrder) asks(status int64) bool { return o.zone != nil && o.zone.Value.Int() == status }

// check holds the settings against what there is: a zone that exists or not, and its sources.
func (o *zoneOrder) check(zones *zoneSet, exists bool) error {
	switch {
	case o.asks(createAndGo) && exists:
		return o.zone.refuse(snmp.InconsistentValue, errRow)
	case o.asks(active) && !exists:
		return o.zone.refuse(snmp.InconsistentValue, errNoRow)
	}
	for _, s := range o.sources {
		_, there := slices.BinarySearchFunc(zones.sources.Index, s.Name.From(srcStatusColumn.Len()), oid.OID.Compare)
		var err error
		switch n := s.Value.Int(); {
		case n == createAndGo && !o.asks(createAndGo) && !exists:
			err = s.refuse(snmp.InconsistentName, errSources)
		case n == createAndGo && !o.asks(createAndGo), n == destroy && there && !o.asks(destroy):
			err = s.refuse(snmp.InconsistentValue, errSources)
		case n == active && !there:
			err = s.refuse(snmp.InconsistentValue, errNoRow)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// newZone is the zone that an order makes.
func (o *zoneOrder) newZone(index oid.OID) (NewZone, error) {
	z := NewZone{Name: plainName(index)}
	if z.Name == "" || index.Last() != classIN {
		return z, o.zone.refuse(snmp.NoCreation, errZoneName)
	}
	for _, s := range o.sources {
		var b [4]byte
		for i := range b {
			arc := s.Name.Arc(s.Name.Len() - len(b) + i)
			if arc > 255 {
				return z, s.refuse(snmp.NoCreation, errZoneSource)
			}
			b[i] = byte(arc)
		}
		a := netip.AddrFrom4(b)
		if !a.IsGlobalUnicast() && !a.IsLoopback() {
			return z, s.refuse(snmp.NoCreation, errZoneSource)
		}
		if s.Value.Int() == createAndGo && !slices.Contains(z.Sources, a) {
			z.Sources = append(z.Sources, a)
		}
	}
	return z, nil
}

// plainName returns the name in an index of dnsServZoneTable as a NewZone has it; "" if it is none of those, or is the root.
func plainName(index oid.OID) string {
	n := index.Len()
	if n < 3 || int(index.Arc(0)) != n-2 || n-2 > maxName || index.Arc(n-2) != 0 {
		return ""
	}
	var labels []string
	for at := 1; at < n-2; {
		size := int(index.Arc(at))
		if size == 0 || size > 63 || at+size >= n-2 {
			return ""
		}
		label := make([]byte, size)
		for i := range label {
			switch c := index.Arc(at + 1 + i); {
			case 'A' <= c && c <= 'Z':
				label[i] = byte(c) - 'A' + 'a'
			case '0' <= c && c <= '9', c == '-', c == '_':
				label[i] = byte(c)
			default:
				return ""
			}
		}
		if label[0] == '-' { // an order would take it for an option
			return ""
		}
		labels = append(labels, string(label))
		at += 1 + size
	}
	return strings.Join(labels, ".")
}

// zone returns the row at an index; nil if there is none.
func (s *zoneSet) zone(index oid.OID) *Zone {
	at, ok := slices.BinarySearchFunc(s.zones.Index, index, oid.OID.Compare)
	if !ok {
		return nil
	}
	return &s.zones.Rows[at]
}
