package collector

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"walkabout/collector/session"
	"walkabout/counter"
	"walkabout/metric"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// Dial opens a session; session.Sockets.Open is one.
type Dial func(ctx context.Context, o session.Options) (session.Client, error)

// poller polls one target. It is for one goroutine.
type poller struct {
	target Target
	host   string
	parts  []*part
	dial   Dial
	shared *workspace
	open   session.Options
	client session.Client // nil until dialled, and after an error that a new session may mend
	asker  asker
	stats  *stats
	log    *slog.Logger
	state  string // the kind of error that was logged last, "" for none
	probe  probe

	changes  []oid.OID    // objects that tell of changes of the parts' tables
	signals  []snmp.Value // what they told in this poll; NULL is nothing
	hostname string       // sysName
	noEngine bool         // the agent has no snmpEngineID
	silent   bool         // it did not answer when it was last asked
	silence  error        // why not
	silences int          // how often in a row
	resume   time.Time    // before then it is not asked again
	previous counter.Instant
	wall     time.Time // when that was, without the monotonic clock
	polled   bool      // previous is set
	effort   Effort
	engine   atomic.Uint64 // its identity; 0 before it is known
	told     uint64        // what shared.engines knows of it
	bare     bool          // it was logged that it has nothing of what is collected
	oddTold  bool          // it was logged that the agent serves odd values

	wanted      wanted // in a poll between two slots (PollNow), which leaves counters alone
	lookups     []*lookupTable
	silentVLANs silentVLANs

	auto    *automatic     // nil: the target names its profiles
	getNext session.Client // as client, but walks with GETNEXT; nil until a part needs it
}

func newPoller(t Target, profiles Profiles, dial Dial, log *slog.Logger, shared *workspace) (*poller, error) {
	if err := t.Validate(profiles); err != nil {
		return nil, err
	}
	host, port, err := SplitAddress(t.Address)
	if err != nil {
		return nil, err
	}
	p := &poller{
		target: t, host: host, dial: dial, shared: shared, log: log.With("device", t.Name), stats: newStats(t.Name),
		asker: asker{most: t.MaxRepetitions, limit: t.MaxRepetitions, width: maxObjects, size: firstVarBindSize},
	}
	p.asker.odd = &p.stats.session.Odd
	if slices.Contains(t.Collect, Auto) {
		p.auto = &automatic{profiles: profiles}
	} else if p.parts, err = newParts(t, t.Collect, profiles, &shared.layouts, p.lookup); err != nil {
		return nil, &TargetError{t.Name, err}
	}
	for _, part := range p.parts {
		part.changes = p.watch(part.table)
	}
	p.open = session.Options{
		Host: host, Port: port, Credential: t.Credential, Timeout: t.Timeout, Retries: t.Retries, NoBulk: t.NoBulk,
		Source: t.Source, AnySource: t.AnySource, Stats: &p.stats.session,
	}
	return p, nil
}

// renew ends the session, and forgets what was learned of the agent's ways to walk: who answers next may have others.
func (p *poller) renew() {
	p.close()
	p.open.NoBulk, p.asker.walks = p.target.NoBulk, walks{}
}

// walkOtherwise changes between GETBULK and GETNEXT where an agent that answers GET never answered the one of them.
func (p *poller) walkOtherwise() {
	w := &p.asker.walks
	switch {
	case w.answered || p.target.NoBulk || p.target.Credential.Version == snmp.V1:
		return
	case !w.inPoll:
		return
	}
	if w.refused++; w.refused < walksRefused {
		return
	}
	p.open.NoBulk = !p.open.NoBulk
	*w = walks{}
	p.close()
	if p.open.NoBulk {
		p.log.Warn("the agent does not answer GETBULK; its tables are walked with GETNEXT, which is slow (bulk: false does so from the first poll on)")
	}
}

// maxProbe is how long a target that keeps silent is left alone at the most, unless its interval is longer. It is asked at its next slot, then after
// two, four, …
const maxProbe = time.Minute

