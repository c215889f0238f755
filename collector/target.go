package collector

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"walkabout/collector/session"
)

// DefaultPort is the agent's UDP port where an address names none.
const DefaultPort = 161

// Target is one agent to poll, and how. DefaultTarget gives the values that a configuration may leave out.
type Target struct {
	Name       string // the tag device; distinct among targets
	Address    string // "host", "host:port", "[2001:db8::1]:port" or "2001:db8::1"; names are resolved when a session opens
	Credential session.Credential
	Collect    []string          // names of profiles, such as "interfaces", and Auto; at least one
	Labels     map[string]string // more tags for every sample; none of BuiltInTags

	Interfaces *InterfaceFilter // which interfaces are polled; nil: all

	Interval       time.Duration // from one poll's start to the next
	Structure      time.Duration // how old what was read of slow columns may be before it is read again; 0 reads it at each poll
	Timeout        time.Duration // for one answer, at the most, before the request is sent again
	Retries        int           // how often a request is sent again; 0 is never
	MaxRepetitions int           // the most repetitions that a GETBULK asks for; halved where an agent cannot bear them
	NoBulk         bool          // walk with GETNEXT, for agents whose GETBULK is broken; v1 always does
	Source         netip.Addr    // requests leave from it; the zero Addr leaves the choice to the system
	AnySource      bool          // answers may come from another address than was asked, as those of some multi-homed devices do

	TrapSources []netip.Addr // more addresses that its notifications come from; polling has no use for them

	Ping PingMode // when it is pinged

	AssumeSpeed uint64 // bits per second, for interfaces that tell no speed of their own
	MaxGap      int    // intervals without an answer after which a counter starts anew, with the verdict counter.Gap
}

// DefaultTarget returns a target that is polled every 30 s; it still needs Name, Address, Credential and Collect.
func DefaultTarget() Target {
	return Target{
		Interval:       30 * time.Second,
		Structure:      5 * time.Minute,
		Timeout:        2 * time.Second,
		Retries:        2,
		MaxRepetitions: 25,
		AssumeSpeed:    1_000_000_000,
		MaxGap:         5,
		Ping:           PingSilent,
	}
}

const (
	// MinInterval is the shortest Interval. Agents step many of their counters by the second.
	MinInterval = time.Second
	// MaxMaxRepetitions is the largest MaxRepetitions: more would not fit a datagram.
	MaxMaxRepetitions = 255
)

// Validate returns everything that is wrong with t, nil if it can be polled. It sends nothing and resolves nothing.
// profiles are the profiles that exist.
func (t Target) Validate(profiles Profiles) error {
	errs := slices.Concat(t.validateAgent(), t.validateCollect(profiles), t.validateWays())
	if err := errors.Join(errs...); err != nil {
		return &TargetError{t.Name, err}
	}
	return nil
}

// faults gathers what is wrong.
type faults []error

func (f *faults) add(format string, args ...any) { *f = append(*f, fmt.Errorf(format, args...)) }

// validateAgent returns what is wrong with which agent it is.
func (t Target) validateAgent() (wrong faults) {
	if t.Name == "" {
		wrong.add("a target needs a name")
	}
	if strings.ContainsFunc(t.Name, unicode.IsControl) || !utf8.ValidString(t.Name) {
		wrong.add("a target's name holds no line ends or other control characters, and is UTF-8")
	}
	if _, _, err := SplitAddress(t.Address); err != nil {
		wrong = append(wrong, err)
	}
	if err := t.Credential.Validate(); err != nil {
		wrong.add("credential: %w", err)
	}
	return wrong
}

// validateCollect returns what is wrong with what is collected, and how it is labelled.
func (t Target) validateCollect(profiles Profiles) (wrong faults) {
	if len(t.Collect) == 0 {
		wrong.add("collect names no profile; known are %s", strings.Join(profiles.Names(), ", "))
	}
	for i, name := range t.Collect {
		if _, ok := profiles[name]; !ok && name != Auto {
			wrong.add("collect: %w", profiles.Unknown(name, Auto))
		}
		if slices.Contains(t.Collect[:i], name) {
			wrong.add("collect: profile %q twice", name)
		}
	}
	wrong = append(wrong, sameMeasurement(t.Collect, profiles)...)
	for _, name := range slices.Sorted(maps.Keys(t.Labels)) {
		if err := ValidateLabel(name, t.Collect, profiles); err != nil {
			wrong = append(wrong, err)
		}
	}
	if t.Interfaces != nil {
		wrong = append(wrong, t.Interfaces.validate()...)
	}
	return wrong
}

