package snmpdconf

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"walkabout/internal/secret"
	"walkabout/snmp"
	"walkabout/snmp/usm"
	"walkabout/snmp/vacm"
)

// TrapPort is where a receiver of notifications listens (RFC 3417 section 3.1).
const TrapPort = 162

// SecureTrapPort is where one listens by TLS and DTLS (RFC 6353 section 13, snmptls-trap and snmpdtls-trap).
const SecureTrapPort = 10162

// MaxSinks bounds the receivers of all files: each has a queue of its own.
const MaxSinks = 100

// Sink is a receiver of notifications: a line of trapsink, trap2sink, informsink or trapsess.
type Sink struct {
	Name    string // -name, else internal0 and so on, as Net-SNMP calls them; unique
	Tag     string // -tag; the Name without one
	Profile string // -profile: the name of one of Filters; "" is none
	Address Address
	Source  netip.AddrPort // -s; not valid if it is not set
	Version snmp.Version
	Inform  bool
	Timeout time.Duration // -t: of informs; 0 is not set
	Retries int           // -r: of informs

	Community secret.String // of versions 1 and 2c

	User     string // -u, the securityName of version 3
	Level    snmp.SecurityLevel
	Context  string // -n
	EngineID string // -e, the receiver's; "" is to be asked for

	// Of tlstcp and dtlsudp.
	TSM bool // version 3 by the Transport Security Model: the certificates say who is who, and there is no User
	TLS SinkTLS

	File string
	Line int

	keys *User // of -A, -X and -3; nil if createUser has them
}

// SinkTLS is the certificates of a session to a receiver (-T). A Name that is "" is not set.
type SinkTLS struct {
	Own      CertName   // our_identity: the agent's; it is localCert's unless it is set
	Peer     CertName   // their_identity: the receiver's, by its fingerprint or a file
	Hostname string     // their_hostname: that the receiver's certificate is for; the receiver's in the address unless it is set
	Trusted  []CertName // trust_cert: authorities, or the receiver's own certificate
}

// defaultRetries is how often Net-SNMP sends an inform again (snmpcmd(1)).
const defaultRetries = 5

// Filter is a profile of notificationFilter: its rows of snmpNotifyFilterTable.
type Filter struct {
	Name     string
	Families []vacm.Family
}

// Notifications is what the files say of notifications.
type Notifications struct {
	Sinks       []Sink
	Filters     []Filter
	AuthTraps   int32  // authtrapenable: snmpEnableAuthenTraps, enabled(1) or disabled(2); 0 is not set
	LinkUpDown  bool   // linkUpDownNotifications
	V1Address   string // v1trapaddress: an IPv4 address or a host's name; "" is not set
	RemoteUsers []User // createUser -e
}

// ErrNoKeys is wrapped by SinkUser where the files have no keys of a user at an engine.
var ErrNoKeys = errors.New("no keys of this user at this engine")

// SinkUser returns the user of s with its keys at the engine of engineID; ownID is this agent's own.
func (c *Config) SinkUser(s *Sink, engineID, ownID string) (usm.User, error) {
	if s.keys != nil {
		return s.keys.Keys(engineID)
	}
	for i := range c.Notifications.RemoteUsers {
		if u := &c.Notifications.RemoteUsers[i]; u.Name == s.User && u.EngineID == engineID {
			return u.Keys(engineID)
		}
	}
	for i := range c.Users {
		if u := &c.Users[i]; u.Name == s.User && (engineID == ownID || u.auth.kind != localized && u.priv.kind != localized) {
			return u.Keys(engineID)
		}
	}
	if s.Level == snmp.NoAuthNoPriv {
		return usm.User{Name: s.User}, nil
	}
	return usm.User{}, fmt.Errorf("user %q, engine 0x%x: %w", s.User, engineID, ErrNoKeys)
}

