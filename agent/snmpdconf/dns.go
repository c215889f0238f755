package snmpdconf

import (
	"io/fs"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"walkabout/internal/secret"
)

// NameServer is a name server whose MIBs are served (dnsServer, a directive that Net-SNMP does not have).
type NameServer struct {
	Name     string // the context that it is in; the first is in the default context as well
	Kind     string // one of NameServerKinds
	Address  string // as that kind wants it
	Writable bool   // rw: a SET may give it orders
	Key      secret.String
	// KeyFile holds the Key; CA, Cert and PrivateKey are files of a control channel by TLS. Each is an absolute path, or "".
	KeyFile, CA, Cert, PrivateKey string
	// RNDC is where BIND takes orders, HOST:PORT, and RNDCKeyFile the file of their key; both or neither.
	RNDC, RNDCKeyFile string
	// Pattern is what zones that a SET makes are made of: BIND's configuration, NSD's pattern, Knot DNS' template. Clients are whom PowerDNS Recursor recurses for
	// while that is restricted. PIDFile is dnsmasq's, an absolute path.
	Pattern string
	Clients []netip.Prefix
	PIDFile string

	File string
	Line int
}

var nameServerKinds = []string{"bind", "unbound", "nsd", "knot", "pdns", "pdns-recursor", "dnsmasq"}

// NameServerKinds returns the kinds of name servers that dnsServer knows.
func NameServerKinds() []string { return slices.Clone(nameServerKinds) }

// Limits of dnsServer.
const (
	maxNameServers = 100
	maxContextName = 32 // contextName: SnmpAdminString (SIZE (0..32)), RFC 3411
)

const nameServerForm = "NAME KIND ADDRESS [rw] [apiKey=KEY] [apiKeyFile=FILE] [ca=FILE cert=FILE key=FILE] [rndc=HOST:PORT rndcKey=FILE] [pattern=PATTERN] [clients=NETWORK[,NETWORK]...] [pidFile=FILE]"

// dnsServer reads NAME KIND ADDRESS and options in any order.
func (p *parser) dnsServer(name, value string) {
	w, ok := p.split(name, value, nameServerForm, 3, 0)
	if !ok {
		return
	}
	s := NameServer{Name: w[0], Kind: strings.ToLower(w[1]), Address: w[2], File: p.file, Line: p.line}
	switch {
	case s.Name == "" || len(s.Name) > maxContextName:
		p.errorf("%s: the name is that of a context, of 1 to %d octets", name, maxContextName)
		return
	case slices.ContainsFunc(p.config.NameServers, func(o NameServer) bool { return o.Name == s.Name }):
		p.errorf("%s: there is another one called %s", name, clip(s.Name))
		return
	case !slices.Contains(nameServerKinds, s.Kind):
		p.errorf("%s: %s is no kind of name server: write one of %s", name, clip(w[1]), strings.Join(nameServerKinds, ", "))
		return
	case len(p.config.NameServers) == maxNameServers:
		p.errorf("%s: there are more than %d", name, maxNameServers)
		return
	}
	for _, option := range w[3:] {
		if !p.nameServerOption(name, &s, option) {
			return
		}
	}
	secure := s.CA != "" || s.Cert != "" || s.PrivateKey != ""
	switch {
	case secure && (s.CA == "" || s.Cert == "" || s.PrivateKey == ""):
		p.errorf("%s: TLS takes ca=, cert= and key= together", name)
	case (s.RNDC == "") != (s.RNDCKeyFile == ""):
		p.errorf("%s: orders to BIND take rndc= and rndcKey= together", name)
	case !s.Key.IsZero() && s.KeyFile != "":
		p.errorf("%s: write apiKey= or apiKeyFile=, not both", name)
	default:
		p.config.NameServers = append(p.config.NameServers, s)
	}
}

// options are those that have a value, by their names in lower case: which kinds have them, and where they go.
func (s *NameServer) options() map[string]nameServerOption {
	nlnet, pdns := []string{"unbound", "nsd"}, []string{"pdns", "pdns-recursor"}
	return map[string]nameServerOption{
		"apikey": {kinds: pdns}, "apikeyfile": {pdns, &s.KeyFile, true},
		"ca": {nlnet, &s.CA, true}, "cert": {nlnet, &s.Cert, true}, "key": {nlnet, &s.PrivateKey, true},
		"rndc": {[]string{"bind"}, &s.RNDC, false}, "rndckey": {[]string{"bind"}, &s.RNDCKeyFile, true},
		"pattern": {[]string{"bind", "nsd", "knot"}, &s.Pattern, false},
		"clients": {kinds: []string{"pdns-recursor"}}, "pidfile": {[]string{"dnsmasq"}, &s.PIDFile, true},
	}
}

