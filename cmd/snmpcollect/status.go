package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"walkabout/cmd/snmpcollect/config"
	"walkabout/collector"
)

// targetStatus is how one target is polled, as /status tells it. Times are in seconds.
type targetStatus struct {
	Device         string            `json:"device"`
	State          string            `json:"state"` // up, or why it did not answer; "" before the first poll
	Why            string            `json:"why,omitempty"`
	LastPoll       time.Time         `json:"last_poll,omitzero"`
	Interval       float64           `json:"interval"`
	Duration       float64           `json:"duration"`
	Lag            float64           `json:"lag"`
	RoundTrip      float64           `json:"round_trip"`
	Requests       uint64            `json:"requests"` // of the last poll
	Retries        uint64            `json:"retries"`
	MaxRepetitions int               `json:"max_repetitions"`
	GetNext        bool              `json:"getnext,omitempty"`
	Slowest        string            `json:"slowest,omitempty"` // the measurement that took longest
	SlowestTook    float64           `json:"slowest_took,omitempty"`
	Error          string            `json:"error,omitempty"`
	Polls          uint64            `json:"polls"` // since the collector or the target began
	Partial        uint64            `json:"partial"`
	Failed         uint64            `json:"failed"`
	Missed         uint64            `json:"missed"`
	Samples        uint64            `json:"samples"`
	Withheld       map[string]uint64 `json:"withheld,omitempty"` // rates, by reason
	EngineTwins    []string          `json:"engine_twins,omitempty"`
}

func statusOf(s *collector.Stats) targetStatus {
	t := targetStatus{
		Device: s.Device, State: s.State, Why: s.Why(), LastPoll: s.Last, Interval: s.Interval.Seconds(), Duration: s.Duration.Seconds(), Lag: s.Lag.Seconds(),
		RoundTrip: s.SNMPRoundTrip.Seconds(), Requests: s.Effort.Requests, Retries: s.Effort.Retries, MaxRepetitions: s.Effort.MaxRepetitions,
		GetNext: s.Effort.GetNext, Slowest: s.Effort.Slowest, SlowestTook: s.Effort.SlowestTook.Seconds(), Error: s.Err,
		Polls: s.Polls, Partial: s.Partial, Failed: s.Failed, Missed: s.Missed, Samples: s.Samples, EngineTwins: s.EngineTwins,
	}
	for v, n := range s.Verdicts {
		if !v.HasRate() {
			if t.Withheld == nil {
				t.Withheld = map[string]uint64{}
			}
			t.Withheld[v.String()] = n
		}
	}
	return t
}

// status answers /status: how every target is polled, or those that ?target= names.
func (p *parts) status(w http.ResponseWriter, r *http.Request) {
	names := r.URL.Query()["target"]
	list := []targetStatus{}
	for _, s := range p.polls.Stats() {
		if len(names) == 0 || slices.Contains(names, s.Device) {
			list = append(list, statusOf(&s))
		}
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(list); err != nil {
		p.log.Debug("answering /status", "err", err)
	}
}

// statusCommand asks the running collector how it polls.
func (p process) statusCommand() *cobra.Command {
	c := &cobra.Command{Use: "status [TARGET...]", Short: "Which target is slow or silent, and why, in the running collector",
		Long: "Asks the collector that serves pages at the `listen` of the file. Without names it lists all targets, those in trouble first and\n" +
			"then the slowest; with names it tells all that is known of these."}
	path := configFlag(c)
	from := c.Flags().String("url", "", "ask the collector at this URL, such as http://127.0.0.1:8161, instead of the file's")
	ask := p.pagesAsker(c.Flags(), path)
	count := c.Flags().IntP("lines", "n", 20, "list at most `N` targets; 0 is all")
	c.RunE = func(cmd *cobra.Command, names []string) error {
		if *from == "" {
			cfg, problems := config.Load(*path, collector.BuiltIn(), p.getenv)
			if config.Failed(problems) {
				for _, problem := range problems {
					fmt.Fprintln(p.stderr, problem)
				}
				return errReported
			}
			if cfg.Listen == "" {
				return errors.New("the file has listen: \"\", so the collector serves no pages; set it, or name another collector by --url")
			}
		}
		base, client, err := ask.client(*from)
		if err != nil {
			return err
		}
		list, err := askStatus(cmd.Context(), client, base, names)
		if err != nil {
			return err
		}
		if len(names) > 0 {
			return p.describe(list, names)
		}
		return listStatus(p.stdout, list, *count)
	}
	return c
}

// mostStatus bounds what is read of an answer.
const mostStatus = 256 << 20

func askStatus(ctx context.Context, client *http.Client, base string, names []string) ([]targetStatus, error) {
	address := strings.TrimSuffix(base, "/") + "/status?" + url.Values{"target": names}.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("is the collector running? %w", err)
	}
	defer answer.Body.Close()
	switch answer.StatusCode {
	case http.StatusOK:
	case http.StatusUnauthorized:
		return nil, fmt.Errorf("%s: %s: %s", base, answer.Status, howToAsk)
	default:
		return nil, fmt.Errorf("%s: %s; is it a collector's?", address, answer.Status)
	}
	var list []targetStatus
	if err := json.NewDecoder(io.LimitReader(answer.Body, mostStatus)).Decode(&list); err != nil {
		return nil, fmt.Errorf("%s: %w", address, err)
	}
	return list, nil
}

