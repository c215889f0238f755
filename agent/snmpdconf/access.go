package snmpdconf

import (
	"slices"
	"strings"

	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/vacm"
)

// Member is a row of vacmSecurityToGroupTable, and the line that makes it.
type Member struct {
	vacm.Member
	File string
	Line int
}

// Entry is a row of vacmAccessTable, and the first line that adds to it.
type Entry struct {
	vacm.Entry
	File string
	Line int
}

// View is a view's rows of vacmViewTreeFamilyTable.
type View struct {
	Name     string
	Families []vacm.Family
}

// The views that every file may name; the others whose names begin with _ hold the one subtree that a line grants.
const (
	allView  = "_all_"
	noneView = "_none_"
)

// memberKey and entryKey are the indexes of the two tables.
type memberKey struct {
	model vacm.SecurityModel
	name  string
}

type entryKey struct {
	group, prefix string
	model         vacm.SecurityModel
	level         snmp.SecurityLevel
}

// addMember adds m; a name is in one group only, the first.
func (p *parser) addMember(directive string, m vacm.Member) {
	k := memberKey{m.Model, m.Name}
	if i, ok := p.members[k]; ok {
		if first := &p.config.Members[i]; first.Group != m.Group {
			p.warnf("%s: %s:%d puts %s into the group %s already; this line does not change it", directive, first.File, first.Line, clip(m.Name), clip(first.Group))
		}
		return
	}
	p.members[k] = len(p.config.Members)
	p.config.Members = append(p.config.Members, Member{m, p.file, p.line})
}

// addEntry adds e, or its views to the row that is there already; of two for the same purpose the first stands.
func (p *parser) addEntry(directive string, e vacm.Entry) {
	k := entryKey{e.Group, e.Prefix, e.Model, e.Level}
	i, ok := p.entries[k]
	if !ok {
		p.entries[k] = len(p.config.Entries)
		p.config.Entries = append(p.config.Entries, Entry{e, p.file, p.line})
		return
	}
	row := &p.config.Entries[i]
	if row.Exact != e.Exact {
		p.warnf("%s: %s:%d gives access to the same group and context already, one exactly and one by prefix; this line has no effect", directive, row.File, row.Line)
		return
	}
	for kind, view := range e.Views {
		switch {
		case view == "" || view == row.Views[kind]:
		case row.Views[kind] == "":
			row.Views[kind] = view
		default:
			p.warnf("%s: %s:%d gives the same group the view %s already; this line's %s has no effect", directive, row.File, row.Line, clip(row.Views[kind]), clip(view))
		}
	}
}

// MaxFamilies bounds the subtrees of one view: requests may have to look through them all.
const MaxFamilies = 1000

// addFamily adds a subtree to the view called name; false, and no change, if it is there already in another way.
func (p *parser) addFamily(name string, f vacm.Family) {
	v := &p.config.Views[p.defineView(name)]
	for _, have := range v.Families {
		switch {
		case have == f:
			return
		case have.Subtree == f.Subtree && have.Mask == f.Mask:
			p.warnf("view: a line before says the contrary of the same subtree of %s, and stands, as in Net-SNMP; this one has no effect", clip(name))
			return
		case have.Subtree == f.Subtree:
			p.warnf("view: a line before names the same subtree of %s with another mask: where both hold an object that one decides, as in Net-SNMP", clip(name))
		}
	}
	if len(v.Families) == MaxFamilies { // an error, for what is left out may be an exclusion
		p.errorf("the view %s has more than %d subtrees", clip(name), MaxFamilies)
		return
	}
	v.Families = append(v.Families, f)
}

func (p *parser) defineView(name string) int {
	i, ok := p.views[name]
	if !ok {
		i = len(p.config.Views)
		p.views[name] = i
		p.config.Views = append(p.config.Views, View{Name: name})
	}
	return i
}

// useView makes the view called name if every file may use it.
func (p *parser) useView(name string) string {
	_, defined := p.views[name]
	switch {
	case defined:
	case name == allView:
		p.addFamily(name, vacm.Family{})
	case name == noneView:
		p.defineView(name)
	}
	return name
}

// grant is what the last words of a line give, [OID | -V VIEW [CONTEXT]], which is everything in every context without them.
type grant struct {
	view    string
	context string
	exact   bool // context is the whole of it, not its beginning
}

