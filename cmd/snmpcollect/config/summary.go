package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"walkabout/snmp"
)

// What a poll takes in the spool: measured with simulated switches of 48 ports, and with what else a profile brings.
const (
	octetsOfInterfaces = 5500
	octetsOfOther      = 300
)

// spoolHour returns about how many octets the polls of an hour take in the spool.
func (c Config) spoolHour() (octets uint64) {
	for _, t := range c.Targets {
		poll := uint64(octetsOfOther * len(t.Collect))
		if slices.Contains(t.Collect, "interfaces") {
			poll += octetsOfInterfaces
		}
		octets += poll * uint64(time.Hour/max(t.Interval, time.Second))
	}
	return octets
}

// bounds says what may wait for an output.
func (o Output) bounds() string {
	return fmt.Sprintf("the spool holds %s or %v for it", humanize.IBytes(uint64(o.Bounds.Size)), o.Bounds.Age)
}

// Summary says in a few lines what the configuration would do. It shows no secret.
func (c Config) Summary() string {
	var b strings.Builder
	fmt.Fprintf(&b, "targets: %d\n", len(c.Targets))
	for _, t := range c.Targets {
		how := "SNMPv" + t.Credential.Version.String()
		if t.Credential.Version == snmp.V3 {
			how += fmt.Sprintf(" as %s (%s/%s)", t.Credential.User, cmp.Or(string(t.Credential.Auth), "no authentication"), cmp.Or(string(t.Credential.Priv), "no privacy"))
		}
		fmt.Fprintf(&b, "  %s at %s every %v by %s: %s\n", t.Name, t.Address, t.Interval, how, strings.Join(t.Collect, ", "))
	}
	for _, l := range c.Lists {
		fmt.Fprintf(&b, "  and those of %s, asked for every %v: %s\n", l.Name, l.Refresh, l.where())
	}
	b.WriteString(c.Traps.summary())
	b.WriteString(c.Scrape.summary())
	fmt.Fprintf(&b, "outputs: %d\n", len(c.Outputs))
	for _, o := range c.Outputs {
		fmt.Fprintf(&b, "  %s: %s; %s\n", o.Queue.Name, o.where, o.bounds())
	}
	if octets := c.spoolHour(); octets > 0 && (len(c.Outputs) > 0 || c.Store != nil) {
		fmt.Fprintf(&b, "spool: an hour in which an output is away takes about %s of disk, if each device has 48 interfaces\n", humanize.IBytes(octets))
	}
	b.WriteString(c.Store.summary())
	b.WriteString("alerts:\n")
	c.alertSummary(&b)
	c.notifySummary(&b)
	fmt.Fprintf(&b, "listen: %s\n", c.listenSummary())
	return b.String()
}
