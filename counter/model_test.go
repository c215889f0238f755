package counter_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"walkabout/counter"
)

// The model is a device whose true counts are known. It is polled through every misfortune that the rules are for, and each number that
// a Table gives is held against the truth: the difference must be the true one, exactly, between two readings with no reset between them, and the
// time must be the true one within the tolerance of clocks.

const (
	inOctets = iota
	inUcast
	inMulti
	inErrors
	hcInOctets
	hcInUcast
	modelColumns
)

func ifColumns() []counter.Column {
	packets := [][]string{{"ifInUcastPkts", "ifInMulticastPkts", "ifInErrors"}}
	return []counter.Column{
		inOctets:   {Name: "ifInOctets", Bits: 32, Unit: counter.Octets, Packets: packets},
		inUcast:    {Name: "ifInUcastPkts", Bits: 32, Unit: counter.Packets},
		inMulti:    {Name: "ifInMulticastPkts", Bits: 32, Unit: counter.Packets},
		inErrors:   {Name: "ifInErrors", Bits: 32, Unit: counter.Errors},
		hcInOctets: {Name: "ifHCInOctets", Bits: 64, Unit: counter.Octets, Twin: "ifInOctets", Packets: packets},
		hcInUcast:  {Name: "ifHCInUcastPkts", Bits: 64, Unit: counter.Packets, Twin: "ifInUcastPkts"},
	}
}

type hcKind int

const (
	hcGood hcKind = iota
	hcAbsent
	hcZero     // served, always 0
	hcDisguise // 32 bits wide
)

type cacheKind int

const (
	noCache cacheKind = iota
	onDemand
	byTimer
)

type device struct {
	rng      *rand.Rand
	now      time.Time
	interval time.Duration

	started   time.Time
	upOffset  uint32
	drift     float64 // of sysUpTime, a share
	step      uint32  // of sysUpTime in ticks
	hasEngine bool
	engine    uint64
	engineAt  time.Time
	follows   bool // the discontinuity object repeats sysUpTime
	moment    bool // the discontinuity object is served at all
	hc        hcKind
	cache     cacheKind
	refresh   time.Duration
	rtt       time.Duration // the longest
	calm      bool          // nothing bad ever happens

	cached   []reading // as of cachedAt
	cachedAt time.Time
	rows     []*modelRow
}

type modelRow struct {
	name          string
	index         uint32
	speed, told   uint64
	ifType        int
	busy          float64 // share of the speed
	frame         uint64
	totals        [modelColumns]uint64 // never reset
	base          [modelColumns]uint64 // of the served values: served = totals - base
	epoch         int                  // counts what breaks the counters' continuity
	discontinuity time.Time
}

// reading is what the device truly counted when it was asked, and what it served.
type reading struct {
	at     time.Time
	epoch  int
	totals [modelColumns]uint64
	served [modelColumns]uint64
	has    uint64
	moment uint32
	answer time.Time // when it was served, from the cache or not
}

