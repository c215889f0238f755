package snmpdconf

import (
	"net/netip"
	"strings"
)

func (p *parser) sourceFilterType(name, value string) {
	word, ok := bare(value)
	f := &p.config.Sources
	switch strings.ToLower(word) {
	case "none":
		f.Type = ""
	case AcceptList, "whitelist": // as older versions have it
		f.Type = AcceptList
	case BlockList, "blacklist":
		f.Type = BlockList
	default:
		ok = false
	}
	if !ok {
		p.errorf("%s must be none, acceptlist or blocklist", name)
		return
	}
	p.once(name)
	f.File, f.Line = p.file, p.line
}

func (p *parser) sourceFilterAddress(name, value string) {
	host, ok := bare(value)
	if _, err := netip.ParseAddr(host); !ok || err != nil && !isHostName(host) {
		p.errorf("%s must be one address or one host's name", name)
		return
	}
	f := &p.config.Sources
	if len(f.Hosts) == MaxFiltered { // an error, for what is left out may be one to refuse
		p.errorf("%s: more than %d", name, MaxFiltered)
		return
	}
	f.Hosts = append(f.Hosts, host)
	if f.File == "" {
		f.File, f.Line = p.file, p.line
	}
}

// checkSourceFilter remarks on a filter that is surely not what was meant.
func (p *parser) checkSourceFilter() {
	f := &p.config.Sources
	p.file, p.line = f.File, f.Line
	switch {
	case f.Type == "" && len(f.Hosts) > 0:
		p.warnf("sourceFilterAddress has no effect: there is no sourceFilterType acceptlist or blocklist")
	case f.Type == AcceptList && len(f.Hosts) == 0:
		p.warnf("sourceFilterType acceptlist without a sourceFilterAddress: nobody is heard")
	}
}
