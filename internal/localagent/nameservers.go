package localagent

import (
	"errors"
	"log/slog"
	"slices"
	"time"

	"walkabout/agent"
	"walkabout/mib/dns"
	"walkabout/mib/mib2"
	"walkabout/snmp/oid"
)

// NameServer is a name server of this machine, whose MIBs are served.
type NameServer struct {
	Name     string // its context
	Kind     string // of dns.Kinds
	Access   dns.Access
	Writable bool
	Backend  dns.Backend // of Kind and Access
	Tap      Tap         // its dnstap
}

// same reports whether nothing but the Backend differs.
func (n *NameServer) same(o *NameServer) bool {
	return n.Name == o.Name && n.Kind == o.Kind && n.Writable == o.Writable && n.Access.Address == o.Access.Address && n.Access.Key.Equal(o.Access.Key) &&
		n.Access.RNDC == o.Access.RNDC && n.Access.RNDCKey.Algorithm == o.Access.RNDCKey.Algorithm && n.Access.RNDCKey.Secret.Equal(o.Access.RNDCKey.Secret) &&
		n.Access.Certificates == o.Access.Certificates && n.Access.Pattern == o.Access.Pattern && slices.Equal(n.Access.Clients, o.Access.Clients) &&
		n.Access.PIDFile == o.Access.PIDFile && n.Tap.same(&o.Tap)
}

// SetNameServers replaces the name servers. One that stays as it is goes on as it was, and so do the counters of one that keeps its name and kind.
func (a *Agent) SetNameServers(list []NameServer) error { return a.nameServers.set(list) }

// nameServers are the MIBs of name servers. It is used by one goroutine.
type nameServers struct {
	server     *agent.Server
	system     *mib2.MIB
	start      time.Time // when sysUpTime was 0
	log        *slog.Logger
	serving    []*nameServer
	unregister []func()
}

type nameServer struct {
	NameServer
	mib *dns.MIB
	tap *servedTap // nil for none
}

func (s *nameServers) set(list []NameServer) error {
	before := s.serving
	s.withdraw()
	s.serving = nil
	var errs []error
	kept := map[*nameServer]bool{}
	for i := range list {
		var old *nameServer
		if at := slices.IndexFunc(before, func(o *nameServer) bool { return o.Name == list[i].Name && o.Kind == list[i].Kind }); at >= 0 {
			old = before[at]
		}
		if old != nil && old.same(&list[i]) {
			kept[old] = true
			s.serving = append(s.serving, old)
			continue
		}
		next, err := s.succeed(old, list[i])
		if err != nil {
			errs = append(errs, err)
			continue
		}
		s.serving = append(s.serving, next)
	}
	for _, old := range before {
		if !kept[old] {
			old.mib.Close()
			old.tap.close()
		}
	}
	return errors.Join(append(errs, s.register())...)
}

// succeed returns what serves n in the place of old, which may be nil. A tap that stays as it is goes over.
func (s *nameServers) succeed(old *nameServer, n NameServer) (*nameServer, error) {
	next := &nameServer{NameServer: n}
	o := dns.Options{Name: n.Name, Backend: n.Backend, Writable: n.Writable, Log: s.log}
	if old != nil {
		old.mib.Close()
		o.After = old.mib
		if old.tap != nil && old.Tap.same(&n.Tap) {
			next.tap, old.tap = old.tap, nil
		}
		old.tap.close() // its socket may be wanted again
		old.tap = nil
	}
	var err error
	if n.Tap.Socket != "" && next.tap == nil {
		if next.tap, err = listenTap(n.Name, n.Tap, s.log); err != nil { // the server is served all the same
			s.log.Error("cannot listen to dnstap", "err", err)
		}
	}
	if next.tap != nil {
		o.Tap = next.tap.counts
	}
	if next.mib, err = dns.New(o); err != nil {
		next.tap.close()
	}
	return next, err
}

// register puts each into its context, with the system group that every context has (RFC 3411 section 3.4.3: sysUpTime goes with counters), and the first
// into the default one.
func (s *nameServers) register() error {
	var errs []error
	for i, n := range s.serving {
		regs := registrations(n.Name, dns.Roots())
		if i == 0 {
			regs = append(regs, registrations("", dns.Roots())...)
		}
		unregister, err := s.server.Register(n.mib, regs...)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		s.unregister = append(s.unregister, unregister)
		if unregister, err = s.server.Register(s.system, registrations(n.Name, []oid.OID{oid.New(1, 3, 6, 1, 2, 1, 1)})...); err != nil {
			errs = append(errs, err)
			continue
		}
		s.unregister = append(s.unregister, unregister)
	}
	return errors.Join(append(errs, s.registerApplications())...)
}

// registerApplications puts a view of all into the default context.
func (s *nameServers) registerApplications() error {
	if len(s.serving) == 0 {
		return nil
	}
	var list []dns.Application
	for _, n := range s.serving {
		list = append(list, dns.Application{Name: n.Name, Kind: n.Kind, MIB: n.mib})
	}
	a, err := dns.NewApplications(s.start, list)
	if err != nil {
		return err
	}
	unregister, err := s.server.Register(a, agent.Registration{Root: dns.ApplicationsRoot()})
	if err != nil {
		return err
	}
	s.unregister = append(s.unregister, unregister)
	return nil
}

func registrations(context string, roots []oid.OID) []agent.Registration {
	var regs []agent.Registration
	for _, root := range roots {
		regs = append(regs, agent.Registration{Context: context, Root: root})
	}
	return regs
}

func (s *nameServers) withdraw() {
	for _, unregister := range s.unregister {
		unregister()
	}
	s.unregister = nil
}

// close ends all. No request may be under way.
func (s *nameServers) close() {
	s.withdraw()
	for _, n := range s.serving {
		n.mib.Close()
		n.tap.close()
	}
	s.serving = nil
}
