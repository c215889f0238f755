package agent

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/netip"
	"slices"

	"walkabout/internal/secret"
	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/vacm"
)

// Access decides who may ask what, for every version of SNMP.
type Access struct {
	// Communities lets in who presents one of them; the first that fits decides.
	Communities []CommunityEntry
	Policy      *vacm.Policy
	Disabled    []snmp.Version // not spoken: a message of one of them is dropped unseen, and counted as snmpInBadVersions
}

// CommunityEntry maps a community to a security name and a context, as a row of snmpCommunityTable does (RFC 3584 section 5).
type CommunityEntry struct {
	Community    secret.String
	SecurityName string         // what logs and handlers call the asker; never the community itself
	Context      string         // contextName
	Sources      []netip.Prefix // where it is accepted from. IPv4 and IPv6 prefixes match their own kind only
	Sockets      []string       // the unix sockets, by their paths, that it is accepted at, AnySocket for each
	// If there are neither Sources nor Sockets, it is accepted from anywhere.
	Refuse bool // the community is not accepted from there, whatever entries follow
}

// AnySocket in CommunityEntry.Sockets is every unix socket.
const AnySocket = "*"

// Community is the short form of an access: one subtree to read, and to write or not.
type Community struct {
	Name      secret.String
	Principal string         // the security name; what logs and handlers call the asker
	Sources   []netip.Prefix // as CommunityEntry has it
	Subtree   oid.OID        // what may be read; the empty OID is everything
	Write     bool           // and written
}

// CommunityAccess returns the Access that consists of the communities alone.
func CommunityAccess(list ...Community) Access {
	var a Access
	var members []vacm.Member
	var entries []vacm.Entry
	views := map[string][]vacm.Family{}
	for i, c := range list {
		name := c.Principal
		if _, taken := views[name]; taken { // two may be called the same and differ in what they may do
			name = fmt.Sprintf("%s (community %d)", c.Principal, i+1)
		}
		a.Communities = append(a.Communities, CommunityEntry{Community: c.Name, SecurityName: name, Sources: c.Sources})
		views[name] = []vacm.Family{{Subtree: c.Subtree}}
		e := vacm.Entry{Group: name, Exact: true, Level: snmp.NoAuthNoPriv, Views: [3]string{vacm.Read: name}}
		if c.Write {
			e.Views[vacm.Write] = name
		}
		entries = append(entries, e)
		members = append(members, vacm.Member{Model: vacm.V1, Name: name, Group: name}, vacm.Member{Model: vacm.V2c, Name: name, Group: name})
	}
	a.Policy = vacm.NewPolicy(members, entries, views)
	return a
}

// access is the immutable form of an Access.
type access struct {
	communities []community
	policy      *vacm.Policy
	disabled    []snmp.Version
}

type community struct {
	CommunityEntry
	digest [sha256.Size]byte // of the name: names of different lengths compare in the same time
}

func newAccess(a Access) *access {
	out := &access{policy: a.Policy, disabled: a.Disabled}
	if out.policy == nil {
		out.policy = vacm.NewPolicy(nil, nil, nil)
	}
	for _, c := range a.Communities {
		out.communities = append(out.communities, community{c, sha256.Sum256([]byte(c.Community.Reveal()))})
	}
	return out
}

// find returns the first entry that name opens from there, nil if there is none or it refuses. Every entry is compared, whichever fits. None
// opens by a secure transport, where certificates say who may come (RFC 5591 section 2.3: a model's security is not to be mixed with another's).
func (a *access) find(name string, from origin) *community {
	digest := sha256.Sum256([]byte(name))
	from.addr = from.addr.Unmap().WithZone("")
	var found *community
	for i := range a.communities {
		if c := &a.communities[i]; subtle.ConstantTimeCompare(c.digest[:], digest[:]) == 1 && found == nil && c.accepts(from) {
			found = c
		}
	}
	if found != nil && (found.Refuse || from.transport != nil) {
		return nil
	}
	return found
}

func (c *community) accepts(from origin) bool {
	if len(c.Sources) == 0 && len(c.Sockets) == 0 {
		return true
	}
	if from.socket != "" {
		return slices.Contains(c.Sockets, AnySocket) || slices.Contains(c.Sockets, from.socket)
	}
	for _, p := range c.Sources {
		if p.Contains(from.addr) {
			return true
		}
	}
	return false
}
