//go:build interop

package interop

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

// Alertmanager is Debian's prometheus-alertmanager, which tells nobody.
type Alertmanager struct {
	URL string
	t   testing.TB
}

// StartAlertmanager starts one, of no cluster.
func StartAlertmanager(t testing.TB) *Alertmanager {
	t.Helper()
	dir, address := t.TempDir(), freeAddress(t)
	config := filepath.Join(dir, "alertmanager.yml")
	if err := os.WriteFile(config, []byte("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := Start(t, Find(t, "prometheus-alertmanager", "/usr/bin/prometheus-alertmanager"), "--config.file="+config, "--storage.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+address, "--cluster.listen-address=")
	p.Await("Listening on|listen")
	a := &Alertmanager{URL: "http://" + address, t: t}
	Eventually(t, "Alertmanager answers", func() bool {
		r, err := http.Get(a.URL + "/-/ready")
		if err != nil {
			return false
		}
		_ = r.Body.Close()
		return r.StatusCode == http.StatusOK
	}, p.Log)
	return a
}

// ManagedAlert is an alert as Alertmanager shows it.
type ManagedAlert struct {
	Labels, Annotations map[string]string
	GeneratorURL        string
}

// Active returns the alerts that fire.
func (a *Alertmanager) Active() []ManagedAlert {
	a.t.Helper()
	r, err := http.Get(a.URL + "/api/v2/alerts?active=true")
	if err != nil {
		a.t.Fatal(err)
	}
	defer r.Body.Close()
	var list []ManagedAlert
	if err := json.NewDecoder(r.Body).Decode(&list); err != nil {
		a.t.Fatal(err)
	}
	return list
}