// nameServerOption is an option of dnsServer. Where to is nil, nameServerOption knows how it is read.
type nameServerOption struct {
	kinds  []string
	to     *string
	isFile bool
}

func (p *parser) nameServerOption(name string, s *NameServer, option string) bool {
	if option == "rw" {
		s.Writable = true
		return true
	}
	key, value, _ := strings.Cut(option, "=")
	o, known := s.options()[strings.ToLower(key)]
	switch {
	case !known:
		p.errorf("%s: there is no option %s; it is written %s", name, clip(key), nameServerForm)
	case value == "":
		p.errorf("%s: %s has no value", name, key)
	case !slices.Contains(o.kinds, s.Kind):
		p.errorf("%s: %s is of %s", name, key, strings.Join(o.kinds, " and "))
	case o.isFile && !strings.HasPrefix(value, "/"):
		p.errorf("%s: %s: write the whole path of the file", name, key)
	case strings.ContainsAny(value, "\r\n"):
		p.errorf("%s: %s is of one line", name, key)
	case o.to != nil:
		*o.to = value
		return true
	case strings.EqualFold(key, "apiKey"):
		s.Key = secret.New(value)
		return true
	default:
		var ok bool
		s.Clients, ok = p.networks(name, key, value)
		return ok
	}
	return false
}

// networks reads NETWORK[,NETWORK]...
func (p *parser) networks(name, key, value string) (list []netip.Prefix, ok bool) {
	for text := range strings.SplitSeq(value, ",") {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			p.errorf("%s: %s: %s is no network such as 192.0.2.0/24", name, key, clip(text))
			return nil, false
		}
		list = append(list, network.Masked())
	}
	return list, true
}

// DNSTap is a unix socket to which a name server sends its dnstap (dnstap, a directive that Net-SNMP does not have).
type DNSTap struct {
	Server  string // the Name of a NameServer
	Socket  string // an absolute path
	Mode    fs.FileMode
	Friends []netip.Prefix // who is a friend to dnsServOptCounterFriends…

	File string
	Line int
}

// defaultTapMode lets the agent's user and group connect.
const defaultTapMode = 0o660

const dnstapForm = "NAME SOCKET [mode=MODE] [friends=NETWORK[,NETWORK]...]"

// dnstap reads NAME SOCKET and options in any order.
func (p *parser) dnstap(name, value string) {
	w, ok := p.split(name, value, dnstapForm, 2, 0)
	if !ok {
		return
	}
	t := DNSTap{Server: w[0], Socket: strings.TrimPrefix(w[1], "unix:"), Mode: defaultTapMode, File: p.file, Line: p.line}
	switch {
	case !strings.HasPrefix(t.Socket, "/"):
		p.errorf("%s: %s: the path of a unix socket begins with /", name, clip(w[1]))
		return
	case slices.ContainsFunc(p.config.DNSTaps, func(o DNSTap) bool { return o.Server == t.Server || o.Socket == t.Socket }):
		p.errorf("%s: there is another one of that name or socket", name)
		return
	}
	for _, option := range w[2:] {
		key, value, _ := strings.Cut(option, "=")
		switch strings.ToLower(key) {
		case "mode":
			mode, err := strconv.ParseUint(value, 8, 16)
			if err != nil || mode == 0 || mode > 0o777 {
				p.errorf("%s: %s is no mode: write octal digits such as 660", name, clip(value))
				return
			}
			t.Mode = fs.FileMode(mode)
		case "friends":
			friends, ok := p.networks(name, "friends", value)
			if !ok {
				return
			}
			t.Friends = append(t.Friends, friends...)
		default:
			p.errorf("%s: there is no option %s; it is written %s", name, clip(key), dnstapForm)
			return
		}
	}
	p.config.DNSTaps = append(p.config.DNSTaps, t)
}

// checkTaps finds those of servers that there are not.
func (p *parser) checkTaps() {
	for _, t := range p.config.DNSTaps {
		if !slices.ContainsFunc(p.config.NameServers, func(s NameServer) bool { return s.Name == t.Server }) {
			p.file, p.line = t.File, t.Line
			p.errorf("dnstap: no dnsServer is called %s", clip(t.Server))
		}
	}
}
