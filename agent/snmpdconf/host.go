package snmpdconf

import (
	"path"
	"strings"
)

// Host is how HOST-RESOURCES-MIB shows the machine.
type Host struct {
	IgnoredDisks   []string // ignoreDisk: patterns of path.Match, such as /dev/sd[a-c]
	SkipNetwork    bool     // skipNFSInHostResources: file systems of other machines are left out of hrStorageTable
	NetworkAsFixed bool     // storageUseNFS 2: they are called fixed disks there
	RealUnits      bool     // realStorageUnits: allocation units are not raised where a size does not fit
}

// ignoreDisk reads the patterns of one line, whose classes Net-SNMP negates with ~ where path.Match has ^.
func (p *parser) ignoreDisk(name, value string) {
	for _, word := range strings.Fields(value) {
		if strings.HasPrefix(word, "#") {
			return
		}
		word = strings.ReplaceAll(word, "[~", "[^")
		if _, err := path.Match(word, "/dev/sda"); err != nil {
			p.errorf("%s: %s is no pattern, such as /dev/sd[a-c]", name, clip(word))
			return
		}
		p.config.Host.IgnoredDisks = append(p.config.Host.IgnoredDisks, word)
	}
}

// truth reads a truth value as Net-SNMP writes them.
func (p *parser) truth(name, value string, to *bool) {
	word, ok := bare(value)
	switch strings.ToLower(word) {
	case "1", "true", "yes":
		*to = true
	case "0", "false", "no":
		*to = false
	default:
		ok = false
	}
	if !ok {
		p.errorf("%s must be true or false", name)
		return
	}
	p.once(name)
}

func (p *parser) storageUseNFS(name, value string) {
	word, ok := bare(value)
	if !ok || word != "1" && word != "2" {
		p.errorf("%s must be 1 (network disks) or 2 (fixed disks)", name)
		return
	}
	p.once(name)
	p.config.Host.NetworkAsFixed = word == "2"
}
