package collector

import (
	"container/heap"
	"context"
	"hash/fnv"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// maxRunning is how many polls of a lane run at a time. One that is late for it shows as lag.
const maxRunning = 2048

// Targets that answered their last poll are scheduled apart from those that did not, or never were polled: where a site is cut off, thousands of polls
// wait for their time-outs, and must not hold up the others.
const (
	answering = iota
	silent
	lanes
)

// scheduler runs each target when it is due. A target that is not polled at present costs no goroutine and no timer.
type scheduler struct {
	sinks   []Sink
	running atomic.Int64 // polls
	wake    chan struct{}

	mu    sync.Mutex
	lanes [lanes]lane
	next  time.Time      // when run looks again by itself; zero: it does not
	ended sync.WaitGroup // of polls
}

// lane is targets that are polled side by side.
type lane struct {
	queue   queue
	running int // polls
}

func newScheduler(sinks []Sink) *scheduler {
	return &scheduler{sinks: sinks, wake: make(chan struct{}, 1)}
}

// runner is a target and its place in the schedule. Its fields but the first two are the scheduler's, under its lock.
type runner struct {
	target   *Target  // the poller's
	profiles Profiles // that it was made with
	poller   *poller

	slot   time.Time // of the next poll of its schedule
	due    time.Time // of what it does next: slot, or sooner
	lane   int       // in which it is, or will be
	at     int       // in the lane's queue, -1 if it is not there
	wanted wanted
	rested time.Time // not before then may an extra poll be made

	gone   bool
	cancel context.CancelFunc // of the poll that runs; nil if none does
	done   chan struct{}      // closed when that is over
}

// add lets r be polled at the slots of its target from now on.
func (s *scheduler) add(r *runner) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.slot, r.lane = firstSlot(time.Now(), r.target.Name, r.target.Interval), silent
	s.queueLocked(r)
}

// queueLocked puts r, which is not in the queue, into it.
func (s *scheduler) queueLocked(r *runner) {
	r.due = r.slot
	if r.wanted.any && r.rested.Before(r.due) {
		r.due = r.rested
	}
	heap.Push(&s.lanes[r.lane].queue, r)
	if s.next.IsZero() || r.due.Before(s.next) {
		s.wakeUp()
	}
}

func (s *scheduler) wakeUp() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// remove ends r, waits until it is over, and closes its session.
func (s *scheduler) remove(r *runner) {
	s.mu.Lock()
	r.gone = true
	if r.at >= 0 {
		heap.Remove(&s.lanes[r.lane].queue, r.at)
	}
	done := r.done
	if r.cancel != nil {
		r.cancel()
	}
	s.mu.Unlock()
	if done != nil {
		<-done
	}
	r.poller.close()
	r.poller.shared.engines.move(r.target.Name, r.poller.told, 0)
}

// want has what polled of r before its slot.
func (s *scheduler) want(r *runner, what wanted) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.wanted.add(what)
	if r.at >= 0 && r.rested.Before(r.due) {
		heap.Remove(&s.lanes[r.lane].queue, r.at)
		s.queueLocked(r)
	}
}

// run starts what is due until ctx ends, and returns when the last poll has.
func (s *scheduler) run(ctx context.Context) {
	defer s.ended.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-timer.C:
		}
		if next := s.start(ctx); !next.IsZero() {
			timer.Reset(time.Until(next))
		}
	}
}

// start starts what is due, and returns when the next is; zero if none waits for its time.
func (s *scheduler) start(ctx context.Context) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = time.Time{}
	now := time.Now()
	for i := range s.lanes {
		l := &s.lanes[i]
		for len(l.queue) > 0 && !l.queue[0].due.After(now) && l.running < maxRunning { // one that ends wakes us
			s.startLocked(ctx, l)
		}
		if len(l.queue) > 0 && l.running < maxRunning && (s.next.IsZero() || l.queue[0].due.Before(s.next)) {
			s.next = l.queue[0].due
		}
	}
	return s.next
}

// startLocked starts the first of a lane.
func (s *scheduler) startLocked(ctx context.Context, l *lane) {
	r := heap.Pop(&l.queue).(*runner)
	pollCtx, cancel := context.WithCancel(ctx)
	r.cancel, r.done = cancel, make(chan struct{})
	l.running++
	s.running.Add(1)
	s.ended.Go(func() { s.work(pollCtx, r) })
}

// work makes the poll that r is due for, and puts r back into the queue.
func (s *scheduler) work(ctx context.Context, r *runner) {
	s.mu.Lock()
	slot, extra := r.slot, wanted{}
	if r.due.Before(slot) {
		extra, r.wanted = r.wanted, wanted{}
	}
	s.mu.Unlock()
	over := 0
	if extra.any {
		r.pollExtra(ctx, s.sinks, slot, extra)
	} else {
		over = r.poll(ctx, s.sinks, slot)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r.cancel()
	r.cancel = nil
	close(r.done)
	if s.lanes[r.lane].running--; s.lanes[r.lane].running == maxRunning-1 {
		s.wakeUp()
	}
	s.running.Add(-1)
	if r.lane = answering; r.poller.silent {
		r.lane = silent
	}
	if extra.any {
		r.rested = time.Now().Add(minExtra)
	} else {
		r.slot = slot.Add(time.Duration(over+1) * r.target.Interval)
	}
	if !r.gone {
		s.queueLocked(r)
	}
}

// poll makes the poll of a slot. The deadline of a poll leaves it time to end before the next slot; where sinks take longer still, slots are missed,
// as many as it returns.
func (r *runner) poll(ctx context.Context, sinks []Sink, slot time.Time) (missed int) {
	interval := r.target.Interval
	lag := time.Since(slot)
	pollCtx, cancel := context.WithTimeout(ctx, deadline(interval))
	poll := r.poller.poll(pollCtx)
	cancel()
	if ctx.Err() != nil {
		return 0 // what it has is a poll that was broken off, not what the target is like
	}
	r.poller.notice(poll, lag)
	r.deliver(ctx, sinks, poll)
	missed = int(time.Since(slot) / interval)
	if missed > 0 {
		r.poller.stats.missed(missed)
	}
	return missed
}

// deliver has the sinks take a poll, whose memory then serves another.
func (r *runner) deliver(ctx context.Context, sinks []Sink, poll Poll) {
	for _, s := range sinks {
		s.Poll(ctx, poll)
	}
	r.poller.shared.takeBack(&poll)
}

// deadline is how long a poll may take.
func deadline(interval time.Duration) time.Duration { return interval - min(interval/10, time.Second) }

// firstSlot returns the first time after now that is a slot of the device: slots are a whole number of intervals, and a hash of its
// name, after the epoch. So a fleet spreads over the interval, and each keeps its place over a restart.
func firstSlot(now time.Time, device string, interval time.Duration) time.Time {
	h := fnv.New64a()
	_, _ = io.WriteString(h, device)
	phase := int64(h.Sum64() % uint64(interval))
	wait := (phase - now.UnixNano()) % int64(interval)
	if wait <= 0 {
		wait += int64(interval)
	}
	return now.Add(time.Duration(wait))
}

// queue is a heap.Interface of runners, the one that is due first at its top.
type queue []*runner

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].due.Before(q[j].due) }
func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].at, q[j].at = i, j
}

func (q *queue) Push(x any) {
	r := x.(*runner)
	r.at = len(*q)
	*q = append(*q, r)
}

func (q *queue) Pop() any {
	last := len(*q) - 1
	r := (*q)[last]
	(*q)[last], *q = nil, (*q)[:last]
	r.at = -1
	return r
}
