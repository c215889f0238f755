package agent

import (
	"context"
	"sync"
	"time"
)

// lead is the right to read a socket, which one worker has at a time: it reads, answers, and reads on. If all workers waited
// for requests, each request would wake two, one of which finds nothing, and that costs more than most answers do.
//
// A leader that is told that its request will take long passes the lead on. One that is at one request for 50 to 100 ms, without having been told, loses
// it to another worker, so that a slow source holds up nobody else for longer; and as slow requests seldom come alone, the lead is then passed on before each of the next ones is answered.
//
// When nobody waits for a lead that is passed on there is one worker more, up to maxWorkers; it ends when workers wait without it.
type lead struct {
	free  chan struct{} // of capacity 1; an element is the lead that nobody has
	timer *time.Timer
	hire  func(l *lead) // starts a worker

	mu       sync.Mutex
	hired    int    // workers
	idle     int    // those that wait for the lead
	request  uint64 // the number of the latest one, from 1
	busy     bool   // the leader is at it
	watching bool   // timer runs
	seen     uint64 // the latest request when timer was set
	wary     int    // for so many requests the lead is passed on at once
}

const (
	// watchEvery is how often somebody looks what the leader is at, while there are requests. More often costs more than it
	// gains: a timer's way through the runtime takes as long as ten answers.
	watchEvery = 50 * time.Millisecond
	// waryFor is how many requests after a slow one are expected to be slow.
	waryFor = 1000
)

func newLead(hire func(l *lead)) *lead {
	l := &lead{free: make(chan struct{}, 1), hire: hire}
	l.free <- struct{}{}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.timer = time.AfterFunc(watchEvery, l.watch)
	return l
}

// start hires the first workers.
func (l *lead) start() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for range workers {
		l.hired++
		l.hire(l)
	}
}

// giveLocked passes the lead on. Its holder is still at work, so that hire never follows the end of the last worker.
func (l *lead) giveLocked() {
	if l.idle == 0 && l.hired < maxWorkers {
		l.hired++
		l.hire(l)
	}
	l.free <- struct{}{}
}

// wait returns true when the caller has the lead, false when ctx ends or the caller is needed no more.
func (l *lead) wait(ctx context.Context) bool {
	l.mu.Lock()
	if l.idle >= workers {
		l.hired--
		l.mu.Unlock()
		return false
	}
	l.idle++
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.idle--
	}()
	select {
	case <-l.free:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// begin says that the leader has read a request, and returns its number for end.
func (l *lead) begin() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.request++
	if l.wary > 0 {
		l.wary--
		l.giveLocked()
		return l.request
	}
	l.busy = true
	if !l.watching {
		l.look()
	}
	return l.request
}

// end says that a request is answered, and reports whether the caller still has the lead.
func (l *lead) end(request uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.busy || l.request != request {
		return false
	}
	l.busy = false
	return true
}

// pass gives the lead of who works on request to another worker; nothing if it has that no more.
func (l *lead) pass(request uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy && l.request == request {
		l.busy = false
		l.giveLocked()
	}
}

// look makes watch look at the leader later. The caller holds mu.
func (l *lead) look() {
	l.watching, l.seen = true, l.request
	l.timer.Reset(watchEvery)
}

// watch is timer's.
func (l *lead) watch() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.watching = false
	switch {
	case !l.busy:
	case l.request == l.seen:
		l.busy, l.wary = false, waryFor
		l.giveLocked()
	default:
		l.look()
	}
}

// stop ends the watch.
func (l *lead) stop() { l.timer.Stop() }
