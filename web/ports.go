package web

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"walkabout/counter"
	"walkabout/metric"
)

// ports are a device's interfaces as last seen, in the order of the agent. There are hundreds of thousands: a port is small, and what is
// remembered of its last rates is in one piece of memory for the whole device.
type ports struct {
	list []port
	// recent has RecentPoints rates in and as many out for each port, in bits a second as the upper half of a float32 (three digits); point is where the
	// next is written, filled how many there are.
	recent        []uint16
	point, filled int

	up, down      int
	in, out, load float32  // the greatest; below 0: none
	busiest       [3]int32 // places in list; those that are not carry nothing
	busy          int      // how many of them there are
	text          []byte   // scratch memory
}

// port is one interface. A rate is below 0 (none) where there is none.
type port struct {
	text string    // key, name, ifDescr, ifAlias and ifPhysAddress, one behind the other
	ends [5]uint16 // of each

	index, mtu, typ          int32
	changeTicks              uint32  // ifLastChange
	changedAt                int64   // Unix milliseconds; 0: not known
	speed                    float32 // bits a second; 0: not known
	in, out, errors, discard float32 // octets, errors and discards a second
	admin, oper, verdict     uint8
	known                    bool // changeTicks was told
}

const none = float32(-1)

func (p *port) part(i int) string {
	from := uint16(0)
	if i > 0 {
		from = p.ends[i-1]
	}
	return p.text[from:p.ends[i]]
}

func (p *port) key() string { return p.part(0) }

// The objects of an interface that are looked for.
const (
	ifIndex = iota
	ifType
	ifMtu
	ifAdminStatus
	ifOperStatus
	ifHighSpeed
	ifSpeed
	ifLastChange
	ifAlias
	ifPhysAddress
	ifHCInOctets
	ifInOctets
	ifHCOutOctets
	ifOutOctets
	ifInErrors
	ifOutErrors
	ifInDiscards
	ifOutDiscards
	objects
)

var objectNames = [objects]string{"ifIndex", "ifType", "ifMtu", "ifAdminStatus", "ifOperStatus", "ifHighSpeed", "ifSpeed", "ifLastChange", "ifAlias", "ifPhysAddress",
	"ifHCInOctets", "ifInOctets", "ifHCOutOctets", "ifOutOctets", "ifInErrors", "ifOutErrors", "ifInDiscards", "ifOutDiscards"}

// finder finds fields where they were in the row before: those of a table's rows have the same order.
type finder struct{ at [objects]int }

var noField metric.Field // nobody changes it

func (f *finder) field(s *metric.Sample, object int) *metric.Field {
	if i := f.at[object]; i < len(s.Fields) && s.Fields[i].Name == objectNames[object] {
		return &s.Fields[i]
	}
	for i := range s.Fields {
		if s.Fields[i].Name == objectNames[object] {
			f.at[object] = i
			return &s.Fields[i]
		}
	}
	return &noField
}

// status returns ifAdminStatus or ifOperStatus; 0: it was not told. What the MIB does not have may be any number.
func (f *finder) status(s *metric.Sample, object int) uint8 {
	return uint8(min(f.field(s, object).Num, 255))
}

// rate returns the rate of the first of two counters that there is, and its verdict.
func (f *finder) rate(s *metric.Sample, wide, narrow int) (float32, counter.Verdict) {
	x := f.field(s, wide)
	if x.Name == "" {
		x = f.field(s, narrow)
	}
	if !x.Verdict.HasRate() {
		return none, x.Verdict
	}
	return float32(x.Rate), x.Verdict
}

// sum returns a + b, none if both are.
func sum(a, b float32) float32 {
	if a < 0 && b < 0 {
		return none
	}
	return max(a, 0) + max(b, 0)
}

func (f *finder) speed(s *metric.Sample) float32 {
	if mega := f.field(s, ifHighSpeed).Num; mega > 0 {
		return float32(mega) * 1e6
	}
	return float32(f.field(s, ifSpeed).Num)
}

// take makes p's interfaces what is known. One that was there before keeps its recent rates.
func (ps *ports) take(p *Poll) {
	rows := interfaceRows(p.Samples)
	if len(rows) == 0 && !slices.Contains(p.Complete, interfaceTable) {
		ps.miss() // its table was not read: nothing is known to have changed
		return
	}
	old := ps.list
	if ps.same(rows) {
		ps.update(p, rows)
		return
	}
	places := make(map[string]int32, len(old))
	for i := range old {
		places[old[i].key()] = int32(i)
	}
	twice := sameNames(rows)
	ps.list = make([]port, len(rows))
	from := make([]int32, len(rows)) // where each was in old, or -1
	var f finder
	for i := range rows {
		x := &ps.list[i]
		x.index = int32(f.field(&rows[i], ifIndex).Num)
		ps.write(x, &rows[i], &f, twice)
		place, known := places[x.key()]
		if from[i] = place; !known {
			from[i] = -1
		}
		x.read(before(old, from[i]), &rows[i], &f, p)
	}
	ps.arrange(from)
	ps.remember()
}

