package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"walkabout/agent/snmpdconf"
	"walkabout/snmp/usm"
	"walkabout/snmp/vacm"
)

// checkCommand reads the configuration and says what it means, without touching the network.
func (p *process) checkCommand() *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "check",
		Short: "Read the configuration, say what is wrong with it and what it would do",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			config, diagnostics, err := snmpdconf.Read(o.lines, o.configFiles()...)
			if err != nil {
				return explainFile(err, &o)
			}
			list, _ := addresses(config, &o)
			certs, told := readCertificates(config, list, o.configFiles())
			diagnostics = append(diagnostics, told...)
			_, told = readNameServers(config)
			diagnostics = append(diagnostics, told...)
			if err := printCheck(p.stdout, config, certs, diagnostics, &o); err != nil {
				return err
			}
			if snmpdconf.HasErrors(diagnostics) {
				return errConfig
			}
			return nil
		},
	}
	c.Flags().StringSliceVarP(&o.files, "config", "c", nil, "configuration `file`s, in order (default "+defaultFile+")")
	return c
}

// printCheck prints no secret: of a community its security name, which logs use, of a user the protocols.
func printCheck(w io.Writer, config *snmpdconf.Config, certs certificates, diagnostics []snmpdconf.Diagnostic, o *options) error {
	var text []byte
	for _, d := range diagnostics {
		text = fmt.Appendln(text, d)
	}
	if len(config.Files) > 1 {
		for _, f := range config.Files {
			text = fmt.Appendf(text, "read %s\n", f)
		}
	}
	list, byDefault := addresses(config, o)
	for _, a := range list {
		text = fmt.Appendf(text, "listen %v", a)
		if byDefault {
			text = fmt.Append(text, " (by default)")
		}
		text = fmt.Appendln(text)
	}
	for _, v := range config.Disabled {
		text = fmt.Appendf(text, "SNMPv%v is disabled: its requests are dropped\n", v)
	}
	for _, c := range config.Communities {
		if c.Source.Refuse {
			text = fmt.Appendf(text, "community %v from %v: refused (%s:%d)\n", c.Name, strings.TrimPrefix(c.Source.String(), "!"), c.File, c.Line)
			continue
		}
		rights := describeRights(config, vacm.V2c, c.SecurityName)
		if v1 := describeRights(config, vacm.V1, c.SecurityName); v1 != rights {
			rights = "by v1 " + v1 + "; by v2c " + rights
		}
		text = fmt.Appendf(text, "community %s %v from %v: %s (%s:%d)\n", c.SecurityName, c.Name, c.Source, rights, c.File, c.Line)
	}
	for _, u := range config.Users {
		text = fmt.Appendf(text, "user %s (%s): %s (%s:%d)\n", u.Name, describeProtocols(u), describeRights(config, vacm.USM, u.Name), u.File, u.Line)
	}
	text = appendOthers(text, config)
	text = appendCertificates(text, config, &certs)
	text = appendNameServers(text, config)
	text = appendNotifications(text, &config.Notifications)
	for _, v := range config.Views {
		if !strings.HasPrefix(v.Name, "_") {
			text = fmt.Appendf(text, "view %s: %s\n", v.Name, describeView(v))
		}
	}
	if len(config.Communities) == 0 && len(config.Users) == 0 && len(config.Members) == 0 {
		text = fmt.Appendln(text, "neither a community nor a user: every request is refused")
	}
	_, err := w.Write(text)
	return err
}

// appendOthers tells of the users that the files let in and do not create, and of those by TLS.
func appendOthers(text []byte, config *snmpdconf.Config) []byte {
	for _, m := range config.Members {
		created := func(u snmpdconf.User) bool { return u.Name == m.Name }
		if m.Model == vacm.USM && !slices.ContainsFunc(config.Users, created) {
			text = fmt.Appendf(text, "user %s (not created here, but over SNMP, or by Net-SNMP's agent at the first start): %s (%s:%d)\n",
				m.Name, describeRights(config, vacm.USM, m.Name), m.File, m.Line)
		}
		if m.Model == vacm.TSM {
			text = fmt.Appendf(text, "user %s (by TLS): %s (%s:%d)\n", m.Name, describeRights(config, vacm.TSM, m.Name), m.File, m.Line)
		}
	}
	return text
}

func describeProtocols(u snmpdconf.User) string {
	switch {
	case u.Auth == usm.NoAuth:
		return "no keys"
	case u.Priv == usm.NoPriv:
		return u.Auth.String()
	default:
		return u.Auth.String() + ", " + u.Priv.String()
	}
}

// describeRights says what the entries of a name's group give by a security model.
func describeRights(config *snmpdconf.Config, model vacm.SecurityModel, name string) string {
	var rights []string
	for _, m := range config.Members {
		if m.Model != model || m.Name != name {
			continue
		}
		for _, e := range config.Entries {
			if e.Group == m.Group && (e.Model == model || e.Model == vacm.AnyModel) {
				rights = append(rights, describeEntry(config, e, model))
			}
		}
	}
	if len(rights) == 0 {
		return "nothing"
	}
	return strings.Join(rights, "; ")
}

func describeEntry(config *snmpdconf.Config, e snmpdconf.Entry, model vacm.SecurityModel) string {
	read, write := viewName(config, e.Views[vacm.Read]), viewName(config, e.Views[vacm.Write])
	var s string
	switch {
	case read == write && read != nothing:
		s = "read and write " + read
	case write == nothing:
		s = "read " + read
	default:
		s = "read " + read + ", write " + write
	}
	if e.Prefix != "" {
		s += fmt.Sprintf(" in context %q", e.Prefix)
		if !e.Exact {
			s += "…"
		}
	}
	if model == vacm.USM {
		s += fmt.Sprintf(" with %v", e.Level)
	}
	return s
}

const nothing = "nothing"

// viewName says what view is: its subtree where a line gives one.
func viewName(config *snmpdconf.Config, view string) string {
	for _, v := range config.Views {
		switch {
		case v.Name != view:
		case len(v.Families) == 0:
			return nothing
		case !strings.HasPrefix(view, "_"):
			return "view " + view
		case v.Families[0].Subtree.IsEmpty():
			return "everything"
		default:
			return "." + v.Families[0].Subtree.String()
		}
	}
	return nothing
}

func describeView(v snmpdconf.View) string {
	var parts []string
	for _, f := range v.Families {
		s := "." + f.Subtree.String()
		if f.Exclude {
			s = "not " + s
		}
		if f.Mask != "" {
			s += fmt.Sprintf(" mask % x", f.Mask)
		}
		parts = append(parts, s)
	}
	if len(parts) == 0 {
		return nothing
	}
	return strings.Join(parts, ", ")
}
