package main

import (
	"path/filepath"

	"walkabout/alert/notify"
	"walkabout/cmd/snmpcollect/config"
)

// notifyFolder is the place of what notifiers are yet to be told, in the folder of the state.
const notifyFolder = "notify"

// openNotifiers makes who is told of alerts. They are told from notify.Dispatcher.Start on.
func (p *parts) openNotifiers(list []config.Notifier) error {
	receivers, mirrors, err := p.receivers(list, nil)
	if err != nil {
		return err
	}
	p.told, err = notify.Open(notify.Options{Dir: filepath.Join(p.state.Path(), notifyFolder), Receivers: receivers, Mirrors: mirrors, Log: p.log})
	return err
}

// configureNotifiers puts list in the place of old. What those that stay are yet to be told stays.
func (p *parts) configureNotifiers(old, list []config.Notifier) error {
	receivers, mirrors, err := p.receivers(list, old)
	if err != nil {
		return err
	}
	return p.told.Configure(receivers, mirrors)
}

// receivers makes those of list. The senders of those that are in old as they are go on.
func (p *parts) receivers(list, old []config.Notifier) (receivers []notify.Receiver, mirrors []notify.MirrorOptions, err error) {
	same := func(n config.Notifier) bool {
		for _, o := range old {
			if o.Name == n.Name {
				return n.SameSender(o)
			}
		}
		return false
	}
	for _, n := range list {
		if n.Mirror() {
			m := notify.MirrorOptions{Name: n.Name, Match: n.Match, Every: n.Every}
			if !same(n) {
				if m.Mirror, err = n.Alertmanager(); err != nil {
					return nil, nil, err
				}
			}
			mirrors = append(mirrors, m)
			continue
		}
		r := notify.Receiver{Name: n.Name, Policy: n.Policy}
		if !same(n) {
			t, err := n.Templates("", "")
			if err != nil {
				return nil, nil, err
			}
			if r.Sender, err = n.Sender(t, p.plain); err != nil {
				return nil, nil, err
			}
		}
		receivers = append(receivers, r)
	}
	return receivers, mirrors, nil
}
