// Package duration reads durations as people write them in configuration files and behind flags.
package duration

import (
	"fmt"
	"time"

	"github.com/prometheus/common/model"
)

// Parse reads Go's form, 1.5h or 1m30s, and Prometheus', which has days and weeks too: 30d, 1d12h, 2w. A day is 24 hours. The error says how one is
// written.
func Parse(text string) (time.Duration, error) {
	if d, err := time.ParseDuration(text); err == nil {
		return d, nil
	}
	d, err := model.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%q is no duration; write it with its unit, as in 30s, 5m or 7d", text)
	}
	return time.Duration(d), nil
}

// NotNegative is Parse for what cannot be negative.
func NotNegative(text string) (time.Duration, error) {
	d, err := Parse(text)
	if err == nil && d < 0 {
		err = fmt.Errorf("the duration %v is negative", d)
	}
	return d, err
}

// Flag is a duration behind a flag, as pflag.Value.
type Flag time.Duration

// String implements pflag.Value.
func (f *Flag) String() string { return time.Duration(*f).String() }

// Type implements pflag.Value.
func (f *Flag) Type() string { return "duration" }

// Set implements pflag.Value.
func (f *Flag) Set(text string) error {
	d, err := Parse(text)
	*f = Flag(d)
	return err
}