func before(old []port, place int32) *port {
	if place < 0 {
		return nil
	}
	return &old[place]
}

// same reports whether rows are the ports that are known, in their order, with the same texts: almost always they are.
func (ps *ports) same(rows []metric.Sample) bool {
	if len(rows) != len(ps.list) {
		return false
	}
	var f finder
	for i := range rows {
		s, x := &rows[i], &ps.list[i]
		if x.index != int32(f.field(s, ifIndex).Num) || x.part(1) != nameOf(s) || x.part(2) != s.Tag("ifDescr") || x.part(3) != f.field(s, ifAlias).Str ||
			x.part(4) != f.field(s, ifPhysAddress).Str {
			return false
		}
	}
	return true
}

// update takes rows that are the ports that are known.
func (ps *ports) update(p *Poll, rows []metric.Sample) {
	var f finder
	for i := range rows {
		was := ps.list[i]
		ps.list[i].read(&was, &rows[i], &f, p)
	}
	ps.remember()
}

// read takes states and rates of s, which was before at the last poll (nil: it was not there).
func (p *port) read(before *port, s *metric.Sample, f *finder, poll *Poll) {
	p.typ, p.mtu, p.speed = int32(f.field(s, ifType).Num), int32(f.field(s, ifMtu).Num), f.speed(s)
	p.admin, p.oper = f.status(s, ifAdminStatus), f.status(s, ifOperStatus)
	in, verdict := f.rate(s, ifHCInOctets, ifInOctets)
	p.in, p.verdict = in, uint8(verdict)
	p.out, _ = f.rate(s, ifHCOutOctets, ifOutOctets)
	inErrors, _ := f.rate(s, ifInErrors, ifInErrors)
	outErrors, _ := f.rate(s, ifOutErrors, ifOutErrors)
	inDiscards, _ := f.rate(s, ifInDiscards, ifInDiscards)
	outDiscards, _ := f.rate(s, ifOutDiscards, ifOutDiscards)
	p.errors, p.discard = sum(inErrors, outErrors), sum(inDiscards, outDiscards)
	p.changed(before, f.field(s, ifLastChange), poll)
}

// interfaceRows returns the interfaces among samples, which stand together.
func interfaceRows(samples []metric.Sample) []metric.Sample {
	from := slices.IndexFunc(samples, func(s metric.Sample) bool { return s.Measurement == interfaceTable })
	if from < 0 {
		return nil
	}
	to := from
	for to < len(samples) && samples[to].Measurement == interfaceTable {
		to++
	}
	return samples[from:to]
}

func nameOf(s *metric.Sample) string { return cmp.Or(s.Tag("ifName"), s.Tag("ifDescr")) }

// sameNames returns the names that several rows have as the pages are given them; nil if none is.
func sameNames(rows []metric.Sample) map[string]bool {
	seen := make(map[string]bool, len(rows))
	var twice map[string]bool
	for i := range rows {
		name := Text(nameOf(&rows[i]))
		if seen[name] && name != "" {
			if twice == nil {
				twice = map[string]bool{}
			}
			twice[name] = true
		}
		seen[name] = true
	}
	return twice
}

// write gives x its texts.
func (ps *ports) write(x *port, s *metric.Sample, f *finder, twice map[string]bool) {
	name := Text(nameOf(s))
	b := ps.text[:0]
	b = append(b, name...)
	if len(b) == 0 {
		b = strconv.AppendInt(append(b, "ifIndex "...), int64(x.index), 10)
	} else if twice[name] {
		b = append(strconv.AppendInt(append(b, " (ifIndex "...), int64(x.index), 10), ')')
	}
	x.ends[0] = uint16(len(b))
	for i, text := range [...]string{name, s.Tag("ifDescr"), f.field(s, ifAlias).Str, f.field(s, ifPhysAddress).Str} {
		b = append(b, Text(text)...)
		x.ends[i+1] = uint16(len(b))
	}
	ps.text, x.text = b, string(b)
}

// splitKey returns the name in the key of an interface that is there no more, and its ifIndex if the key has that: see Interface.Key.
func splitKey(key string) (name string, index int64) {
	at := strings.LastIndex(key, "ifIndex ")
	if at < 0 {
		return key, 0
	}
	name, number := key[:at], key[at+len("ifIndex "):]
	if name != "" {
		var opened, closed bool
		name, opened = strings.CutSuffix(name, " (")
		number, closed = strings.CutSuffix(number, ")")
		if !opened || !closed {
			return key, 0
		}
	}
	index, err := strconv.ParseInt(number, 10, 32)
	if err != nil || index <= 0 {
		return key, 0
	}
	return name, index
}

