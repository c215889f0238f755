package main

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"

	"walkabout/cmd/snmpcollect/simulate"
)

func (p process) simulateCommand() *cobra.Command {
	o := simulate.Options{Stdout: p.stdout}
	c := &cobra.Command{Use: "simulate [RECORDING…]", Short: "Play devices, to try dashboards or to load-test a collector",
		Long: "Plays switches whose every port receives --rate octets a second and sends half of it, or recordings of real devices: .snmprec files of\n" +
			"snmpsim, or what snmpwalk printed (best with -On). Devices play the recordings in turn, and have the faults in turn. They answer\n" +
			"SNMP v1 and v2c, on ports one after another, or with --by address on one port and loopback addresses one after another: so one\n" +
			"process plays tens of thousands (Linux, where all of 127.0.0.0/8 is this machine's).\n\n" +
			"Faults: " + strings.Join(simulate.FaultNames(), ", ") + ".",
		Example: "  snmpcollect simulate --devices 100 --write-targets /tmp/switches.yaml\n" +
			"  snmpcollect simulate --by address --listen 127.1.0.1:16100 --devices 20000 --reboot-every 10m\n" +
			"  snmpcollect simulate core1.snmprec access.walk --devices 50 --rate 1000 --fault none --fault late"}
	listen := c.Flags().String("listen", "127.0.0.1:16100", "address and port of the first device")
	by := c.Flags().String("by", "port", "in what devices differ: port or address")
	c.Flags().IntVar(&o.Devices, "devices", 0, fmt.Sprintf("how many (default one a recording, or %d switches)", simulate.DefaultDevices))
	c.Flags().IntVar(&o.Ports, "ports", 48, "ports of a switch")
	c.Flags().Float64Var(&o.Rate, "rate", 1e6, "octets a second that a switch's port receives; what each counter of a recording grows by a second")
	c.Flags().StringVar(&o.Community, "community", "public", "the community that they answer to")
	c.Flags().StringArrayVar(&o.Faults, "fault", nil, "what a device does wrong, by name; several are had in turn")
	c.Flags().DurationVar(&o.RebootEvery, "reboot-every", 0, "each switch reboots so often, one after another")
	c.Flags().DurationVar(&o.RenumberEvery, "renumber-every", 0, "the ifIndex of each switch's ports change so often, one switch after another")
	c.Flags().StringVar(&o.TargetsFile, "write-targets", "", "write a file of targets, to be named in include: of a collector's configuration")
	c.RunE = func(c *cobra.Command, files []string) error {
		var err error
		if o.Listen, err = netip.ParseAddrPort(*listen); err != nil {
			return fmt.Errorf("--listen %s: write ADDRESS:PORT, as in 127.0.0.1:16100", *listen)
		}
		if o.ByAddress = *by == "address"; !o.ByAddress && *by != "port" {
			return fmt.Errorf("--by %s: port or address", *by)
		}
		if o.Files = files; len(files) > 0 && !c.Flags().Changed("rate") {
			o.Rate = 0 // counters stand still as they were recorded
		}
		return simulate.Run(c.Context(), o)
	}
	return c
}
