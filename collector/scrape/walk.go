package scrape

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"walkabout/collector/session"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

var (
	errNotIncreasing = errors.New("the agent's OIDs do not increase")
	errTooMuch       = errors.New("the module's objects have more instances than a scrape may take")
)

// maxValues bounds what one scrape reads.
const maxValues = 1 << 20

// Result is what a scrape of one module brought.
type Result struct {
	Metrics  []Sample
	Walk     time.Duration // that reading took
	Duration time.Duration // of all
	PDUs     int           // variable bindings, as snmp_exporter counts them
}

// Scrape reads what m names and returns its metrics, in no order. It returns soon after ctx ends, and with an error if anything could not be read.
func (m *Module) Scrape(ctx context.Context, client session.Client) (Result, error) {
	began := time.Now()
	r := &reading{ctx: ctx, client: client, module: m, values: map[oid.OID]snmp.Value{}}
	err := r.read()
	result := Result{Walk: time.Since(began), PDUs: r.pdus}
	if err != nil {
		return result, err
	}
	for name, value := range r.values {
		if x, index := m.find(name); x != nil {
			result.Metrics = r.samples(result.Metrics, x, index, value)
		}
	}
	result.Duration = time.Since(began)
	return result, nil
}

// find returns the metric that name is an instance of, the shortest if there are several, and the instance.
func (m *Module) find(name oid.OID) (*Metric, []uint32) {
	for n := 1; n <= name.Len(); n++ {
		if x := m.byOID[name.Slice(0, n)]; x != nil {
			return x, arcs(name.From(n))
		}
	}
	return nil, nil
}

func arcs(o oid.OID) []uint32 {
	out := make([]uint32, o.Len())
	for i := range out {
		out[i] = o.Arc(i)
	}
	return out
}

// reading is one reading of an agent.
type reading struct {
	ctx    context.Context
	client session.Client
	module *Module
	values map[oid.OID]snmp.Value
	pdus   int
}

func (r *reading) read() error {
	get, walk, err := r.filtered()
	if err != nil {
		return err
	}
	for part := range slices.Chunk(get, r.module.MaxRepetitions) {
		vbs, err := r.client.Get(r.ctx, nil, part)
		if err != nil {
			return fmt.Errorf("error getting: %w", err)
		}
		for _, vb := range vbs {
			if err := r.take(vb); err != nil {
				return err
			}
		}
	}
	for _, root := range walk {
		if err := r.walk(root, func(vb snmp.VarBind) error { return r.take(vb) }); err != nil {
			return fmt.Errorf("error walking %v: %w", root, err)
		}
	}
	return nil
}

// take keeps a value, unless it says that there is none.
func (r *reading) take(vb snmp.VarBind) error {
	if vb.Value.IsException() {
		return nil
	}
	if r.pdus++; r.pdus > maxValues {
		return errTooMuch
	}
	r.values[vb.Name] = vb.Value
	return nil
}

// filtered returns what to get and what to walk after the module's filters. Filters of one object let pass what all of them do.
func (r *reading) filtered() (get, walk []oid.OID, err error) {
	for _, o := range r.module.Get {
		get = append(get, o.OID)
	}
	for _, o := range r.module.Walk {
		walk = append(walk, o.OID)
	}
	allowed := map[oid.OID][]uint32{}
	var order []oid.OID
	for _, f := range r.module.Filters {
		var indexes []uint32
		err := r.walk(f.OID.OID, func(vb snmp.VarBind) error {
			text := valueText(vb.Value, "DisplayString")
			if slices.ContainsFunc(f.Values, func(m Matcher) bool { return m.MatchString(text) }) {
				indexes = append(indexes, vb.Name.Last())
			}
			return nil
		})
		if err != nil {
			if r.ctx.Err() != nil {
				return nil, nil, err
			}
			continue // as snmp_exporter: what cannot be read filters nothing
		}
		for _, target := range f.Targets {
			walk = slices.DeleteFunc(walk, func(o oid.OID) bool { return o == target.OID })
			if before, again := allowed[target.OID]; again {
				allowed[target.OID] = slices.DeleteFunc(before, func(i uint32) bool { return !slices.Contains(indexes, i) })
				continue
			}
			order = append(order, target.OID)
			allowed[target.OID] = slices.Clone(indexes)
		}
	}
	for _, target := range order {
		get = slices.DeleteFunc(get, func(o oid.OID) bool { return strings.HasPrefix(o.String(), target.String()) })
		for _, i := range allowed[target] {
			get = append(get, target.Append(i))
		}
	}
	return get, walk, nil
}

// walk calls each with everything below root, or with root itself if it is an instance.
func (r *reading) walk(root oid.OID, each func(snmp.VarBind) error) error {
	last, seen := root, 0
	for first := true; ; first = false {
		vbs, err := r.client.Bulk(r.ctx, nil, 0, []oid.OID{last}, r.module.MaxRepetitions)
		if err != nil {
			return err
		}
		for i, vb := range vbs {
			if vb.Value.IsException() || !vb.Name.HasPrefix(root) || vb.Name == root {
				if first && i == 0 {
					return r.instance(root, each)
				}
				return nil
			}
			if !last.Less(vb.Name) && !r.module.NonIncreasing {
				return fmt.Errorf("%w: %v after %v", errNotIncreasing, vb.Name, last)
			}
			if err := each(vb); err != nil {
				return err
			}
			last = vb.Name
		}
		if len(vbs) == 0 {
			return errors.New("the agent answered with no variables")
		}
		if seen += len(vbs); seen > maxValues {
			return errTooMuch
		}
	}
}

// instance calls each with root if there is such an instance.
func (r *reading) instance(root oid.OID, each func(snmp.VarBind) error) error {
	vbs, err := r.client.Get(r.ctx, nil, []oid.OID{root})
	if err != nil {
		return err
	}
	for _, vb := range vbs {
		if !vb.Value.IsException() {
			return each(vb)
		}
	}
	return nil
}