// parseGrant reads the words of a grant; false after an error.
func (p *parser) parseGrant(directive string, w []string) (g grant, ok bool) {
	switch {
	case len(w) == 0:
		return grant{view: p.useView(allView)}, true
	case w[0] == "-V" && len(w) == 1:
		p.errorf("%s: -V needs the name of a view", directive)
		return g, false
	case w[0] == "-V":
		g.view = p.useView(w[1])
		w = w[2:]
	default:
		subtree, ok := parseOID(w[0])
		if !ok {
			p.errorf("%s: the OID must be numeric, such as .1.3.6.1.2.1.1 (or a well-known name, such as system); .1 is everything", directive)
			return g, false
		}
		g.view = p.subtreeView(subtree)
		w = w[1:]
	}
	if len(w) > 1 {
		p.errorf("%s: there is more than a context after the view", directive)
		return g, false
	}
	if len(w) == 1 {
		g.context, g.exact = strings.CutSuffix(w[0], "*")
		g.exact = !g.exact
	}
	return g, true
}

// subtreeView returns the view of one subtree, which it makes.
func (p *parser) subtreeView(subtree oid.OID) string {
	name := "_." + subtree.String() + "_"
	if _, defined := p.views[name]; !defined {
		p.addFamily(name, vacm.Family{Subtree: subtree})
	}
	return name
}

// viewTypes is what TYPES grant, by vacm.ViewType.
type viewTypes [3]bool

var (
	readOnly  = viewTypes{vacm.Read: true}
	readWrite = viewTypes{vacm.Read: true, vacm.Write: true}
)

// of returns the columns of an access entry.
func (t viewTypes) of(view string) (out [3]string) {
	for kind, granted := range t {
		if granted {
			out[kind] = view
		}
	}
	return out
}

// parseTypes reads read,write,notify; false after an error, and where nothing is left that an agent grants.
func (p *parser) parseTypes(directive, s string) (t viewTypes, ok bool) {
	for word := range strings.SplitSeq(s, ",") {
		switch strings.ToLower(word) {
		case "read":
			t[vacm.Read] = true
		case "write":
			t[vacm.Write] = true
		case "notify":
			t[vacm.Notify] = true
		case "log", "execute", "net":
			p.warnf("%s: %s is for those who receive notifications; it grants nothing here", directive, word)
		default:
			p.errorf("%s: the types must be some of read, write and notify, with commas between", directive)
			return t, false
		}
	}
	return t, t != viewTypes{}
}

// parseModel reads a security model; false after a remark.
func (p *parser) parseModel(directive, s string, withAny bool) (vacm.SecurityModel, bool) {
	switch strings.ToLower(s) {
	case "v1":
		return vacm.V1, true
	case "v2c":
		return vacm.V2c, true
	case "usm", "v3":
		return vacm.USM, true
	case "any":
		if withAny {
			return vacm.AnyModel, true
		}
		p.errorf("%s: the security model must be v1, v2c, usm or tsm here: write a line for each", directive)
	case "tsm":
		return vacm.TSM, true
	case "ksm":
		p.warnf("%s: the security model %s is not supported; the line is ignored", directive, s)
	default:
		p.errorf("%s: the security model must be v1, v2c, usm or tsm, and not %s", directive, clip(s))
	}
	return 0, false
}

// parseLevel reads a security level; false after an error.
func (p *parser) parseLevel(directive, s string) (snmp.SecurityLevel, bool) {
	switch strings.ToLower(s) {
	case "noauth", "noauthnopriv":
		return snmp.NoAuthNoPriv, true
	case "auth", "authnopriv":
		return snmp.AuthNoPriv, true
	case "priv", "authpriv":
		return snmp.AuthPriv, true
	}
	p.errorf("%s: the level must be noauth, auth or priv", directive)
	return 0, false
}

// modelOption takes -s MODEL off the front of w; usm without it.
func (p *parser) modelOption(directive string, w []string) (vacm.SecurityModel, []string, bool) {
	if len(w) == 0 || w[0] != "-s" {
		return vacm.USM, w, true
	}
	if len(w) == 1 {
		p.errorf("%s: -s needs a security model", directive)
		return 0, nil, false
	}
	model, ok := p.parseModel(directive, w[1], false)
	return model, w[2:], ok
}

// levelAndGrant reads [LEVEL [OID | -V VIEW [CONTEXT]]].
func (p *parser) levelAndGrant(directive string, w []string) (level snmp.SecurityLevel, g grant, ok bool) {
	level = snmp.AuthNoPriv
	if len(w) > 0 {
		if level, ok = p.parseLevel(directive, w[0]); !ok {
			return level, g, false
		}
		w = w[1:]
	}
	g, ok = p.parseGrant(directive, w)
	return level, g, ok
}

// disable reads disableSNMPv1 and its kin.
func (p *parser) disable(name, value string, v snmp.Version) {
	off := false
	p.truth(name, value, &off)
	p.config.Disabled = slices.DeleteFunc(p.config.Disabled, func(d snmp.Version) bool { return d == v })
	if off {
		p.config.Disabled = append(p.config.Disabled, v)
	}
}
