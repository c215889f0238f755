package main

import (
	"fmt"
	"os"
	"syscall"

	"github.com/spf13/cobra"

	"walkabout/cmd/snmpcollect/config"
	"walkabout/collector"
	"walkabout/internal/statedir"
)

// reloadCommand sends SIGHUP to the collector that runs, once its file was found right.
func (p process) reloadCommand() *cobra.Command {
	c := &cobra.Command{Use: "reload", Short: "Let the running collector read its configuration anew", Args: cobra.NoArgs,
		Long: "Checks the file as `check` does. If it is right, the collector that runs with its state folder is told to read it (by SIGHUP).\n" +
			"Targets that are as they were go on undisturbed, with their counters; those that changed start anew. A file with an error\n" +
			"changes nothing, here and in the collector."}
	path := configFlag(c)
	c.RunE = func(*cobra.Command, []string) error {
		cfg, problems := config.Load(*path, collector.BuiltIn(), p.getenv)
		for _, problem := range problems {
			fmt.Fprintln(p.stderr, problem)
		}
		if config.Failed(problems) {
			return errReported
		}
		dir, err := statedir.System().Resolve(cfg.State, "snmpcollect")
		if err != nil {
			return err
		}
		pid, err := statedir.Holder(dir)
		if err != nil {
			return err
		}
		if pid == 0 {
			return fmt.Errorf("no collector runs with the state folder %s; start one with: snmpcollect run -c %s", dir, *path)
		}
		other, err := os.FindProcess(pid)
		if err == nil {
			err = other.Signal(syscall.SIGHUP)
		}
		if err != nil {
			return fmt.Errorf("telling pid %d to reload: %w", pid, err)
		}
		fmt.Fprintf(p.stdout, "told pid %d to read %s; its log and snmpcollect_config_last_reload_successful tell whether it took it\n", pid, *path)
		return nil
	}
	return c
}
