package alert

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"
)

// The rules, as Alert.Rule and the configuration name them.
const (
	RuleInterfaceMismatch    = "interface_mismatch"
	RuleDeviceUnreachable    = "device_unreachable"
	RuleSNMPSilent           = "snmp_silent"
	RuleAuthenticationFailed = "authentication_failed"
	RuleDeviceRebooted       = "device_rebooted"
	RuleInterfaceUtilisation = "interface_utilisation"
	RuleInterfaceErrors      = "interface_errors"
	RuleInterfaceDiscards    = "interface_discards"
	RuleInterfaceSpeedDuplex = "interface_speed_duplex"
	RuleCounterTooNarrow     = "counter_too_narrow"
	RuleSpoolFilling         = "spool_filling"
	RuleCollectorLate        = "collector_late"
	RuleDNSServerDown        = "dns_server_down"
	RuleDNSZoneStale         = "dns_zone_stale"
)

// RuleNames are the built-in rules.
var RuleNames = [...]string{RuleInterfaceMismatch, RuleDeviceUnreachable, RuleSNMPSilent, RuleAuthenticationFailed, RuleDeviceRebooted,
	RuleInterfaceUtilisation, RuleInterfaceErrors, RuleInterfaceDiscards, RuleInterfaceSpeedDuplex, RuleCounterTooNarrow, RuleSpoolFilling, RuleCollectorLate,
	RuleDNSServerDown, RuleDNSZoneStale}

// The kinds of alerts. One interface has at most one alert of each kind.
const (
	KindOperDown = "admin_up_oper_down" // interface_mismatch: should pass traffic and does not
	KindOperUp   = "admin_down_oper_up" // interface_mismatch: disabled, and passing traffic
	KindNeverUp  = "never_up"           // interface_mismatch: KindOperDown on a port that nothing shows was ever used; Listed only
	KindNoAnswer = "no_answer"          // device_unreachable

	KindSNMPSilent           = "snmp_silent"
	KindAuthenticationFailed = "authentication_failed"
	KindRebooted             = "rebooted"
	KindAbove                = "above_threshold" // interface_utilisation, interface_errors, interface_discards
	KindSpeed                = "speed_changed"   // interface_speed_duplex
	KindDuplex               = "duplex_changed"  // interface_speed_duplex
	KindTooNarrow            = "wraps_too_soon"  // counter_too_narrow
	KindFilling              = "filling"         // spool_filling
	KindLate                 = "late"            // collector_late
	KindServerDown           = "server_down"     // dns_server_down
	KindNotCurrent           = "not_current"     // dns_zone_stale: never loaded, or expired
	KindBehind               = "behind_primary"  // dns_zone_stale
	KindExpression           = "expression"      // a rule of the site's own
)

// State is where an alert stands.
type State uint8

const (
	Inactive State = iota // before the first: the From of an alert's first Transition
	Pending               // the condition holds, but not for long enough
	Firing                // people are told
	Resolved              // over; Alert.Reason says why
	Listed                // worth a line in a list, never a page: never_up
)

var stateNames = [...]string{Inactive: "inactive", Pending: "pending", Firing: "firing", Resolved: "resolved", Listed: "listed"}

// String returns the word that is exported for s, such as "firing".
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return "invalid"
}

// MarshalText is String; it never fails.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText accepts what MarshalText writes.
func (s *State) UnmarshalText(text []byte) error {
	for i, name := range stateNames {
		if name == string(text) {
			*s = State(i)
			return nil
		}
	}
	return fmt.Errorf("alert: no such state: %q", text)
}

// Reason says why an alert is Resolved.
type Reason string

const (
	Recovered     Reason = "recovered"      // the condition was seen not to hold
	Removed       Reason = "removed"        // two complete walks in a row did not contain the interface
	TargetRemoved Reason = "target_removed" // the device, or the table that the rule reads, is no longer collected
	RuleRemoved   Reason = "rule_removed"   // the rule was turned off, or is another
	Ignored       Reason = "ignored"        // the configuration or ifAlias says that nobody wants to know
	Accepted      Reason = "accepted"       // interface_speed_duplex: what was new is what is usual now
	Superseded    Reason = "superseded"     // the device does not answer for another reason, of which it has another alert
)

// Freeze says why an alert's state stands still.
type Freeze string

const (
	NotFrozen   Freeze = ""
	Unreachable Freeze = "unreachable" // the last poll was not answered
	Rebooting   Freeze = "rebooting"   // less than Config.RebootHold since the device's last reset
	NotSeen     Freeze = "not_seen"    // the last walk had no status of the interface
)