func newDevice(rng *rand.Rand) *device {
	d := &device{rng: rng, now: time.Unix(1e9, 0)}
	d.interval = pick(rng, 5*time.Second, 10*time.Second, 30*time.Second, time.Minute, 5*time.Minute)
	d.started = d.now.Add(-time.Duration(rng.Int64N(int64(100 * time.Hour))))
	d.upOffset = pick(rng, 0, 0, uint32(math.MaxUint32-36e6)) // wraps while it is polled, or not
	d.drift = pick(rng, 0, 0, 0.0001, -0.01, 0.012)
	d.step = pick(rng, uint32(1), 1, 100)
	d.hasEngine = rng.IntN(2) == 0
	d.engineAt, d.engine = d.started, 1
	d.moment = rng.IntN(3) > 0
	d.follows = d.moment && rng.IntN(6) == 0
	d.hc = pick(rng, hcGood, hcGood, hcAbsent, hcZero, hcDisguise)
	if d.hc == hcDisguise {
		d.interval = min(d.interval, 30*time.Second) // until it is found out its wraps must be seen, and no rule helps
	}
	d.cache = pick(rng, noCache, noCache, onDemand, byTimer)
	d.refresh = pick(rng, 3*time.Second, 5*time.Second, 15*time.Second, time.Minute)
	d.rtt = pick(rng, time.Millisecond, 50*time.Millisecond, 900*time.Millisecond)
	d.calm = rng.IntN(4) == 0
	for i := range 3 {
		r := &modelRow{name: fmt.Sprint("eth", i), index: uint32(i + 1), ifType: 6, discontinuity: d.started}
		r.speed = pick(rng, uint64(1e7), 1e8, 1e9, 1e10)
		if d.cache == byTimer {
			r.speed = pick(rng, uint64(1e7), 1e10) // a period that is never seen lengthens what is counted; it must not decide about a wrap
		}
		if d.hc == hcDisguise {
			r.speed = min(r.speed, 1e8) // as above
		}
		r.told = r.speed
		if r.speed < 1e9 && rng.IntN(4) == 0 {
			r.told = 0
		}
		for c := range r.base {
			r.base[c] = -rng.Uint64N(1 << pick(rng, 1, 31, 32, 34))
		}
		r.base[hcInOctets], r.base[hcInUcast] = r.base[inOctets], r.base[inUcast]
		d.traffic(r)
		d.rows = append(d.rows, r)
	}
	d.rows[0].busy = 0.3
	return d
}

func pick[T any](rng *rand.Rand, of ...T) T { return of[rng.IntN(len(of))] }

func (d *device) traffic(r *modelRow) {
	r.busy = pick(d.rng, 0, 0.00001, 0.01, 0.5, 0.98)
	r.frame = pick(d.rng, uint64(64), 300, 1500, 9000)
}

// pass lets time pass, and frames.
func (d *device) pass(until time.Time) {
	seconds := until.Sub(d.now).Seconds()
	d.now = until
	for _, r := range d.rows {
		frames := uint64(r.busy * seconds * float64(r.speed) / 8 / float64(r.frame+20))
		if r.busy > 0 && frames == 0 {
			frames = 1
		}
		octets := frames * r.frame
		multi := frames / 10
		broken := min(frames/1000, uint64(seconds*1e6))
		for c, n := range [...]uint64{octets, frames - multi - broken, multi, broken, octets, frames - multi - broken} {
			r.totals[c] += n
		}
	}
}

func (d *device) upTime(at time.Time) uint32 {
	ticks := float64(at.Sub(d.started)) * (1 + d.drift) / 1e7
	return (uint32(uint64(ticks)) + d.upOffset) / d.step * d.step
}

// load reads the counters as they are now.
func (d *device) load() []reading {
	var rs []reading
	for _, r := range d.rows {
		x := reading{at: d.now, epoch: r.epoch, totals: r.totals, has: 1<<modelColumns - 1}
		for c := range x.served {
			x.served[c] = r.totals[c] - r.base[c]
			if c < hcInOctets || d.hc == hcDisguise {
				x.served[c] = uint64(uint32(x.served[c]))
			}
		}
		switch d.hc {
		case hcAbsent:
			x.has = 1<<hcInOctets - 1
		case hcZero:
			x.served[hcInOctets], x.served[hcInUcast] = 0, 0
		}
		if d.moment && r.discontinuity != d.started {
			x.moment = d.upTime(r.discontinuity)
		}
		rs = append(rs, x)
	}
	return rs
}

