package main

import (
	"fmt"
	"net"
)

// tellSystemd tells the service manager what this process is at (sd_notify(3)), if it wants to be told: a unit of Type=notify, as Debian's for
// Net-SNMP's snmpd, is stopped otherwise when its time to start is over.
func (p *process) tellSystemd(state string) error {
	name := p.env.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return nil
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"}) // a name that begins with @ is abstract there and here
	if err != nil {
		return fmt.Errorf("telling systemd %s: %w", state, err)
	}
	defer c.Close()
	if _, err := c.Write([]byte(state)); err != nil {
		return fmt.Errorf("telling systemd %s: %w", state, err)
	}
	return nil
}
