package sim

import (
	"log/slog"

	"walkabout/agent"
	"walkabout/snmp"
	"walkabout/snmp/usm"
	"walkabout/snmp/vacm"
)

// ServerV3 returns an agent that serves d by SNMPv3 to the named users of engine, each at every security level that it has keys for, in any
// context that it asks for by the prefix "".
func (d *Device) ServerV3(engine *usm.Engine, log *slog.Logger, users ...string) (*agent.Server, error) {
	tree, err := d.tree()
	if err != nil {
		return nil, err
	}
	s := agent.New(agent.Config{Counters: new(snmp.Counters), Engine: engine, Log: log})
	const everything = "everything"
	var members []vacm.Member
	for _, name := range users {
		members = append(members, vacm.Member{Model: vacm.USM, Name: name, Group: everything})
	}
	s.SetAccess(agent.Access{Policy: vacm.NewPolicy(members,
		[]vacm.Entry{{Group: everything, Level: snmp.NoAuthNoPriv, Views: [3]string{vacm.Read: everything}}},
		map[string][]vacm.Family{everything: {{}}})})
	if _, err := s.Register(tree, agent.Registration{Root: mib2}); err != nil {
		return nil, err
	}
	return s, nil
}
