package collector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"walkabout/collector/session"
	"walkabout/internal/secret"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// vlans is what a part that is read by VLAN has of each.
type vlans struct {
	list  *lookupTable
	parts map[uint32]*part
}

// silentVLANs are the VLANs of an agent that did not answer, and when that was. They are asked again when the structure is old.
type silentVLANs struct {
	since    map[uint32]time.Time
	answered bool // one of its VLANs did
}

func (s *silentVLANs) holds(number uint32, now time.Time, structure time.Duration) bool {
	since, ok := s.since[number]
	return ok && now.Sub(since) < structure
}

func (s *silentVLANs) add(now time.Time, numbers ...uint32) {
	if s.since == nil {
		s.since = map[uint32]time.Time{}
	}
	for _, n := range numbers {
		s.since[n] = now
	}
}

const (
	// maxVLANs bounds the VLANs of one agent (IEEE 802.1Q).
	maxVLANs = 4094
	// vlanRetries is how often what is asked of a VLAN is sent again at most: an agent that does not tell VLANs apart by the community keeps silent.
	vlanRetries = 1
	// vlansTried is how many VLANs are tried where none has answered yet. The others would each cost the time of a silence, and the poll with it.
	vlansTried = 2
)

// takeVLANs is take for a part that is read once for each VLAN. VLANs that do not answer, or whose context the agent does not have, leave the others
// and the rest of the poll as they are.
func (p *poller) takeVLANs(ctx context.Context, s *scratch, part *part, poll *Poll, errs *[]error) (fatal error) {
	numbers := part.vlanNumbers()
	part.vlans.keep(numbers)
	var failed error
	refused := 0
	for i, number := range numbers {
		if ctx.Err() != nil && failed != nil || p.silentVLANs.holds(number, poll.At, p.target.Structure) {
			continue
		}
		missing, err := p.takeVLAN(ctx, s, part, number, poll)
		switch {
		case refuses(err):
			refused++
			p.asker.timeouts, p.asker.lost = 0, 0 // it is the VLAN that keeps silent; the agent may well answer
			p.silentVLANs.add(poll.At, number)
			if !p.silentVLANs.answered && refused >= vlansTried {
				p.silentVLANs.add(poll.At, numbers[i+1:]...)
				failed = &PartError{Part: part.measurement, Err: fmt.Errorf("no VLAN answers (%d of %d were asked): %w", refused, len(numbers), err)}
			}
		case err != nil:
			*errs = append(*errs, &PartError{Part: part.measurement, Err: fmt.Errorf("VLAN %d: %w", number, err)})
			return err
		default:
			p.silentVLANs.answered = true
		}
		if missing != nil && failed == nil {
			failed = &PartError{Part: part.measurement, Err: fmt.Errorf("VLAN %d: %w", number, errors.Unwrap(missing))}
		}
	}
	if failed != nil {
		*errs = append(*errs, failed)
	} else {
		poll.Complete = append(poll.Complete, part.measurement)
	}
	return nil
}

// refuses reports whether err says no more than that an agent does not serve the instance of one VLAN.
func refuses(err error) bool {
	return isSilence(err) || errors.Is(err, session.ErrContext) || errors.Is(err, session.ErrAuthentication)
}

// keep forgets VLANs that are none of numbers.
func (v *vlans) keep(numbers []uint32) {
	for number := range v.parts {
		if !slices.Contains(numbers, number) {
			delete(v.parts, number)
		}
	}
}

// ofVLAN returns the part of one VLAN.
func (p *part) ofVLAN(number uint32) (*part, error) {
	if one := p.vlans.parts[number]; one != nil {
		return one, nil
	}
	one, err := p.vlanPart()
	if err != nil {
		return nil, err
	}
	one.vlan = tag{p.table.VLANs.Tag, strconv.FormatUint(uint64(number), 10), fixed}
	p.vlans.parts[number] = one
	return one, nil
}

// takeVLAN reads the part of one VLAN from a session of its own.
func (p *poller) takeVLAN(ctx context.Context, s *scratch, all *part, number uint32, poll *Poll) (missing, fatal error) {
	part, err := all.ofVLAN(number)
	if err != nil {
		return &PartError{Part: all.measurement, Err: err}, err
	}
	o := p.open
	suffix := strconv.FormatUint(uint64(number), 10)
	o.Credential, o.Retries = vlanCredential(o.Credential, suffix), min(o.Retries, vlanRetries)
	client, err := p.dial(ctx, o)
	if err != nil {
		return &PartError{Part: part.measurement, Err: err}, err
	}
	defer func() { _ = client.Close() }()
	before, pipelined := p.asker.client, p.asker.pipelined
	defer func() { p.asker.client, p.asker.pipelined = before, pipelined }()
	p.asker.client, p.asker.pipelined = client, false
	if !p.silentVLANs.answered { // a walk would ask more than once
		if _, err := client.Get(ctx, nil, []oid.OID{sysUpTime0}); refuses(err) {
			return &PartError{Part: part.measurement, Err: err}, err
		}
	}
	if err := p.readLookups(ctx, s, part, poll.At); err != nil {
		return &PartError{Part: part.measurement, Err: err}, err
	}
	return p.takeTable(ctx, s, part, poll)
}

// vlanCredential returns c for the instance of the bridge tables that is of one VLAN.
func vlanCredential(c session.Credential, number string) session.Credential {
	if c.Version == snmp.V3 {
		c.Context = "vlan-" + number
		return c
	}
	c.Community = secret.New(c.Community.Reveal() + "@" + number)
	return c
}

// vlanNumbers returns the VLANs that are to be read, in their order.
func (p *part) vlanNumbers() []uint32 {
	v := p.table.VLANs
	filter := sieve{Filter: Filter{In: v.In}}
	var numbers []uint32
	for i := range p.vlans.list.column.rows.len() {
		index, value := p.vlans.list.column.at(i)
		if n := index.Last(); n >= 1 && n <= maxVLANs && (len(v.In) == 0 || filter.passes(&p.vlans.list.object, value)) {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return slices.Compact(numbers)
}
