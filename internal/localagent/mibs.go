package localagent

import (
	"errors"
	"log/slog"
	"slices"
	"time"

	"walkabout/agent"
	"walkabout/internal/version"
	"walkabout/machine"
	"walkabout/mib"
	"walkabout/mib/entity"
	"walkabout/mib/extend"
	"walkabout/mib/host"
	"walkabout/mib/ucd"
	"walkabout/snmp/oid"
)

// mibs are the handlers of this machine beside MIB-II.
type mibs struct {
	host *host.MIB
	ucd  *ucd.MIB

	extend  *extend.MIB
	extends *extends
	passes  *passes
}

// modules returns what sysORTable says of them.
func (mibs) modules() []mib.Module {
	return append([]mib.Module{{ID: host.ID(), Descr: "HOST-RESOURCES-MIB (RFC 2790)"}}, slices.Concat(ucd.Modules(), extend.Modules(), entity.Modules())...)
}

// newMIBs makes them and registers them with s.
func newMIBs(s *agent.Server, m *machine.Machine, start time.Time, log *slog.Logger) (mibs, error) {
	var out mibs
	var err error
	if out.host, err = host.New(host.Options{Machine: m, Start: start}); err != nil {
		return out, err
	}
	if out.ucd, err = ucd.New(ucd.Options{Machine: m, Version: version.Version(), Settings: ucd.DefaultSettings()}); err != nil {
		return out, err
	}
	if out.extend, err = extend.New(log); err != nil {
		return out, err
	}
	e, err := entity.New(entity.Options{Machine: m, Start: start})
	if err != nil {
		return out, err
	}
	out.extends = &extends{server: s, log: log, serving: map[oid.OID]*extended{}}
	out.passes = &passes{server: s, log: log}
	return out, errors.Join(register(s, out.host, host.Roots()), register(s, out.ucd, ucd.Roots()), register(s, out.extend, extend.Roots()), register(s, e, entity.Roots()))
}

func register(s *agent.Server, h mib.Handler, roots []oid.OID) error {
	var regs []agent.Registration
	for _, root := range roots {
		regs = append(regs, agent.Registration{Root: root})
	}
	_, err := s.Register(h, regs...)
	return err
}

// SetHost replaces how HOST-RESOURCES-MIB shows the machine; an error, and no change, if s is not valid.
func (m mibs) SetHost(s host.Settings) error { return m.host.SetSettings(s) }

// SetWatch replaces what UCD-SNMP-MIB reports as errors, and which disks UCD-DISKIO-MIB shows.
func (m mibs) SetWatch(s ucd.Settings) { m.ucd.SetSettings(s) }
