package sim

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"walkabout/agent"
	"walkabout/internal/secret"
	"walkabout/mib"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// Recording is what a device answered once. It is immutable, and one may be played by any number of agents.
type Recording struct {
	varBinds []snmp.VarBind        // ascending
	varied   map[oid.OID]variation // those that do not stand still
	skipped  []*LineError
}

// NewRecording returns a recording of objects in any order. Of two with one name the last counts. NULL is the value of no object (RFC 3416 section 3)
// but that of a broken agent, which Faulty plays; it is left out.
func NewRecording(objects []snmp.VarBind) *Recording {
	all := slices.Clone(objects)
	slices.SortStableFunc(all, func(a, b snmp.VarBind) int { return a.Name.Compare(b.Name) })
	kept := all[:0]
	for i, vb := range all {
		if last := i+1 == len(all) || all[i+1].Name != vb.Name; last && vb.Value.Kind() != snmp.KindNull {
			kept = append(kept, vb)
		}
	}
	return &Recording{varBinds: kept}
}

// Len returns how many objects r has.
func (r *Recording) Len() int { return len(r.varBinds) }

// Skipped returns the lines of an .snmprec that could not be read, and are not played.
func (r *Recording) Skipped() []*LineError { return r.skipped }

// Playing says how a Recording is played.
type Playing struct {
	Name string    // sysName, in place of the recorded one; "" is that
	Boot time.Time // since then sysUpTime goes on from what was recorded
	Rate float64   // by how much each counter grows, a second; 0: they stand still
}

// Server returns an agent that plays r to a community.
func (r *Recording) Server(p Playing, community secret.String, log *slog.Logger) (*agent.Server, error) {
	s := agent.New(agent.Config{Counters: new(snmp.Counters), Log: log})
	s.SetCommunities([]agent.Community{{Name: community, Principal: "simulation"}})
	var everything []agent.Registration
	for root := range uint32(3) { // ccitt, iso, joint-iso-ccitt
		everything = append(everything, agent.Registration{Root: oid.New(root)})
	}
	if _, err := s.Register(&player{r, p}, everything...); err != nil {
		return nil, err
	}
	return s, nil
}

// player is a mib.Handler, and the View of one of its requests.
type player struct {
	*Recording
	Playing
}

// View implements mib.Handler.
func (p *player) View(_ context.Context, q *mib.Request) (mib.View, error) {
	return &played{p, q.At.Sub(p.Boot), q.At}, nil
}

// errRefused is of an object that the recording has refused.
var errRefused = errors.New("the recording says so")

type played struct {
	*player
	age time.Duration
	now time.Time
}

var (
	sysUpTime = mib2.Append(1, 3, 0)
	sysName   = mib2.Append(1, 5, 0)
)

// value returns the i-th value as it is by now.
func (v *played) value(i int) snmp.Value {
	vb := v.varBinds[i]
	if n := v.varied[vb.Name].numeric; n != nil {
		return n.value(v.age, v.now)
	}
	grown := uint64(max(0, v.age.Seconds()) * v.Rate)
	switch {
	case vb.Name == sysUpTime && vb.Value.Kind() == snmp.KindTimeTicks:
		return snmp.TimeTicks(uint32(vb.Value.Uint()) + uint32(ticks(v.age).Uint()))
	case vb.Name == sysName && v.Name != "":
		return snmp.OctetString(v.Name)
	case vb.Value.Kind() == snmp.KindCounter32:
		return snmp.Counter32(uint32(vb.Value.Uint() + grown))
	case vb.Value.Kind() == snmp.KindCounter64:
		return snmp.Counter64(vb.Value.Uint() + grown)
	}
	return vb.Value
}

func (r *Recording) search(name oid.OID) (int, bool) {
	return slices.BinarySearchFunc(r.varBinds, name, func(vb snmp.VarBind, name oid.OID) int { return vb.Name.Compare(name) })
}

// Get implements mib.View. An object is known by another of its instances.
func (v *played) Get(_ context.Context, dst []snmp.Value, names []oid.OID) ([]snmp.Value, error) {
	for k, name := range names {
		i, found := v.search(name)
		switch {
		case found && v.varied[name].refused:
			return dst, &mib.VarError{Index: k, Status: snmp.GenErr, Err: errRefused}
		case found:
			dst = append(dst, v.value(i))
		case v.sibling(name, i):
			dst = append(dst, snmp.NoSuchInstance)
		default:
			dst = append(dst, snmp.NoSuchObject)
		}
	}
	return dst, nil
}

// sibling reports whether an object next to position i differs from name in its last sub-identifier only.
func (v *played) sibling(name oid.OID, i int) bool {
	if name.Len() < 2 {
		return false
	}
	parent := name.Slice(0, name.Len()-1)
	return i < v.Len() && v.varBinds[i].Name.HasPrefix(parent) || i > 0 && v.varBinds[i-1].Name.HasPrefix(parent)
}

// Next implements mib.View.
func (v *played) Next(_ context.Context, dst []snmp.VarBind, ranges []mib.Range, most int) ([]snmp.VarBind, error) {
	for k, r := range ranges {
		i, found := v.search(r.Start)
		if found && !r.Include {
			i++
		}
		n := 0
		for ; n < most && i < v.Len() && (r.End.IsEmpty() || v.varBinds[i].Name.Less(r.End)); n++ {
			if v.varied[v.varBinds[i].Name].refused {
				return dst, &mib.VarError{Index: k, Status: snmp.GenErr, Err: errRefused}
			}
			dst = append(dst, snmp.VarBind{Name: v.varBinds[i].Name, Value: v.value(i)})
			i++
		}
		if n < most {
			dst = append(dst, snmp.VarBind{Name: r.Start, Value: snmp.EndOfMibView})
		}
	}
	return dst, nil
}

// ReadRecording reads a file of objects: an .snmprec of snmpsim, or what snmpwalk printed, which its first line tells. names may be nil; with it names in
// place of OIDs, and values without types, can be read. Its error says the line.
func ReadRecording(text string, names Names) (*Recording, error) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, _, ok := strings.Cut(line, "|")
		if _, err := oid.Parse(name); ok && err == nil && name != "" {
			return ReadSNMPRec(text)
		}
		break
	}
	return ReadWalk(text, names)
}
