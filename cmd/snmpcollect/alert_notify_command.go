package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"walkabout/alert"
	"walkabout/alert/api"
	"walkabout/alert/notify"
	"walkabout/cmd/snmpcollect/config"
	"walkabout/collector"
)

// testRule is the rule of an alert that is shown to an Alertmanager as a test: nobody's routing knows it.
const testRule = "notify_test"

// notifyTest is how notifiers are tried.
type notifyTest struct {
	alertAsker
	template string
	dry      bool
	alert    string
}

// notifyTest sends a message that says it is a test, or prints what would be sent.
func (a alertAsker) notifyTest() *cobra.Command {
	n := notifyTest{alertAsker: a}
	c := &cobra.Command{Use: "notify-test [NOTIFIER...]", Short: "Send a test message to notifiers, or print what it would be",
		Long: "Makes the notifiers of the file, all of them unless some are named, and sends each a message that says it is a test: of an example, or of an alert of the\n" +
			"running collector. Neither match nor rate limits matter. The running collector is not needed but for --alert. The exit code is 1 if one was not taken.",
		Example: "  snmpcollect alert notify-test noc\n  snmpcollect alert notify-test noc --dry-run --template new.tmpl"}
	c.Flags().StringVar(&n.template, "template", "", "with the templates of this file")
	c.Flags().BoolVar(&n.dry, "dry-run", false, "print what would be sent, and send nothing")
	c.Flags().StringVar(&n.alert, "alert", "", "of the alert with this `ID` of the running collector, instead of an example")
	c.RunE = func(c *cobra.Command, names []string) error { return n.run(c.Context(), names) }
	return c
}

func (n notifyTest) run(ctx context.Context, names []string) error {
	cfg, problems := config.Load(*n.ask.path, collector.BuiltIn(), n.p.getenv)
	for _, problem := range problems {
		fmt.Fprintln(n.p.stderr, problem)
	}
	if config.Failed(problems) {
		return errReported
	}
	list, err := named(cfg.Notify, names)
	if err != nil {
		return err
	}
	m, err := n.message(ctx)
	if err != nil {
		return err
	}
	source := ""
	if n.template != "" {
		text, err := os.ReadFile(n.template)
		if err != nil {
			return err
		}
		source = string(text)
	}
	failed := false
	for _, one := range list {
		text, err := n.try(ctx, one, source, m)
		if err != nil {
			failed = true
			text = "failed: " + err.Error()
		}
		fmt.Fprintf(n.p.stdout, "%s: %s\n", one.Name, text)
	}
	if failed {
		return errReported
	}
	return nil
}

// named returns those of list that names name; all if there are none.
func named(list []config.Notifier, names []string) ([]config.Notifier, error) {
	if len(list) == 0 {
		return nil, errors.New("the file has no section notify: nobody would be told")
	}
	if len(names) == 0 {
		return list, nil
	}
	var out []config.Notifier
	for _, name := range names {
		i := slices.IndexFunc(list, func(n config.Notifier) bool { return n.Name == name })
		if i < 0 {
			var known []string
			for _, n := range list {
				known = append(known, n.Name)
			}
			return nil, fmt.Errorf("no notifier is called %q; there are %s", name, strings.Join(known, ", "))
		}
		out = append(out, list[i])
	}
	return out, nil
}

// message returns what is told: an example of now, or an alert of the running collector.
func (n notifyTest) message(ctx context.Context) (*notify.Message, error) {
	now := time.Now()
	if n.alert == "" {
		return notify.Example(now, false).TestAt(now), nil
	}
	client, err := n.client()
	if err != nil {
		return nil, err
	}
	fp, err := find(ctx, client, n.alert)
	if err != nil {
		return nil, err
	}
	var got struct {
		Alert *alert.Alert `json:"alert"`
	}
	if err := client.Get(ctx, api.AlertsPath+"/"+fp, nil, &got); err != nil {
		return nil, err
	}
	if got.Alert == nil {
		return nil, fmt.Errorf("the alert %q is over; snmpcollect alert list shows those that there are", n.alert)
	}
	m := &notify.Message{Group: got.Alert.Device, Items: []notify.Item{{Transition: alert.Transition{From: alert.Pending, At: now, Alert: *got.Alert}}}}
	return m.TestAt(now), nil
}

// try sends m to one notifier and says how that went, or returns what would be sent.
func (n notifyTest) try(ctx context.Context, one config.Notifier, source string, m *notify.Message) (string, error) {
	if one.Mirror() {
		return n.show(ctx, one, m.Items[0].Alert)
	}
	t, err := one.Templates(n.template, source)
	if err != nil {
		return "", err
	}
	s, err := one.Sender(t, slog.New(slog.NewTextHandler(n.p.stderr, nil)))
	if err != nil {
		return "", err
	}
	defer s.Close()
	if n.dry {
		text, err := s.Preview(m)
		return "would be sent:\n\n" + text, err
	}
	return "sent", s.Send(ctx, m)
}

// show is try for an Alertmanager: the alert is over for it after some minutes.
func (n notifyTest) show(ctx context.Context, one config.Notifier, a alert.Alert) (string, error) {
	am, err := one.Alertmanager()
	if err != nil {
		return "", err
	}
	defer am.Close()
	a.Rule, a.Summary = testRule, "TEST "+a.Summary
	if n.dry {
		text, err := am.Preview([]alert.Alert{a})
		return "would be sent:\n\n" + text, err
	}
	return "sent", am.Show(ctx, []alert.Alert{a})
}
