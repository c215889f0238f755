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
)

// vlans is what a part that is read by VLAN has of each.
type vlans struct {
	list  *lookupTable
	parts map[uint32]*vlanPart
}

type vlanPart struct {
	*part
	silent time.Time // when its VLAN was found not to answer; zero for one that does
}

// maxVLANs bounds the VLANs of one agent (IEEE 802.1Q).
const maxVLANs = 4094

// takeVLANs is take for a part that is read once for each VLAN. One that does not answer is asked again when the structure is old.
func (p *poller) takeVLANs(ctx context.Context, s *scratch, part *part, poll *Poll, errs *[]error) (fatal error) {
	var failed error
	numbers := part.vlanNumbers()
	for _, number := range numbers {
		one := part.vlans.parts[number]
		if one == nil {
			made, err := part.vlanPart()
			if err != nil {
				return err
			}
			made.vlan = tag{part.table.VLANs.Tag, strconv.FormatUint(uint64(number), 10), fixed}
			one = &vlanPart{part: made}
			part.vlans.parts[number] = one
		}
		if !one.silent.IsZero() && poll.At.Sub(one.silent) < p.target.Structure {
			continue
		}
		one.silent = time.Time{}
		missing, err := p.takeVLAN(ctx, s, one.part, number, poll)
		switch {
		case isSilence(err):
			one.silent = poll.At
			p.asker.timeouts = 0 // it is the VLAN that keeps silent; the agent may well answer
		case err != nil:
			*errs = append(*errs, &PartError{Part: part.measurement, Err: fmt.Errorf("VLAN %d: %w", number, err)})
			return err
		}
		if missing != nil && failed == nil {
			failed = &PartError{Part: part.measurement, Err: fmt.Errorf("VLAN %d: %w", number, errors.Unwrap(missing))}
		}
		if ctx.Err() != nil {
			break
		}
	}
	for number := range part.vlans.parts {
		if !slices.Contains(numbers, number) {
			delete(part.vlans.parts, number)
		}
	}
	if failed != nil {
		*errs = append(*errs, failed)
	} else {
		poll.Complete = append(poll.Complete, part.measurement)
	}
	return nil
}

// takeVLAN reads the part of one VLAN from a session of its own.
func (p *poller) takeVLAN(ctx context.Context, s *scratch, part *part, number uint32, poll *Poll) (missing, fatal error) {
	o := p.open
	suffix := strconv.FormatUint(uint64(number), 10)
	o.Credential = vlanCredential(o.Credential, suffix)
	client, err := p.dial(ctx, o)
	if err != nil {
		return &PartError{Part: part.measurement, Err: err}, err
	}
	defer func() { _ = client.Close() }()
	before, pipelined := p.asker.client, p.asker.pipelined
	defer func() { p.asker.client, p.asker.pipelined = before, pipelined }()
	p.asker.client, p.asker.pipelined = client, false
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
