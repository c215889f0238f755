// Package query is what a person asks of an agent at a terminal: some values, a subtree, a table.
package query

import (
	"context"
	"errors"
	"fmt"
	"io"

	"walkabout/collector/session"
	"walkabout/collector/smi"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// Query asks one agent and writes what it says.
type Query struct {
	Client session.Client
	Names  smi.Resolver
	Style  Style
	Out    io.Writer
	Max    int // repetitions of a GETBULK; less than 1 is 1
}

// namesPerRequest keeps requests small enough for any agent.
const namesPerRequest = 20

// Get asks for the instances names. A scalar may be named without its ".0".
func (q *Query) Get(ctx context.Context, names []string) error {
	oids := make([]oid.OID, 0, len(names))
	for _, name := range names {
		o, object, err := smi.ParseName(q.Names, name)
		if err != nil {
			return err
		}
		if o == object.OID {
			switch object.Kind {
			case smi.Scalar:
				o = o.Append(0)
			case smi.Column:
				return fmt.Errorf("%s is a column, which has an instance a row: name one, as in %s.1, or use walk", name, name)
			case smi.Table, smi.Row:
				return fmt.Errorf("%s is a table: use table or walk", name)
			}
		}
		oids = append(oids, o)
	}
	for len(oids) > 0 {
		n := min(len(oids), namesPerRequest)
		vbs, err := q.Client.Get(ctx, nil, oids[:n])
		if err != nil {
			return err
		}
		for _, vb := range vbs {
			if err := q.write(vb); err != nil {
				return err
			}
		}
		oids = oids[n:]
	}
	return nil
}

// Walk writes all that is below names, in the order of the OIDs; with bulk by GETBULK. A name that is an instance is written itself.
func (q *Query) Walk(ctx context.Context, names []string) error {
	for _, name := range names {
		root, _, err := smi.ParseName(q.Names, name)
		if err != nil {
			return err
		}
		n := 0
		err = q.walk(ctx, root, func(vb snmp.VarBind) error {
			n++
			return q.write(vb)
		})
		if err != nil && n > 0 {
			err = fmt.Errorf("after %d variables: %w", n, err)
		}
		if err == nil && n == 0 {
			err = q.alone(ctx, root)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// alone writes the instance root, for a walk that found nothing below it.
func (q *Query) alone(ctx context.Context, root oid.OID) error {
	vbs, err := q.Client.Get(ctx, nil, []oid.OID{encodable(root)})
	if err != nil {
		return err
	}
	return q.write(vbs[0])
}

// encodable returns root, or where it begins: an OID of one number has no encoding (ITU-T X.690, 8.19.4), and people walk .1.
func encodable(root oid.OID) oid.OID {
	if root.Len() == 1 {
		return root.Append(0)
	}
	return root
}

// NotIncreasingError is an agent whose answer does not come after what was asked, so that a walk would never end.
type NotIncreasingError struct{ Asked, Answered oid.OID }

func (e *NotIncreasingError) Error() string {
	return fmt.Sprintf("the agent answers .%v where something after .%v is due: the walk would never end", e.Answered, e.Asked)
}

// walk calls each for every instance below root.
func (q *Query) walk(ctx context.Context, root oid.OID, each func(snmp.VarBind) error) error {
	at, repetitions := encodable(root), max(1, q.Max)
	var vbs []snmp.VarBind
	for {
		var err error
		vbs, err = q.Client.Bulk(ctx, vbs[:0], 0, []oid.OID{at}, repetitions)
		var response *session.ResponseError
		if errors.As(err, &response) && repetitions > 1 && (response.Status == snmp.TooBig || response.Status == snmp.GenErr) {
			repetitions /= 2
			continue
		}
		if errors.As(err, &response) && response.Status == snmp.NoSuchName { // some agents end so in v2c too
			return nil
		}
		if err != nil {
			return fmt.Errorf("behind %s: %w", q.Style.name(q.Names, at), err)
		}
		if len(vbs) == 0 {
			return fmt.Errorf("behind %s: %w: no variables", q.Style.name(q.Names, at), session.ErrMalformed)
		}
		for _, vb := range vbs {
			if vb.Value.IsException() || !vb.Name.HasPrefix(root) {
				return nil
			}
			if !at.Less(vb.Name) {
				return &NotIncreasingError{at, vb.Name}
			}
			at = vb.Name
			if err := each(vb); err != nil {
				return err
			}
		}
	}
}
