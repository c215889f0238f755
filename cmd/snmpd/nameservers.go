package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"walkabout/agent/snmpdconf"
	"walkabout/internal/localagent"
	"walkabout/internal/secret"
	"walkabout/mib"
	"walkabout/mib/dns"
)

// maxKeyFile bounds the octets of a file with a key.
const maxKeyFile = 4096

// readNameServers reads the files that dnsServer names. What is an error among the diagnostics leaves nothing to use.
func readNameServers(config *snmpdconf.Config) (out []localagent.NameServer, told []snmpdconf.Diagnostic) {
	for _, c := range config.NameServers {
		n := localagent.NameServer{Name: c.Name, Kind: c.Kind, Writable: c.Writable, Access: dns.Access{
			Address: c.Address, Key: c.Key, Certificates: dns.Certificates{CA: c.CA, Cert: c.Cert, Key: c.PrivateKey}, RNDC: c.RNDC,
			Pattern: c.Pattern, Clients: c.Clients, PIDFile: c.PIDFile,
		}}
		for _, t := range config.DNSTaps {
			if t.Server == c.Name {
				n.Tap = localagent.Tap{Socket: t.Socket, Mode: t.Mode, Friends: t.Friends}
			}
		}
		err := readKey(c.KeyFile, &n.Access.Key)
		if err == nil {
			n.Access.RNDCKey, err = readRNDCKey(c.RNDCKeyFile)
		}
		if err == nil {
			n.Backend, err = dns.Open(c.Kind, n.Access)
		}
		if err != nil {
			told = append(told, snmpdconf.Diagnostic{File: c.File, Line: c.Line, Severity: snmpdconf.Error, Message: fmt.Sprintf("dnsServer: %v", err)})
			continue
		}
		if c.Writable && !dns.TakesOrders(n.Backend) {
			told = append(told, snmpdconf.Diagnostic{File: c.File, Line: c.Line, Message: "dnsServer: rw has no effect: " + c.Kind + " takes no order as its line is written"})
		}
		out = append(out, n)
	}
	return out, told
}

// readKey reads a file with a key in its one line.
func readKey(path string, to *secret.String) error {
	if path == "" {
		return nil
	}
	b, err := os.ReadFile(path)
	text := strings.TrimSpace(string(b))
	switch {
	case err != nil:
		return err
	case text == "" || len(b) > maxKeyFile || strings.ContainsAny(text, "\r\n"):
		return fmt.Errorf("%s: one line with a key is wanted", path)
	}
	*to = secret.New(text)
	return nil
}

// readRNDCKey reads a file such as rndc.key.
func readRNDCKey(path string) (dns.RNDCKey, error) {
	if path == "" {
		return dns.RNDCKey{}, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return dns.RNDCKey{}, err
	}
	key, err := dns.ParseRNDCKey(string(b[:min(len(b), maxKeyFile)]))
	if err != nil {
		return key, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}

// nameServerFiles returns the files that dnsServer names, which a reload reads again.
func nameServerFiles(config *snmpdconf.Config) []string {
	var out []string
	for _, c := range config.NameServers {
		for _, file := range []string{c.KeyFile, c.CA, c.Cert, c.PrivateKey, c.RNDCKeyFile} {
			if file != "" && !slices.Contains(out, file) {
				out = append(out, file)
			}
		}
	}
	return out
}

// pidFiles returns the files with the numbers of name servers' processes. They come and go with those, and anybody may read them.
func pidFiles(config *snmpdconf.Config) []string {
	var out []string
	for _, c := range config.NameServers {
		if c.PIDFile != "" {
			out = append(out, c.PIDFile)
		}
	}
	return out
}

// nameServerModules is what sysORTable says where there are name servers.
func nameServerModules(config *snmpdconf.Config) []mib.Module {
	if len(config.NameServers) == 0 {
		return nil
	}
	return append(dns.Modules(), dns.ApplicationsModule())
}

// appendNameServers tells of them for check.
func appendNameServers(text []byte, config *snmpdconf.Config) []byte {
	for i, c := range config.NameServers {
		text = fmt.Appendf(text, "name server %s: %s at %s, in the context %s", c.Name, c.Kind, c.Address, c.Name)
		if i == 0 {
			text = fmt.Append(text, " and the default one")
		}
		if c.Writable {
			text = fmt.Append(text, ", takes orders")
		}
		text = fmt.Appendf(text, " (%s:%d)\n", c.File, c.Line)
	}
	for _, t := range config.DNSTaps {
		text = fmt.Appendf(text, "dnstap of %s: unix:%s, mode %o (%s:%d)\n", t.Server, t.Socket, t.Mode, t.File, t.Line)
	}
	return text
}
