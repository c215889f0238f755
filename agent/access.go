package agent

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/netip"

	"walkabout/internal/secret"
	"walkabout/mib"
	"walkabout/snmp/oid"
)

// Community lets managers in that present its name from one of its sources.
type Community struct {
	Name      secret.String
	Principal string         // what logs and handlers call the asker; never the community itself
	Sources   []netip.Prefix // where it is accepted from; none is anywhere. IPv4 and IPv6 prefixes match their own kind only
	Subtree   oid.OID        // what may be read; the empty OID is everything
	Write     bool
}

// grant is what a community's holder may do.
type grant struct {
	principal string
	view      view
	write     bool
}

// view is the part of the MIB that a manager sees: one subtree.
type view struct{ root, end oid.OID }

func (v view) contains(o oid.OID) bool { return o.HasPrefix(v.root) }

// clip narrows r to the view; false if nothing is left.
func (v view) clip(r mib.Range) (mib.Range, bool) {
	if r.Start.Less(v.root) {
		r.Start, r.Include = v.root, true
	}
	if r.End.IsEmpty() || !v.end.IsEmpty() && v.end.Less(r.End) {
		r.End = v.end
	}
	return r, r.End.IsEmpty() || r.Start.Less(r.End)
}

// communities is the immutable table of what is accepted, in the order of configuration.
type communities []entry

type entry struct {
	digest  [sha256.Size]byte // of the name: names of different lengths compare in the same time
	sources []netip.Prefix
	grant   grant
}

func newCommunities(list []Community) communities {
	out := make(communities, 0, len(list))
	for _, c := range list {
		out = append(out, entry{
			digest:  sha256.Sum256([]byte(c.Name.Reveal())),
			sources: c.Sources,
			grant:   grant{c.Principal, view{c.Subtree, c.Subtree.SubtreeEnd()}, c.Write},
		})
	}
	return out
}

// find returns the first entry that name opens from source. Every entry is compared, whichever fits.
func (cs communities) find(name string, source netip.Addr) (g *grant, ok bool) {
	digest := sha256.Sum256([]byte(name))
	source = source.Unmap().WithZone("")
	for i := range cs {
		if subtle.ConstantTimeCompare(cs[i].digest[:], digest[:]) == 1 && g == nil && cs[i].accepts(source) {
			g = &cs[i].grant
		}
	}
	return g, g != nil
}

func (e *entry) accepts(source netip.Addr) bool {
	if len(e.sources) == 0 {
		return true
	}
	for _, p := range e.sources {
		if p.Contains(source) {
			return true
		}
	}
	return false
}
