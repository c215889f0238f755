package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"walkabout/cmd/snmpcollect/config"
	"walkabout/collector"
	"walkabout/exporters/lines"
	"walkabout/internal/duration"
	"walkabout/internal/statedir"
	"walkabout/metric"
	"walkabout/spool"
)

// spoolCommand looks after what stands between polls and outputs.
func (p process) spoolCommand() *cobra.Command {
	c := &cobra.Command{Use: "spool", Short: "What waits on disk for outputs: status, export, replay, forget",
		Long: "Looks after the spool, the queue on disk between polls and outputs, of a collector that runs or of one that does not."}
	c.AddCommand(p.spoolStatus(), p.spoolExport(), p.spoolReplay(), p.spoolForget())
	return c
}

// spoolOf returns the configuration, its spool's folder and the pid of the collector that runs, 0 if none does.
func (p process) spoolOf(path string) (cfg config.Config, dir string, pid int, err error) {
	cfg, problems := config.Load(path, collector.BuiltIn(), p.getenv)
	if config.Failed(problems) {
		for _, problem := range problems {
			fmt.Fprintln(p.stderr, problem)
		}
		return cfg, "", 0, errReported
	}
	state, err := statedir.System().Resolve(cfg.State, "snmpcollect")
	if err != nil {
		return cfg, "", 0, err
	}
	pid, err = statedir.Holder(state)
	return cfg, filepath.Join(state, spoolFolder), pid, err
}

func (p process) spoolStatus() *cobra.Command {
	c := &cobra.Command{Use: "status", Short: "What waits for each output, and what was lost", Args: cobra.NoArgs}
	path := configFlag(c)
	c.RunE = func(*cobra.Command, []string) error {
		_, dir, pid, err := p.spoolOf(*path)
		if err != nil {
			return err
		}
		s, err := spool.Inspect(dir)
		if err != nil {
			return fmt.Errorf("%w; was a collector ever run with this state folder?", err)
		}
		runs := "no collector runs"
		if pid != 0 {
			runs = fmt.Sprintf("the collector with pid %d runs", pid)
		}
		polls := "no polls"
		if s.End > s.First {
			polls = fmt.Sprintf("polls %d to %d", s.First, s.End-1)
		}
		fmt.Fprintf(p.stdout, "%s: %d segments of %s, %s; %s\n", dir, s.Segments, humanize.IBytes(uint64(s.Octets)), polls, runs)
		if s.Unmarked && s.Segments > 0 {
			fmt.Fprintln(p.stdout, "marks.json is missing or makes no sense: what each output has taken is not known, and all that is here comes again")
		}
		w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "OUTPUT\tWAITING\tDISK\tOLDEST\tLIMITS\tDROPPED\tCORRUPT")
		for _, r := range s.Readers {
			fmt.Fprintf(w, "%s\t%d\t%s\t%v\t%s, %v\t%d\t%d\n", r.Name, r.Records, humanize.IBytes(uint64(r.Octets)), r.Oldest.Round(time.Second),
				humanize.IBytes(uint64(r.Bounds.Size)), r.Bounds.Age, r.Dropped, r.Corrupt)
		}
		if err := w.Flush(); err != nil {
			return err
		}
		if n := len(s.Quarantined); n > 0 {
			fmt.Fprintf(p.stdout, "put aside as corrupt: %d, in %s\n", n, filepath.Join(dir, "quarantine"))
		}
		return nil
	}
	return c
}

// parseTime reads a moment: RFC 3339, or a duration before now. No text is the zero time.
func parseTime(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := duration.Parse(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no time; write how long ago, as in 2h, or the moment, as in %s", text, now.Format(time.RFC3339))
	}
	return t, nil
}

func (p process) spoolExport() *cobra.Command {
	c := &cobra.Command{Use: "export", Short: "Print what the spool holds as line protocol", Args: cobra.NoArgs}
	path := configFlag(c)
	output := c.Flags().String("output", "", "only what waits for this output")
	since := c.Flags().String("since", "", "only polls from then on: how long ago (2h), or a moment as in RFC 3339")
	c.RunE = func(*cobra.Command, []string) error {
		from, err := parseTime(*since, time.Now())
		if err != nil {
			return err
		}
		_, dir, _, err := p.spoolOf(*path)
		if err != nil {
			return err
		}
		var batch lines.Batch
		return spool.Scan(dir, *output, func(r spool.Record) error {
			b, err := metric.Decode(r.Data())
			if err != nil {
				fmt.Fprintf(p.stderr, "snmpcollect: poll %d: %v\n", r.Number, err)
				return nil
			}
			if b.At.Before(from) {
				return nil
			}
			batch.Encode(b.Samples)
			_, err = p.stdout.Write(batch.Lines(0, batch.Len()))
			return err
		})
	}
	return c
}