// poll answers the collector, which sends at sent.
func (d *device) poll(sent time.Time) (rows []counter.Row, readings []reading) {
	rtt := time.Duration(d.rng.Int64N(int64(d.rtt)) + 1)
	d.run(sent.Add(time.Duration(d.rng.Int64N(int64(rtt)))))
	switch d.cache {
	case noCache:
		readings = d.load()
	case onDemand:
		if d.cached == nil || d.now.Sub(d.cachedAt) >= d.refresh {
			d.cached, d.cachedAt = d.load(), d.now
		}
		readings = d.cached
	case byTimer:
		readings = d.cached
	}
	at := counter.Instant{At: sent, RoundTrip: rtt, UpTime: d.upTime(d.now), HasUpTime: true}
	if d.hasEngine {
		at.HasEngineTime, at.EngineTime, at.Engine = true, uint32(d.now.Sub(d.engineAt)/time.Second), d.engine
	}
	for i, r := range d.rows {
		row := counter.Row{Name: r.name, Index: r.index, At: at, Speed: r.told, MTU: 1500, Type: r.ifType,
			Values: readings[i].served[:], Has: readings[i].has,
			Rates: make([]float64, modelColumns), Verdicts: make([]counter.Verdict, modelColumns)}
		row.At.Discontinuity = readings[i].moment
		if d.follows {
			row.At.Discontinuity = at.UpTime
		}
		rows = append(rows, row)
	}
	return rows, readings
}

// wait lets the device run until the next poll, its timer reload its cache, and perhaps something befall it. It reports whether it did.
func (d *device) wait(until time.Time) (befell bool) {
	half := d.now.Add(until.Sub(d.now) / 2)
	d.run(half)
	if !d.calm && d.rng.IntN(12) == 0 {
		befell = true
		d.misfortune()
	}
	for _, r := range d.rows[1:] {
		if d.rng.IntN(5) == 0 {
			d.traffic(r)
		}
	}
	d.run(until)
	return befell
}

func (d *device) run(until time.Time) {
	if d.cache == byTimer {
		if d.cached == nil {
			d.cached, d.cachedAt = d.load(), d.now
		}
		for next := d.cachedAt.Add(d.refresh); !next.After(until); next = next.Add(d.refresh) {
			d.pass(next)
			d.cached, d.cachedAt = d.load(), next
		}
	}
	d.pass(until)
}

func (d *device) misfortune() {
	r := d.rows[d.rng.IntN(len(d.rows))]
	switch d.rng.IntN(6) {
	case 0: // it reboots; some agents' counters live on, some start anywhere
		d.started, d.engineAt, d.upOffset = d.now, d.now, 0
		fresh := d.rng.IntN(3)
		for _, r := range d.rows {
			r.discontinuity = d.started
			r.epoch++
			if fresh > 0 {
				d.restartCounters(r)
			}
		}
		d.emptyCache()
	case 1: // another box answers
		d.started = d.now.Add(-time.Duration(d.rng.Int64N(int64(1000 * time.Hour))))
		if d.hasEngine {
			d.engine++
		} else {
			d.started = d.now.Add(-2000 * time.Hour)
			d.upOffset = pick(d.rng, 0, uint32(1<<31))
		}
		for _, r := range d.rows {
			r.discontinuity = d.started
			r.epoch++
			d.restartCounters(r)
		}
		d.emptyCache()
	case 2: // a row's counters are cleared, and the agent says so
		if d.moment && !d.follows && d.cache == noCache {
			r.epoch++
			r.discontinuity = d.now
			d.restartCounters(r)
		}
	case 3: // cleared, and it does not say so; what remains is that Counter64s fall
		enough := r.speed / 8 * uint64(10*d.interval/time.Second)
		if d.hc == hcGood && r.totals[hcInOctets]-r.base[hcInOctets] > enough {
			r.epoch++
			r.base = r.totals
		}
	case 4: // renumbered
		if d.cache == noCache {
			r.index += 10
			r.epoch++
		}
	case 5: // sysUpTime jumps ahead
		if d.hasEngine {
			d.upOffset += 100 * 3600
			for _, r := range d.rows {
				if r.discontinuity != d.started && d.moment {
					r.epoch++ // the object seems to move with it
				}
			}
		}
	}
}

func (d *device) emptyCache() {
	d.cached = nil
	if d.cache == byTimer {
		d.cached, d.cachedAt = d.load(), d.now
	}
}

