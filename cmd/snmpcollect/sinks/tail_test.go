package sinks_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/alert"
	"walkabout/cmd/snmpcollect/sinks"
	"walkabout/collector"
	"walkabout/metric"
	"walkabout/spool"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// running is the part of a collector between polls and alerts.
type running struct {
	spool  *spool.Spool
	tail   *sinks.Tail
	alerts *alert.Manager
}

func run(t *testing.T, dir string, told *[]string) running {
	t.Helper()
	var r running
	var err error
	folder := filepath.Join(dir, "spool")
	r.spool, err = spool.Open(spool.Options{Dir: folder, GroupDelay: time.Millisecond})
	if err == nil {
		r.tail, err = sinks.NewTail(r.spool, folder)
	}
	if err == nil {
		cfg := alert.DefaultConfig()
		cfg.Targets = []alert.Target{{Device: "sw1"}}
		cfg.InterfaceMismatch.KeepFiringFor = 0
		r.alerts, err = alert.Start(alert.Options{Config: cfg, Path: filepath.Join(dir, "alerts.journal"), Log: slog.New(slog.DiscardHandler), Tail: r.tail,
			Events: func(ts []alert.Transition) {
				for _, tr := range ts {
					*told = append(*told, fmt.Sprintf("%s %v", tr.Key, tr.State))
				}
			}})
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (r running) close(t *testing.T) {
	t.Helper()
	err := r.alerts.Close(t.Context())
	r.tail.Close()
	if err := errors.Join(err, r.spool.Close()); err != nil {
		t.Fatal(err)
	}
}

// poll is the i-th of one port, 30 s apart.
func poll(i int, oper uint64) collector.Poll {
	at := start.Add(time.Duration(i) * 30 * time.Second)
	row := metric.Sample{Measurement: "interface", At: at, Tags: []metric.Tag{{Name: "ifName", Value: "p1"}}}
	for name, value := range map[string]uint64{"ifIndex": 1, "ifAdminStatus": 1, "ifOperStatus": oper} {
		row.Fields = append(row.Fields, metric.Field{Name: name, Kind: metric.Integer, Num: value})
	}
	row.Fields = append(row.Fields, metric.Field{Name: "ifInOctets", Kind: metric.Counter32, Num: 5})
	return collector.Poll{Device: "sw1", At: at, Interval: 30 * time.Second, Answered: true, Samples: []metric.Sample{row}, Complete: []string{"interface"}}
}

// kept is a poll that is in the spool, and that no rule has seen: the collector died in that instant.
func (r running) kept(t *testing.T, p collector.Poll, answered bool) {
	t.Helper()
	b := metric.Batch{Device: p.Device, At: p.At, Interval: p.Interval, Samples: p.Samples, Complete: p.Complete, Answered: answered}
	if err := r.spool.Append(t.Context(), metric.Append(nil, b)); err != nil {
		t.Fatal(err)
	}
}

// Polls that are in the spool and that the rules have not seen are observed after the restart, once; what is no poll is not.
func TestPollsAreObservedAgain(t *testing.T) {
	dir := t.TempDir()
	var told []string
	expect := func(want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, told); diff != "" {
			t.Errorf("transitions (-want +got):\n%s", diff)
		}
		told = nil
	}
	r := run(t, dir, &told)
	s := sinks.Alerts(r.tail, sinks.NewPolls([]collector.Target{{Name: "sw1"}}), r.alerts)
	s.Poll(context.Background(), poll(0, 1))
	s.Poll(context.Background(), poll(1, 2))
	r.close(t)
	expect("p1 pending")

	r = run(t, dir, &told)
	if err := r.alerts.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.kept(t, poll(2, 2), true)
	r.kept(t, poll(3, 1), false)
	r.kept(t, poll(3, 2), true)
	r.tail.Close()
	if err := r.spool.Close(); err != nil {
		t.Fatal(err)
	}
	expect()

	r = run(t, dir, &told)
	r.close(t)
	expect("p1 firing")
	r = run(t, dir, &told)
	sinks.Alerts(r.tail, sinks.NewPolls([]collector.Target{{Name: "sw1"}}), r.alerts).Poll(context.Background(), poll(4, 1))
	r.close(t)
	expect("p1 resolved")
}
