// Package alert decides from polls what deserves a person's attention, remembers it over restarts, and sees to it that every
// notifier is told once.
//
// Engine holds the rules and the states. It is deterministic: time is an argument, there is no goroutine and no lock. Manager
// wraps it for a running program: it may be called from many pollers at once, writes the state to disk, and then delivers
// each Transition to each Notifier. Package notify has the notifiers.
//
// # What the collector calls
//
// One Manager.Observe for every poll of a device that was answered, in whole or in part, and one Manager.Failed for every
// poll that was not answered at all. Calls for one device come one after the other, in the order of their time; calls for
// different devices may run at the same time:
//
//	func (m *Manager) Observe(p Poll) []Transition
//	func (m *Manager) Failed(at time.Time, device string, err error) []Transition
//
// err is a *PollError where it is known why nobody answered.
//
// The rules read these measurements:
//
//	interface   one Sample a row of ifTable and ifXTable.
//	            Tags: ifName, ifDescr; device, agent_host, hostname and the target's labels become labels of the alert.
//	            Fields: ifIndex, ifAdminStatus, ifOperStatus, ifLastChange, ifAlias, ifHCInOctets or ifInOctets, and the
//	            verdicts of all counters. A field that was not answered is left out, not set to 0.
//
//	interface_stack     ifStackTable: ifStackHigherLayer, ifStackLowerLayer. Which interface runs over which.
//	interface_ethernet  dot3StatsTable: ifIndex, dot3StatsDuplexStatus by its label.
//	system              sysLocation.
//
// and the site's own rules any other.
//
// # Rules
//
// interface_mismatch: ifAdminStatus up(1) with ifOperStatus down(2), notPresent(6) or lowerLayerDown(7); and, as a kind of
// its own, ifAdminStatus down(2) with ifOperStatus up(1) (RFC 2863, section 3.1.13). Any other pair is no mismatch, unless
// InterfaceMismatchRule.Also has it. A port is the same port as long as its ifName (ifDescr where there is none) is; its ifIndex may change.
//
//   - A mismatch is pending until Polls polls agree and it has been observed for For. Only time between two successive polls that
//     both saw the port counts. A linkDown (Engine.LinkDown) stands for one of the polls.
//   - A poll that is not answered, a walk that ended early without the port, and the time after a reboot (Config.RebootHold)
//     freeze the port: its state neither advances nor resolves.
//   - A port over others (ifStackTable) whose mismatch one of those explains does not fire: see Alert.ExplainedBy.
//   - A port that is down whenever seen, never counted an octet, and has not changed since within 5 minutes of the boot is
//     listed by Engine.NeverUp and raises nothing.
//   - A mismatch that comes and goes too often (InterfaceMismatchRule.FlapChanges) is flapping: one alert, which stays
//     firing until it was well for a while.
//   - A port that two complete walks in a row do not contain is removed, and so is its alert.
//
// device_unreachable, snmp_silent and authentication_failed: polls in a row failed; a device has one alert, by why they did. The next answer
// resolves it. A device with the label parent is explained by that one if it does not answer either.
//
// device_rebooted, interface_utilisation, interface_errors, interface_discards, interface_speed_duplex, counter_too_narrow: see Config. The
// collector's own are spool_filling and collector_late (Engine.Check). Rules of the site's own are Conditions; package rules makes them of
// expressions.
//
// # Who is told
//
// Every Transition is kept as history; those with Notifies go to the notifiers. What a silence or a maintenance window matches (package silence)
// is kept from people until that is over.
package alert