func (d *device) restartCounters(r *modelRow) {
	for c := range r.base {
		r.base[c] = r.totals[c] - d.rng.Uint64N(1<<pick(d.rng, 1, 20, 32))
	}
	r.base[hcInOctets], r.base[hcInUcast] = r.base[inOctets], r.base[inUcast]
}

type tally struct {
	calm, calmNumbers int // pairs of readings with nothing between them, and those of them with a number
	loads, shown      int // fresh loads of a cache, and those that gave a number
	numbers           int
	verdicts          [16]int
}

// check polls d and holds every number against the truth.
func (d *device) check(t *testing.T, polls int, sum *tally) {
	table, err := newTable(ifColumns(), counter.Options{Interval: d.interval})
	if err != nil {
		t.Fatal(err)
	}
	start := d.now
	history := make([][]reading, len(d.rows))
	undisturbed, silent := 0, 0
	for k := range polls {
		jitter := time.Duration((d.rng.Float64() - 0.5) * 0.2 * float64(d.interval))
		sent := start.Add(time.Duration(k+1)*d.interval + jitter)
		if d.wait(sent) {
			undisturbed = 0
		}
		if !d.calm && d.rng.IntN(15) == 0 {
			silent = 1 + d.rng.IntN(2)*d.rng.IntN(9)
		}
		if silent > 0 {
			silent--
			undisturbed = 0
			continue // the poll is lost
		}
		rows, readings := d.poll(sent)
		late := slices.Clone(rows)
		if !d.calm && d.rng.IntN(30) == 0 {
			undisturbed = -1
			rows = rows[:1+d.rng.IntN(2)] // the rest of the walk is lost, or the rows are gone
		}
		complete := len(rows) == len(d.rows) || d.cache == noCache && d.rng.IntN(2) == 0
		table.Poll(sent, complete, rows, nil)
		undisturbed++
		for i := range rows {
			x := readings[i]
			x.answer = sent
			d.hold(t, k, &rows[i], x, history[i], sum)
			d.share(t, k, &rows[i], x, history[i], undisturbed, sum)
			history[i] = append(history[i], x)
		}
		if !d.calm && d.rng.IntN(30) == 0 {
			d.repeat(t, table, late[:len(rows)], sent)
		}
	}
}

// repeat delivers a reply again, as it was or as one that was overtaken: it must yield nothing, and spoil nothing.
func (d *device) repeat(t *testing.T, table *counter.Table, rows []counter.Row, sent time.Time) {
	t.Helper()
	by := time.Duration(d.rng.IntN(2)) * d.interval / 3
	for i := range rows {
		rows[i].At.At = rows[i].At.At.Add(-by)
		rows[i].Rates, rows[i].Verdicts = make([]float64, modelColumns), make([]counter.Verdict, modelColumns)
	}
	table.Poll(sent, false, rows, nil)
	for _, r := range rows {
		for c, v := range r.Verdicts {
			if v.HasRate() {
				t.Fatalf("%s column %d: %v for a reply that was late by %v", r.Name, c, v, by)
			}
		}
	}
}

// hold checks every number of r against the readings before it.
func (d *device) hold(t *testing.T, k int, r *counter.Row, x reading, history []reading, sum *tally) {
	t.Helper()
	for c := range modelColumns {
		v := r.Verdicts[c]
		sum.verdicts[v]++
		if !v.HasRate() {
			if r.Rates[c] != 0 {
				t.Fatalf("poll %d %s column %d: %v with a rate of %v", k, r.Name, c, v, r.Rates[c])
			}
			continue
		}
		sum.numbers++
		if !d.allowed(r, c, x, history) {
			t.Fatalf("poll %d %s column %d: %v %v/s over %v (clock %d) is not what happened\n%+v\nnow %+v\nbefore %+v",
				k, r.Name, c, v, r.Rates[c], r.Elapsed, r.Clock, *d, x, history[max(0, len(history)-4):])
		}
	}
}

