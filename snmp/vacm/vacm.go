// Package vacm is the View-based Access Control Model (RFC 3415): who may read, write and be notified of what. It does no I/O.
package vacm

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"walkabout/snmp"
)

// SecurityModel is how a message was secured (RFC 3411 section 3.4.2, IANA).
type SecurityModel int32

const (
	AnyModel SecurityModel = 0
	V1       SecurityModel = 1
	V2c      SecurityModel = 2
	USM      SecurityModel = 3
	TSM      SecurityModel = 4 // RFC 5591
)

// ViewType is what an object is wanted for.
type ViewType uint8

const (
	Read ViewType = iota
	Write
	Notify
)

// The reasons of isAccessAllowed for a refusal (RFC 3415 section 3.2).
var (
	ErrNoGroupName   = errors.New("VACM: the security name is in no group")
	ErrNoAccessEntry = errors.New("VACM: the group has no access entry for this context, model and level")
	ErrNoSuchView    = errors.New("VACM: the access entry names no view, or one that does not exist")
)

// Member is a row of vacmSecurityToGroupTable.
type Member struct {
	Model SecurityModel
	Name  string // securityName
	Group string
}

// Entry is a row of vacmAccessTable.
type Entry struct {
	Group  string
	Prefix string // of contextName
	Exact  bool   // Prefix is the whole contextName
	Model  SecurityModel
	Level  snmp.SecurityLevel // the least that is asked for
	Views  [3]string          // names of views by ViewType; "" is none
}

// Policy is the whole of the tables. It is immutable; an Allowed is asked of it by any number of goroutines.
type Policy struct {
	groups  map[memberKey]string
	entries map[string][]Entry // by group, the preferred first
	views   map[string]*View
}

type memberKey struct {
	model SecurityModel
	name  string
}

// NewPolicy returns the policy of the tables; of two rows with the same index the first stands.
func NewPolicy(members []Member, entries []Entry, views map[string][]Family) *Policy {
	p := &Policy{groups: map[memberKey]string{}, entries: map[string][]Entry{}, views: map[string]*View{}}
	for _, m := range members {
		k := memberKey{m.Model, m.Name}
		if _, twice := p.groups[k]; !twice {
			p.groups[k] = m.Group
		}
	}
	for _, e := range entries {
		p.entries[e.Group] = append(p.entries[e.Group], e)
	}
	for _, list := range p.entries {
		slices.SortStableFunc(list, prefer)
	}
	for name, families := range views {
		p.views[name] = NewView(families...)
	}
	return p
}

// prefer orders the entries of a group as vacmAccessTable's description ranks those that fit: a model of its own before any,
// an exact context before a prefix, a longer prefix, a higher level.
func prefer(a, b Entry) int {
	return cmp.Or(flag(b.Model != AnyModel)-flag(a.Model != AnyModel), flag(b.Exact)-flag(a.Exact), len(b.Prefix)-len(a.Prefix), int(b.Level)-int(a.Level))
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Allowed returns the view that a principal has for an operation: isAccessAllowed of RFC 3415 section 3.2 but for the object
// itself, which View.Contains tells. Whether the context exists is the caller's question.
func (p *Policy) Allowed(model SecurityModel, name string, level snmp.SecurityLevel, context string, kind ViewType) (*View, error) {
	group, ok := p.groups[memberKey{model, name}]
	if !ok {
		return nil, ErrNoGroupName
	}
	for _, e := range p.entries[group] {
		if e.Model != AnyModel && e.Model != model || e.Level > level {
			continue
		}
		if e.Prefix != context && (e.Exact || !strings.HasPrefix(context, e.Prefix)) {
			continue
		}
		v := p.views[e.Views[kind]]
		if v == nil || e.Views[kind] == "" {
			return nil, ErrNoSuchView
		}
		return v, nil
	}
	return nil, ErrNoAccessEntry
}
