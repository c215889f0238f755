// Package discover finds agents: it asks every address of some networks, slowly, with one credential after another, and goes on to what the
// agents that answer say of their neighbours.
package discover

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"walkabout/collector"
	"walkabout/collector/session"
)

// Options of a search. Prefixes, Credentials and Dial must be there; Defaults gives the others.
type Options struct {
	Prefixes    []netip.Prefix // every address in them is asked, but for an IPv4 network's first and last
	Within      []netip.Prefix // where neighbours may be followed to; none: Prefixes
	Exclude     []netip.Prefix // nobody in them is asked
	Credentials []Credential   // tried in this order
	Neighbours  []Protocol     // by which neighbours are found; none: they are not
	Depth       int            // how many steps from Prefixes neighbours are followed

	Port    uint16
	Rate    float64       // datagrams a second, of all devices together
	Timeout time.Duration // for an answer
	Retries int           // how often a device that keeps silent is asked again, with each credential
	Source  netip.Addr    // requests leave from it; the zero Addr leaves the choice to the system

	Dial     collector.Dial
	Found    func(Device)   // called for each agent, by Run's goroutine; may be nil
	Progress func(Progress) // called now and then, by Run's goroutine; may be nil
	Save     func(State) error
}

// Credential is a credential and its name in the configuration.
type Credential struct {
	Name string
	session.Credential
}

// Defaults returns Options that ask 100 times a second.
func Defaults() Options {
	return Options{Port: collector.DefaultPort, Rate: 100, Timeout: time.Second, Retries: 1, Depth: 3}
}

const (
	// MaxAddresses bounds Prefixes: more are asked for by mistake.
	MaxAddresses = 1 << 20
	// MaxRate is the largest Rate.
	MaxRate = 10_000

	maxParallel  = 4096    // requests under way: enough for 4,000 a second where each waits for a second in vain
	maxFollowed  = 1 << 16 // neighbours in one search
	saveEvery    = 5 * time.Second
	progressTick = time.Second
)

// Validate returns what is wrong with o. It sends nothing.
func (o Options) Validate() error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if len(o.Prefixes) == 0 {
		add("no network to search, as in 192.0.2.0/24")
	}
	if n := Count(o.Prefixes); n > MaxAddresses {
		add("the networks have %d addresses; at most %d are searched at a time", n, MaxAddresses)
	}
	if len(o.Credentials) == 0 {
		add("no credential to try")
	}
	for _, c := range o.Credentials {
		if err := c.Validate(); err != nil {
			add("credential %q: %w", c.Name, err)
		}
	}
	if o.Rate <= 0 || o.Rate > MaxRate {
		add("rate %g is not above 0 and at most %d datagrams a second", o.Rate, MaxRate)
	}
	if o.Timeout <= 0 || o.Timeout > time.Minute {
		add("timeout %v is not between 0 and 1m", o.Timeout)
	}
	if o.Retries < 0 || o.Retries > 10 {
		add("retries %d is not between 0 and 10", o.Retries)
	}
	if o.Depth < 0 || o.Depth > 16 {
		add("depth %d is not between 0 and 16", o.Depth)
	}
	for _, p := range o.Neighbours {
		if !slices.Contains(Protocols(), p) {
			add("neighbours by %q; known are %v", p, Protocols())
		}
	}
	return errors.Join(errs...)
}

// Progress is how far a search has come.
type Progress struct {
	Asked, Of uint64 // addresses of Prefixes
	Queued    int    // neighbours that wait to be asked
	Followed  int    // neighbours that were asked
	Found     int    // agents that answer a credential
	Refused   int    // agents that answer none
	Left      time.Duration
}

// job is an address to ask.
type job struct {
	address netip.Addr
	depth   int
	at      uint64 // its position in Prefixes; of no meaning if depth is above 0
}

// answer is what became of a job.
type answer struct {
	job
	device     *Device
	refused    error // somebody is there who takes no credential
	failed     error // it could not be asked, for the system's reasons
	neighbours []netip.Addr
	err        error // ctx'
}

// search is a search at work. It is for Run's goroutine.
type search struct {
	o        Options
	state    State
	walk     addresses
	inFlight map[job]bool
	seen     map[netip.Addr]bool // neighbours that were queued, ever
	began    time.Time
	asked    uint64 // in this run
}

