package notify_test

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"walkabout/alert"
	"walkabout/alert/notify"
	"walkabout/metric"
)

// port is a row of ifTable: the ifOperStatus of an interface that is admin up and has received something.
func port(index int, name string, oper uint64) metric.Sample {
	return metric.Sample{Measurement: "interface", Tags: []metric.Tag{{Name: "device", Value: "core1"}, {Name: "ifName", Value: name}}, Fields: []metric.Field{
		{Name: "ifIndex", Kind: metric.Integer, Num: uint64(index)}, {Name: "ifAdminStatus", Kind: metric.Integer, Num: 1},
		{Name: "ifOperStatus", Kind: metric.Integer, Num: oper}, {Name: "ifHCInOctets", Kind: metric.Counter64, Num: 5}}}
}

// ports is n of them, and below them all what is there already.
func ports(n int, oper uint64, samples ...metric.Sample) []metric.Sample {
	for i := range n {
		samples = append(samples, port(100+i, fmt.Sprintf("p%d", i), oper))
	}
	return samples
}

// TestStorms: how many messages people get of each, with the policy that they have by default, of what polls 30 s apart bring.
func TestStorms(t *testing.T) {
	const up, down, lowerLayerDown = 1, 2, 7
	stack := metric.Sample{Measurement: "interface_stack"}
	var stacks []metric.Sample
	for i := range 100 {
		s := stack
		s.Tags = []metric.Tag{{Name: "device", Value: "core1"}}
		s.Fields = []metric.Field{{Name: "ifStackHigherLayer", Kind: metric.Integer, Num: uint64(100 + i)},
			{Name: "ifStackLowerLayer", Kind: metric.Integer, Num: 1}, {Name: "ifStackStatus", Kind: metric.String, Str: "active"}}
		stacks = append(stacks, s)
	}
	failed := &alert.PollError{Cause: alert.CauseHostDown, Err: errors.New("no answer")}
	for _, c := range []struct {
		name     string
		polls    int
		poll     func(i int) ([]metric.Sample, error)
		messages int
		items    int
	}{
		{"a device with 500 ports dies", 20, func(i int) ([]metric.Sample, error) {
			if i < 2 {
				return ports(500, up), nil
			}
			return nil, failed
		}, 1, 1},
		{"a trunk under 100 VLANs goes down", 20, func(i int) ([]metric.Sample, error) {
			if i < 2 {
				return append(ports(100, up, port(1, "trunk", up)), stacks...), nil
			}
			return append(ports(100, lowerLayerDown, port(1, "trunk", down)), stacks...), nil
		}, 1, 1},
		{"a port flaps 40 times", 80, func(i int) ([]metric.Sample, error) {
			return ports(1, []uint64{down, up}[i%2]), nil
		}, 1, 1},
		{"a card of 48 ports dies", 20, func(i int) ([]metric.Sample, error) {
			if i < 2 {
				return ports(48, up), nil
			}
			return ports(48, down), nil
		}, 1, 48},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSender()
				p := people()
				p.Rate = notify.Rate{Messages: 10, Per: 10 * time.Minute}
				dir := t.TempDir()
				d, err := notify.Open(notify.Options{Dir: filepath.Join(dir, "notify"), Log: slog.New(slog.DiscardHandler), Receivers: []notify.Receiver{{Name: "noc", Policy: p, Sender: s}}})
				if err != nil {
					t.Fatal(err)
				}
				cfg := alert.DefaultConfig()
				cfg.DeviceRebooted.Enabled = false
				cfg.Targets = []alert.Target{{Device: "core1"}}
				m, err := alert.Start(alert.Options{Config: cfg, Path: filepath.Join(dir, "alerts"), Notifiers: []alert.Notifier{d}, Log: slog.New(slog.DiscardHandler)})
				if err != nil {
					t.Fatal(err)
				}
				d.Start(m)
				for i := range c.polls {
					samples, err := c.poll(i)
					if err != nil {
						m.Failed(time.Now(), "core1", err)
					} else {
						m.Observe(alert.Poll{Device: "core1", At: time.Now(), Samples: samples, Complete: []string{"interface", "interface_stack"}})
					}
					time.Sleep(30 * time.Second)
				}
				if err := errors.Join(m.Close(t.Context()), d.Close(t.Context())); err != nil {
					t.Error(err)
				}
				items := 0
				for _, got := range s.messages() {
					items += len(got.Items)
				}
				if len(s.messages()) != c.messages || items != c.items {
					t.Errorf("%d messages of %d transitions, want %d of %d: %v", len(s.messages()), items, c.messages, c.items, s.said())
				}
			})
		})
	}
}
