package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os/user"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"walkabout/alert"
	"walkabout/alert/api"
	"walkabout/alert/silence"
	"walkabout/internal/duration"
)

// alertCommand asks the running collector about alerts, and tells it what people want to hear.
func (p process) alertCommand() *cobra.Command {
	c := &cobra.Command{Use: "alert", Short: "Alerts of the running collector: list, silence, acknowledge; test rules and notifiers",
		Long: "Asks the collector that serves pages at the `listen` of the file. What changes something works on the collector's machine, or anywhere with\n" +
			"api_token in the file.\n\n" +
			"A MATCHER is name=value, name!=value, name=~regexp or name!~regexp; names are device, interface, rule, kind, severity, fingerprint and labels\n" +
			"(ifName, ifAlias, site …). All must match. An ID is what list shows of a fingerprint, or more of it.",
		Example: "  snmpcollect alert list device=core1\n  snmpcollect alert silence --for 2h --reason 'new line card' device=core1 ifName=~'Gi1/.*'\n" +
			"  snmpcollect alert ack 2273f81c --reason 'cable is on its way'"}
	path := c.PersistentFlags().StringP("config", "c", defaultConfig, "the configuration file")
	base := c.PersistentFlags().String("url", "", "ask the collector at this URL, such as http://127.0.0.1:8161, instead of the file's")
	asJSON := c.PersistentFlags().Bool("json", false, "print the answer as it came")
	a := alertAsker{p: p, ask: p.pagesAsker(c.PersistentFlags(), path), base: base, json: asJSON}
	c.AddCommand(a.list(), a.history(), a.silence(), a.silences(), a.expire(), a.ack(), a.unack(), p.alertTestCommand(), a.notifyTest())
	return c
}

// alertAsker is what the commands have in common.
type alertAsker struct {
	p    process
	ask  *pagesAsker
	base *string
	json *bool
}

func (a alertAsker) client() (*api.Client, error) {
	base, c, err := a.ask.client(*a.base)
	return &api.Client{Base: base, HTTP: c}, err
}

// show prints v as JSON if that is wanted, else as text does.
func (a alertAsker) show(v any, text func(w *tabwriter.Writer)) error {
	if *a.json {
		e := json.NewEncoder(a.p.stdout)
		e.SetIndent("", "  ")
		return e.Encode(v)
	}
	table := tabwriter.NewWriter(a.p.stdout, 0, 0, 2, ' ', 0)
	text(table)
	return table.Flush()
}

const shortID = 8

func idOf(fingerprint string) string { return fingerprint[:min(shortID, len(fingerprint))] }

func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

func (a alertAsker) list() *cobra.Command {
	c := &cobra.Command{Use: "list [MATCHER...]", Short: "Alerts that are pending, firing, or were resolved within the last hour"}
	state := c.Flags().String("state", "", "only those that are pending, firing or resolved")
	never := c.Flags().Bool("never-up", false, "ports that were never up, too")
	c.RunE = func(c *cobra.Command, args []string) error {
		client, err := a.client()
		if err != nil {
			return err
		}
		q := url.Values{"match": args}
		if *state != "" {
			q.Set("state", *state)
		}
		if *never {
			q.Set("never_up", "true")
		}
		var got api.Alerts
		if err := client.Get(c.Context(), api.AlertsPath, q, &got); err != nil {
			return err
		}
		return a.show(got, func(w *tabwriter.Writer) {
			fmt.Fprintln(w, "ID\tSTATE\tSEVERITY\tSINCE\tNOTE\tSUMMARY")
			for _, list := range [][]alert.Alert{got.Alerts, got.NeverUp} {
				for i := range list {
					x := &list[i]
					fmt.Fprintf(w, "%s\t%v\t%s\t%s\t%s\t%s\n", idOf(x.Fingerprint), x.State, printable(x.Severity), moment(x.Since), printable(note(x)), printable(x.Summary))
				}
			}
		})
	}
	return c
}

// note says in a word or two what is special about a.
func note(a *alert.Alert) string {
	var words []string
	if a.Ack != nil {
		words = append(words, "ack "+a.Ack.By)
	}
	if a.SilencedBy != "" {
		words = append(words, "silenced "+a.SilencedBy)
	}
	if a.ExplainedBy != "" {
		words = append(words, "explained by "+a.ExplainedBy)
	}
	if a.Explains > 0 {
		words = append(words, fmt.Sprintf("explains %d", a.Explains))
	}
	if a.Flapping {
		words = append(words, "flapping")
	}
	if a.Frozen != "" {
		words = append(words, string(a.Frozen))
	}
	if a.State == alert.Listed {
		words = append(words, "never up")
	}
	if len(words) == 0 {
		return "-"
	}
	return strings.Join(words, ", ")
}

