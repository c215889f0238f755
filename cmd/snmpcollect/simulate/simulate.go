// Package simulate plays devices for people: switches whose traffic is known, and recordings of real ones, as many as are wanted.
package simulate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"walkabout/agent"
	"walkabout/collector/smi"
	"walkabout/internal/secret"
	"walkabout/sim"
	"walkabout/snmp/oid"
)

// Options say what is played.
type Options struct {
	Files         []string // recordings, which devices play in turn; none: switches
	Devices       int      // 0: one a file, or DefaultDevices switches
	Ports         int      // of a switch
	Rate          float64  // octets a second that a switch's port receives, and twice what it sends; of a recording, what every counter grows by
	Listen        netip.AddrPort
	ByAddress     bool // devices differ in their address, not in their port
	Community     string
	Faults        []string // by name, which devices have in turn; "none" is none
	RebootEvery   time.Duration
	RenumberEvery time.Duration
	TargetsFile   string // where targets for a collector are written
	Stdout        io.Writer
}

const (
	// DefaultDevices is how many switches there are if nobody says.
	DefaultDevices = 10
	// maxByPort is how many devices may have a socket each.
	maxByPort = 1000
	// maxDevices is how many there may be at all.
	maxDevices = 100_000
	portSpeed  = 1_000_000_000
	readBuffer = 8 << 20
)

// none is the name of no fault.
const none = "none"

// FaultNames returns what Options.Faults may hold.
func FaultNames() []string {
	out := []string{none}
	for _, f := range sim.Faults() {
		out = append(out, string(f))
	}
	return out
}

func (o *Options) check() error {
	if o.Devices == 0 {
		o.Devices = DefaultDevices
		if len(o.Files) > 0 {
			o.Devices = len(o.Files)
		}
	}
	last := int(o.Listen.Port()) + o.Devices - 1
	switch {
	case o.Devices < 0 || o.Devices > maxDevices:
		return fmt.Errorf("--devices %d: 1 to %d", o.Devices, maxDevices)
	case o.Ports < 1 || o.Ports > 10_000:
		return fmt.Errorf("--ports %d: 1 to 10000", o.Ports)
	case o.Rate < 0 || len(o.Files) == 0 && o.Rate*8 > portSpeed:
		return fmt.Errorf("--rate %g: 0 to %d octets a second, which is what a port carries", o.Rate, portSpeed/8)
	case len(o.Files) > 0 && (o.RebootEvery > 0 || o.RenumberEvery > 0):
		return errors.New("--reboot-every and --renumber-every are of switches; a recording stays what it is")
	case o.RebootEvery < 0 || o.RenumberEvery < 0:
		return errors.New("--reboot-every, --renumber-every: a time that is above 0")
	case o.ByAddress && !o.Listen.Addr().IsLoopback():
		return fmt.Errorf("--by address takes a loopback address for the first device, such as 127.1.0.1, not %v", o.Listen.Addr())
	case o.ByAddress && !o.Listen.Addr().Is4():
		return errors.New("--by address takes IPv4: there is one loopback address of IPv6")
	case !o.ByAddress && o.Devices > maxByPort:
		return fmt.Errorf("--devices %d: with a port each there may be %d; --by address has room for %d", o.Devices, maxByPort, maxDevices)
	case !o.ByAddress && (o.Listen.Port() == 0 || last > 65535):
		return fmt.Errorf("--listen %v: %d devices need as many ports from there on", o.Listen, o.Devices)
	}
	for _, f := range o.Faults {
		if !slices.Contains(FaultNames(), f) {
			return fmt.Errorf("--fault %q; known are %s", f, strings.Join(FaultNames(), ", "))
		}
	}
	return nil
}

// device is one that is played.
type device struct {
	name   string
	addr   netip.AddrPort
	server *agent.Server
	fault  sim.Fault
	swtch  *sim.Device    // nil: a recording
	played *sim.Recording // nil: a switch
}