// Run searches until it is done or ctx ends, and returns what was found, in this run and the one that from is the state of. The State that
// it returns with ctx' error goes on where it stopped. No goroutine is left when it returns.
func Run(ctx context.Context, o Options, from State) (State, error) {
	if err := o.Validate(); err != nil {
		return from, err
	}
	s := &search{o: o, state: from.clone(), walk: newAddresses(o.Prefixes, from.Next), inFlight: map[job]bool{}, seen: map[netip.Addr]bool{}, began: time.Now()}
	for _, n := range s.state.Queue {
		s.seen[n.Address] = true
	}
	for _, d := range s.state.Devices {
		s.seen[d.Address] = true
	}
	for _, r := range s.state.Refused {
		s.seen[r.Address] = true
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	jobs, answers := make(chan job), make(chan answer)
	pace := &pacer{every: time.Duration(float64(time.Second) / o.Rate)}
	workers := max(1, min(maxParallel, int(o.Rate*(o.Timeout.Seconds()+0.1))))
	done := make(chan struct{}, workers)
	for range workers {
		go func() {
			defer func() { done <- struct{}{} }()
			w := worker{o: &o, pace: pace}
			for j := range jobs {
				answers <- w.ask(ctx, j)
			}
		}()
	}
	err := s.run(ctx, jobs, answers)
	cancel()
	close(jobs)
	for working := workers; working > 0; {
		select {
		case <-answers: // of requests that were broken off: they are asked again
		case <-done:
			working--
		}
	}
	s.tick()
	return s.snapshot(), errors.Join(err, s.save())
}

// run gives the workers their jobs and takes their answers.
func (s *search) run(ctx context.Context, jobs chan<- job, answers <-chan answer) error {
	tick := time.NewTicker(progressTick)
	defer tick.Stop()
	saved := time.Now()
	next, more := s.next()
	defer func() {
		if more {
			s.inFlight[next] = true // it is taken out of the queue and was not asked
		}
	}()
	for more || len(s.inFlight) > 0 {
		var out chan<- job
		if more {
			out = jobs
		}
		select {
		case out <- next:
			s.inFlight[next] = true
			next, more = s.next()
		case a := <-answers:
			if a.err != nil {
				return a.err
			}
			delete(s.inFlight, a.job)
			s.take(a)
			if !more {
				next, more = s.next()
			}
		case <-tick.C:
			s.tick()
			if time.Since(saved) >= saveEvery {
				saved = time.Now()
				if err := s.save(); err != nil {
					return err
				}
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// next returns the next address to ask: neighbours before the rest of the networks.
func (s *search) next() (job, bool) {
	if len(s.state.Queue) > 0 {
		n := s.state.Queue[0]
		s.state.Queue = s.state.Queue[1:]
		return job{address: n.Address, depth: n.Depth}, true
	}
	for {
		at := s.walk.at
		a, ok := s.walk.next()
		if !ok {
			return job{}, false
		}
		if !contains(s.o.Exclude, a) && !s.seen[a] {
			return job{address: a, at: at}, true
		}
	}
}

// take notes an answer.
func (s *search) take(a answer) {
	s.asked++
	if a.depth > 0 {
		s.state.Followed++
	}
	switch {
	case a.device == nil && a.refused == nil:
	case s.seen[a.address] && a.depth == 0:
		return // overlapping networks
	default:
		s.seen[a.address] = true
	}
	switch {
	case a.device != nil:
		s.state.Devices = append(s.state.Devices, *a.device)
		if s.o.Found != nil {
			s.o.Found(*a.device)
		}
	case a.refused != nil:
		s.state.Refused = append(s.state.Refused, Refusal{a.address, a.refused.Error()})
	case a.failed != nil:
		s.state.Failed++
		s.state.Failure = a.failed.Error()
	}
	if a.depth >= s.o.Depth {
		return
	}
	within := s.o.Within
	if len(within) == 0 {
		within = s.o.Prefixes
	}
	for _, n := range a.neighbours {
		scanned := contains(s.o.Prefixes, n) // it has its turn, or had it
		if s.seen[n] || scanned || !contains(within, n) || contains(s.o.Exclude, n) || len(s.seen) >= maxFollowed {
			continue
		}
		s.seen[n] = true
		s.state.Queue = append(s.state.Queue, Neighbour{n, a.depth + 1})
	}
}

// snapshot returns the state with what is under way as not asked yet.
func (s *search) snapshot() State {
	c := s.state.clone()
	c.Next = s.walk.at
	for j := range s.inFlight {
		if j.depth > 0 {
			c.Queue = append(c.Queue, Neighbour{j.address, j.depth})
		} else {
			c.Next = min(c.Next, j.at)
		}
	}
	return c
}

func (s *search) save() error {
	if s.o.Save == nil {
		return nil
	}
	return s.o.Save(s.snapshot())
}

func (s *search) tick() {
	if s.o.Progress == nil {
		return
	}
	of := Count(s.o.Prefixes)
	p := Progress{Asked: min(s.walk.at, of), Of: of, Queued: len(s.state.Queue), Followed: s.state.Followed, Found: len(s.state.Devices), Refused: len(s.state.Refused)}
	if s.asked > 0 {
		each := time.Since(s.began) / time.Duration(s.asked)
		p.Left = each * time.Duration(p.Of-p.Asked+uint64(p.Queued)+uint64(len(s.inFlight)))
	}
	s.o.Progress(p)
}
