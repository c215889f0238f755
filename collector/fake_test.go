package collector_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"walkabout/collector/session"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// device is an agent in memory: a session.Client that answers from objects, which are asked anew for each request. It is slow by
// latency, and does wrong what its other fields say.
type device struct {
	objects func(now time.Time) []snmp.VarBind // in any order
	latency time.Duration

	fixed   []snmp.VarBind              // in place of objects, and in order
	silent  bool                        // answers nothing
	timeout time.Duration               // of the session
	most    int                         // varbinds of a reply; the rest is cut off. 0: no limit
	tooBig  int                         // tooBig for replies of more varbinds. 0: no limit
	noBulk  bool                        // one repetition, as without GETBULK
	fault   func(names []oid.OID) error // for this request
	tamper  func(vbs []snmp.VarBind)    // changes a reply

	mu     sync.Mutex // guards what objects, fault and tamper look at, too
	asked  int
	opened int

	openedPlain int                // sessions without GETBULK
	instances   map[string]*device // that answer to other communities and contexts

	pipelined int // calls of Ask
}

func (d *device) dial(_ context.Context, o session.Options) (session.Client, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.opened++
	if o.NoBulk {
		d.openedPlain++
	}
	d.timeout = o.Timeout * time.Duration(o.Retries+1)
	if other := d.instances[o.Credential.Community.Reveal()+o.Credential.Context]; other != nil {
		return other, nil
	}
	return d, nil
}

func (d *device) Close() error { return nil }