// sink reads trapsink, trap2sink and informsink: [-profile P] [-name N] [-tag T] [-s SOURCE] HOST [COMMUNITY [PORT]]. No message holds a
// word of a line that may be the community.
func (p *parser) sink(name, value string, version snmp.Version, inform bool) {
	const form = "[-profile P] [-name N] [-tag T] [-s SOURCE] HOST [COMMUNITY [PORT]]"
	w, ok := p.split(name, value, form, 1, 0)
	if !ok {
		return
	}
	s := p.newSink(version, inform)
	for len(w) > 0 && strings.HasPrefix(w[0], "-") {
		if w, ok = p.sinkOption(name, &s, w); !ok {
			return
		}
	}
	if len(w) == 0 || len(w) > 3 {
		p.errorf("%s is written %s", name, form)
		return
	}
	if s.Address, ok = p.receiver(name, w[0]); !ok {
		return
	}
	s.Community = p.trapCommunity
	if len(w) > 1 {
		s.Community = secret.New(w[1])
	}
	if len(w) > 2 && s.Address.Network != "unix" && !explicitPort(w[0]) {
		port, err := strconv.ParseUint(w[2], 10, 16)
		if err != nil || port == 0 {
			p.errorf("%s: the third word is the port, a number from 1 to 65535", name)
			return
		}
		s.Address.Port = uint16(port)
	}
	p.addSink(name, s)
}

func (p *parser) newSink(version snmp.Version, inform bool) Sink {
	return Sink{Version: version, Inform: inform, Retries: defaultRetries, Level: snmp.NoAuthNoPriv, File: p.file, Line: p.line}
}

// sinkOption takes an option that every kind of sink may have off the front of w; false after an error.
func (p *parser) sinkOption(name string, s *Sink, w []string) (rest []string, ok bool) {
	texts := map[string]*string{"-profile": &s.Profile, "-name": &s.Name, "-tag": &s.Tag}
	text := texts[w[0]]
	switch {
	case text == nil && w[0] != "-s":
		p.errorf("%s: the options are -profile, -name, -tag and -s", name)
		return nil, false
	case len(w) == 1:
		p.errorf("%s: %s needs a word after it", name, w[0])
		return nil, false
	case text == nil:
		if s.Source, ok = parseSourceAddress(w[1]); !ok {
			p.errorf("%s: after -s stands an address of this machine, such as 192.0.2.1 or udp:192.0.2.1:10162", name)
		}
		return w[2:], ok
	case w[1] == "" || len(w[1]) > 32: // SnmpAdminString (SIZE (1..32))
		p.errorf("%s: what stands after %s has 1 to 32 octets", name, w[0])
		return nil, false
	}
	*text = w[1]
	return w[2:], true
}

// parseSourceAddress reads the address that notifications leave from; without a port it is any.
func parseSourceAddress(s string) (netip.AddrPort, bool) {
	a, err := ParseAddress(s)
	if err != nil || !a.isUDP() || a.Device != "" {
		return netip.AddrPort{}, false
	}
	if !explicitPort(s) {
		a.Port = 0
	}
	ip, err := netip.ParseAddr(a.Host)
	return netip.AddrPortFrom(ip, a.Port), err == nil
}

// receiver reads the address of a receiver; false after a remark.
func (p *parser) receiver(name, s string) (Address, bool) {
	a, err := ParseAddress(s)
	switch {
	case errors.Is(err, ErrTransport):
		p.warnf("%s: notifications go out by udp, udp6, tcp, tcp6, tlstcp, dtlsudp and unix only; the line is ignored", name)
		return a, false
	case err == nil && a.Network == "unix":
		return a, true
	case err != nil || a.Host == "" || a.Port == 0 || a.Device != "":
		p.errorf("%s: the receiver must be an address or a host's name, such as udp:192.0.2.1:162, receiver.example or udp6:[2001:db8::1]", name)
		return a, false
	}
	switch {
	case explicitPort(s):
	case a.Secure():
		a.Port = SecureTrapPort
	default:
		a.Port = TrapPort
	}
	return a, true
}