// Alert is one condition of one device or interface. It is a value; its maps are never changed once it was handed out, and
// receivers must not change them either.
type Alert struct {
	Fingerprint string `json:"fingerprint"` // 32 hex digits; the same for the same Device, Rule, Key and Kind at all times
	Device      string `json:"device"`      // the target's name
	Rule        string `json:"rule"`
	Kind        string `json:"kind"`
	Key         string `json:"key"` // what of the device: the interface's identity; "" is the device itself
	State       State  `json:"state"`
	Reason      Reason `json:"reason,omitempty"` // set when Resolved
	// Flapping: it fired and recovered too often, and stays Firing until it has been well for InterfaceMismatchRule.FlapHold.
	Flapping bool `json:"flapping,omitempty"`

	Since      time.Time `json:"since"`                // the poll that first saw the condition
	FiredAt    time.Time `json:"fired_at,omitzero"`    // the poll that made it Firing
	ResolvedAt time.Time `json:"resolved_at,omitzero"` // the poll or reload that made it Resolved

	Observed time.Duration `json:"observed_ns"` // how long the condition was seen to hold; less than now - Since after a freeze
	Polls    int           `json:"polls"`       // polls that saw it

	Frozen Freeze `json:"frozen,omitempty"`

	// Severity is the rule's: "critical", "warning" or "info" unless configured otherwise. Receivers route by it.
	Severity string `json:"severity,omitempty"`

	// FiredBefore is how often this alert (Fingerprint) fired before this time within Config.Remember, and LastFired when it last did.
	FiredBefore int       `json:"fired_before,omitempty"`
	LastFired   time.Time `json:"last_fired_at,omitzero"`

	// ExplainedBy names what explains an alert that is Pending and would fire otherwise: an interface below this one (its Key), or a device
	// that this one is behind. Explains is of the other side: how many alerts were kept back for this one, up to now.
	ExplainedBy string `json:"explained_by,omitempty"`
	Explains    int    `json:"explains,omitempty"`

	// Untold: it fired while it was silenced, and nobody was told. If it still fires when the silence is over, people are told then.
	Untold bool `json:"untold,omitempty"`
	// SilencedBy is what silences it now: the ID of a silence, or "maintenance:" and the name of a window; set by Alerts.
	SilencedBy string `json:"silenced_by,omitempty"`
	// Ack is set while somebody looks after it. What escalates asks for it (Manager.Alert) before it does.
	Ack *Ack `json:"ack,omitempty"`

	// Link leads to the alert on the collector's pages; "" unless Config.ExternalURL is set.
	Link string `json:"link,omitempty"`

	// Labels say where: device, agent_host, hostname, sysLocation, the target's labels; ifName, ifDescr and ifAlias of an interface; those
	// that the rule adds.
	Labels map[string]string `json:"labels,omitempty"`
	// Values are what decided, by MIB object, enumerations by their names ("lowerLayerDown"); for device_unreachable "error"
	// and "failedPolls".
	Values map[string]string `json:"values,omitempty"`
	// Summary is one line for people.
	Summary string `json:"summary"`
}

// Ack says who looks after an alert. It ends with the alert, or at Until.
type Ack struct {
	By     string    `json:"by"`
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at"`
	Until  time.Time `json:"until,omitzero"` // zero: as long as it fires
}

// Transition is one change of one alert's state. The embedded Alert is as it stands after the change, so that State is the
// state that was entered.
type Transition struct {
	// ID is the same whenever the same transition is told again, and differs from that of any other transition: receivers
	// use it to drop repetitions.
	ID   string    `json:"id"`
	From State     `json:"from"`
	At   time.Time `json:"at"` // the time of the poll that caused it
	// Number ascends with the transitions of a collector, without repetition as long as its state and history are kept.
	Number uint64 `json:"number,omitempty"`
	// Quiet: nobody is told. It is silenced, or the end of an alert that nobody was told of.
	Quiet bool `json:"quiet,omitempty"`
	Alert
}

// Notifies reports whether t is for people's eyes: an alert that fires, is found to be flapping, or still fires at the end of a silence; or
// the end of one that people were told of.
func (t Transition) Notifies() bool {
	return !t.Quiet && (t.State == Firing || t.State == Resolved && t.From == Firing)
}

// fingerprint hashes what identifies an alert. Lengths go in front, so that no two lists of strings run together.
func fingerprint(device, rule, key, kind string) string {
	b := make([]byte, 0, 128)
	for _, s := range [...]string{device, rule, key, kind} {
		b = append(strconv.AppendInt(b, int64(len(s)), 10), ':')
		b = append(b, s...)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}

// TransitionID returns the ID of the transition by which a came into its state. It relies on an alert entering each state at most once for each
// Since. The transition from Firing to Firing of one that is found to be flapping has an ID of its own.
func TransitionID(a *Alert) string {
	return a.Fingerprint + "-" + strconv.FormatInt(a.Since.UnixMilli(), 36) + "-" + a.State.String()
}
