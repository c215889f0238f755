package main

import (
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"walkabout/agent"
	"walkabout/agent/notify"
	"walkabout/agent/secure"
	"walkabout/agent/snmpdconf"
	"walkabout/internal/localagent"
	"walkabout/internal/secret"
	enginemib "walkabout/mib/engine"
	"walkabout/snmp"
	"walkabout/snmp/usm"
	"walkabout/snmp/vacm"
)

// tables joins the tables of the engine's MIBs to what they say: users, access and receivers of notifications. Those of the files that have
// no place in a table are added here.
type tables struct {
	mib    *enginemib.MIB
	agent  *localagent.Agent
	engine *engine
	secure *secure.Model
	dial   notify.DialFunc // opens what sessions of TLS and DTLS are made of
	log    *slog.Logger
	known  atomic.Int64 // users that are in force

	// Of the last apply, and apply's own.
	users []usm.User
	told  complaints
}

// complaints are what was said of rows of no use.
type complaints map[string]bool

// add logs a warning, unless the last apply did.
func (c complaints) add(t *tables, text string, args ...any) {
	key := fmt.Sprint(append(args, text)...)
	if c[key] = true; !t.told[key] {
		t.log.Warn(text, args...)
	}
}

func newTables(a *localagent.Agent, e *engine, dial notify.DialFunc, log *slog.Logger) (*tables, error) {
	t := &tables{agent: a, engine: e, secure: secure.New(log), dial: dial, log: log}
	var err error
	if t.mib, err = enginemib.New(enginemib.Options{Engine: e.usm(), MPD: a.MPDStats(), TSM: a.TSMStats(), TLSTM: t.secure.Stats(), Start: a.Start(), Contexts: a.Contexts}); err != nil {
		return nil, err
	}
	var regs []agent.Registration
	for _, root := range enginemib.Roots() {
		regs = append(regs, agent.Registration{Root: root})
	}
	_, err = a.Register(t.mib, regs...)
	return t, err
}

// set puts to use what the files say, whose users have these keys; an error changes nothing.
func (t *tables) set(s *settings, users []usm.User) error {
	c := enginemib.Config{TransportPrefix: s.config.TLS.Prefix, Mappings: s.certs.config.Mappings}
	for _, u := range users {
		c.Users = append(c.Users, enginemib.User{EngineID: t.engine.usm().ID(), User: u})
	}
	for i := range s.config.Members {
		c.Members = append(c.Members, s.config.Members[i].Member)
	}
	for i := range s.config.Entries {
		c.Entries = append(c.Entries, s.config.Entries[i].Entry)
	}
	for i := range s.config.Views {
		for _, f := range s.config.Views[i].Families {
			c.Families = append(c.Families, enginemib.Family{View: s.config.Views[i].Name, Family: f})
		}
	}
	appendTLS(&c, s)
	appendReceivers(&c, &s.config.Notifications)
	return t.mib.SetConfig(c, func(c enginemib.Config) error { return t.apply(s, &c) })
}

// appendReceivers adds the sinks as Net-SNMP has them in the tables. What stands for a community there is the row's name, for the community
// itself is secret.
func appendReceivers(c *enginemib.Config, n *snmpdconf.Notifications) {
	for i := range n.Sinks {
		k := &n.Sinks[i]
		timeout := k.Timeout
		if timeout == 0 {
			timeout = notify.DefaultTimeout
		}
		a := enginemib.TargetAddr{
			Name: k.Name, Params: k.Name, TagList: k.Tag, Timeout: int32(timeout / (10 * time.Millisecond)), Retries: int32(k.Retries), MMS: snmp.MinMaxSize,
		}
		if a.Domain, a.Address = enginemib.TransportAddress(k.Address.Network, k.Address.Host, k.Address.Port); k.Address.Network == unixNetwork {
			a.Domain, a.Address = enginemib.LocalDomain, k.Address.Path
		}
		p := enginemib.TargetParams{Name: k.Name, MPModel: int32(k.Version), SecurityName: k.Name, Level: snmp.NoAuthNoPriv, Model: vacm.V1}
		switch k.Version {
		case snmp.V2c:
			p.Model = vacm.V2c
		case snmp.V3:
			p.Model, p.SecurityName, p.Level = vacm.USM, k.User, k.Level
			if k.TSM {
				p.Model, p.SecurityName = vacm.TSM, k.Name
			}
		}
		c.Addrs, c.Params = append(c.Addrs, a), append(c.Params, p)
		c.Notifies = append(c.Notifies, enginemib.Notify{Name: k.Name, Tag: k.Tag, Inform: k.Inform})
		if k.Profile != "" {
			c.Profiles = append(c.Profiles, enginemib.FilterProfile{Params: k.Name, Profile: k.Profile})
		}
	}
	for _, f := range n.Filters {
		for _, family := range f.Families {
			c.Filters = append(c.Filters, enginemib.Filter{Profile: f.Name, Family: family})
		}
	}
}