// validateWays returns what is wrong with when and how it is asked, and how its counters are judged.
func (t Target) validateWays() (wrong faults) {
	if t.Interval < MinInterval {
		wrong.add("interval %v is below the least, %v", t.Interval, MinInterval)
	}
	if t.Timeout <= 0 || t.Timeout > t.Interval {
		wrong.add("timeout %v is not between 0 and the interval, %v", t.Timeout, t.Interval)
	}
	if t.Structure < 0 {
		wrong.add("structure %v is below 0", t.Structure)
	}
	if t.Retries < 0 || t.Retries > 10 {
		wrong.add("retries %d is not between 0 and 10", t.Retries)
	}
	if t.MaxRepetitions < 1 || t.MaxRepetitions > MaxMaxRepetitions {
		wrong.add("max_repetitions %d is not between 1 and %d", t.MaxRepetitions, MaxMaxRepetitions)
	}
	if t.Ping != "" && t.Ping != PingSilent && t.Ping != PingAlways && t.Ping != PingNever {
		wrong.add("ping %q is none of silent, always and never", t.Ping)
	}
	if t.AssumeSpeed == 0 {
		wrong.add("assume_speed must be above 0")
	}
	if t.MaxGap < 1 {
		wrong.add("max_gap %d is below 1", t.MaxGap)
	}
	return wrong
}

// sameMeasurement returns what is wrong with profiles that make one measurement between them.
func sameMeasurement(collect []string, profiles Profiles) []error {
	var errs []error
	from := map[string]string{}
	for _, name := range slices.Compact(slices.Clone(collect)) {
		p := profiles[name]
		if p == nil {
			continue
		}
		for _, m := range p.Measurements() {
			if other, twice := from[m]; twice && other != name {
				errs = append(errs, fmt.Errorf("collect: the profiles %q and %q both make the measurement %q", other, name, m))
			}
			from[m] = name
		}
	}
	return errs
}

// SplitAddress returns the host and port of an address as Target has it; the port is DefaultPort where it names none.
func SplitAddress(address string) (host string, port uint16, err error) {
	full := address
	switch {
	case strings.HasPrefix(address, "["):
		if strings.HasSuffix(address, "]") {
			full = fmt.Sprintf("%s:%d", address, DefaultPort)
		}
	case strings.Count(address, ":") != 1: // no port: a name, or an address of either family
		full = net.JoinHostPort(address, strconv.Itoa(DefaultPort))
	}
	host, text, err := net.SplitHostPort(full)
	if err != nil {
		return "", 0, fmt.Errorf("address %q: %w", address, err)
	}
	if host == "" || strings.ContainsAny(host, " \t/[]") {
		return "", 0, fmt.Errorf("address %q has no usable host; write host, host:port or [2001:db8::1]:port", address)
	}
	// The port of an address without brackets would pass as a part of it, or of its zone.
	if a, err := netip.ParseAddr(host); strings.Contains(host, ":") && (err != nil || strings.Contains(a.Zone(), ":")) {
		return "", 0, fmt.Errorf("address %q is no IPv6 address; with a port write [2001:db8::1]:port", address)
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return "", 0, fmt.Errorf("address %q: the port is not between 1 and 65535", address)
	}
	return host, uint16(n), nil
}

// BuiltInTags are the tags that the collector itself gives to samples; no label may have one of these names.
func BuiltInTags() []string { return []string{"device", "agent_host", "hostname", "ifName", "ifDescr"} }

// ValidateLabel returns why a target that collects these profiles can have no label of the name, nil if it can.
func ValidateLabel(name string, collect []string, profiles Profiles) error {
	switch {
	case name == "":
		return errors.New("a label needs a name")
	case slices.Contains(BuiltInTags(), name):
		return fmt.Errorf("label %q: the collector has a tag of that name; choose another", name)
	case name == "time" || strings.HasPrefix(name, "_"):
		return fmt.Errorf("label %q: InfluxDB keeps this name for itself; choose another", name)
	}
	if slices.Contains(collect, Auto) {
		collect = profiles.Names()
	}
	for _, profile := range collect {
		if p := profiles[profile]; p != nil && p.uses(name) {
			return fmt.Errorf("label %q: the profile %q has a tag or field of that name; choose another", name, profile)
		}
	}
	return nil
}
