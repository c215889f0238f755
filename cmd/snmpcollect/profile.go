package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"walkabout/cmd/snmpcollect/query"
	"walkabout/collector"
	"walkabout/collector/smi"
	"walkabout/collector/smi/mibfile"
	"walkabout/internal/strictyaml"
)

// profileCommand shows the profiles that a target's collect may name, and checks a user's own.
func (p process) profileCommand() *cobra.Command {
	c := &cobra.Command{Use: "profile", Short: "Show the built-in profiles; check one of your own", Args: cobra.NoArgs}
	list := &cobra.Command{Use: "list", Short: "List the profiles", Args: cobra.NoArgs}
	list.RunE = func(*cobra.Command, []string) error {
		w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		profiles := collector.BuiltIn()
		for _, name := range profiles.Names() {
			fmt.Fprintf(w, "%s\t%s\n", name, profiles[name].About)
		}
		return w.Flush()
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
	check := &cobra.Command{Use: "check FILE…", Short: "Say what is wrong with profiles of your own; nothing is sent", Args: cobra.MinimumNArgs(1)}
	mibs := check.Flags().StringArray("mibs", nil, "a directory of MIB files, for names that are not built in")
	check.RunE = func(_ *cobra.Command, args []string) error {
		names := mibfile.NewLibrary(smi.BuiltIn(), *mibs...)
		failed := false
		for _, file := range args {
			failed = !p.checkProfile(file, names) || failed
		}
		if failed {
			return errReported
		}
		return nil
	}
	auto := p.askCommand("auto TARGET", "Say which profiles collect: auto chooses for an agent, and why", cobra.ExactArgs(1), "  snmpcollect profile auto core1\n  snmpcollect profile auto 192.0.2.1 -c public", chooseProfiles)
	c.AddCommand(list, show, check, auto)
	return c
}

// chooseProfiles prints a line for each profile that can be chosen.
func chooseProfiles(ctx context.Context, q *query.Query, a *asking, _ []string) error {
	profiles := a.profiles
	if profiles == nil {
		profiles = collector.BuiltIn()
	}
	choices, err := profiles.Choose(ctx, q.Client)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(q.Out, 0, 0, 2, ' ', 0)
	for _, c := range choices {
		chosen := "no"
		if c.Chosen {
			chosen = "yes"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", c.Profile, chosen, c.Why)
	}
	return w.Flush()
}

// checkProfile prints what is wrong with a profile, or what it measures; false if something is wrong.
func (p process) checkProfile(file string, names smi.Resolver) bool {
	text, err := os.ReadFile(file)
	if err == nil {
		var profile *collector.Profile
		if profile, err = collector.ParseProfile(text, names); err == nil {
			for _, s := range profile.Scalars {
				fmt.Fprintf(p.stdout, "%s: %s: %d objects\n", file, s.Measurement, len(s.Objects))
			}
			for _, t := range profile.Tables {
				fmt.Fprintf(p.stdout, "%s: %s: a table of %d columns\n", file, t.Measurement, len(t.Columns))
			}
			return true
		}
	}
	many, ok := err.(interface{ Unwrap() []error })
	if !ok {
		fmt.Fprintf(p.stdout, "%s: error: %v\n", file, err)
		return false
	}
	for _, err := range many.Unwrap() {
		var mistake *strictyaml.Error
		if errors.As(err, &mistake) && mistake.Line > 0 {
			fmt.Fprintf(p.stdout, "%s:%d: error: %v\n", file, mistake.Line, mistake.Err)
			continue
		}
		fmt.Fprintf(p.stdout, "%s: error: %v\n", file, err)
	}
	return false
}