// apply is the enginemib.ApplyFunc of files. What they say of users and access is in c.
func (t *tables) apply(files *settings, c *enginemib.Config) error {
	said := complaints{}
	access := agent.Access{Communities: slices.Clone(files.communities), Policy: policy(files, c), Disabled: files.config.Disabled}
	for i := range c.Communities {
		access.Communities = append(access.Communities, t.community(said, &c.Communities[i]))
	}
	open := func(k *snmpdconf.Sink) notify.DialFunc {
		return t.openSession(c, k.Name, k.Name, files.certs.sinks[k.Name].trusted)
	}
	targets := append(files.targets(t.engine, open), t.targets(said, files, c, access)...)
	users := t.usersHere(c)
	if err := t.engine.setUsers(users); err != nil {
		return err
	}
	if err := t.agent.SetTargets(targets); err != nil {
		if back := t.engine.setUsers(t.users); back != nil { // cannot be: they were in force
			return fmt.Errorf("%w; %w", err, back)
		}
		return err
	}
	t.users, t.told = users, said
	t.known.Store(int64(len(users)))
	t.agent.SetAccess(access)
	certs := files.certs.config
	certs.Mappings = c.Mappings
	t.secure.SetConfig(certs)
	t.agent.SetTransportPrefix(c.TransportPrefix != nil && *c.TransportPrefix)
	return nil
}

// usersHere returns the users of this engine.
func (t *tables) usersHere(c *enginemib.Config) []usm.User {
	var out []usm.User
	for i := range c.Users {
		if own := t.engine.usm(); own != nil && c.Users[i].EngineID == own.ID() {
			out = append(out, c.Users[i].User)
		}
	}
	return out
}

func policy(files *settings, c *enginemib.Config) *vacm.Policy {
	views := map[string][]vacm.Family{}
	for _, v := range files.config.Views { // those too that have no subtree
		views[v.Name] = nil
	}
	for _, f := range c.Families {
		views[f.View] = append(views[f.View], f.Family)
	}
	return vacm.NewPolicy(c.Members, c.Entries, views)
}

// community returns a row of snmpCommunityTable. The port of its addresses does not matter: any program may send from any.
func (t *tables) community(said complaints, c *enginemib.Community) agent.CommunityEntry {
	out := agent.CommunityEntry{Community: c.Name, SecurityName: c.SecurityName, Context: c.Context}
	for i := range c.Addrs {
		p, ok := c.Addrs[i].Prefix()
		if !ok {
			said.add(t, "nothing is accepted from a row of snmpTargetAddrTable that a community has for its source: it must be an address of UDP or TCP whose mask is a prefix",
				"row", c.Addrs[i].Name, "securityName", c.SecurityName)
			continue
		}
		out.Sources = append(out.Sources, p)
	}
	if len(out.Sources) == 0 && !c.All {
		out.Sources = []netip.Prefix{{}} // which holds no address
	}
	return out
}

// targets returns the receivers that the tables name.
func (t *tables) targets(said complaints, files *settings, c *enginemib.Config, access agent.Access) []notify.Target {
	n := notify.Tables{Policy: access.Policy}
	for _, a := range c.Addrs {
		n.Addrs = append(n.Addrs, notify.TargetAddr{
			Name: a.Name, TDomain: a.Domain, TAddress: a.Address, Timeout: a.Timeout, RetryCount: a.Retries, TagList: a.TagList, Params: a.Params,
		})
	}
	for _, p := range c.Params {
		n.Params = append(n.Params, notify.TargetParams{
			Name: p.Name, MPModel: p.MPModel, SecurityModel: p.Model, SecurityName: p.SecurityName, SecurityLevel: p.Level,
		})
	}
	for _, e := range c.Notifies {
		n.Notify = append(n.Notify, notify.Entry{Name: e.Name, Tag: e.Tag, Inform: e.Inform})
	}
	for _, p := range c.Profiles {
		n.Profiles = append(n.Profiles, notify.FilterProfile{Params: p.Params, Profile: p.Profile})
	}
	for _, f := range c.Filters {
		n.Filters = append(n.Filters, notify.FilterEntry{Profile: f.Profile, Family: f.Family})
	}
	n.Prefix = c.TransportPrefix != nil && *c.TransportPrefix
	n.Dial = func(addr, params string) notify.DialFunc { return t.openSession(c, addr, params, nil) }
	n.Community = func(securityName string) (secret.String, bool) {
		for _, e := range access.Communities {
			if e.SecurityName == securityName {
				return e.Community, true
			}
		}
		return secret.String{}, false
	}
	users := c.Users
	n.User = func(engineID, securityName string) (usm.User, error) {
		return userAt(files, users, engineID, securityName)
	}
	targets, err := n.Targets()
	if err != nil {
		said.add(t, "receivers of notifications are left out", "err", err)
	}
	return targets
}

// userAt returns a user with its keys at an engine: its row, else the user of the files.
func userAt(files *settings, rows []enginemib.User, engineID, securityName string) (usm.User, error) {
	for _, u := range rows {
		if u.EngineID == engineID && u.SecurityName == securityName {
			return u.User, nil
		}
	}
	for i := range files.users {
		if files.users[i].Name == securityName {
			return files.users[i].Keys(engineID)
		}
	}
	return usm.User{}, fmt.Errorf("usmUserTable has no active user %q of engine 0x%x", securityName, engineID)
}
