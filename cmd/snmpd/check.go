package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"walkabout/agent/snmpdconf"
)

// checkCommand reads the configuration and says what it means, without touching the network.
func (p *process) checkCommand() *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "check",
		Short: "Read the configuration, say what is wrong with it and what it would do",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			config, diagnostics, err := snmpdconf.ReadFiles(o.configFiles()...)
			if err != nil {
				return explainFile(err, &o)
			}
			if err := printCheck(p.stdout, config, diagnostics, &o); err != nil {
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

// printCheck never prints a community, only its principal, which logs use.
func printCheck(w io.Writer, config *snmpdconf.Config, diagnostics []snmpdconf.Diagnostic, o *options) error {
	var text []byte
	for _, d := range diagnostics {
		text = fmt.Appendln(text, d)
	}
	list, byDefault := addresses(config, o)
	for _, a := range list {
		text = fmt.Appendf(text, "listen %v", a)
		if byDefault {
			text = fmt.Append(text, " (by default)")
		}
		text = fmt.Appendln(text)
	}
	for i, c := range config.Communities {
		access, what := "read only", "everything"
		if c.Write {
			access = "read and write"
		}
		if !c.Subtree.IsEmpty() {
			what = "." + c.Subtree.String()
		}
		text = fmt.Appendf(text, "community %s %v: %s, from %v, %s (%s:%d)\n", principal(i), c.Name, access, c.Source, what, c.File, c.Line)
	}
	if len(config.Communities) == 0 {
		text = fmt.Appendln(text, "no community: every request is refused")
	}
	_, err := w.Write(text)
	return err
}