// trouble ranks how much a target needs to be looked at, 0 the most.
func (t *targetStatus) trouble() int {
	switch {
	case t.State == "": // not polled yet
		return 3
	case t.State != "up":
		return 0
	case t.Why != "":
		return 1
	}
	return 2
}

// listStatus prints a line a target.
func listStatus(w io.Writer, list []targetStatus, most int) error {
	slices.SortStableFunc(list, func(a, b targetStatus) int {
		return cmp.Or(cmp.Compare(a.trouble(), b.trouble()), cmp.Compare(b.Duration, a.Duration))
	})
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "DEVICE\tSTATE\tPOLL\tINTERVAL\tROUND TRIP\tREQUESTS\tRETRIES\tLAG\tWHY")
	for i, t := range list {
		if most > 0 && i == most {
			break
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%d\t%d\t%s\t%s\n", printable(t.Device), t.State, span(t.Duration), span(t.Interval), span(t.RoundTrip),
			t.Requests, t.Retries, span(t.Lag), printable(t.Why))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if most > 0 && len(list) > most {
		fmt.Fprintf(w, "and %d more (-n 0 lists all)\n", len(list)-most)
	}
	return nil
}

// describe prints all that is known of the named targets.
func (p process) describe(list []targetStatus, names []string) error {
	for _, name := range names {
		i := slices.IndexFunc(list, func(t targetStatus) bool { return t.Device == name })
		if i < 0 {
			return fmt.Errorf("the collector has no target %q", name)
		}
		t := list[i]
		table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		line := func(name, format string, args ...any) { fmt.Fprintf(table, name+"\t"+format+"\n", args...) }
		line("device", "%s", printable(t.Device))
		line("state", "%s", t.State)
		if t.Why != "" {
			line("why", "%s", printable(t.Why))
		}
		if !t.LastPoll.IsZero() {
			line("last poll", "%s, took %s of %s, began %s late", t.LastPoll.Local().Format(time.DateTime), span(t.Duration), span(t.Interval), span(t.Lag))
		}
		line("requests", "%d, and %d sent again; a round trip of %s", t.Requests, t.Retries, span(t.RoundTrip))
		line("walks", "%s", walksOf(t))
		if t.Slowest != "" {
			line("slowest", "%s, %s", t.Slowest, span(t.SlowestTook))
		}
		line("polls", "%d: %d in part, %d without an answer; %d slots missed", t.Polls, t.Partial, t.Failed, t.Missed)
		line("samples", "%d", t.Samples)
		for _, reason := range slices.Sorted(maps.Keys(t.Withheld)) {
			line("no rate", "%s: %d", reason, t.Withheld[reason])
		}
		if t.Error != "" {
			line("error", "%s", printable(t.Error))
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	return nil
}

func walksOf(t targetStatus) string {
	if t.GetNext {
		return "with GETNEXT, a row a request"
	}
	return fmt.Sprintf("with GETBULK of at most %d repetitions", t.MaxRepetitions)
}

// printable makes one line of a text that a device may have had a part in.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

// span writes a time with three digits.
func span(s float64) string {
	d := time.Duration(s * float64(time.Second))
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(time.Microsecond).String()
}
