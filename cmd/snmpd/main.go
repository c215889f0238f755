// Command snmpd is an SNMP agent that serves the machine that it runs on. It reads snmpd.conf and takes the flags of Net-SNMP's daemon.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"walkabout/internal/privilege"
	"walkabout/internal/statedir"
	"walkabout/internal/version"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	p := process{stdout: os.Stdout, stderr: os.Stderr, hangup: hangup, rotate: rotations(), lookup: net.DefaultResolver.LookupNetIP, env: statedir.System(), netSNMP: netSNMPDirs,
		account: account{drop: privilege.Drop, enforce: privilege.Fence.Enforce}}
	os.Exit(p.run(ctx, os.Args[1:]))
}

// process is what a run of the program has from outside.
type process struct {
	stdout, stderr io.Writer
	hangup         <-chan os.Signal // each one asks for a reload
	rotate         <-chan os.Signal // each one asks to open the log files anew
	lookup         lookupFunc
	env            statedir.Env
	account        account
	netSNMP        []string // folders in which Net-SNMP's agent may have left its state
}

// lookupFunc resolves a host's name to its addresses of network ip4 or ip6, as net.Resolver.LookupNetIP does.
type lookupFunc func(ctx context.Context, network, host string) ([]netip.Addr, error)

// Exit codes.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

// run is the program: it returns its exit code, when ctx ends at the latest.
func (p *process) run(ctx context.Context, args []string) int {
	code := exitOK
	root := &cobra.Command{
		Use:                "snmpd [FLAG]... [ADDRESS]...",
		Short:              "Serve this machine over SNMP",
		Long:               longHelp(),
		Args:               cobra.ArbitraryArgs,
		DisableFlagParsing: true, // they are Net-SNMP's, which no library parses
		SilenceErrors:      true,
		SilenceUsage:       true,
		CompletionOptions:  cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.RunE = func(_ *cobra.Command, args []string) error {
		options, err := parseFlags(args)
		switch {
		case err != nil:
			code = exitUsage
			return err
		case options.help:
			return root.Help()
		case options.directives:
			return p.printDirectives()
		case options.version:
			_, err := fmt.Fprintln(p.stdout, version.Line("snmpd"))
			return err
		}
		return p.serve(ctx, options)
	}
	root.AddCommand(p.checkCommand())

	// cobra would take what follows an unknown flag for a sub-command: these come first or not at all.
	var err error
	if len(args) > 0 && strings.HasPrefix(args[0], "-") {
		err = root.RunE(root, args)
	} else {
		root.SetArgs(args)
		err = root.ExecuteContext(ctx)
	}
	if err == nil {
		return exitOK
	}
	if _, err := fmt.Fprintln(p.stderr, "snmpd:", err); err != nil {
		return exitError
	}
	return max(code, exitError)
}