// changed works out when oper last changed: as the agent says, unless it was seen to change and the agent says nothing of it.
func (p *port) changed(before *port, told *metric.Field, poll *Poll) {
	p.changeTicks, p.known = uint32(told.Num), told.Name != ""
	agents := int64(0) // by the agent's clock
	if p.known && poll.HasUpTime && p.changeTicks <= poll.UpTime {
		agents = poll.At.Add(-time.Duration(poll.UpTime-p.changeTicks) * 10 * time.Millisecond).UnixMilli()
	}
	moved := before == nil || poll.Reset || before.changeTicks != p.changeTicks || before.known != p.known
	switch {
	case moved && agents != 0:
		p.changedAt = agents
	case before != nil && before.oper != p.oper:
		p.changedAt = poll.At.UnixMilli()
	case before != nil:
		p.changedAt = before.changedAt
	}
}

// change takes what a poll between two of the schedule tells, of interfaces that are known.
func (ps *ports) change(p *Poll) {
	rows := interfaceRows(p.Samples)
	var f finder
	for i := range rows {
		s := &rows[i]
		index, name := int32(f.field(s, ifIndex).Num), Text(nameOf(s))
		for k := range ps.list {
			x := &ps.list[k]
			if x.part(1) != name || x.index != index {
				continue
			}
			before := *x
			x.admin, x.oper, x.speed = f.status(s, ifAdminStatus), f.status(s, ifOperStatus), f.speed(s)
			if told := f.field(s, ifLastChange); told.Name != "" || before.oper != x.oper {
				x.changed(&before, told, p)
			}
		}
	}
	ps.count()
}

// miss notes a poll that brought no rates.
func (ps *ports) miss() {
	for i := range ps.list {
		x := &ps.list[i]
		x.in, x.out, x.errors, x.discard, x.verdict = none, none, none, none, uint8(counter.None)
	}
	ps.remember()
}

// put writes a port's rates, in octets a second, at a point.
func (ps *ports) put(port, point int, in, out float32) {
	at := port*2*RecentPoints + point
	ps.recent[at], ps.recent[at+RecentPoints] = half(in), half(out)
}

// half returns a rate in octets a second as the upper half of a float32 of bits a second.
func half(rate float32) uint16 {
	if rate < 0 {
		rate = float32(math.NaN())
	}
	return uint16((math.Float32bits(rate*8) + 0x7fff) >> 16)
}

func whole(half uint16) float64 { return float64(math.Float32frombits(uint32(half) << 16)) }

// arrange brings the recent rates into the order that the list has now; from tells where each port was, below 0 that it is new.
func (ps *ports) arrange(from []int32) {
	const size = 2 * RecentPoints
	old, nothing := ps.recent, half(none)
	ps.recent = make([]uint16, len(from)*size)
	for i, place := range from {
		mine := ps.recent[i*size : (i+1)*size]
		if place >= 0 {
			copy(mine, old[int(place)*size:])
			continue
		}
		for k := range mine {
			mine[k] = nothing
		}
	}
}

// remember writes the rates of the list into recent, and works out the figures of the device.
func (ps *ports) remember() {
	for i := range ps.list {
		ps.put(i, ps.point, ps.list[i].in, ps.list[i].out)
	}
	ps.point = (ps.point + 1) % RecentPoints
	ps.filled = min(ps.filled+1, RecentPoints)
	ps.count()
}

// lastRates returns the recent rates of a port, the oldest first.
func (ps *ports) lastRates(port int) (in, out Numbers) {
	in, out = make(Numbers, ps.filled), make(Numbers, ps.filled)
	for i := range ps.filled {
		point := (ps.point - ps.filled + i + RecentPoints) % RecentPoints
		at := port*2*RecentPoints + point
		in[i], out[i] = whole(ps.recent[at]), whole(ps.recent[at+RecentPoints])
	}
	return in, out
}

// count works out the figures of the whole device.
func (ps *ports) count() {
	ps.up, ps.down, ps.in, ps.out, ps.load, ps.busy = 0, 0, none, none, none, 0
	for i := range ps.list {
		x := &ps.list[i]
		switch {
		case x.oper == statusUp:
			ps.up++
		case x.admin == statusUp:
			ps.down++
		}
		ps.in, ps.out, ps.load = max(ps.in, x.in), max(ps.out, x.out), max(ps.load, x.load())
		ps.rank(int32(i))
	}
}

const statusUp = 1

// load returns the share of the speed that the busier direction takes; none if it cannot be told.
func (p *port) load() float32 {
	if p.speed <= 0 || p.in < 0 && p.out < 0 {
		return none
	}
	return max(p.in, p.out) * 8 / p.speed
}

// rank puts a port among the busiest if it is one.
func (ps *ports) rank(i int32) {
	busier := func(a, b *port) bool {
		if la, lb := a.load(), b.load(); la != lb {
			return la > lb
		}
		return a.in+a.out > b.in+b.out
	}
	x := &ps.list[i]
	if sum(x.in, x.out) <= 0 {
		return
	}
	at := ps.busy
	for at > 0 && busier(x, &ps.list[ps.busiest[at-1]]) {
		at--
	}
	if at == len(ps.busiest) {
		return
	}
	copy(ps.busiest[at+1:], ps.busiest[at:])
	ps.busiest[at] = i
	ps.busy = min(ps.busy+1, len(ps.busiest))
}