// heed takes note of whether the target answered at all, when it was asked at the given time.
func (p *poller) heed(err error, asked time.Time) {
	if p.silent = isSilence(err); !p.silent {
		p.silences, p.silence = 0, nil
		return
	}
	wait := min(p.target.Interval<<min(p.silences, 20), max(maxProbe, p.target.Interval))
	p.silences++
	p.silence, p.resume = err, asked.Add(wait-p.target.Interval/2) // the slot that is nearest
}

// isSilence reports whether err is that nobody answers.
func isSilence(err error) bool {
	return errors.Is(err, session.ErrTimeout) || errors.Is(err, session.ErrUnreachable)
}

// watch adds the objects that tell of changes of t to those of the target, and returns their positions.
func (p *poller) watch(t *Table) []int {
	var positions []int
	if t == nil {
		return nil
	}
	for _, o := range t.Changes {
		i := slices.Index(p.changes, o.OID)
		if i < 0 {
			i = len(p.changes)
			p.changes, p.signals = append(p.changes, o.OID), append(p.signals, snmp.Null)
		}
		positions = append(positions, i)
	}
	return positions
}

// close ends the session.
func (p *poller) close() {
	if p.client != nil {
		_ = p.client.Close()
		p.client = nil
	}
	if p.getNext != nil {
		_ = p.getNext.Close()
		p.getNext = nil
	}
}

// pollAgent asks the target's agent once. It returns when ctx ends, with what came until then.
func (p *poller) pollAgent(ctx context.Context) Poll {
	poll := Poll{Device: p.target.Name, At: time.Now(), Interval: p.target.Interval}
	if p.silent && poll.At.Before(p.resume) && !p.wanted.any {
		poll.Err = p.silence
		return poll
	}
	p.asker.asking = p.shared.askings.Get().(*asking)
	defer func() {
		p.shared.askings.Put(p.asker.asking)
		p.asker.asking = nil
	}()
	defer p.measure()()
	at, err := p.greet(ctx)
	poll.Duration = time.Since(poll.At)
	p.heed(err, poll.At)
	if err != nil {
		poll.Err = err
		p.renew()
		return poll
	}
	s, ok := p.shared.scratch(ctx)
	if !ok {
		poll.Err = errCrowded
		return poll
	}
	defer p.shared.put(s)
	poll.Answered = true
	poll.UpTime, poll.HasUpTime = at.UpTime, at.HasUpTime
	wall := p.shared.wall().Round(0)
	poll.Reset = p.polled && counter.Between(p.previous, at, 0).Verdict == counter.Reset && !p.wake(&at, wall)
	p.previous, p.wall, p.polled = at, wall, true
	if poll.Reset {
		p.forget()
	}
	if p.auto != nil && (p.auto.chosen == nil || poll.Reset) {
		if err := p.choose(ctx); err != nil {
			poll.Err = err
			p.close()
			return poll
		}
	}
	p.shared.lend(&poll)
	poll.Err = p.takeParts(ctx, s, &poll)
	p.walkOtherwise()
	poll.Duration = time.Since(poll.At)
	if !poll.HasUpTime && len(poll.Samples)+len(poll.Complete) == 0 && poll.Err != nil {
		poll.Answered = false // it refuses everything: nothing is known of it
	}
	return poll
}

// wake reports whether at, by which the agent started anew, is of the run that p.previous is of, and it is the collector's machine that was suspended:
// its monotonic clock stood still then, and its other one, which wall is, has advanced by as much as the agent's. From then on instants are later by that.
func (p *poller) wake(at *counter.Instant, wall time.Time) bool {
	slept := wall.Sub(p.wall) - at.At.Sub(p.previous.At)
	later := *at
	later.At = at.At.Add(slept)
	if slept <= 0 || counter.Between(p.previous, later, 0).Verdict != counter.OK {
		return false
	}
	p.log.Debug("the collector was suspended", "for", slept)
	*at, p.asker.slept = later, p.asker.slept+slept
	return true
}

// measure returns what ends the measuring of a poll's Effort.
func (p *poller) measure() (end func()) {
	requests, retries := p.stats.session.Requests.Load(), p.stats.session.Retries.Load()
	p.effort = Effort{}
	return func() {
		p.effort.Requests, p.effort.Retries = p.stats.session.Requests.Load()-requests, p.stats.session.Retries.Load()-retries
		p.effort.MaxRepetitions, p.effort.GetNext = p.asker.limit, p.open.NoBulk || p.target.Credential.Version == snmp.V1
	}
}