func (p process) spoolReplay() *cobra.Command {
	c := &cobra.Command{Use: "replay OUTPUT", Short: "Ship to an output again what the spool holds", Args: cobra.ExactArgs(1),
		Long: "Ships again to one output what the spool still holds, as after a database was restored from yesterday's backup: InfluxDB\n" +
			"overwrites points that it has. What every output has taken is held for spool: {keep: …} of the configuration."}
	path := configFlag(c)
	since := c.Flags().String("since", "", "polls from then on: how long ago (2h), or a moment as in RFC 3339; all without it")
	c.RunE = func(_ *cobra.Command, args []string) error {
		from, err := parseTime(*since, time.Now())
		if err != nil {
			return err
		}
		_, dir, pid, err := p.ofOutput(*path, args[0])
		if err != nil {
			return err
		}
		var first uint64
		polls := 0
		err = spool.Scan(dir, "", func(r spool.Record) error {
			b, err := metric.Decode(r.Data())
			if err != nil || b.At.Before(from) {
				return nil //nolint:nilerr // what cannot be read is left out when it is shipped, too
			}
			if polls++; polls == 1 {
				first = r.Number
			}
			return nil
		})
		if err != nil {
			fmt.Fprintln(p.stderr, "snmpcollect:", err)
		}
		if polls == 0 {
			return errors.New("the spool holds nothing of that time; spool: {keep: 24h} in the configuration holds what was shipped")
		}
		if err := spool.Ask(dir, spool.Request{Replay: args[0], From: first}); err != nil {
			return err
		}
		p.asked(fmt.Sprintf("about %d polls for %s", polls, args[0]), pid)
		return nil
	}
	return c
}

func (p process) spoolForget() *cobra.Command {
	c := &cobra.Command{Use: "forget OUTPUT", Short: "Drop what waits for an output that is not configured any more", Args: cobra.ExactArgs(1)}
	path := configFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		cfg, dir, pid, err := p.ofOutput(*path, args[0])
		if err != nil {
			return err
		}
		if slices.ContainsFunc(cfg.Outputs, func(o config.Output) bool { return o.Queue.Name == args[0] }) {
			return fmt.Errorf("%s is configured: take it out of the configuration first", args[0])
		}
		if err := spool.Ask(dir, spool.Request{Forget: args[0]}); err != nil {
			return err
		}
		if pid == 0 {
			p.asked("what waits for "+args[0], 0)
			return nil
		}
		if err := awaitForgotten(c.Context(), dir, args[0]); err != nil {
			return fmt.Errorf("the collector with pid %d: %w", pid, err)
		}
		fmt.Fprintf(p.stdout, "what waited for %s: the collector with pid %d has dropped it\n", args[0], pid)
		return nil
	}
	return c
}

// forgetWithin is how long a collector may take to do what it is asked for; it looks once a second, and its marks are on disk soon after.
const forgetWithin = 3 * time.Second

// awaitForgotten returns when the spool in dir knows an output no more.
func awaitForgotten(ctx context.Context, dir, name string) error {
	for end := time.Now().Add(forgetWithin); time.Now().Before(end); {
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
		s, err := spool.Inspect(dir)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(s.Readers, func(r spool.ReaderStats) bool { return r.Name == name }) {
			return nil
		}
	}
	return fmt.Errorf("%s is not dropped; an output that it was started with runs until it is restarted: forget it after that (its log tells)", name)
}

// ofOutput is spoolOf, if the spool knows the output.
func (p process) ofOutput(path, name string) (cfg config.Config, dir string, pid int, err error) {
	cfg, dir, pid, err = p.spoolOf(path)
	if err != nil {
		return cfg, "", 0, err
	}
	s, err := spool.Inspect(dir)
	if err != nil {
		return cfg, "", 0, err
	}
	var known []string
	for _, r := range s.Readers {
		known = append(known, r.Name)
	}
	if !slices.Contains(known, name) {
		return cfg, "", 0, fmt.Errorf("the spool knows no output %q; it knows %q", name, known)
	}
	return cfg, dir, pid, nil
}

// asked says who does what was asked for.
func (p process) asked(what string, pid int) {
	if pid == 0 {
		fmt.Fprintf(p.stdout, "%s: the next start of the collector does it\n", what)
		return
	}
	fmt.Fprintf(p.stdout, "%s: the collector with pid %d does it now; its log tells\n", what, pid)
}
