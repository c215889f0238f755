package snmpdconf

import (
	"strconv"
	"strings"

	"walkabout/snmp/vacm"
)

// split returns the words of a value, of which there must be from least to most (0: any number); false after an error, which says how
// the line is written.
func (p *parser) split(directive, value, form string, least, most int) ([]string, bool) {
	w, err := words(value)
	if err != nil {
		p.errorf("%s: %v", directive, err)
		return nil, false
	}
	if len(w) < least || most > 0 && len(w) > most {
		p.errorf("%s: %d words; it is written %s", directive, len(w), form)
		return nil, false
	}
	return w, true
}

// user reads rouser, rwuser and the rest of authuser: [-s MODEL] USER [LEVEL [OID | -V VIEW [CONTEXT]]].
func (p *parser) user(directive, value string, types viewTypes) {
	w, ok := p.split(directive, value, "USER [noauth|auth|priv [OID | -V VIEW [CONTEXT]]]", 1, 0)
	if ok {
		p.userWords(directive, w, types)
	}
}

func (p *parser) userWords(directive string, w []string, types viewTypes) {
	model, w, ok := p.modelOption(directive, w)
	if !ok {
		return
	}
	if len(w) == 0 || w[0] == "" {
		p.errorf("%s: the user has no name", directive)
		return
	}
	level, g, ok := p.levelAndGrant(directive, w[1:])
	if !ok {
		return
	}
	group := "grp" + w[0]
	p.addMember(directive, vacm.Member{Model: model, Name: w[0], Group: group})
	p.addEntry(directive, vacm.Entry{Group: group, Prefix: g.context, Exact: g.exact, Model: model, Level: level, Views: types.of(g.view)})
}

// authUser reads TYPES [-s MODEL] USER [LEVEL [OID | -V VIEW [CONTEXT]]].
func (p *parser) authUser(directive, value string) {
	w, ok := p.split(directive, value, "TYPES USER [noauth|auth|priv [OID | -V VIEW [CONTEXT]]]", 2, 0)
	if !ok {
		return
	}
	if types, ok := p.parseTypes(directive, w[0]); ok {
		p.userWords(directive, w[1:], types)
	}
}

// authGroup reads TYPES [-s MODEL] GROUP [LEVEL [OID | -V VIEW [CONTEXT]]].
func (p *parser) authGroup(directive, value string) {
	w, ok := p.split(directive, value, "TYPES [-s MODEL] GROUP [noauth|auth|priv [OID | -V VIEW [CONTEXT]]]", 2, 0)
	if !ok {
		return
	}
	types, ok := p.parseTypes(directive, w[0])
	if !ok {
		return
	}
	model, w, ok := p.modelOption(directive, w[1:])
	if !ok {
		return
	}
	if len(w) == 0 {
		p.errorf("%s: the group has no name", directive)
		return
	}
	if level, g, ok := p.levelAndGrant(directive, w[1:]); ok {
		p.addEntry(directive, vacm.Entry{Group: w[0], Prefix: g.context, Exact: g.exact, Model: model, Level: level, Views: types.of(g.view)})
	}
}

// authAccess reads TYPES [-s MODEL] GROUP VIEW [LEVEL [CONTEXT]].
func (p *parser) authAccess(directive, value string) {
	w, ok := p.split(directive, value, "TYPES [-s MODEL] GROUP VIEW [noauth|auth|priv [CONTEXT]]", 3, 0)
	if !ok {
		return
	}
	types, ok := p.parseTypes(directive, w[0])
	if !ok {
		return
	}
	model, w, ok := p.modelOption(directive, w[1:])
	if !ok {
		return
	}
	if len(w) < 2 || len(w) > 4 {
		p.errorf("%s: it is written TYPES [-s MODEL] GROUP VIEW [noauth|auth|priv [CONTEXT]]", directive)
		return
	}
	e := vacm.Entry{Group: w[0], Exact: true, Model: model, Views: types.of(p.useView(w[1]))}
	level := "auth"
	if len(w) > 2 {
		level = w[2]
	}
	if e.Level, ok = p.parseLevel(directive, level); !ok {
		return
	}
	if len(w) > 3 {
		prefix := false
		e.Prefix, prefix = strings.CutSuffix(w[3], "*")
		e.Exact = !prefix
	}
	p.addEntry(directive, e)
}

// access reads GROUP CONTEXT MODEL LEVEL PREFIX READ WRITE NOTIFY.
func (p *parser) access(directive, value string) {
	w, ok := p.split(directive, value, "GROUP CONTEXT any|v1|v2c|usm|tsm noauth|auth|priv exact|prefix READ WRITE NOTIFY", 8, 8)
	if !ok {
		return
	}
	if e, ok := p.accessRow(directive, w); ok {
		e.Views = [3]string{vacm.Read: p.useView(w[5]), vacm.Write: p.useView(w[6]), vacm.Notify: p.useView(w[7])}
		p.addEntry(directive, e)
	}
}

