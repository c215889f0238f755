package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"walkabout/collector"
)

// profileCommand shows the profiles that a target's collect may name.
func (p process) profileCommand() *cobra.Command {
	c := &cobra.Command{Use: "profile", Short: "Show what the built-in profiles ask for", Args: cobra.NoArgs}
	list := &cobra.Command{Use: "list", Short: "List the names of the profiles", Args: cobra.NoArgs}
	list.RunE = func(*cobra.Command, []string) error {
		for _, name := range collector.BuiltIn().Names() {
			fmt.Fprintln(p.stdout, name)
		}
		return nil
	}
	show := &cobra.Command{Use: "show NAME", Short: "Print a profile: its tables, objects and their types", Args: cobra.ExactArgs(1)}
	show.RunE = func(_ *cobra.Command, args []string) error {
		text, err := collector.BuiltInText(args[0])
		if err != nil {
			return err
		}
		_, err = p.stdout.Write(text)
		return err
	}
	c.AddCommand(list, show)
	return c
}