// forget drops what was learned of the agent, which started anew: it may be another one.
func (p *poller) forget() {
	p.noEngine = false
	for _, part := range p.parts {
		part.structure.forget()
		part.absent, part.last = false, time.Time{}
		if err := part.forgetCounters(); err != nil {
			p.log.Error("counters cannot be learned anew", "measurement", part.measurement, "err", err) // cannot be: they were judged so before
		}
		if part.selection != nil {
			part.selection.read = time.Time{}
		}
		if part.vlans != nil {
			clear(part.vlans.parts)
		}
	}
	p.silentVLANs = silentVLANs{}
	p.forgetLookups()
}

// greet opens the session if there is none, and asks who is there. Where that gets no answer, nothing else is asked.
func (p *poller) greet(ctx context.Context) (counter.Instant, error) {
	if p.client == nil {
		client, err := p.dial(ctx, p.open)
		if err != nil {
			return counter.Instant{}, err
		}
		p.client = client
	}
	p.asker.begin(p.client)
	p.asker.pipelined = p.target.Credential.Version != snmp.V1 && !p.open.NoBulk
	clear(p.signals)
	if p.silent {
		p.noEngine, p.asker.engined = false, false
	}
	if p.silences > 1 { // nothing but a probe, of one datagram, until there is an answer; one silence may be datagrams that were lost
		short, cancel := context.WithTimeout(ctx, p.target.Timeout-time.Millisecond) // before it would be sent again
		at, _, err := p.asker.get(short, nil)
		cancel()
		if isSilence(err) {
			return at, err
		}
	}
	for {
		names := append([]oid.OID{sysName}, p.changes...)
		if !p.noEngine {
			names = append(names, snmpEngineID)
		}
		if !p.noEngine && !p.asker.engined {
			names = append(names, snmpEngineNow)
		}
		at, vbs, err := p.asker.get(ctx, names)
		var response *session.ResponseError
		if errors.As(err, &response) {
			if !p.noEngine {
				p.noEngine, p.asker.engined = true, false
				continue // it may be these objects that it cannot answer
			}
			return at, nil // it is there, at least
		}
		if err != nil {
			return at, err
		}
		p.hostname = strings.TrimRight(strings.Clone(vbs[0].Value.Octets()), "\x00")
		for i := range p.changes {
			p.signals[i] = vbs[1+i].Value.Clone()
		}
		if !p.noEngine {
			p.meet(&at, vbs[1+len(p.changes):])
		}
		if c, ok := p.client.(session.Engined); ok && p.noEngine && c.EngineID() != "" {
			p.know(c.EngineID())
			at.Engine = p.asker.engine
		}
		return at, nil
	}
}

// meet takes note of the agent's engine: snmpEngineID, and snmpEngineTime unless it came with the clock already.
func (p *poller) meet(at *counter.Instant, vbs []snmp.VarBind) {
	id := vbs[0].Value
	if id.Kind() != snmp.KindOctetString || id.Octets() == "" {
		p.noEngine, p.asker.engined, p.asker.engine = true, false, 0
		return
	}
	p.know(id.Octets())
	at.Engine = p.asker.engine
	if len(vbs) > 1 && vbs[1].Value.Kind() == snmp.KindInteger {
		at.EngineTime, at.HasEngineTime = uint32(vbs[1].Value.Int()), true
		p.asker.engined = true
	}
}

// know takes note of the agent's snmpEngineID.
func (p *poller) know(id string) {
	p.asker.engine = counter.Hash(id)
	engine := identity(id, p.target.Credential.Context)
	if p.engine.Swap(engine) == engine {
		return
	}
	if others := p.shared.engines.move(p.target.Name, p.told, engine); len(others) > 0 {
		p.log.Warn("other targets have the same snmpEngineID: one device polled twice, or devices that were cloned; all are polled, but others that use "+
			"SNMPv3 with them will fail", "targets", others)
	}
	p.told = engine
}

