package snmpdconf

import (
	"slices"
	"strings"

	"walkabout/internal/privilege"
)

// Run is as whom the agent runs once it has started.
type Run struct {
	User, Group  string                 // names or numbers (agentuser, agentgroup); "" is not set
	Capabilities []privilege.Capability // that are kept beside those that it needs (agentCapabilities)
	Unfenced     bool                   // no fence around what it may do with files (fence)
}

// fence reads whether there is one.
func (p *parser) fence(name, value string) {
	on := true
	p.truth(name, value, &on)
	p.config.Run.Unfenced = !on
}

// account reads agentuser or agentgroup.
func (p *parser) account(name, value string, to *string) {
	word, ok := bare(value)
	if !ok {
		p.errorf("%s must be one name or number", name)
		return
	}
	p.once(name)
	*to = word
}

func (p *parser) agentCapabilities(name, value string) {
	for _, word := range strings.Fields(value) {
		if word[0] == '#' {
			break
		}
		c, ok := privilege.ParseCapability(word)
		if !ok {
			p.errorf("%s: %s is none of sys_ptrace, dac_read_search, net_admin, net_raw and net_bind_service", name, clip(word))
			return
		}
		if !slices.Contains(p.config.Run.Capabilities, c) {
			p.config.Run.Capabilities = append(p.config.Run.Capabilities, c)
		}
	}
}
