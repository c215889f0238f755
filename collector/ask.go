package collector

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"walkabout/collector/session"
	"walkabout/counter"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// What every request may carry beside what it is for.
var (
	sysUpTime     = oid.MustParse("1.3.6.1.2.1.1.3")
	sysName       = oid.MustParse("1.3.6.1.2.1.1.5")
	snmpEngineID  = oid.MustParse("1.3.6.1.6.3.10.2.1.1")
	snmpEngineNow = oid.MustParse("1.3.6.1.6.3.10.2.1.3") // snmpEngineTime

	instance       = oid.New(0)
	sysUpTime0     = sysUpTime.Join(instance)
	snmpEngineNow0 = snmpEngineNow.Join(instance)
)

var (
	errNotIncreasing = errors.New("the agent's OIDs do not increase")
	errTooMuch       = errors.New("the table has more rows or needs more requests than a poll may take")
	errEmpty         = errors.New("the agent answered with no variables")
	errCrowded       = errors.New("too many polls at a time: there was no room for this one before its time was over")
	errOtherName     = errors.New("the agent answered with another variable than the one asked for")
)

const (
	// replySize is what a reply should fit in: an Ethernet frame, without the headers of IPv6 and UDP and of an SNMP message.
	replySize = 1500 - 48 - 100
	// firstVarBindSize is taken for the size of a varbind until the agent has shown its own.
	firstVarBindSize = 22

	maxRequests = 1 << 14 // for one table
	maxCells    = 1 << 20 // of one table: rows by columns
	maxRows     = 20_000  // of one table; a chassis full of subscribers' interfaces has some thousands

	// maxTimeouts is how many requests in a row may go unanswered, all their retries included. One is forgiven: the reply may
	// have been too large for the path. maxLost is how many of a poll may, of an agent that answers others: some six seconds each.
	maxTimeouts = 2
	maxLost     = 4
	// maxFailures is how many requests of a poll may fail in any way.
	maxFailures = 64

	cleanPolls = 20 // polls without a failure after which the limit on repetitions is doubled again
)

// asker puts a target's requests, and learns what the target can bear. The limits of one poll are set by begin.
type asker struct {
	client  session.Client
	most    int // the target's MaxRepetitions
	limit   int // the most repetitions that the target has not failed at
	width   int // the most names of a walk's request that it has not failed at
	clean   int // polls since it failed
	cap     int // the most repetitions of the part that is asked; 0 is no limit of its own
	size    int // octets that its varbinds take, a moving average
	engine  uint64
	engined bool // it has snmpEngineTime

	slept time.Duration // see poller.wake

	pipelined bool           // its session is to ask what it can without waiting for each answer
	odd       *atomic.Uint64 // session.Stats.Odd

	walks walks

	timeouts       int // in a row
	lost, failures int // of this poll

	*asking // while a poll lasts
}

// asking is the memory that requests need.
type asking struct {
	arena    oid.Arena // of this poll's names
	names    []oid.OID
	varbinds []snmp.VarBind
}

// walks is what became of the requests that walk tables.
type walks struct {
	answered bool // one was, since the session was opened
	names    int  // the most of one that was answered
	refused  int  // polls in a row in which one was refused, or not answered, and never one answered
	inPoll   bool // that is so in this poll

	varbinds, rows int // see byChance: the most of one answer, and of one to a reread
}

// walksRefused is after how many polls of walks.refused tables are walked in the other way, with GETNEXT or with GETBULK.
const walksRefused = 2

func (a *asker) begin(client session.Client) {
	a.client = client
	if a.failures == 0 {
		if a.clean++; a.clean >= cleanPolls {
			a.clean, a.limit, a.width = 0, min(a.limit*2, a.most), min(a.width*2, maxObjects)
		}
	}
	a.timeouts, a.lost, a.failures, a.arena, a.walks.inPoll = 0, 0, 0, oid.Arena{}, false
}

// repetitions returns how many rows of so many columns should fit a reply.
func (a *asker) repetitions(columns int) int {
	n := min(a.limit, replySize/(columns*a.size))
	if a.cap > 0 {
		n = min(n, a.cap)
	}
	return max(1, n)
}

// bulk asks for the successors of each name in turn, together with the agent's clock, and returns what came after the clock. The
// result is good until the next request. Behind a column whose name leaves no room for all of after comes as much of it as fits:
// no index that the column can have lies between the two.
func (a *asker) bulk(ctx context.Context, columns []oid.OID, after oid.OID, repetitions int) (counter.Instant, []snmp.VarBind, error) {
	a.names = append(a.names[:0], sysUpTime)
	if a.engined {
		a.names = append(a.names, snmpEngineNow)
	}
	clocks := len(a.names)
	for _, c := range columns {
		a.names = append(a.names, a.arena.Join(c, after.Slice(0, min(after.Len(), oid.MaxLen-c.Len())), oid.OID{}))
	}
	start := time.Now()
	vbs, err := a.client.Bulk(ctx, a.varbinds[:0], clocks, a.names, repetitions)
	var response *session.ResponseError
	if refused := errors.Is(err, session.ErrTimeout) && ctx.Err() == nil || errors.Is(err, session.ErrMalformed) || errors.As(err, &response); refused ||
		err == nil && len(vbs) <= clocks {
		a.walks.inPoll = true
	} else if err == nil {
		a.walks.answered, a.walks.names, a.walks.varbinds = true, max(a.walks.names, len(columns)), max(a.walks.varbinds, len(vbs)-clocks)
	}
	return a.finish(start, vbs, clocks, err)
}