func (a alertAsker) history() *cobra.Command {
	c := &cobra.Command{Use: "history [ID]", Short: "What happened, the newest last", Args: cobra.MaximumNArgs(1)}
	device := c.Flags().String("device", "", "only of this device")
	since := duration.Flag(24 * time.Hour)
	c.Flags().Var(&since, "since", "from so long ago on")
	limit := c.Flags().IntP("lines", "n", 100, "at most so many, the newest")
	all := c.Flags().Bool("pending", false, "with what was only pending")
	c.RunE = func(c *cobra.Command, args []string) error {
		client, err := a.client()
		if err != nil {
			return err
		}
		q := url.Values{"limit": {fmt.Sprint(*limit)}, "since": {time.Now().Add(-time.Duration(since)).Format(time.RFC3339)}}
		if *device != "" {
			q.Set("device", *device)
		}
		if len(args) > 0 {
			fp, err := find(c.Context(), client, args[0])
			if err != nil {
				return err
			}
			q.Set("fingerprint", fp)
		}
		var got []alert.Transition
		if err := client.Get(c.Context(), api.HistoryPath, q, &got); err != nil {
			return err
		}
		return a.show(got, func(w *tabwriter.Writer) {
			fmt.Fprintln(w, "AT\tID\tSTATE\tTOLD\tSUMMARY")
			for i := len(got) - 1; i >= 0; i-- {
				t := &got[i]
				if !*all && t.State != alert.Firing && t.From != alert.Firing {
					continue
				}
				told := "yes"
				if !t.Notifies() {
					told = "no"
				}
				fmt.Fprintf(w, "%s\t%s\t%v\t%s\t%s\n", moment(t.At), idOf(t.Fingerprint), t.State, told, printable(t.Summary))
			}
		})
	}
	return c
}