// explicitPort reports whether an address that ParseAddress takes, and that has a host, has a port too.
func explicitPort(s string) bool {
	if _, err := netip.ParseAddr(s); err == nil {
		return false
	}
	if transport, rest, found := strings.Cut(s, ":"); found && transports[strings.ToLower(transport)] != "" {
		if _, err := netip.ParseAddr(rest); err == nil {
			return false
		}
		s = rest
	}
	if _, rest, bracket := strings.Cut(s, "]"); bracket {
		s = rest
	}
	return strings.Contains(s, ":")
}

// addSink adds s, with a name if it has none.
func (p *parser) addSink(name string, s Sink) {
	sinks := &p.config.Notifications.Sinks
	if len(*sinks) == MaxSinks {
		p.errorf("%s: more than %d receivers of notifications", name, MaxSinks)
		return
	}
	if s.Source.IsValid() && s.Address.Network == "unix" {
		p.errorf("%s: -s is of no use with a unix socket", name)
		return
	}
	if s.Source.IsValid() && s.Source.Addr().Is4() == s.Address.IPv6() {
		p.errorf("%s: the address after -s and that of the receiver are one of IPv4 and one of IPv6; a name is of IPv4 unless it is written udp6:NAME", name)
		return
	}
	if s.Address.Secure() && s.Version != snmp.V3 {
		p.warnf("%s: by TLS and DTLS Net-SNMP's agent sends SNMPv3 whatever a line says, and snmptrapd hears nothing else: write trapsess -v 3 unless the receiver is another", name)
	}
	if s.Name == "" {
		s.Name = "internal" + strconv.Itoa(len(*sinks))
	}
	if s.Tag == "" {
		s.Tag = s.Name
	}
	for _, other := range *sinks {
		if other.Name == s.Name {
			p.errorf("%s: %s:%d has the name %s already", name, other.File, other.Line, clip(s.Name))
			return
		}
	}
	*sinks = append(*sinks, s)
}

// defaultTrapCommunity is Net-SNMP's, where neither the line nor trapcommunity says it.
const defaultTrapCommunity = "public"

func (p *parser) setTrapCommunity(name, value string) {
	if w, ok := p.split(name, value, "COMMUNITY", 1, 1); ok {
		p.trapCommunity = secret.New(w[0])
	}
}

func (p *parser) authTrapEnable(name, value string) {
	word, ok := bare(value)
	n, known := map[string]int32{"1": 1, "2": 2, "enable": 1, "disable": 2}[strings.ToLower(word)]
	if !ok || !known {
		p.errorf("%s must be 1 (enabled) or 2 (disabled)", name)
		return
	}
	p.once(name)
	p.config.Notifications.AuthTraps = n
}

func (p *parser) linkUpDownNotifications(name, value string) {
	word, ok := bare(value)
	on, known := map[string]bool{"yes": true, "true": true, "1": true, "no": false, "false": false, "0": false}[strings.ToLower(word)]
	if !ok || !known {
		p.errorf("%s must be yes or no", name)
		return
	}
	p.once(name)
	p.config.Notifications.LinkUpDown = on
}

func (p *parser) v1TrapAddress(name, value string) {
	word, ok := bare(value)
	ip, err := netip.ParseAddr(word)
	if !ok || err == nil && !ip.Is4() || err != nil && !isHostName(word) {
		p.errorf("%s must be one IPv4 address or host's name", name)
		return
	}
	p.once(name)
	p.config.Notifications.V1Address = word
}