// get asks for the only instance of each object, together with the agent's clock.
func (a *asker) get(ctx context.Context, objects []oid.OID) (counter.Instant, []snmp.VarBind, error) {
	a.names = append(a.names[:0], sysUpTime0)
	if a.engined {
		a.names = append(a.names, snmpEngineNow0)
	}
	for _, o := range objects {
		a.names = append(a.names, a.arena.Join(o, instance, oid.OID{}))
	}
	return a.getNames(ctx)
}

// getInstances asks for instances, together with the agent's clock.
func (a *asker) getInstances(ctx context.Context, instances []oid.OID) (counter.Instant, []snmp.VarBind, error) {
	a.names = append(a.names[:0], sysUpTime0)
	if a.engined {
		a.names = append(a.names, snmpEngineNow0)
	}
	a.names = append(a.names, instances...)
	return a.getNames(ctx)
}

// getNames asks for a.names, which begin with the clocks.
func (a *asker) getNames(ctx context.Context) (counter.Instant, []snmp.VarBind, error) {
	clocks := a.clocks()
	start := time.Now()
	vbs, err := a.client.Get(ctx, a.varbinds[:0], a.names)
	if err == nil && len(vbs) != len(a.names) {
		err = fmt.Errorf("%w: %d variables where %d were asked for", session.ErrMalformed, len(vbs), len(a.names))
	}
	return a.finish(start, vbs, clocks, err)
}

// finish takes the agent's clock from a reply.
func (a *asker) finish(start time.Time, vbs []snmp.VarBind, clocks int, err error) (counter.Instant, []snmp.VarBind, error) {
	now := time.Now()
	at := counter.Instant{At: now.Add(a.slept), RoundTrip: now.Sub(start), Engine: a.engine}
	if err == nil && len(vbs) < clocks {
		err = errEmpty
	}
	if err != nil {
		return at, nil, err
	}
	a.varbinds, a.timeouts = vbs, 0
	a.learn(snmp.VarBindsSize(vbs) / len(vbs))
	if v := vbs[0]; v.Name == sysUpTime0 && v.Value.Kind() == snmp.KindTimeTicks {
		at.UpTime, at.HasUpTime = uint32(v.Value.Uint()), true
	}
	if a.engined {
		if v := vbs[1]; v.Name == snmpEngineNow0 && v.Value.Kind() == snmp.KindInteger {
			at.EngineTime, at.HasEngineTime = uint32(v.Value.Int()), true
		}
	}
	return at, vbs[clocks:], nil
}

// learn takes note of how large the variables of an answer were.
func (a *asker) learn(size int) { a.size = max(8, (3*a.size+size+2)/4) }

// remedy is what may help after a request that failed.
type remedy int

const (
	giveUp   remedy = iota // on the whole poll
	askLess                // ask for less at a time
	leaveOut               // ask without the name that the agent complained of
)

// remedyFor decides what to do after err. position is that of the name that the agent complained of, behind the clocks, with leaveOut.
func (a *asker) remedyFor(ctx context.Context, err error, clocks int) (r remedy, position int) {
	a.failures++
	a.clean = 0
	var response *session.ResponseError
	switch {
	case ctx.Err() != nil || a.failures > maxFailures:
		return giveUp, 0
	case errors.Is(err, session.ErrTimeout):
		a.timeouts++
		if a.lost++; a.timeouts >= maxTimeouts || a.lost >= maxLost {
			return giveUp, 0
		}
		return askLess, 0
	case errors.As(err, &response):
		if response.Status != snmp.TooBig && response.Index > clocks {
			return leaveOut, response.Index - clocks - 1
		}
		return askLess, 0
	case errors.Is(err, session.ErrMalformed), errors.Is(err, errEmpty):
		return askLess, 0
	}
	return giveUp, 0
}

// byChance reports whether err is the loss of datagrams and not of a reply that is too large for the agent or the path: of as much as was asked for there
// has been an answer, of borne at the most, since the last such loss. So a path that bears less from now on is believed the second time, and one
// that loses datagrams does not end at a row a request, of which it would lose more.
func byChance(err error, asked int, borne *int) bool {
	if !errors.Is(err, session.ErrTimeout) || *borne < asked {
		return false
	}
	*borne = 0
	return true
}

func (a *asker) clocks() int {
	if a.engined {
		return 2
	}
	return 1
}
