package collector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"walkabout/collector/session"
	"walkabout/collector/smi"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// Auto in Target.Collect stands for the profiles that Profiles.Choose chooses for the agent.
const Auto = "auto"

// Choice is whether a profile is for an agent, and why.
type Choice struct {
	Profile string
	Chosen  bool
	Why     string // for people
}

var sysObjectID = oid.MustParse("1.3.6.1.2.1.1.2.0")

// answersAtATime bounds the names of one request: there are agents that bear no more.
const answersAtATime = 8

// Choose asks an agent what it is and what it has, and returns for each profile with Match whether it is for it, in the order of the names. An error
// is one after which nothing is known.
func (p Profiles) Choose(ctx context.Context, client session.Client) ([]Choice, error) {
	vbs, err := client.Get(ctx, nil, []oid.OID{sysObjectID})
	var response *session.ResponseError
	if err != nil && !errors.As(err, &response) {
		return nil, err
	}
	var id oid.OID
	if len(vbs) == 1 {
		id = vbs[0].Value.OID()
	}
	var wanted []oid.OID
	for _, name := range p.Names() {
		if m := p[name].Match; m != nil && (len(m.SysObjectID) == 0 || m.of(id) >= 0) {
			for _, o := range m.Answers {
				if !slices.Contains(wanted, o.OID) {
					wanted = append(wanted, o.OID)
				}
			}
		}
	}
	has, err := answers(ctx, client, wanted)
	if err != nil {
		return nil, err
	}
	var choices []Choice
	for _, name := range p.Names() {
		if m := p[name].Match; m != nil {
			chosen, why := m.choose(id, has)
			choices = append(choices, Choice{name, chosen, why})
		}
	}
	return choices, nil
}

// of returns which of m.SysObjectID id is below, -1 for none.
func (m *Match) of(id oid.OID) int {
	return slices.IndexFunc(m.SysObjectID, func(o OID) bool { return id.HasPrefix(o.OID) })
}

func (m *Match) choose(id oid.OID, has map[oid.OID]bool) (bool, string) {
	var why []string
	if len(m.SysObjectID) > 0 {
		i := m.of(id)
		if i < 0 {
			return false, fmt.Sprintf("sysObjectID %v is not below %s", id, list(m.SysObjectID))
		}
		why = append(why, fmt.Sprintf("sysObjectID %v is below %s", id, list(m.SysObjectID[i:i+1])))
	}
	if len(m.Answers) > 0 {
		i := slices.IndexFunc(m.Answers, func(o OID) bool { return has[o.OID] })
		if i < 0 {
			return false, "there is nothing below " + list(m.Answers)
		}
		why = append(why, "there is something below "+list(m.Answers[i:i+1]))
	}
	if len(why) == 0 {
		return true, "it is for every agent"
	}
	return true, strings.Join(why, ", and ")
}

// list names OIDs.
func list(oids []OID) string {
	texts := make([]string, 0, len(oids))
	for _, o := range oids {
		texts = append(texts, smi.Format(smi.BuiltIn(), o.OID))
	}
	return strings.Join(texts, " or ")
}

// answers returns below which of roots the agent has something.
func answers(ctx context.Context, client session.Client, roots []oid.OID) (map[oid.OID]bool, error) {
	has := make(map[oid.OID]bool, len(roots))
	for part := range slices.Chunk(roots, answersAtATime) {
		err := successors(ctx, client, part, has)
		for i := 0; err != nil && i < len(part); i++ { // it may be one of them that it cannot answer
			if !survivable(err) || len(part) == 1 && i > 0 {
				return nil, err
			}
			if one := successors(ctx, client, part[i:i+1], has); one != nil && !survivable(one) {
				return nil, one
			}
		}
	}
	return has, nil
}

// survivable reports whether another request may well be answered.
func survivable(err error) bool {
	var response *session.ResponseError
	return errors.As(err, &response) || errors.Is(err, session.ErrMalformed)
}

func successors(ctx context.Context, client session.Client, roots []oid.OID, has map[oid.OID]bool) error {
	vbs, err := client.Bulk(ctx, nil, 0, roots, 1)
	if err != nil {
		return err
	}
	for i, root := range roots {
		if i < len(vbs) && !vbs[i].Value.IsException() && vbs[i].Value.Kind() != snmp.KindNull && vbs[i].Name.HasPrefix(root) {
			has[root] = true
		}
	}
	return nil
}

// automatic is the choosing of a target's profiles, where that is left to what it is.
type automatic struct {
	profiles Profiles
	chosen   []string // nil before the first choice
}

// choose makes the parts of the profiles that are for the agent. Those that were chosen before stay as they are.
func (p *poller) choose(ctx context.Context) error {
	client, pipelined := p.asker.client, p.asker.pipelined
	defer func() { p.asker.client, p.asker.pipelined = client, pipelined }()
	if err := p.withoutBulk(ctx); err != nil { // which every agent can bear
		return err
	}
	choices, err := p.auto.profiles.Choose(ctx, p.getNext)
	if err != nil {
		return err
	}
	var collect []string
	for _, name := range p.target.Collect {
		if name != Auto {
			collect = append(collect, name)
		}
	}
	for _, c := range choices {
		level := slog.LevelDebug
		if c.Chosen && !slices.Contains(collect, c.Profile) {
			if errs := sameMeasurement(append(slices.Clone(collect), c.Profile), p.auto.profiles); len(errs) > 0 {
				c.Why = errs[0].Error()
			} else {
				collect, level = append(collect, c.Profile), slog.LevelInfo
			}
		}
		if !slices.Contains(p.auto.chosen, c.Profile) {
			p.log.Log(ctx, level, "a profile is chosen, or not, by what the agent is", "profile", c.Profile, "chosen", slices.Contains(collect, c.Profile), "why", c.Why)
		}
	}
	if slices.Equal(collect, p.auto.chosen) {
		return nil
	}
	p.lookups, p.changes, p.signals = nil, nil, nil
	parts, err := newParts(p.target, collect, p.auto.profiles, &p.shared.layouts, p.lookup)
	if err != nil {
		return err
	}
	p.parts, p.auto.chosen = parts, collect
	for _, part := range p.parts {
		part.changes = p.watch(part.table)
	}
	return nil
}
