package alert_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"walkabout/alert"
)

// BenchmarkHistory asks a full file of transitions for what a page shows.
func BenchmarkHistory(b *testing.B) {
	folder := b.TempDir()
	var text []byte
	for n := uint64(1); len(text) < 8<<20; n++ {
		t := alert.Transition{ID: fmt.Sprint(n), Number: n, At: time.Unix(int64(n), 0), Alert: alert.Alert{Fingerprint: fmt.Sprintf("%032x", n%5000), Device: fmt.Sprintf("sw%03d", n%100), Rule: alert.RuleInterfaceMismatch,
			Key: fmt.Sprintf("Gi1/0/%d", n%50), State: alert.Firing, Labels: map[string]string{"agent_host": "192.0.2.1", "ifAlias": "to the next building", "ifName": "Gi1/0/1", "site": "paris"},
			Values: map[string]string{"ifAdminStatus": "up", "ifOperStatus": "down"}, Summary: fmt.Sprintf("sw%03d Gi1/0/%d (to the next building): admin up, oper down, seen for 60s", n%100, n%50)}}
		line, err := json.Marshal(t)
		if err != nil {
			b.Fatal(err)
		}
		text = append(append(text, line...), '\n')
	}
	if err := os.WriteFile(filepath.Join(folder, "alerts-history.jsonl"), text, 0o600); err != nil {
		b.Fatal(err)
	}
	m, err := alert.Start(alert.Options{Config: quick(), Path: filepath.Join(folder, "alerts.journal")})
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close(b.Context())
	all := func(*alert.Transition) bool { return true }
	for name, q := range map[string]alert.HistoryQuery{"newest": {Limit: 100}, "device": {Device: "sw033", Limit: 100}, "fingerprint": {Fingerprint: fmt.Sprintf("%032x", 7), Limit: 100},
		"nowhere": {Words: []string{"nowhere"}, Match: all, Limit: 100}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.History(q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