// samples judges what a part has read and appends its samples to poll's.
func (p *poller) samples(poll *Poll, s *scratch, part *part, count int) {
	complete := s.grid.fault() == nil && !part.narrow
	if err := part.learnCounters(&s.grid, count); err != nil {
		p.log.Error("counters cannot be told apart", "measurement", part.measurement, "err", err) // cannot be: bits bound nothing
	}
	s.rows = part.rows(s.rows[:0], &s.grid, count)
	p.count(s, part, complete)
	if complete {
		part.forget(&s.grid)
	}
	s.template = p.template(s.template[:0], part)
	// Where these grow, the samples before stay in the memory in which they are.
	tags := slices.Grow(poll.buffers.tags, len(s.rows)*len(s.template))
	fields := slices.Grow(poll.buffers.fields, len(s.rows)*(len(part.objects)+2))
	for _, r := range s.rows {
		firstTag, firstField := len(tags), len(fields)
		tags = part.appendTags(tags, s.template, &s.grid, r)
		fields = p.appendFields(fields, part, &s.grid, r, s.counted)
		if len(fields) == firstField {
			continue
		}
		poll.Samples = append(poll.Samples, metric.Sample{
			Measurement: part.measurement, At: poll.At,
			Tags:   tags[firstTag:len(tags):len(tags)],
			Fields: fields[firstField:len(fields):len(fields)],
		})
	}
	poll.buffers.tags, poll.buffers.fields = tags, fields
}

// count judges the counters of s.rows, unless they are left alone.
func (p *poller) count(s *scratch, part *part, complete bool) {
	if !p.wanted.any {
		p.judge(s, part, complete)
		return
	}
	s.counted = s.counted[:0]
	for i := range s.rows {
		s.rows[i].judged = -1
	}
}

// judge fills s.counted with those of s.rows that have counters, if the part has any.
func (p *poller) judge(s *scratch, part *part, complete bool) {
	s.counted = s.counted[:0]
	width := len(part.counters)
	s.values = sized(s.values, width*len(s.rows))
	s.rates = sized(s.rates, width*len(s.rows))
	s.verdicts = sized(s.verdicts, width*len(s.rows))
	for i := range s.rows {
		r := &s.rows[i]
		from, to := i*width, (i+1)*width
		c := counter.Row{Name: r.name, Index: r.index, Values: s.values[from:to], Rates: s.rates[from:to], Verdicts: s.verdicts[from:to]}
		torn := part.count(&s.grid, r.at, &c)
		complete = complete && !torn
		if r.judged = len(s.counted); c.Has == 0 {
			r.judged = -1
			continue
		}
		s.counted = append(s.counted, c)
	}
	if part.tracker == nil || len(s.counted) == 0 && !complete {
		return
	}
	s.findings = part.tracker.Poll(time.Now(), complete, s.counted, s.findings[:0])
	p.report(part, s.counted, s.findings)
	for _, v := range s.verdicts {
		p.stats.verdict(v)
	}
}

// sized returns n zeros, in b's memory if it is large enough.
func sized[T any](b []T, n int) []T {
	if cap(b) < n {
		return make([]T, n)
	}
	b = b[:n]
	clear(b)
	return b
}

// notice logs what changed in how polls end, and counts it.
func (p *poller) notice(poll Poll, lag time.Duration) {
	p.stats.poll(poll, lag, p.effort)
	if n := p.stats.session.Odd.Load(); n > 0 && !p.oddTold {
		p.oddTold = true
		p.log.Warn("the agent serves values that are NULL, of no known type or outside their type's range; they are left out", "values", n)
	}
	if bare := poll.Answered && poll.Err == nil && len(poll.Samples) == 0 && len(poll.Complete) == len(p.parts); bare != p.bare && (bare || len(poll.Samples) > 0) {
		p.bare = bare
		if bare {
			p.log.Warn(hasNothing, "measurements", poll.Complete)
		}
	}
	state := ""
	if poll.Err != nil {
		state = strings.Join(reasons(poll.Err), " ")
		if poll.Answered {
			state = "partial " + state
		}
	}
	if state == p.state {
		return
	}
	switch {
	case state == "":
		p.log.Info("the target answers in full again")
	case poll.Answered:
		p.log.Warn("a part of the poll is missing", "err", poll.Err)
	default:
		p.log.Warn("the target does not answer", "err", poll.Err)
	}
	p.state = state
}
