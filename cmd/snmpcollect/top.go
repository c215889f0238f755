package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"walkabout/cmd/snmpcollect/config"
	"walkabout/cmd/snmpcollect/live"
)

func (p process) topCommand() *cobra.Command {
	var q live.Query
	c := &cobra.Command{Use: "top", Short: "Show a running collector: interfaces and their rates, devices, alerts", Args: cobra.NoArgs,
		Long: "Asks the collector that listens at --address (default: listen: of the configuration, if there is one, else " + config.DefaultListen + ") and shows what it\n" +
			"knows: interfaces with an alert first, then the busiest; with --devices which device is slow or silent, and why. ? lists the keys.\n" +
			"Without a terminal, or with --once, it prints once and ends.",
		Example: "  snmpcollect top --filter 'core1 ge-0' --sort load\n  snmpcollect top --devices --sort duration --once"}
	f := c.Flags()
	path := configFlag(c)
	address := f.String("address", "", "`HOST:PORT` or URL of the collector")
	ask := p.pagesAsker(f, path)
	f.BoolVar(&q.Devices, "devices", false, "devices, not their interfaces")
	f.StringVar(&q.Sort, "sort", "", "interfaces: alert, in, out, load, errors, name; devices: state, duration, lag, retries, failed, withheld, name")
	f.StringVar(&q.Filter, "filter", "", "words that all stand in a line: of device, name, alias, status, verdict, alert")
	f.IntVarP(&q.Limit, "lines", "n", 50, "how many are shown at the most")
	once := f.Bool("once", false, "print once, and end")
	every := f.Duration("interval", 2*time.Second, "how often it asks")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := q.Validate(); err != nil {
			return err
		}
		if *every < 100*time.Millisecond {
			return fmt.Errorf("--interval %v: at least 100ms", *every)
		}
		at, client, err := ask.client(*address)
		if err != nil {
			return err
		}
		defer client.CloseIdleConnections()
		t := &live.Top{Client: live.Client{Base: at, HTTP: client}, Query: q, Every: *every, Out: p.stdout, Size: func() (int, int) { return terminalSize(p.stdout) }}
		if _, height := t.Size(); *once || height == 0 {
			return t.Once(c.Context())
		}
		return p.watchTop(c.Context(), t)
	}
	return c
}

// watchTop shows t on the terminal until the user quits.
func (p process) watchTop(ctx context.Context, t *live.Top) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-p.hangup: // the terminal is gone
			cancel()
		case <-ctx.Done():
		}
	}()
	keys, restore, err := openKeys()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, restore()) }()
	t.Keys = keys
	return t.Run(ctx)
}

// terminalSize returns the columns and lines of the terminal that w is, 0 if it is none.
func terminalSize(w io.Writer) (width, height int) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, 0
	}
	width, height, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0, 0
	}
	return width, height
}