// setAccess reads GROUP CONTEXT MODEL LEVEL PREFIX VIEW TYPES.
func (p *parser) setAccess(directive, value string) {
	w, ok := p.split(directive, value, "GROUP CONTEXT any|v1|v2c|usm|tsm noauth|auth|priv exact|prefix VIEW TYPES", 7, 7)
	if !ok {
		return
	}
	types, ok := p.parseTypes(directive, w[6])
	if !ok {
		return
	}
	if e, ok := p.accessRow(directive, w); ok {
		e.Views = types.of(p.useView(w[5]))
		p.addEntry(directive, e)
	}
}

// accessRow reads GROUP CONTEXT MODEL LEVEL PREFIX.
func (p *parser) accessRow(directive string, w []string) (e vacm.Entry, ok bool) {
	e.Group, e.Prefix = w[0], w[1]
	if e.Model, ok = p.parseModel(directive, w[2], true); !ok {
		return e, false
	}
	if e.Level, ok = p.parseLevel(directive, w[3]); !ok {
		return e, false
	}
	switch strings.ToLower(w[4]) {
	case "exact":
		e.Exact = true
	case "prefix":
	default:
		p.errorf("%s: the context is matched as exact or prefix, and not %s", directive, clip(w[4]))
		return e, false
	}
	return e, true
}

// group reads GROUP MODEL SECNAME.
func (p *parser) group(directive, value string) {
	w, ok := p.split(directive, value, "GROUP v1|v2c|usm|tsm SECNAME", 3, 3)
	if !ok {
		return
	}
	model, ok := p.parseModel(directive, w[1], true)
	switch {
	case !ok:
		return
	case model == vacm.AnyModel: // which vacmSecurityToGroupTable has not
		p.warnf("%s: the security model any is no one of a group (RFC 3415); it is taken for v1, v2c, usm and tsm, as Net-SNMP does", directive)
		for _, m := range []vacm.SecurityModel{vacm.V1, vacm.V2c, vacm.USM, vacm.TSM} {
			p.addMember(directive, vacm.Member{Model: m, Name: w[2], Group: w[0]})
		}
	default:
		p.addMember(directive, vacm.Member{Model: model, Name: w[2], Group: w[0]})
	}
}

// view reads VIEW included|excluded OID [MASK].
func (p *parser) view(directive, value string) {
	w, ok := p.split(directive, value, "VIEW included|excluded OID [MASK]", 3, 4)
	if !ok {
		return
	}
	var f vacm.Family
	switch strings.ToLower(w[1]) {
	case "included":
	case "excluded":
		f.Exclude = true
	default:
		p.errorf("%s: a subtree is included or excluded, and not %s", directive, clip(w[1]))
		return
	}
	if w[0] == "" || strings.HasPrefix(w[0], "_") {
		p.errorf("%s: names that are empty or begin with _ are the agent's own", directive)
		return
	}
	if f.Subtree, ok = parseOID(w[2]); !ok && !f.Exclude {
		p.warnf("%s: %s is neither a numeric OID nor a well-known name; the line is ignored", directive, clip(w[2]))
		p.defineView(w[0])
		return
	} else if !ok { // without the line the view would be wider
		p.errorf("%s: %s is neither a numeric OID nor a well-known name: write the OID in numbers", directive, clip(w[2]))
		return
	}
	if len(w) > 3 {
		if f.Mask, ok = parseMask(w[3], f.Subtree.Len()); !ok {
			p.errorf("%s: the mask must be up to 16 octets in hex, such as ff.a0 or ff:a0", directive)
			return
		}
	}
	p.addFamily(w[0], f)
}

// parseMask reads octets in hex with . or : between them, with or without 0x, and cuts them to the mask of n sub-identifiers: "" if all of
// them count.
func parseMask(s string, n int) (string, bool) {
	var mask []byte
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == '.' || r == ':' }) {
		if len(part) > 2 && (strings.HasPrefix(part, "0x") || strings.HasPrefix(part, "0X")) {
			part = part[2:]
		}
		octet, err := strconv.ParseUint(part, 16, 8)
		if err != nil || len(mask) == maxMask {
			return "", false
		}
		mask = append(mask, byte(octet))
	}
	mask = mask[:min(len(mask), (n+7)/8)]
	wild := false
	for i := range mask {
		if beyond := 8*(i+1) - n; beyond > 0 { // bits of no sub-identifier
			mask[i] |= 1<<beyond - 1
		}
		wild = wild || mask[i] != 0xff
	}
	if !wild {
		return "", true
	}
	return string(mask), true
}

// maxMask is the most octets of vacmViewTreeFamilyMask.
const maxMask = 16

// checkAccess remarks on what the lines together do not say.
func (p *parser) checkAccess() {
	for _, e := range p.config.Entries {
		for _, view := range e.Views {
			if _, defined := p.views[view]; !defined && view != "" && view != "none" {
				p.file, p.line = e.File, e.Line
				p.warnf("no view is called %s: what is granted by it is nothing", clip(view))
				break
			}
		}
	}
	for _, u := range p.config.Users {
		if _, member := p.members[memberKey{vacm.USM, u.Name}]; !member && !p.config.Notifications.notifies(u.Name) {
			p.file, p.line = u.File, u.Line
			p.warnf("createUser: the user %s may do nothing: add rouser %s", clip(u.Name), u.Name)
		}
	}
}
