// Command dashboards writes the files of package dashboards: those of the repository, or those for a site that polls otherwise.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"walkabout/dashboards"
)

func main() {
	o := dashboards.DefaultOptions()
	folder := flag.String("out", "dashboards/grafana", "the folder to write to")
	flag.DurationVar(&o.Interval, "interval", o.Interval, "the longest interval between polls")
	flag.DurationVar(&o.Fresh, "fresh", 0, "for how long what was polled last counts as now; ten intervals unless given")
	flag.StringVar(&o.Label, "label", o.Label, "the label of targets that devices are chosen by")
	flag.Parse()
	if o.Fresh == 0 {
		o.Fresh = 10 * o.Interval
	}
	if err := write(*folder, o); err != nil {
		fmt.Fprintln(os.Stderr, "dashboards:", err)
		os.Exit(1)
	}
}

func write(folder string, o dashboards.Options) error {
	files, err := dashboards.Files(o)
	if err != nil {
		return err
	}
	for name, content := range files {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