// author is who works at this terminal, unless a flag says otherwise.
func author(flag string) string {
	if flag != "" {
		return flag
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}

func (a alertAsker) silence() *cobra.Command {
	c := &cobra.Command{Use: "silence --for DURATION --reason TEXT MATCHER...", Short: "Keep alerts from people for a time", Args: cobra.MinimumNArgs(1)}
	var lasting duration.Flag
	c.Flags().Var(&lasting, "for", "how long, as in 2h or 7d")
	reason := c.Flags().String("reason", "", "why, for those who wonder")
	by := c.Flags().String("author", "", "who; the user unless given")
	c.RunE = func(c *cobra.Command, args []string) error {
		if lasting <= 0 || *reason == "" {
			return errors.New("--for and --reason are wanted: a silence ends, and somebody will wonder why")
		}
		q := api.SilenceRequest{For: api.Duration(lasting), Author: author(*by), Reason: *reason}
		for _, text := range args {
			m, err := silence.ParseMatcher(text)
			if err != nil {
				return err
			}
			q.Matchers = append(q.Matchers, m)
		}
		client, err := a.client()
		if err != nil {
			return err
		}
		var made silence.Silence
		if err := client.Post(c.Context(), api.SilencesPath, q, &made); err != nil {
			return err
		}
		return a.show(made, func(w *tabwriter.Writer) { fmt.Fprintf(w, "%s until %s\n", made.ID, moment(made.EndsAt)) })
	}
	return c
}

func (a alertAsker) silences() *cobra.Command {
	c := &cobra.Command{Use: "silences", Short: "Silences and maintenance windows", Args: cobra.NoArgs}
	all := c.Flags().Bool("all", false, "with those that are over")
	c.RunE = func(c *cobra.Command, _ []string) error {
		client, err := a.client()
		if err != nil {
			return err
		}
		var got struct {
			Silences    []silence.Silence `json:"silences"`
			Maintenance []api.Window      `json:"maintenance"`
		}
		err = client.Get(c.Context(), api.SilencesPath, nil, &got.Silences)
		if err == nil {
			err = client.Get(c.Context(), api.MaintenancePath, nil, &got.Maintenance)
		}
		if err != nil {
			return err
		}
		return a.show(got, func(w *tabwriter.Writer) {
			fmt.Fprintln(w, "ID\tFROM\tUNTIL\tAUTHOR\tMATCHERS\tREASON")
			for _, s := range got.Silences {
				if *all || time.Now().Before(s.EndsAt) {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", printable(s.ID), moment(s.StartsAt), moment(s.EndsAt), printable(s.Author), printable(words(s.Matchers)), printable(s.Reason))
				}
			}
			for _, m := range got.Maintenance {
				if m.Active || *all || !m.Next.IsZero() {
					from := m.Next
					if m.Active {
						from = time.Time{}
					}
					fmt.Fprintf(w, "%s%s\t%s\t%s\t-\t%s\t%s\n", alert.MaintenancePrefix, printable(m.Name), moment(from), moment(m.Until), printable(words(m.Matchers)), printable(m.Reason))
				}
			}
		})
	}
	return c
}

func words(ms silence.Matchers) string {
	var out []string
	for _, m := range ms {
		out = append(out, m.String())
	}
	return strings.Join(out, " ")
}

func (a alertAsker) expire() *cobra.Command {
	c := &cobra.Command{Use: "expire SILENCE...", Short: "End silences; what still fires is told then", Args: cobra.MinimumNArgs(1)}
	c.RunE = func(c *cobra.Command, ids []string) error {
		client, err := a.client()
		if err != nil {
			return err
		}
		for _, id := range ids {
			var got map[string]string
			if err := client.Delete(c.Context(), api.SilencesPath+"/"+url.PathEscape(id), &got); err != nil {
				return err
			}
			fmt.Fprintln(a.p.stdout, id, "is over")
		}
		return nil
	}
	return c
}

// find returns the one fingerprint of an active alert that begins with id.
func find(ctx context.Context, client *api.Client, id string) (string, error) {
	const whole = 32
	if len(id) == whole {
		return id, nil
	}
	var got api.Alerts
	if err := client.Get(ctx, api.AlertsPath, nil, &got); err != nil {
		return "", err
	}
	found := ""
	for i := range got.Alerts {
		fp := got.Alerts[i].Fingerprint
		if !strings.HasPrefix(fp, id) || fp == found {
			continue
		}
		if found != "" {
			return "", fmt.Errorf("more than one alert begins with %q: write more of it", id)
		}
		found = fp
	}
	if found == "" {
		return "", fmt.Errorf("no alert begins with %q; snmpcollect alert list shows them", id)
	}
	return found, nil
}

func (a alertAsker) ack() *cobra.Command {
	c := &cobra.Command{Use: "ack ID...", Short: "Say that somebody looks after alerts: nothing is escalated", Args: cobra.MinimumNArgs(1)}
	reason := c.Flags().String("reason", "", "what is being done")
	by := c.Flags().String("author", "", "who; the user unless given")
	var lasting duration.Flag
	c.Flags().Var(&lasting, "for", "until the acknowledgement ends; 0: as long as the alert fires")
	c.RunE = func(c *cobra.Command, ids []string) error {
		client, err := a.client()
		if err != nil {
			return err
		}
		q := api.AckRequest{By: author(*by), Reason: *reason, For: api.Duration(lasting)}
		return a.each(c.Context(), client, ids, func(fp string) (got alert.Alert, err error) {
			err = client.Post(c.Context(), api.AlertsPath+"/"+fp+"/ack", q, &got)
			return got, err
		})
	}
	return c
}

func (a alertAsker) unack() *cobra.Command {
	c := &cobra.Command{Use: "unack ID...", Short: "Take acknowledgements back", Args: cobra.MinimumNArgs(1)}
	c.RunE = func(c *cobra.Command, ids []string) error {
		client, err := a.client()
		if err != nil {
			return err
		}
		return a.each(c.Context(), client, ids, func(fp string) (got alert.Alert, err error) {
			err = client.Delete(c.Context(), api.AlertsPath+"/"+fp+"/ack", &got)
			return got, err
		})
	}
	return c
}

// each does something with the alerts of ids, and prints them as they then are.
func (a alertAsker) each(ctx context.Context, client *api.Client, ids []string, do func(fingerprint string) (alert.Alert, error)) error {
	for _, id := range ids {
		fp, err := find(ctx, client, id)
		if err != nil {
			return err
		}
		got, err := do(fp)
		if err != nil {
			return err
		}
		err = a.show(got, func(w *tabwriter.Writer) {
			fmt.Fprintf(w, "%s\t%s\t%s\n", idOf(got.Fingerprint), printable(note(&got)), printable(got.Summary))
		})
		if err != nil {
			return err
		}
	}
	return nil
}
