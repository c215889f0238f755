package machine

import (
	"sync"
	"time"
)

const (
	// cheap is what a reading may take to be made anew each time.
	cheap = 5 * time.Millisecond
	// share is the part of one processor, as 1 of so many, that readings which are not cheap may take, however often somebody asks.
	share = 10
	// maxAge bounds how old a reading may be that is used again.
	maxAge = 5 * time.Second
)

// recent reads what costs more the larger the machine is, and uses it again for share times as long as the reading took. One reads at a time, for
// all who ask meanwhile. The zero value is ready.
type recent[T any] struct {
	mu    sync.Mutex
	until time.Time // when value has had its time
	value T
}

// of returns what read returns, or returned lately.
func (r *recent[T]) of(read func() (T, error)) (T, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	begin := time.Now()
	if begin.Before(r.until) {
		return r.value, nil
	}
	r.until = time.Time{}
	value, err := read()
	r.value = value
	if end := time.Now(); err == nil && end.Sub(begin) > cheap {
		r.until = end.Add(min(share*end.Sub(begin), maxAge))
	}
	return value, err
}