// wait passes the time that a request takes.
func (d *device) wait(ctx context.Context, names []oid.OID) error {
	d.mu.Lock()
	d.asked++
	silent, latency := d.silent, d.latency
	d.mu.Unlock()
	if silent {
		latency = d.timeout
	}
	t := time.NewTimer(latency)
	defer t.Stop()
	select {
	case <-ctx.Done():
		if ctx.Err() == context.Canceled {
			return ctx.Err()
		}
		return session.ErrTimeout
	case <-t.C:
	}
	if silent {
		return session.ErrTimeout
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fault != nil {
		return d.fault(names)
	}
	return nil
}

// change runs f while no request is being answered.
func (d *device) change(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
}

func (d *device) sortedLocked() []snmp.VarBind {
	if d.fixed != nil {
		return d.fixed
	}
	vbs := d.objects(time.Now())
	slices.SortFunc(vbs, func(a, b snmp.VarBind) int { return a.Name.Compare(b.Name) })
	return vbs
}

func (d *device) Get(ctx context.Context, dst []snmp.VarBind, names []oid.OID) ([]snmp.VarBind, error) {
	if err := d.wait(ctx, names); err != nil {
		return dst, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	start := len(dst)
	all := d.sortedLocked()
	for _, name := range names {
		i, found := slices.BinarySearchFunc(all, name, func(vb snmp.VarBind, n oid.OID) int { return vb.Name.Compare(n) })
		if found {
			dst = append(dst, all[i])
		} else {
			dst = append(dst, snmp.VarBind{Name: name, Value: snmp.NoSuchObject})
		}
	}
	return d.replyLocked(dst, start)
}

func (d *device) Bulk(ctx context.Context, dst []snmp.VarBind, nonRepeaters int, names []oid.OID, max int) ([]snmp.VarBind, error) {
	if err := d.wait(ctx, names); err != nil {
		return dst, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	start := len(dst)
	all := d.sortedLocked()
	at := slices.Clone(names)
	if d.noBulk {
		max = 1
	}
	for r := range max {
		for i := range at {
			if i < nonRepeaters && r > 0 {
				continue
			}
			n, found := slices.BinarySearchFunc(all, at[i], func(vb snmp.VarBind, n oid.OID) int { return vb.Name.Compare(n) })
			if found {
				n++
			}
			vb := snmp.VarBind{Name: at[i], Value: snmp.EndOfMibView}
			if n < len(all) {
				vb = all[n]
			}
			at[i] = vb.Name
			dst = append(dst, vb)
		}
	}
	return d.replyLocked(dst, start)
}

func (d *device) replyLocked(dst []snmp.VarBind, start int) ([]snmp.VarBind, error) {
	if d.tooBig > 0 && len(dst)-start > d.tooBig {
		return dst[:start], &session.ResponseError{Status: snmp.TooBig}
	}
	if d.most > 0 && len(dst)-start > d.most {
		dst = dst[:start+d.most]
	}
	if d.tamper != nil {
		d.tamper(dst[start:])
	}
	return dst, nil
}

// box is a model of a switch, whose counters run at known rates.
type box struct {
	boot   time.Time
	name   string
	engine string
	ports  []port
	moved  snmp.Value // ifTableLastChange; NULL: it has none, and no ifNumber
}

// port is an interface. Its octets run at rate a second in each direction, and its packets at a hundredth of that.
type port struct {
	index     uint32
	name      string // "" has no ifName
	descr     string
	alias     string // "to \xff nowhere" unless given
	mbits     uint32
	typ       int32
	oper      int32
	rate      float64
	start     uint64 // octets at boot
	startedAt time.Duration
	noHC      bool
	noX       bool   // not in ifXTable at all
	moment    uint32 // ifCounterDiscontinuityTime
}

func switchOf(ports int) *box {
	b := &box{boot: time.Now().Add(-time.Hour), name: "sw1", moved: snmp.TimeTicks(1), engine: "\x80\x00\x1f\x88\x04sw1"}
	for i := range ports {
		b.ports = append(b.ports, port{
			index: uint32(i + 1), name: fmt.Sprintf("Gi0/%d", i+1), descr: fmt.Sprintf("GigabitEthernet0/%d", i+1),
			mbits: 1000, typ: 6, oper: 1, rate: float64(1000 * (i + 1)),
		})
	}
	return b
}

var (
	system  = oid.MustParse("1.3.6.1.2.1.1")
	tcp     = oid.MustParse("1.3.6.1.2.1.6")
	engine  = oid.MustParse("1.3.6.1.6.3.10.2.1")
	ifEntry = oid.MustParse("1.3.6.1.2.1.2.2.1")
	ifX     = oid.MustParse("1.3.6.1.2.1.31.1.1.1")
)

func (b *box) upTime(now time.Time) uint32 { return uint32(now.Sub(b.boot) / (10 * time.Millisecond)) }

func (b *box) objects(now time.Time) []snmp.VarBind {
	up := b.upTime(now)
	vbs := []snmp.VarBind{
		{Name: system.Append(1, 0), Value: snmp.OctetString("a switch")},
		{Name: system.Append(2, 0), Value: snmp.ObjectID(oid.MustParse("1.3.6.1.4.1.9.1.516"))},
		{Name: system.Append(3, 0), Value: snmp.TimeTicks(up)},
		{Name: system.Append(5, 0), Value: snmp.OctetString(b.name)},
		{Name: system.Append(7, 0), Value: snmp.Integer(2)},
		{Name: tcp.Append(9, 0), Value: snmp.Gauge32(7)},
		{Name: tcp.Append(10, 0), Value: snmp.Counter32(up * 3)},
		{Name: oid.MustParse("1.3.6.1.7.1"), Value: snmp.Integer(1)}, // something behind every table
	}
	if b.moved != snmp.Null {
		vbs = append(vbs, snmp.VarBind{Name: oid.MustParse("1.3.6.1.2.1.2.1.0"), Value: snmp.Integer(int32(len(b.ports)))},
			snmp.VarBind{Name: oid.MustParse("1.3.6.1.2.1.31.1.5.0"), Value: b.moved})
	}
	if b.engine != "" {
		vbs = append(vbs, snmp.VarBind{Name: engine.Append(1, 0), Value: snmp.OctetString(b.engine)},
			snmp.VarBind{Name: engine.Append(3, 0), Value: snmp.Integer(int32(up / 100))})
	}
	for _, p := range b.ports {
		vbs = p.objects(vbs, now.Sub(b.boot))
	}
	return vbs
}

func (p port) objects(vbs []snmp.VarBind, up time.Duration) []snmp.VarBind {
	add := func(entry oid.OID, column uint32, v snmp.Value) {
		vbs = append(vbs, snmp.VarBind{Name: entry.Append(column, p.index), Value: v})
	}
	octets := p.start + uint64((up-p.startedAt).Seconds()*p.rate)
	packets := octets / 100
	add(ifEntry, 2, snmp.OctetString(p.descr))
	add(ifEntry, 3, snmp.Integer(p.typ))
	add(ifEntry, 4, snmp.Integer(1500))
	add(ifEntry, 5, snmp.Gauge32(min(p.mbits, 4294)*1e6))
	add(ifEntry, 6, snmp.OctetString("\x00\x1b\x21\x3c\x9d"+string(rune(p.index))))
	add(ifEntry, 7, snmp.Integer(1))
	add(ifEntry, 8, snmp.Integer(p.oper))
	add(ifEntry, 9, snmp.TimeTicks(4200))
	for _, c := range []uint32{10, 16} {
		add(ifEntry, c, snmp.Counter32(uint32(octets)))
		add(ifEntry, c+1, snmp.Counter32(uint32(packets)))
		add(ifEntry, c+3, snmp.Counter32(0))
		add(ifEntry, c+4, snmp.Counter32(3))
	}
	if p.noX {
		return vbs
	}
	if p.name != "" {
		add(ifX, 1, snmp.OctetString(p.name))
	}
	for c := uint32(2); c <= 5; c++ {
		add(ifX, c, snmp.Counter32(0))
	}
	if !p.noHC {
		for _, c := range []uint32{6, 10} {
			add(ifX, c, snmp.Counter64(octets))
			add(ifX, c+1, snmp.Counter64(packets))
			add(ifX, c+2, snmp.Counter64(0))
			add(ifX, c+3, snmp.Counter64(0))
		}
	}
	add(ifX, 15, snmp.Gauge32(p.mbits))
	add(ifX, 18, snmp.OctetString(cmp.Or(p.alias, "to \xff nowhere")))
	add(ifX, 19, snmp.TimeTicks(p.moment))
	return vbs
}
