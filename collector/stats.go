package collector

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"walkabout/collector/session"
	"walkabout/counter"
)

// Stats is what happened to one target since it is polled.
type Stats struct {
	Device   string
	Interval time.Duration // of the target

	Polls, Partial, Failed uint64            // all polls, those answered in part, those not answered at all
	Extra                  uint64            // polls between two of the schedule; in none of the others
	Missed                 uint64            // slots of the schedule that passed while a poll, or its sinks, took too long
	Failures               map[string]uint64 // polls, and parts of polls, that failed, by Reason
	Samples                uint64
	Verdicts               map[counter.Verdict]uint64 // of counters; those without HasRate are rates withheld
	Findings               map[counter.FindingKind]uint64
	WrongTypes             uint64 // values whose type is not their object's, left out

	Last     time.Time // when the last poll began; zero before the first
	Duration time.Duration
	Lag      time.Duration // by which the last poll began late
	Answered bool          // the last poll was answered, at least in part
	Err      string        // of the last poll
	State    string        // Poll.State of the last poll; "" before the first

	PingsSent, PingsLost uint64        // echo requests, and those that were not answered
	RoundTrip            time.Duration // of the last echo requests that were answered, on average; 0 if none was

	Requests, Retries, Dropped, Foreign, Odd uint64 // see session.Stats

	SNMPRoundTrip time.Duration // of SNMP requests, smoothed (RFC 6298); 0 before the first answer
	Effort        Effort        // of the last poll
	EngineTwins   []string      // other targets with the same snmpEngineID
}

// stats gathers a target's Stats: written by its goroutine, read by any.
type stats struct {
	session session.Stats

	mu       sync.Mutex
	public   Stats
	verdicts [counter.Gap + 1]atomic.Uint64
}

func newStats(device string) *stats {
	return &stats{public: Stats{Device: device, Failures: map[string]uint64{}, Findings: map[counter.FindingKind]uint64{}}}
}

func (s *stats) poll(p Poll, lag time.Duration, e Effort) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.public.Effort = e
	s.public.Polls++
	s.public.Last, s.public.Duration, s.public.Lag = p.At, p.Duration, lag
	s.public.Samples += uint64(len(p.Samples))
	s.public.Answered, s.public.Err, s.public.State = p.Answered, "", p.State()
	if p.Ping != nil {
		s.public.PingsSent += uint64(p.Ping.Sent)
		s.public.PingsLost += uint64(p.Ping.Sent - p.Ping.Received)
		s.public.RoundTrip = p.Ping.Avg
	}
	if p.Err == nil {
		return
	}
	s.public.Err = p.Err.Error()
	if !p.Answered {
		s.public.Failed++
	} else {
		s.public.Partial++
	}
	for _, err := range parts(p.Err) {
		s.public.Failures[Reason(err)]++
	}
}

// parts takes apart what errors.Join has joined.
func parts(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

// extra counts a poll between two of the schedule.
func (s *stats) extra() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.public.Extra++
}

func (s *stats) verdict(v counter.Verdict) {
	if int(v) < len(s.verdicts) {
		s.verdicts[v].Add(1)
	}
}

func (s *stats) finding(k counter.FindingKind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.public.Findings[k]++
}

func (s *stats) wrongType() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.public.WrongTypes++
}

func (s *stats) missed(slots int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.public.Missed += uint64(slots)
}

// snapshot returns a copy that is the caller's.
func (s *stats) snapshot() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.public
	c.Failures, c.Findings = maps.Clone(c.Failures), maps.Clone(c.Findings)
	c.Verdicts = map[counter.Verdict]uint64{}
	for v := range s.verdicts {
		if n := s.verdicts[v].Load(); n > 0 && counter.Verdict(v) != counter.None {
			c.Verdicts[counter.Verdict(v)] = n
		}
	}
	c.Requests, c.Retries, c.Dropped = s.session.Requests.Load(), s.session.Retries.Load(), s.session.Dropped.Load()
	c.Foreign = s.session.Foreign.Load()
	c.Odd = s.session.Odd.Load()
	c.SNMPRoundTrip = time.Duration(s.session.RoundTrip.Load())
	return c
}
