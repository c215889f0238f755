package alert

import (
	"time"

	"walkabout/alert/silence"
)

// Target is a device that the engine watches.
type Target struct {
	Device    string            // its name in the configuration
	AgentHost string            // its address, the label agent_host until a sample brings one
	Labels    map[string]string // the target's labels; the one called parent names the target that this one is behind
	Collect   []string          // the measurements that are collected; nil: all
}

// ParentLabel is the label of a target that names the device that it is behind.
const ParentLabel = "parent"

// RuleOptions are what all rules have.
type RuleOptions struct {
	Enabled  bool
	Severity string            // becomes Alert.Severity
	Labels   map[string]string // become labels of its alerts; those of the device and interface go before

	For           time.Duration // observed time for which the condition must hold until the alert fires
	Polls         int           // successive polls that must agree until it fires; less than 1 is 1
	KeepFiringFor time.Duration // observed time for which a firing alert's condition must be gone until it is resolved (hold-down)
}

// InterfaceMismatchRule configures interface_mismatch.
type InterfaceMismatchRule struct {
	RuleOptions

	// Also are more values of ifOperStatus that are a mismatch where ifAdminStatus is up: testing(3), unknown(4), dormant(5).
	Also []int64
	// NoReverse: ifAdminStatus down with ifOperStatus up is none.
	NoReverse bool

	// A port whose mismatch comes and goes more than FlapChanges times within FlapWindow, the two counted together, is flapping: it fires
	// whatever For is, and stays Firing until its condition was not seen for FlapHold of observed time. FlapChanges less than 1 is never.
	FlapChanges int
	FlapWindow  time.Duration
	FlapHold    time.Duration
}

// ThresholdRule configures interface_utilisation, interface_errors and interface_discards.
type ThresholdRule struct {
	RuleOptions
	Above float64 // a share, between 0 and 1
	Least float64 // errors or discards a second below which the share says nothing
}

// SpeedDuplexRule configures interface_speed_duplex.
type SpeedDuplexRule struct {
	RuleOptions
	// AcceptAfter is after how long what is new is taken for what it should be.
	AcceptAfter time.Duration
}

// Rule is a rule of the site's own: a condition over each row of a measurement.
type Rule struct {
	RuleOptions
	Name        string // becomes Alert.Rule; none of the built-in rules'
	Measurement string
	Condition   Condition

	kind string // of a built-in rule; "": KindExpression
}

// Condition decides over one row of a measurement. It is called by one goroutine at a time.
type Condition interface {
	// Eval returns whether the condition holds; known is false where the row lacks what it would need. values are what decided, and are
	// asked for only if the condition holds or an alert of it exists.
	Eval(s *Row) (holds, known bool)
	Values(s *Row) map[string]string
	// Summary is one line for people about s, without device and key.
	Summary(s *Row) string
	// Same reports whether other decides as this one does: an alert then goes on over a reload.
	Same(other Condition) bool
}

// Config is what an Engine works by.
type Config struct {
	InterfaceMismatch InterfaceMismatchRule

	// A device that does not answer has one alert, by why: of AuthenticationFailed, of SNMPSilent (it answers ping), or else of
	// DeviceUnreachable. Polls are failed polls in a row; For and KeepFiringFor have no meaning.
	DeviceUnreachable, SNMPSilent, AuthenticationFailed RuleOptions

	DeviceRebooted       RuleOptions // for RebootHold after a reset; For and Polls have no meaning
	InterfaceUtilisation ThresholdRule
	InterfaceErrors      ThresholdRule
	InterfaceDiscards    ThresholdRule
	InterfaceSpeedDuplex SpeedDuplexRule
	CounterTooNarrow     RuleOptions // octets of an interface, 32 bits wide, may wrap within an interval; one alert a device

	// DNSServerDown is of a name server that its agent cannot read, DNSZoneStale of a zone that was never loaded, has expired, or is older than its
	// primary's for longer than its refresh. They are of what the profile dns collects.
	DNSServerDown, DNSZoneStale RuleOptions

	SpoolFilling, CollectorLate RuleOptions // of the collector itself: see Engine.Check

	Rules []Rule // the site's own; names are distinct

	Ignore  []InterfaceMatch // interfaces that no rule of interfaces looks at
	NoAlert string           // nor at those whose ifAlias contains it, in upper or lower case; "" is none

	Maintenance []silence.Window // silences that come again

	RebootHold time.Duration // how long after a reset a device's interfaces stay frozen
	Remember   time.Duration // how long Alert.FiredBefore looks back

	// ExternalURL is where the collector's pages are reached, without a slash at its end: Alert.Link.
	ExternalURL string

	Targets []Target // the devices that exist; names are distinct
}

// Severities of the built-in rules.
const (
	Critical = "critical"
	Warning  = "warning"
	Info     = "info"
)

// DefaultNoAlert is the text in an ifAlias that keeps an interface from alerting.
const DefaultNoAlert = "[noalert]"

// DefaultConfig has the defaults that docs/alerts.md tells: all rules but interface_utilisation and interface_discards are enabled, and what must
// hold for some time until it fires must be gone for as long until it is resolved. It has no targets.
func DefaultConfig() Config {
	on := func(severity string, lasting time.Duration, polls int) RuleOptions {
		return RuleOptions{Enabled: true, Severity: severity, For: lasting, KeepFiringFor: lasting, Polls: polls}
	}
	off := func(o RuleOptions) RuleOptions { o.Enabled = false; return o }
	return Config{
		InterfaceMismatch: InterfaceMismatchRule{RuleOptions: on(Critical, time.Minute, 2),
			FlapChanges: 3, FlapWindow: 15 * time.Minute, FlapHold: 5 * time.Minute},
		DeviceUnreachable: on(Critical, 0, 2), SNMPSilent: on(Critical, 0, 2), AuthenticationFailed: on(Critical, 0, 2),
		DeviceRebooted:       on(Warning, 0, 1),
		InterfaceUtilisation: ThresholdRule{RuleOptions: off(on(Warning, 15*time.Minute, 2)), Above: 0.9},
		InterfaceErrors:      ThresholdRule{RuleOptions: on(Warning, 5*time.Minute, 2), Above: 0.01, Least: 0.1},
		InterfaceDiscards:    ThresholdRule{RuleOptions: off(on(Warning, 5*time.Minute, 2)), Above: 0.01, Least: 1},
		InterfaceSpeedDuplex: SpeedDuplexRule{RuleOptions: on(Warning, 0, 2), AcceptAfter: 24 * time.Hour},
		CounterTooNarrow:     on(Info, 5*time.Minute, 2),
		SpoolFilling:         on(Critical, 0, 1),
		CollectorLate:        on(Warning, 2*time.Minute, 1),
		DNSServerDown:        on(Critical, 0, 2),
		DNSZoneStale:         on(Critical, 0, 2),
		NoAlert:              DefaultNoAlert,
		RebootHold:           5 * time.Minute,
		Remember:             30 * 24 * time.Hour,
	}
}
