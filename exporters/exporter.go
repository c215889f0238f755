// Package exporters ships samples to outputs: an Exporter knows how to write to one kind of output, a Runner queues,
// batches, retries and counts for it. Each kind has a folder of its own below this one.
package exporters

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"walkabout/metric"
)

// Exporter writes to one output. Its methods are called by one goroutine at a time, and Export not after Close.
type Exporter interface {
	// Export writes batch, which is not empty, and returns nil only when all of it is durable at the output. It must not
	// retain batch nor change it, and returns soon after ctx ends.
	//
	// A *PartialError says that all but the named samples are durable and that those never will be. After any other
	// error nothing is known to be durable and the whole batch will come again, perhaps with others: writing a sample
	// twice must do no harm. *ConfigError and *RetryError say why; every other error is taken as a RetryError.
	Export(ctx context.Context, batch []metric.Sample) error
	// Close releases what the Exporter holds.
	Close() error
}

// Omitter is an Exporter that counts the fields that its output's format cannot hold, by reason. Omitted may be called from
// any goroutine at any time.
type Omitter interface {
	Omitted() map[string]uint64
}

// RetryError is a failure that may pass: the output is away, busy or broken.
type RetryError struct {
	// Reason is one word for the metrics, such as "timeout" or "busy"; "other" if empty.
	Reason string
	// After is how long the output asked to be left alone; 0 if it did not ask.
	After time.Duration
	// Usual says that it is no fault, but a state that passes by itself, such as a start. It is worth a warning only when it lasts.
	Usual bool
	Err   error
}

func (e *RetryError) Error() string {
	if e.After > 0 {
		return fmt.Sprintf("%v (retry after %v)", e.Err, e.After)
	}
	return e.Err.Error()
}

func (e *RetryError) Unwrap() error { return e.Err }

// ConfigError is a failure that lasts until somebody changes the configuration, here or at the output. Its text says what
// to do.
type ConfigError struct{ Err error }

func (e *ConfigError) Error() string { return e.Err.Error() }

func (e *ConfigError) Unwrap() error { return e.Err }

// PartialError says that the output took a batch but for some samples, which it will never take.
type PartialError struct {
	// Rejected are indexes into the batch, ascending and distinct.
	Rejected []int
	// Err is the output's own words, about the first of them if they differ.
	Err error
}

func (e *PartialError) Error() string {
	return fmt.Sprintf("%d samples rejected: %v", len(e.Rejected), e.Err)
}

func (e *PartialError) Unwrap() error { return e.Err }

// reason returns the word that err is counted under.
func reason(err error) string {
	var retry *RetryError
	var config *ConfigError
	var partial *PartialError
	switch {
	case errors.As(err, &partial):
		return "rejected"
	case errors.As(err, &config):
		return "config"
	case errors.As(err, &retry) && retry.Reason != "":
		return retry.Reason
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	default:
		return "other"
	}
}

// RetryAfter reads the header of RFC 9110, 10.2.3, seconds or a date, as how long an output asks to be left alone; 0 if it does not ask.
func RetryAfter(h http.Header) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}

// Rejects collects what an output will never take of a batch.
type Rejects struct {
	Samples []int // indexes into the batch, in any order
	Err     error // about the first
}

// Add notes a sample. The error counts if it is the first.
func (r *Rejects) Add(sample int, err error) {
	r.Samples = append(r.Samples, sample)
	r.Err = cmp.Or(r.Err, err)
}

// Partial returns the *PartialError, nil if there are none.
func (r *Rejects) Partial() error {
	if len(r.Samples) == 0 {
		return nil
	}
	slices.Sort(r.Samples)
	return &PartialError{Rejected: r.Samples, Err: r.Err}
}

// ErrPort is about a port that ValidPort refuses.
var ErrPort = errors.New("the port is not between 1 and 65535")

// ValidPort reports whether port, of a URL or of HOST:PORT, can be dialled; none can.
func ValidPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0
}