// through is what the device's datagrams pass; nil is nothing.
func (d *device) through() func(agent.Datagrams) agent.Datagrams {
	if d.fault == "" && (d.played == nil || !d.played.IsSlow()) {
		return nil
	}
	return func(s agent.Datagrams) agent.Datagrams {
		if d.played != nil {
			s = d.played.Slow(s)
		}
		if d.fault != "" {
			s = sim.Faulty(s, d.fault)
		}
		return s
	}
}

// Run plays until ctx ends. What is wrong with o is an error before anything is played.
func Run(ctx context.Context, o Options) error {
	if err := o.check(); err != nil {
		return err
	}
	devices, err := o.devices(time.Now())
	if err != nil {
		return err
	}
	sockets, err := o.listen(ctx, devices)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error)
	for _, serve := range sockets {
		go func() { ended <- serve(ctx) }()
	}
	stirred := make(chan struct{})
	go func() { defer close(stirred); o.stir(ctx, devices) }()
	err = o.tell(devices)
	if err != nil {
		cancel()
	}
	for range sockets {
		err = errors.Join(err, <-ended)
		cancel() // one that failed ends all
	}
	<-stirred
	return err
}

// recordings reads the files; the error says what is wrong with each of those that are none.
func (o *Options) recordings() ([]*sim.Recording, error) {
	var list []*sim.Recording
	var errs []error
	for _, path := range o.Files {
		text, err := os.ReadFile(path)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		r, err := sim.ReadRecording(string(text), names{smi.BuiltIn()})
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", path, err))
			continue
		}
		if bad := r.Skipped(); len(bad) > 0 {
			fmt.Fprintf(o.Stdout, "%s: left out %d lines that no agent could answer with, the first of them %v\n", path, len(bad), bad[0])
		}
		list = append(list, r)
	}
	return list, errors.Join(errs...)
}

// devices makes the devices.
func (o *Options) devices(now time.Time) ([]device, error) {
	log, community := slog.New(slog.DiscardHandler), secret.New(o.Community)
	recordings, err := o.recordings()
	if err != nil {
		return nil, err
	}
	addr := o.Listen
	list := make([]device, 0, o.Devices)
	called := map[string]bool{}
	for i := range o.Devices {
		d := device{name: fmt.Sprintf("switch%d", i+1), addr: addr}
		if len(o.Faults) > 0 && o.Faults[i%len(o.Faults)] != none {
			d.fault = sim.Fault(o.Faults[i%len(o.Faults)])
		}
		if len(recordings) > 0 {
			k := i % len(recordings)
			d.name = strings.TrimSuffix(filepath.Base(o.Files[k]), filepath.Ext(o.Files[k]))
			name := "" // that which was recorded, unless several play it
			if o.Devices > len(recordings) {
				d.name = fmt.Sprintf("%s-%d", d.name, i/len(recordings)+1)
				name = d.name
			}
			d.played = recordings[k]
			d.server, err = d.played.Server(sim.Playing{Name: name, Boot: now, Rate: o.Rate}, community, log)
		} else {
			d.swtch = o.newSwitch(d.name, now)
			d.server, err = d.swtch.Server(community, log)
		}
		if err != nil {
			return nil, err
		}
		for base, n := d.name, 2; called[d.name]; n++ { // linux.snmprec and linux.walk
			d.name = fmt.Sprintf("%s-%d", base, n)
		}
		called[d.name] = true
		list = append(list, d)
		if o.ByAddress {
			addr = netip.AddrPortFrom(addr.Addr().Next(), addr.Port())
		} else {
			addr = netip.AddrPortFrom(addr.Addr(), addr.Port()+1)
		}
	}
	return list, nil
}

// newSwitch makes a switch whose ports all carry the same, so that a person knows what a dashboard must show.
func (o *Options) newSwitch(name string, now time.Time) *sim.Device {
	ports := make([]sim.Port, 0, o.Ports)
	for i := range uint32(o.Ports) {
		ports = append(ports, sim.Port{Index: i + 1, Name: fmt.Sprintf("Gi1/0/%d", i+1), Alias: fmt.Sprintf("port %d of %s", i+1, name), Speed: portSpeed,
			InRate: o.Rate, OutRate: o.Rate / 2})
	}
	return sim.New(sim.Options{Name: name, Descr: fmt.Sprintf("simulated switch, %d ports", o.Ports), Location: "simulation",
		ObjectID: oid.MustParse("1.3.6.1.4.1.8072.3.2.255"), Boot: now.Add(-24 * time.Hour), Ports: ports})
}