// allowed reports whether the truth allows the number of r's column c: whether some earlier reading explains it.
func (d *device) allowed(r *counter.Row, c int, x reading, history []reading) bool {
	for j := len(history) - 1; j >= 0 && history[j].epoch == x.epoch; j-- {
		h := history[j]
		truth := x.at.Sub(h.at)
		tolerance := truth/40 + 2*d.rtt + time.Second/50
		if d.cache == byTimer {
			tolerance += d.refresh
		}
		if off := r.Elapsed - truth; off < -tolerance || off > tolerance {
			continue
		}
		if want := float64(x.totals[c] - h.totals[c]); math.Abs(r.Rates[c]*r.Elapsed.Seconds()-want) <= want*1e-9 {
			return true
		}
	}
	return false
}

// youngBefore reports whether the agent looked, at the reading before x, as if it had just started: after 497 days it does so once more.
func (d *device) youngBefore(x reading, history []reading) bool {
	before := history[len(history)-1].answer
	tolerance := 3*time.Second + x.answer.Sub(before)/20 + 2*d.rtt
	return time.Duration(d.upTime(before))*10*time.Millisecond <= tolerance
}

// share counts the numbers that there should be: all of them where nothing happened and the width suffices.
func (d *device) share(t *testing.T, k int, r *counter.Row, x reading, history []reading, undisturbed int, sum *tally) {
	t.Helper()
	if d.cache == byTimer || undisturbed < 2 || d.follows || d.hc == hcDisguise {
		return
	}
	if d.cache == onDemand {
		// Every reload gives numbers once the first that is known to be one has been seen.
		last := len(history) - 1
		if !d.calm || d.hc != hcGood || history[last].at.Equal(x.at) || history[last].at.Equal(history[0].at) {
			return
		}
		for c := range uint64(2) {
			sum.loads++
			if r.Verdicts[hcInOctets+c].HasRate() {
				sum.shown++
			}
		}
		return
	}
	for c := range modelColumns {
		if x.has>>c&1 == 0 || c >= hcInOctets && d.hc != hcGood {
			continue
		}
		limit := float64(max(r.Speed, 1)) / 8
		if r.Speed == 0 {
			limit = 1e9 / 8
		}
		if c != inOctets && c != hcInOctets {
			limit /= 84
		}
		if c < hcInOctets && limit*d.interval.Seconds()*1.15 > 1<<32 {
			continue
		}
		sum.calm++
		if r.Verdicts[c].HasRate() {
			sum.calmNumbers++
		} else if d.calm && !d.youngBefore(x, history) {
			t.Fatalf("poll %d %s column %d: %v over %v although nothing happened\n%+v\nnow %+v\nbefore %+v",
				k, r.Name, c, r.Verdicts[c], r.Elapsed, *d, x, history[max(0, len(history)-3):])
		}
	}
}

func TestNumbersAreTrue(t *testing.T) {
	var sum tally
	for seed := range uint64(400) {
		newDevice(rand.New(rand.NewPCG(seed, 1))).check(t, 150, &sum)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	t.Logf("%d numbers; of %d pairs in which nothing happened %d gave one; of %d reloads %d", sum.numbers, sum.calm, sum.calmNumbers, sum.loads, sum.shown)
	for v := counter.None; v <= counter.Gap; v++ {
		t.Logf("%-14s %d", v, sum.verdicts[v])
		if sum.verdicts[v] == 0 {
			t.Errorf("the model never met %v", v)
		}
	}
	if sum.shown != sum.loads || sum.loads < 1000 {
		t.Errorf("of %d reloads of a cache %d gave a number", sum.loads, sum.shown)
	}
	// The exceptions are polls after a restart of an agent that had seemed, while it idled, to use a cache.
	if sum.calmNumbers < sum.calm-sum.calm/1000 || sum.calm < 100_000 {
		t.Errorf("of %d pairs in which nothing happened %d gave a number", sum.calm, sum.calmNumbers)
	}
}
