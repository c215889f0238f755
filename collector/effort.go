package collector

import (
	"fmt"
	"strings"
	"time"

	"walkabout/counter"
)

// Effort is what the last poll of a target took.
type Effort struct {
	Requests, Retries uint64        // SNMP requests, and those sent again
	Slowest           string        // the measurement that took longest
	SlowestTook       time.Duration // it
	MaxRepetitions    int           // the most that a GETBULK asks for, as the agent has shown to bear it
	GetNext           bool          // tables are walked with GETNEXT, one row a request
}

const (
	// slowPoll is the share of the interval that a poll may take before it counts as slow, and slowTrip the round trip.
	slowPoll = 0.5
	slowTrip = 500 * time.Millisecond
	lateBy   = time.Second
)

// hasNothing is said of an agent that answers, and of which nothing is collected.
const hasNothing = "the agent answers, but has nothing of what is collected: it may let this credential see only a part (a view)"

// Why says in a few words what is wrong with how the target was polled last, or what makes it slow; "" if nothing is.
func (s *Stats) Why() string {
	e := s.Effort
	switch {
	case s.Last.IsZero():
		return "not polled yet"
	case !s.Answered && s.Polls > 2*s.Failed && s.Retries > s.Requests/10:
		return fmt.Sprintf("%s. Most polls are answered, but of %d requests %d were sent again: datagrams are lost", s.Err, s.Requests, s.Retries)
	case !s.Answered:
		return s.Err
	case e.Retries > 0 && s.Duration > time.Second:
		return fmt.Sprintf("%d of %d requests had to be sent again: datagrams are lost, or the agent is too busy to answer in time", e.Retries, e.Requests+e.Retries)
	case s.slow() && e.GetNext:
		return fmt.Sprintf("its tables are walked with GETNEXT, a row a request: %d requests, a round trip of %v each", e.Requests, s.trip())
	case s.slow() && s.SNMPRoundTrip > slowTrip:
		return fmt.Sprintf("the agent takes %v to answer, %d requests a poll; most of it in %s", s.trip(), e.Requests, e.Slowest)
	case s.slow() && e.MaxRepetitions < 5:
		return fmt.Sprintf("the agent bears no more than %d repetitions: %d requests a poll", e.MaxRepetitions, e.Requests)
	case s.slow():
		return fmt.Sprintf("%d requests a poll, a round trip of %v; most of it in %s (%v)", e.Requests, s.trip(), e.Slowest, e.SlowestTook.Round(time.Millisecond))
	case s.Lag > lateBy:
		return fmt.Sprintf("polled %v late: the collector is busy, or its outputs hold it up", s.Lag.Round(time.Millisecond))
	case s.Err != "":
		return s.Err
	case s.Samples == 0:
		return hasNothing
	case len(s.EngineTwins) > 0:
		const named = 3
		others := strings.Join(s.EngineTwins[:min(named, len(s.EngineTwins))], ", ")
		if more := len(s.EngineTwins) - named; more > 0 {
			others += fmt.Sprintf(" and %d more", more)
		}
		return fmt.Sprintf("the same snmpEngineID as %s: one device polled twice, or devices that were cloned", others)
	case s.WrongTypes+s.Odd > 0:
		return fmt.Sprintf("the agent served %d values of a wrong type, and %d that are NULL or outside their type's range: they are left out", s.WrongTypes, s.Odd)
	case s.Findings[counter.PolledTooSeldom] > 0 && s.Verdicts[counter.Ambiguous] > 0:
		return "counters of 32 bits are polled too seldom for their speed: rates are withheld"
	}
	return ""
}

func (s *Stats) slow() bool { return s.Duration > time.Duration(slowPoll*float64(s.Interval)) }

func (s *Stats) trip() time.Duration { return s.SNMPRoundTrip.Round(100 * time.Microsecond) }

// Withheld returns how many readings of counters have no rate, of all that could have one: the first of each has none.
func (s *Stats) Withheld() (n uint64) {
	for v, count := range s.Verdicts {
		if !v.HasRate() && v != counter.First {
			n += count
		}
	}
	return n
}
