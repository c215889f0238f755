package dns

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// knotField is what an item of a unit of Knot DNS' control protocol is (libknot/control/control.h, knot_ctl_idx_t).
type knotField uint8

// The fields that are spoken of here.
const (
	knotCommand knotField = 0
	knotFlags   knotField = 1
	knotError   knotField = 2
	knotSection knotField = 3
	knotItem    knotField = 4
	knotID      knotField = 5
	knotZone    knotField = 6
	knotType    knotField = 9
	knotData    knotField = 10

	knotFields = 12
)

// Units (knot_ctl_type_t). A unit is its kind, and items behind it: 16 and the field, a length of two octets in network order, the value. Units
// that are not data have no items. A block ends an order or an answer, an end the connection.
const (
	knotEnd   = 0
	knotDatum = 1
	knotExtra = 2
	knotBlock = 3

	knotItemBase = 16
)

// knotUnit is a unit of an answer by its fields.
type knotUnit [knotFields]string

// appendKnotOrder appends an order: the unit of its fields, and a block.
func appendKnotOrder(dst []byte, fields knotOrder) []byte {
	dst = append(dst, knotDatum)
	for f := range knotField(knotFields) {
		if value, ok := fields[f]; ok {
			dst = append(dst, knotItemBase+byte(f))
			dst = binary.BigEndian.AppendUint16(dst, uint16(len(value)))
			dst = append(dst, value...)
		}
	}
	return append(dst, knotBlock)
}

// readKnotAnswer reads the units of an answer. Of a unit that is extra, what it does not repeat is that of the unit before.
func readKnotAnswer(in *bufio.Reader) ([]knotUnit, error) {
	var units []knotUnit
	for left := maxAnswer; ; {
		kind, err := in.ReadByte()
		switch {
		case errors.Is(err, io.EOF):
			return nil, io.ErrUnexpectedEOF
		case err != nil:
			return nil, err
		case kind == knotBlock || kind == knotEnd:
			return units, nil
		case kind == knotDatum:
			units = append(units, knotUnit{})
		case kind == knotExtra:
			if len(units) == 0 {
				return nil, fmt.Errorf("%w: an extra unit is the first", ErrAnswer)
			}
			units = append(units, units[len(units)-1])
		case kind < knotItemBase || kind >= knotItemBase+knotFields || len(units) == 0:
			return nil, fmt.Errorf("%w: a unit of kind %d", ErrAnswer, kind)
		default:
			value, err := readKnotValue(in)
			if err != nil {
				return nil, err
			}
			units[len(units)-1][kind-knotItemBase] = value
		}
		if left -= 64; left < 0 { // a unit of no items costs memory too
			return nil, ErrTooLong
		}
	}
}

func readKnotValue(in *bufio.Reader) (string, error) {
	var size [2]byte
	if _, err := io.ReadFull(in, size[:]); err != nil {
		return "", err
	}
	b := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(in, b); err != nil {
		return "", err
	}
	return string(b), nil
}

// knotAnswers are answers to orders, in their order, and when the process that gave them started; zero if that is not known.
type knotAnswers struct {
	units   [][]knotUnit
	started time.Time
}

// knotOrders gives orders over one connection, one after another, up to the first that fails: the answers before it are returned too.
func (c *control) knotOrders(ctx context.Context, orders ...knotOrder) (out knotAnswers, err error) {
	conn, end, err := c.dial(ctx)
	if err != nil {
		return out, err
	}
	defer end()
	out.started = listenerStarted(conn, "knotd")
	in := bufio.NewReader(io.LimitReader(conn, maxAnswer))
	for _, order := range orders {
		if _, err := conn.Write(appendKnotOrder(nil, order)); err != nil {
			return out, ended(ctx, err)
		}
		units, err := readKnotAnswer(in)
		if err != nil {
			return out, ended(ctx, err)
		}
		for _, u := range units {
			if u[knotError] != "" {
				return out, fmt.Errorf("%w %s: %q", ErrRefused, order[knotCommand], clip(u[knotError]))
			}
		}
		out.units = append(out.units, units)
	}
	_, err = conn.Write([]byte{knotEnd})
	return out, ended(ctx, err)
}
