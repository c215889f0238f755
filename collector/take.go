package collector

import (
	"context"
	"errors"
	"time"
)

// turn reports whether the poll that began then is to read a part.
func (p *poller) turn(part *part, began time.Time) bool {
	_, wanted := p.wanted.wants(part)
	return wanted && (p.wanted.any || part.due(began, p.target.Interval, p.target.Structure))
}

// takeParts reads the parts whose turn it is, and returns what is missing of them.
func (p *poller) takeParts(ctx context.Context, s *scratch, poll *Poll) error {
	var errs []error
	for i, part := range p.parts {
		if !p.turn(part, poll.At) {
			continue
		}
		if !p.wanted.any {
			part.last = poll.At
		}
		start := time.Now()
		fatal := p.take(ctx, s, part, poll, &errs)
		if took := time.Since(start); took > p.effort.SlowestTook {
			p.effort.Slowest, p.effort.SlowestTook = part.measurement, took
		}
		if fatal == nil {
			continue
		}
		for _, rest := range p.parts[i+1:] {
			if p.turn(rest, poll.At) {
				errs = append(errs, &PartError{Part: rest.measurement, Err: fatal})
			}
		}
		p.close()
		break
	}
	return errors.Join(errs...)
}

// take reads a part and gives poll its samples, and errs what is missing of it. It returns the error after which nothing more can be asked.
func (p *poller) take(ctx context.Context, s *scratch, part *part, poll *Poll, errs *[]error) (fatal error) {
	client, pipelined := p.asker.client, p.asker.pipelined
	defer func() { p.asker.client, p.asker.pipelined, p.asker.cap = client, pipelined, 0 }()
	p.asker.cap = part.repetitions
	if part.noBulk {
		if fatal = p.withoutBulk(ctx); fatal != nil {
			*errs = append(*errs, &PartError{Part: part.measurement, Err: fatal})
			return fatal
		}
	}
	if fatal = p.readLookups(ctx, s, part, poll.At); fatal != nil {
		*errs = append(*errs, &PartError{Part: part.measurement, Err: fatal})
		return fatal
	}
	if part.vlans != nil {
		return p.takeVLANs(ctx, s, part, poll, errs)
	}
	before := len(poll.Samples)
	missing, fatal := p.takeTable(ctx, s, part, poll)
	part.absent = part.table != nil && !part.narrow && missing == nil && len(poll.Samples) == before && len(part.changes) == 0 && s.grid.blank()
	if missing == nil {
		poll.Complete = append(poll.Complete, part.measurement)
	} else {
		*errs = append(*errs, missing)
	}
	return fatal
}

// takeTable reads a part from the asker's session.
func (p *poller) takeTable(ctx context.Context, s *scratch, part *part, poll *Poll) (missing, fatal error) {
	s.signals = s.signals[:0]
	for _, i := range part.changes {
		s.signals = append(s.signals, p.signals[i])
	}
	rows := 0
	ports, _ := p.wanted.wants(part)
	if part.narrow = len(ports) > 0; part.narrow {
		rows, part.narrow, fatal = part.readPorts(ctx, &p.asker, &s.grid, ports)
	}
	if !part.narrow {
		rows, fatal = part.read(ctx, &p.asker, &s.walker, &s.grid, s.signals, p.target.Structure)
	}
	missing = part.missing(&s.grid)
	if s.grid.walked {
		s.grid.own()
	}
	if !errors.Is(missing, errTooMuch) { // else its rows are fiction, and would push out what others measured
		p.samples(poll, s, part, rows)
	}
	return missing, fatal
}

// withoutBulk makes the asker use a session that walks with GETNEXT.
func (p *poller) withoutBulk(ctx context.Context) error {
	if p.getNext == nil {
		o := p.open
		o.NoBulk = true
		client, err := p.dial(ctx, o)
		if err != nil {
			return err
		}
		p.getNext = client
	}
	p.asker.client, p.asker.pipelined = p.getNext, false
	return nil
}
