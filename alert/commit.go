package alert

import (
	"cmp"
	"errors"
	"os"
	"slices"
	"time"
)

// save writes what changed, and then hands the fresh transitions to history, outputs and queues, written or not. What a replay of polls would bring back is
// written with other changes, or if progress says so.
func (m *Manager) save(progress bool) error {
	low := uint64(0)
	if m.tail != nil {
		low = m.tail.Low()
	}
	m.mu.Lock()
	saved := m.saved
	m.saved = make(chan struct{})
	due := progress || m.engine.urgent || len(m.fresh) > 0 || len(m.done) > 0
	clean := !due && !m.engine.dirty()
	m.mu.Unlock()
	defer close(saved)
	if !due && !m.anew {
		if clean && m.tail != nil {
			m.tail.Mark(low)
		}
		return nil
	}
	c, err := m.commit(progress)
	if err == nil {
		if m.older != "" {
			_ = os.Rename(m.older, m.older+".old") // the journal goes before it in any case
			m.older = ""
		}
		if m.tail != nil {
			m.tail.Mark(low)
		}
	}
	var told []Transition
	for _, t := range c.Transitions {
		if t.Notifies() {
			told = append(told, t)
		}
	}
	if len(told) > 0 {
		m.deliver(told, func(string) bool { return true })
	}
	m.record(c.Transitions)
	return err
}

// commit takes what changed and writes it. It returns that also if it cannot be written.
func (m *Manager) commit(progress bool) (*commit, error) {
	c := &commit{}
	if m.journal == nil {
		m.with(func() { m.takeChanges(c, m.engine.takeChanges) })
		return c, nil
	}
	m.progressAt = time.Now()
	err := errLater
	switch {
	case !m.anew && !m.journal.WantsRewrite():
		err = m.appendChanges(c, progress)
	case time.Until(m.retryAt) <= 0:
		err = m.rewrite(c)
	default:
		m.with(func() { m.takeChanges(c, m.engine.takeChanges) })
	}
	if m.anew = err != nil; !m.anew {
		m.written = c.Recorded
	}
	m.sayDisk(err)
	return c, err
}

// appendChanges writes what changed, as one line; devices of which there is nothing to tell go before it, some at a time.
func (m *Manager) appendChanges(c *commit, progress bool) error {
	err := m.writeQuiet(m.journal.Append)
	m.with(func() { m.takeChanges(c, m.engine.takeChanges) })
	if err != nil || c.empty() && (!progress || c.Recorded == m.written) {
		return err
	}
	data, err := c.line()
	if err != nil {
		return err
	}
	return m.journal.Append(data)
}

// rewrite has the file begin anew.
func (m *Manager) rewrite(c *commit) error {
	taken := false
	err := m.journal.Rewrite(func(emit func([]byte) error) error {
		return rewrite(m.engine, m.with, func(last *commit) ([]Transition, []Undelivered, error) {
			err := m.writeQuiet(emit)
			m.with(func() { m.takeChanges(c, m.engine.takeAll) })
			taken = true
			*last = *c
			return m.unrecorded, m.undelivered(), err
		}, emit)
	})
	if !taken {
		m.with(func() { m.takeChanges(c, m.engine.takeChanges) })
	}
	return err
}

// devicesALine is how many devices are taken at a time, so that neither pollers wait for it nor much memory is needed.
const devicesALine = 200

// writeQuiet writes the state of devices that changed without a transition, until few are left.
func (m *Manager) writeQuiet(write func([]byte) error) error {
	for {
		var c commit
		m.with(func() {
			if len(m.engine.touched) > devicesALine {
				m.engine.takeQuiet(&c, devicesALine, m.fresh)
			}
		})
		if c.empty() {
			return nil
		}
		data, err := c.line()
		if err == nil {
			err = write(data)
		}
		if err != nil {
			return err
		}
	}
}

// errLater stands for a writing that was not tried, as the one before failed a moment ago.
var errLater = errors.New("alert: the disk failed a moment ago")

// sayDisk logs that the disk began to fail.
func (m *Manager) sayDisk(err error) {
	switch {
	case err == nil:
		m.saidFailed, m.retryAt = false, time.Time{}
	case errors.Is(err, errLater):
	default:
		m.retryAt = time.Now().Add(tickEvery)
		if !m.saidFailed {
			m.log.Error("alerts do not survive a restart until this is mended", "err", err)
		}
		m.saidFailed = true
	}
}

func (m *Manager) with(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
}

// takeChanges fills c. It is called with mu held.
func (m *Manager) takeChanges(c *commit, fromEngine func(*commit)) {
	fromEngine(c)
	c.Recorded, c.Transitions, c.Done = m.recorded, m.fresh, m.done
	m.fresh, m.done = nil, map[string][]uint64{}
	if slices.ContainsFunc(c.Transitions, Transition.Notifies) {
		for _, q := range m.queues {
			c.To = append(c.To, q.notifier.Name())
		}
	}
}

// record puts ts, and what could not be put there before, into the history, and hands ts on as events.
func (m *Manager) record(ts []Transition) {
	if len(ts) == 0 {
		return
	}
	said := len(m.unrecorded) > 0
	m.unrecorded = append(m.unrecorded, ts...)
	err := m.history.append(m.unrecorded)
	if m.events != nil {
		m.events(ts)
	}
	if err == nil {
		m.recorded, m.unrecorded = ts[len(ts)-1].Number, nil
		return
	}
	if !said {
		m.log.Error("the history of alerts cannot be written", "err", err)
	}
	m.unrecorded = m.unrecorded[max(0, len(m.unrecorded)-defaultMost):]
}

// undelivered lists what the queues hold, in the order in which it happened.
func (m *Manager) undelivered() []Undelivered {
	var list []Undelivered
	at := map[uint64]int{} // by Transition.Number, in list
	for _, q := range m.queues {
		for _, t := range q.list(q.most) {
			i, known := at[t.Number]
			if !known {
				i = len(list)
				at[t.Number] = i
				list = append(list, Undelivered{Transition: t})
			}
			list[i].Notifiers = append(list[i].Notifiers, q.notifier.Name())
		}
	}
	slices.SortFunc(list, func(a, b Undelivered) int { return cmp.Compare(a.Transition.Number, b.Transition.Number) })
	return list
}