// notificationFilter reads NAME OID MASK included|excluded.
func (p *parser) notificationFilter(name, value string) {
	w, ok := p.split(name, value, "NAME OID MASK included|excluded", 4, 4)
	if !ok {
		return
	}
	var f vacm.Family
	var oidOK, maskOK bool
	f.Subtree, oidOK = parseOID(w[1])
	f.Mask, maskOK = parseFilterMask(w[2], f.Subtree.Len())
	f.Exclude = strings.EqualFold(w[3], "excluded")
	switch {
	case w[0] == "" || len(w[0]) > 32:
		p.errorf("%s: a name has 1 to 32 octets", name)
	case !oidOK:
		p.errorf("%s: %s is neither a numeric OID nor a well-known name: write the OID in numbers", name, clip(w[1]))
	case !maskOK:
		p.errorf("%s: the mask must be up to 16 octets in hex, such as 0x00, ff.a0 or ff:a0", name)
	case !f.Exclude && !strings.EqualFold(w[3], "included"):
		p.errorf("%s: a subtree is included or excluded, and not %s", name, clip(w[3]))
	default:
		p.addFilter(name, w[0], f)
	}
}

// parseFilterMask is parseMask, but that 0x00 stands for a mask that is not set, as in Net-SNMP's manual.
func parseFilterMask(s string, n int) (string, bool) {
	if s == "0" || s == "0x00" || s == "00" {
		return "", true
	}
	return parseMask(s, n)
}

func (p *parser) addFilter(name, profile string, f vacm.Family) {
	filters := &p.config.Notifications.Filters
	total := 0
	for i := range *filters {
		total += len((*filters)[i].Families)
	}
	if total == MaxFamilies {
		p.errorf("%s: more than %d lines", name, MaxFamilies)
		return
	}
	for i := range *filters {
		if (*filters)[i].Name == profile {
			(*filters)[i].Families = append((*filters)[i].Families, f)
			return
		}
	}
	*filters = append(*filters, Filter{profile, []vacm.Family{f}})
}

// checkSinks judges what the lines on notifications together do not say.
func (p *parser) checkSinks() {
	n := &p.config.Notifications
	for i := range n.Sinks {
		s := &n.Sinks[i]
		p.file, p.line = s.File, s.Line
		if s.Profile != "" && n.filter(s.Profile) == nil {
			p.errorf("-profile %s: no notificationFilter has this name, and so nothing would be sent", clip(s.Profile))
		}
		if s.Version == snmp.V3 && !s.TSM && s.keys == nil && s.Level > p.bestLevel(s.User) {
			p.warnf("the user %s has no keys for %v here: give them with -a, -A, -x and -X or in a createUser line, or nothing is sent unless it was made over SNMP", clip(s.User), s.Level)
		}
	}
	if len(n.Sinks) == 0 && n.LinkUpDown {
		place := p.given["linkUpDownNotifications"]
		p.file, p.line = place.file, place.line
		p.warnf("linkUpDownNotifications: there is no receiver: add trap2sink HOST COMMUNITY")
	}
}

func (n *Notifications) filter(name string) *Filter {
	for i := range n.Filters {
		if n.Filters[i].Name == name {
			return &n.Filters[i]
		}
	}
	return nil
}

// FilterOf returns the families of the sink's profile, and whether it has one.
func (n *Notifications) FilterOf(s *Sink) ([]vacm.Family, bool) {
	f := n.filter(s.Profile)
	if f == nil {
		return nil, false
	}
	return f.Families, true
}

// bestLevel returns the highest level that a createUser line has keys for.
func (p *parser) bestLevel(user string) snmp.SecurityLevel {
	best := snmp.NoAuthNoPriv
	for _, list := range [][]User{p.config.Users, p.config.Notifications.RemoteUsers} {
		for _, u := range list {
			if u.Name == user {
				keyed := usm.User{Auth: u.Auth, Priv: u.Priv}
				best = max(best, keyed.Level())
			}
		}
	}
	return best
}

// notifies reports whether a sink has the user.
func (n *Notifications) notifies(user string) bool {
	for i := range n.Sinks {
		if n.Sinks[i].Version == snmp.V3 && !n.Sinks[i].TSM && n.Sinks[i].User == user {
			return true
		}
	}
	return false
}

// notNeeded takes what is so anyway: this agent needs no name to ask itself by, has no Perl, does not log who connects, and no log of
// notifications.
func (p *parser) notNeeded(string, string) {}
