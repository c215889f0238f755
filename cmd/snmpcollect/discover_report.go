package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"walkabout/cmd/snmpcollect/config"
	"walkabout/collector"
	"walkabout/collector/discover"
	"walkabout/collector/smi"
	"walkabout/snmp/oid"
)

// report writes what was found, and tells what is not in the file.
func (p process) report(d discovery, cfg config.Config, state discover.State) error {
	taken, err := d.taken(cfg)
	if err != nil {
		return err
	}
	targets, known := newTargets(d, taken, cmp.Or(cfg.Names, smi.BuiltIn()), state.Devices)
	var b bytes.Buffer
	head := []string{"Found by: snmpcollect discover " + strings.Join(prefixTexts(d.options.Prefixes), " ")}
	if err := config.WriteTargets(&b, head, targets); err != nil {
		return err
	}
	if d.output == "-" {
		if _, err := p.stdout.Write(b.Bytes()); err != nil {
			return err
		}
	} else if err := writeWhole(d.output, b.Bytes()); err != nil {
		return err
	}
	if d.state != "" {
		if err := os.Remove(d.state); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	fmt.Fprintf(p.stderr, "%d agents found, %d of them new\n", len(state.Devices), len(targets))
	for _, k := range known {
		fmt.Fprintln(p.stderr, " ", k)
	}
	for _, r := range state.Refused {
		fmt.Fprintf(p.stderr, "  %v answers and takes no credential: %s\n", r.Address, r.Reason)
	}
	if state.Failed > 0 {
		fmt.Fprintf(p.stderr, "  %d addresses could not be asked, the last because: %s\n", state.Failed, state.Failure)
	}
	if len(state.Devices)+len(state.Refused) == 0 {
		fmt.Fprintln(p.stderr, "  (an agent is silent for a wrong community, and for an address that it does not allow)")
	}
	return nil
}

// inUse is what the targets of the configuration have taken.
type inUse struct {
	names     map[string]bool
	addresses map[netip.AddrPort]string // the target there
}

// taken returns what the configuration's targets have taken, but for those of the file that is overwritten.
func (d *discovery) taken(cfg config.Config) (inUse, error) {
	t := inUse{map[string]bool{}, map[netip.AddrPort]string{}}
	var old []string
	if d.overwrite && d.output != "-" {
		var err error
		if old, err = config.TargetNames(d.output); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return t, fmt.Errorf("what is overwritten: %w", err)
		}
	}
	for _, target := range cfg.Targets {
		if slices.Contains(old, target.Name) {
			continue
		}
		t.names[target.Name] = true
		host, port, err := collector.SplitAddress(target.Address)
		if err != nil {
			continue
		}
		if a, err := netip.ParseAddr(host); err == nil {
			t.addresses[netip.AddrPortFrom(a.Unmap(), port)] = target.Name
		}
	}
	return t, nil
}

// newTargets returns the devices that are no targets yet, in the order of their addresses, and says why the others are left out.
func newTargets(d discovery, taken inUse, names smi.Resolver, devices []discover.Device) (targets []config.NewTarget, left []string) {
	devices = slices.Clone(devices)
	slices.SortFunc(devices, func(a, b discover.Device) int { return a.Address.Compare(b.Address) })
	first := map[string]int{} // by engine ID and name: both, for engine IDs are copied with disk images
	for _, x := range devices {
		at := netip.AddrPortFrom(x.Address, d.options.Port)
		if name, ok := taken.addresses[at]; ok {
			left = append(left, fmt.Sprintf("%v is the target %s already", x.Address, name))
			continue
		}
		key := x.EngineID + " " + x.SysName
		if i, twice := first[key]; twice && x.EngineID != "" && x.SysName != "" {
			targets[i].Comments = append(targets[i].Comments, "also at "+x.Address.String())
			left = append(left, fmt.Sprintf("%v is %s again, by its engine ID and name", x.Address, targets[i].Name))
			continue
		}
		first[key] = len(targets)
		name := targetName(x, taken.names)
		taken.names[name] = true
		address := x.Address.String()
		if d.options.Port != collector.DefaultPort {
			address = at.String()
		}
		targets = append(targets, config.NewTarget{Name: name, Address: address, Credential: x.Credential, Collect: d.collect, Comments: []string{
			"sysName " + x.SysName, "sysObjectID " + objectID(names, x.SysObjectID), "sysDescr " + x.SysDescr,
		}})
	}
	return targets, left
}

// objectID returns a sysObjectID with what it is called, as far as names know.
func objectID(names smi.Resolver, dotted string) string {
	o, err := oid.Parse(dotted)
	if err != nil || dotted == "" {
		return dotted
	}
	if name := smi.Format(names, o); name != dotted {
		return dotted + " (" + name + ")"
	}
	return dotted
}

// targetName returns a name that is not taken: sysName, or the address, or both.
func targetName(x discover.Device, taken map[string]bool) string {
	address := x.Address.String()
	if x.SysName == "" || strings.ContainsFunc(x.SysName, unicode.IsControl) || utf8.RuneCountInString(x.SysName) > 64 {
		return address
	}
	if taken[x.SysName] {
		return x.SysName + "-" + address
	}
	return x.SysName
}

func prefixTexts(prefixes []netip.Prefix) []string {
	var out []string
	for _, p := range prefixes {
		out = append(out, p.String())
	}
	return out
}

// writeWhole writes the file so that whoever reads it sees the old or the new one.
func writeWhole(path string, text []byte) error {
	if err := os.WriteFile(path+".new", text, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// oneLine makes what a device says fit for one line of a terminal.
func oneLine(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) || r == ' ' }), " ")
	if runes := []rune(s); len(runes) > 80 {
		return string(runes[:79]) + "…"
	}
	return s
}
