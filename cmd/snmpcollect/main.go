// Command snmpcollect polls SNMP agents, computes rates, ships them to outputs, and alerts on interfaces that should be up
// and are not.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"walkabout/cmd/snmpcollect/config"
	"walkabout/cmd/snmpcollect/demo"
	"walkabout/collector"
	"walkabout/internal/version"
)

// gcPercent is the GOGC of a process that is given none. What a collector knows of its fleet is large and stays: with Go's 100 as much again would be
// garbage (294 MB for 5,000 switches in place of 215), and what it takes to look through it more often is a few per cent of the CPU time.
const gcPercent = 50

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	p := process{stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv, hangup: hangup}
	os.Exit(p.run(ctx, os.Args[1:]))
}

// process is what a run of the program has from outside.
type process struct {
	stdout, stderr io.Writer
	getenv         func(string) string
	look           time.Duration    // how often files are looked at for changes; 0 is lookEvery
	hangup         <-chan os.Signal // run: read the configuration and open the output files anew; demo: the terminal is gone
}

// errReported ends the program after what was wrong has been printed.
var errReported = errors.New("reported")

// run is the program: it returns its exit code, when ctx ends at the latest.
func (p process) run(ctx context.Context, args []string) int {
	root := &cobra.Command{
		Use:   "snmpcollect",
		Short: "Poll SNMP agents, ship what they count, alert on interfaces that should be up",
		Long: "Polls SNMP agents, ships what they count, alerts on interfaces that should be up and are not.\n\n" +
			"Something is wrong? `snmpcollect top --devices` shows which device is silent or slow, `snmpcollect get TARGET sysUpTime` asks one by hand and\n" +
			"says why it does not answer, `snmpcollect check` finds mistakes in the configuration.",
		Version:       version.Version(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetVersionTemplate(version.Line("snmpcollect") + "\n")
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.SetArgs(args)
	root.AddGroup(&cobra.Group{ID: "run", Title: "The collector:"}, &cobra.Group{ID: "ask", Title: "At a terminal:"})
	group(root, "run", p.runCommand(), p.checkCommand(), p.reloadCommand(), p.statusCommand(), p.alertCommand(), p.spoolCommand(), p.profileCommand(), p.hashCommand())
	group(root, "ask", append(p.askCommands(), p.topCommand(), p.discoverCommand(), p.demoCommand(), p.simulateCommand())...)
	explainArguments(root)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if !errors.Is(err, errReported) {
		fmt.Fprintln(p.stderr, "snmpcollect:", err)
	}
	return 1
}

// explainArguments makes the errors about arguments and flags of c and all commands below it say what is wanted.
func explainArguments(c *cobra.Command) {
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w\n%s --help lists the flags", err, c.CommandPath())
	})
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return fmt.Errorf("%w\nUsage: %s", err, c.UseLine())
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		explainArguments(sub)
	}
}

// group adds commands to root under the title of the group id.
func group(root *cobra.Command, id string, commands ...*cobra.Command) {
	for _, c := range commands {
		c.GroupID = id
		root.AddCommand(c)
	}
}

const defaultConfig = "/etc/walkabout/snmpcollect.yaml"

// configFlag adds the flag that names the configuration.
func configFlag(c *cobra.Command) *string {
	return c.Flags().StringP("config", "c", defaultConfig, "the configuration file")
}

func (p process) runCommand() *cobra.Command {
	c := &cobra.Command{Use: "run", Short: "Poll, ship and alert until SIGINT or SIGTERM", Args: cobra.NoArgs,
		Long: "Polls, ships and alerts until SIGINT or SIGTERM, and then delivers what waits, for at most 10 s. The log goes to standard error.\n" +
			"SIGHUP, or `snmpcollect reload`, reads the configuration anew and opens output files anew; a file with a mistake changes nothing.",
		Example: "  snmpcollect check && snmpcollect run\n  snmpcollect run -c snmpcollect.yaml --watch"}
	path := configFlag(c)
	watch := c.Flags().Bool("watch", false, "read the configuration anew when its file changes, not only those that it includes")
	debug := c.Flags().Bool("debug", false, "log what is of use to find faults only")
	c.RunE = func(c *cobra.Command, _ []string) error {
		level := slog.LevelInfo
		if *debug {
			level = slog.LevelDebug
		}
		log := slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: level}))
		load := func() (config.Config, []config.Problem) { return config.Load(*path, collector.BuiltIn(), p.getenv) }
		cfg, problems := load()
		for _, problem := range problems {
			fmt.Fprintln(p.stderr, problem)
		}
		if config.Failed(problems) {
			return errReported
		}
		return service{load: load, log: log, stdout: p.stdout, hangup: p.hangup, main: *watch, look: p.look}.serve(c.Context(), cfg)
	}
	return c
}

func (p process) checkCommand() *cobra.Command {
	c := &cobra.Command{Use: "check", Short: "Say what is wrong with a configuration; nothing is sent", Args: cobra.NoArgs,
		Long: "Reads the configuration and the files that it includes, and prints each mistake with its file and line; then what it would do. Nothing is\n" +
			"sent and no name is looked up. The exit code is 1 if run would refuse it."}
	path := configFlag(c)
	c.RunE = func(*cobra.Command, []string) error {
		cfg, problems := config.Load(*path, collector.BuiltIn(), p.getenv)
		if !config.Failed(problems) {
			problems = append(problems, config.Unwritable(*path, cfg)...)
		}
		for _, problem := range problems {
			fmt.Fprintln(p.stdout, problem)
		}
		if config.Failed(problems) {
			return errReported
		}
		fmt.Fprint(p.stdout, cfg.Summary())
		return nil
	}
	return c
}

func (p process) demoCommand() *cobra.Command {
	c := &cobra.Command{Use: "demo", Short: "Poll this machine and two simulated switches, and show it", Args: cobra.NoArgs,
		Long: "Runs the agent over this machine's own counters and two simulated switches, all on free ports of loopback, polls them\n" +
			"every 5 seconds, and shows interfaces, rates and alerts. It needs no configuration and no root, and leaves nothing behind."}
	once := c.Flags().Duration("once", 0, "run for this long, print the table once, and end (for scripts)")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if *once < 0 {
			return fmt.Errorf("--once %v: a time that is above 0", *once)
		}
		// A reader that went away is an error of writing, and no reason to end without closing.
		signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
		ctx, cancel := context.WithCancel(c.Context())
		defer cancel()
		go func() {
			select {
			case <-p.hangup:
				cancel()
			case <-ctx.Done():
			}
		}()
		return demo.Run(ctx, demo.Options{Once: *once, Stdout: p.stdout, Now: time.Now})
	}
	return c
}