// listen opens the sockets and returns what serves each.
func (o *Options) listen(ctx context.Context, devices []device) ([]func(context.Context) error, error) {
	if o.ByAddress {
		var farm sim.Farm
		for _, d := range devices {
			if err := farm.Add(d.addr.Addr(), d.server, d.through()); err != nil {
				return nil, err
			}
		}
		// Others than the devices' addresses reach this socket as well; the farm drops what comes to them.
		s, err := agent.ListenUDP(ctx, "udp4", netip.AddrPortFrom(netip.IPv4Unspecified(), o.Listen.Port()))
		if err != nil {
			return nil, err
		}
		if _, err := s.SetReadBuffer(readBuffer); err != nil {
			return nil, errors.Join(err, s.Close())
		}
		return []func(context.Context) error{func(ctx context.Context) error { return farm.Serve(ctx, s) }}, nil
	}
	network := "udp4"
	if o.Listen.Addr().Is6() {
		network = "udp6"
	}
	var out []func(context.Context) error
	var open []*agent.UDP
	for _, d := range devices {
		s, err := agent.ListenUDP(ctx, network, d.addr)
		if err != nil {
			for _, s := range open {
				err = errors.Join(err, s.Close())
			}
			return nil, err
		}
		open = append(open, s)
		var socket agent.Datagrams = s
		if through := d.through(); through != nil {
			socket = through(s)
		}
		out = append(out, func(ctx context.Context) error { return d.server.ServeDatagrams(ctx, socket) })
	}
	return out, nil
}

// stir reboots and renumbers one device after another, each as often as is wanted, until ctx ends.
func (o *Options) stir(ctx context.Context, devices []device) {
	reboots, stopReboots := every(o.RebootEvery, len(devices))
	defer stopReboots()
	renumberings, stopRenumberings := every(o.RenumberEvery, len(devices))
	defer stopRenumberings()
	for rebooted, renumbered := 0, 0; ; {
		select {
		case <-ctx.Done():
			return
		case now := <-reboots:
			devices[rebooted%len(devices)].swtch.Reboot(now)
			rebooted++
		case <-renumberings:
			d := devices[renumbered%len(devices)].swtch
			ports := d.Ports()
			for i := range ports { // by one, as if a card were put in before them
				ports[i].Index = ports[i].Index%uint32(2*len(ports)) + 1
			}
			d.SetPorts(ports)
			renumbered++
		}
	}
}

// every ticks so that each of n devices has its turn once a period; never if that is 0.
func every(period time.Duration, n int) (<-chan time.Time, func()) {
	if period <= 0 {
		return nil, func() {}
	}
	t := time.NewTicker(max(period/time.Duration(n), time.Millisecond))
	return t.C, t.Stop
}

// tell says what is played where, and writes the targets.
func (o *Options) tell(devices []device) error {
	first, last := devices[0], devices[len(devices)-1]
	fmt.Fprintf(o.Stdout, "%d simulated devices, %s at %v to %s at %v, community %s. Ctrl-C ends.\n", len(devices), first.name, first.addr, last.name, last.addr, o.Community)
	if o.TargetsFile == "" {
		return nil
	}
	var b strings.Builder
	b.WriteString("# Written by snmpcollect simulate; name it in include: of the collector's configuration.\n")
	fmt.Fprintf(&b, "credentials:\n  simulated: {version: 2c, community: %q}\ntargets:\n", o.Community)
	for _, d := range devices {
		fmt.Fprintf(&b, "  - {name: %q, address: %q, credential: simulated, collect: [system, interfaces]}\n", d.name, d.addr)
	}
	return os.WriteFile(o.TargetsFile, []byte(b.String()), 0o600)
}
