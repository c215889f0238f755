package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"walkabout/alert/trial"
	"walkabout/cmd/snmpcollect/config"
	"walkabout/collector"
	"walkabout/internal/nearest"
)

// maxCases bounds a file of cases.
const maxCases = 16 << 20

// alertTestCommand plays cases against rules.
func (p process) alertTestCommand() *cobra.Command {
	c := &cobra.Command{Use: "test RULES CASES...", Short: "Play cases against alert rules, without a device", Args: cobra.MinimumNArgs(2),
		Long: "Reads the section alerts of RULES (a configuration, or a file with that section alone) and plays each case of the other files: samples go in, and\n" +
			"the alerts that come out are compared to those that are expected. The exit code is 1 if any differs. Nothing is sent.",
		Example: "  snmpcollect alert test /etc/walkabout/snmpcollect.yaml cases.yaml"}
	c.RunE = func(_ *cobra.Command, args []string) error {
		cfg, profiles, problems := config.LoadAlerts(args[0], collector.BuiltIn())
		for _, problem := range problems {
			fmt.Fprintln(p.stderr, problem)
		}
		if config.Failed(problems) {
			return errReported
		}
		kinds := map[string]map[string]collector.FieldKind{}
		for _, profile := range profiles {
			for measurement, fields := range profile.RowFields() {
				kinds[measurement] = fields
			}
		}
		tag := func(measurement, name string) bool { return kinds[measurement][name] == collector.TagField }
		measurements := config.Measurements(profiles)
		failed := false
		for _, path := range args[1:] {
			ok, err := p.playCases(path, func(c *trial.Case) ([]string, error) {
				for _, s := range c.Steps {
					for measurement := range s.Samples {
						if !slices.Contains(measurements, measurement) {
							return nil, fmt.Errorf("no profile measures %q; did you mean %q?", measurement, nearest.Word(measurement, measurements))
						}
					}
				}
				return trial.Run(c, cfg, tag)
			})
			if err != nil {
				return err
			}
			failed = failed || !ok
		}
		if failed {
			return errReported
		}
		return nil
	}
	return c
}

// playCases plays the cases of one file and prints how they went.
func (p process) playCases(path string, run func(*trial.Case) ([]string, error)) (ok bool, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	if info.Size() > maxCases {
		return false, fmt.Errorf("%s: larger than %d octets", path, maxCases)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return false, err
	}
	file, mistakes := trial.Read(text)
	for _, m := range mistakes {
		fmt.Fprintf(p.stderr, "%s:%d: error: %v\n", path, m.Line, m.Err)
	}
	if len(mistakes) > 0 {
		return false, errReported
	}
	fmt.Fprintf(p.stdout, "Alert tests: %s\n", path)
	failures := 0
	for i := range file.Cases {
		c := &file.Cases[i]
		lines, err := run(c)
		if err != nil {
			lines = []string{err.Error()}
		}
		if len(lines) == 0 {
			continue
		}
		failures++
		fmt.Fprintf(p.stdout, "  FAILED: %s\n", c.Name)
		for _, line := range lines {
			fmt.Fprintf(p.stdout, "    %s\n", line)
		}
	}
	if failures > 0 {
		fmt.Fprintf(p.stdout, "  %d of %d cases failed\n", failures, len(file.Cases))
		return false, nil
	}
	fmt.Fprintf(p.stdout, "  SUCCESS: %d cases\n", len(file.Cases))
	return true, nil
}
