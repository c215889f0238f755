package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"

	"walkabout/internal/bench/agents"
	"walkabout/snmp"
)

// daemon is a process that is measured.
type daemon struct {
	*agents.Agent
	echo bool // it returns what it is sent
}

// startAll starts what is measured; ours is the first. What it returns must be stopped, after an error too.
func startAll(ctx context.Context, w io.Writer, dir string, o options) (daemons []*daemon, err error) {
	files := strings.Split(o.snmpd, ",")
	if o.snmpd == "" {
		files[0] = filepath.Join(dir, "snmpd")
		if err := agents.Build(ctx, files[0]); err != nil {
			return nil, err
		}
	}
	for i, file := range files {
		name := "snmpd"
		if i > 0 {
			name = fmt.Sprint("snmpd-", i+1)
		}
		a, err := agents.StartOurs(ctx, name, file, dir, v3Config+agentxConfig(dir, name))
		if err != nil {
			return daemons, err
		}
		daemons = append(daemons, &daemon{Agent: a})
	}
	if o.alone {
		return daemons, nil
	}
	if file, ok := agents.FindNetSNMP(); !ok {
		fmt.Fprintln(w, "Net-SNMP's snmpd is not measured, for it is not installed (Debian's package is snmpd).")
	} else {
		a, err := agents.StartNetSNMP(ctx, file, dir, v3Config+agentxConfig(dir, "Net-SNMP"))
		if err != nil {
			return daemons, err
		}
		daemons = append(daemons, &daemon{Agent: a})
	}
	self, err := os.Executable()
	if err != nil {
		return daemons, err
	}
	a, err := agents.Start("floor", agents.Command(ctx, self, echoArgument))
	if err != nil {
		return daemons, err
	}
	return append(daemons, &daemon{Agent: a, echo: true}), nil
}

// echoArgument makes this program the floor.
const echoArgument = "echo"

// echo returns every datagram to its sender, until somebody ends the process.
func echo(w io.Writer) error {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return err
	}
	fmt.Fprintln(w, c.LocalAddr())
	b := make([]byte, snmp.MaxMessageSize)
	for {
		n, from, err := c.ReadFromUDPAddrPort(b)
		if err == nil {
			_, err = c.WriteToUDPAddrPort(b[:n], from)
		}
		if err != nil {
			return err
		}
	}
}
