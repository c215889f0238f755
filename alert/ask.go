package alert

import (
	"time"

	"walkabout/alert/silence"
)

// Alerts is Engine.Alerts.
func (m *Manager) Alerts() []Alert {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.engine.Alerts(time.Now())
}

// Alert is Engine.Alert.
func (m *Manager) Alert(fingerprint string) (Alert, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.engine.Alert(fingerprint, time.Now())
}

// NeverUp is Engine.NeverUp.
func (m *Manager) NeverUp() []Alert {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.engine.NeverUp()
}

// NeverUpOf is Engine.NeverUpOf.
func (m *Manager) NeverUpOf(device string) []Alert {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.engine.NeverUpOf(device)
}

// NeverUpCount is Engine.NeverUpCount.
func (m *Manager) NeverUpCount() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.engine.NeverUpCount()
}

// LinkDown is Engine.LinkDown.
func (m *Manager) LinkDown(at time.Time, device string, ifIndex int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.engine.LinkDown(at, device, ifIndex)
}

// Check is Engine.Check.
func (m *Manager) Check(now time.Time, checks []Check) []Transition {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.take(m.engine.Check(now, checks))
}

// Silence is Engine.Silence. It is on disk soon.
func (m *Manager) Silence(s silence.Silence) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	defer m.write()
	return m.engine.Silence(s)
}

// Expire is Engine.Expire.
func (m *Manager) Expire(id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	defer m.write()
	ts, err := m.engine.Expire(id, time.Now())
	m.take(ts)
	return err
}

// Silences is Engine.Silences.
func (m *Manager) Silences() []silence.Silence {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.engine.Silences()
}

// Maintenance returns the windows of the configuration. Their methods may be called.
func (m *Manager) Maintenance() []silence.Window {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.engine.cfg.Maintenance
}

// Acknowledge is Engine.Acknowledge.
func (m *Manager) Acknowledge(fingerprint string, ack Ack) (Alert, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	defer m.write()
	return m.engine.Acknowledge(fingerprint, ack)
}

// Unacknowledge is Engine.Unacknowledge.
func (m *Manager) Unacknowledge(fingerprint string) (Alert, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	defer m.write()
	return m.engine.Unacknowledge(fingerprint)
}

// History returns transitions of the past, the newest first; none if no state is kept.
func (m *Manager) History(q HistoryQuery) ([]Transition, error) { return m.history.query(q) }
