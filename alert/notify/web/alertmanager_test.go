package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/alert"
	"walkabout/alert/notify"
	"walkabout/alert/notify/web"
	"walkabout/internal/secret"
)

// amAlert is an alert as Alertmanager reads it.
type amAlert struct {
	Labels, Annotations map[string]string
	StartsAt, EndsAt    time.Time
	GeneratorURL        string
}

// fakeManager is an Alertmanager as far as posting goes.
type fakeManager struct {
	mu    sync.Mutex
	posts [][]amAlert
	path  string
	fails int
}

func (f *fakeManager) RoundTrip(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.path = r.URL.Path
	if f.fails > 0 {
		f.fails--
		return nil, errors.New("connection refused")
	}
	var list []amAlert
	err := json.NewDecoder(r.Body).Decode(&list)
	f.posts = append(f.posts, list)
	return status(200, nil), err
}

// taken returns what was posted.
func (f *fakeManager) taken() [][]amAlert {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([][]amAlert(nil), f.posts...)
}

func alertmanager(t *testing.T, f http.RoundTripper, url string) *web.Alertmanager {
	t.Helper()
	a, err := web.NewAlertmanager(web.Options{URL: secret.New(url), Transport: f}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAlertmanagerBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		firing, resolved := transitions(t)
		time.Sleep(time.Until(resolved.At))
		firing.Link, firing.Labels["9 team"] = "https://collector.example.net/alerts/x", "net\xff"
		f := &fakeManager{}
		if err := alertmanager(t, f, "http://am:9093/prefix/").Show(t.Context(), []alert.Alert{firing.Alert, resolved.Alert}); err != nil {
			t.Fatal(err)
		}
		labels := map[string]string{"alertname": "interface_mismatch", "severity": "critical", "kind": "admin_up_oper_down", "device": "core1", "interface": "Gi0/3", "site": "paris"}
		with := map[string]string{"_9_team": "net\uFFFD"}
		for k, v := range labels {
			with[k] = v
		}
		said := map[string]string{"agent_host": "192.0.2.1", "hostname": "core1.example.net", "ifAlias": "uplink <Lyon>", "ifDescr": "GigabitEthernet0/3", "ifName": "Gi0/3",
			"fingerprint": firing.Fingerprint, "summary": firing.Summary, "value_ifAdminStatus": "up", "value_ifIndex": "3", "value_ifLastChange": "8640000", "value_ifOperStatus": "lowerLayerDown"}
		ended := map[string]string{}
		for k, v := range said {
			ended[k] = v
		}
		ended["summary"], ended["value_ifOperStatus"] = resolved.Summary, "up"
		want := [][]amAlert{{
			{Labels: with, Annotations: said, StartsAt: firing.FiredAt, EndsAt: time.Now().Add(4 * time.Minute).UTC(), GeneratorURL: firing.Link},
			{Labels: labels, Annotations: ended, StartsAt: resolved.FiredAt, EndsAt: resolved.ResolvedAt},
		}}
		if diff := cmp.Diff(want, f.posts); diff != "" || f.path != "/prefix/api/v2/alerts" {
			t.Errorf("posted to %s (-want +got):\n%s", f.path, diff)
		}
	})
}

// site is what alerts there are.
type site struct {
	mu     sync.Mutex
	alerts []alert.Alert
}

func (s *site) History(alert.HistoryQuery) ([]alert.Transition, error) { return nil, nil }
func (s *site) Alerts() []alert.Alert {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]alert.Alert(nil), s.alerts...)
}
func (s *site) set(alerts ...alert.Alert) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.alerts = alerts
}

// Each Alertmanager of a cluster is shown all that fires once a minute, and at once when something changes; ends for 15 minutes; nothing that is
// kept from people.
func TestMirror(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		firing, resolved := transitions(t)
		a, b := &fakeManager{}, &fakeManager{fails: 2}
		untold, pending, other := firing.Alert, firing.Alert, firing.Alert
		untold.Untold, pending.State, other.Severity = true, alert.Pending, alert.Info
		s := &site{}
		matchers := []notify.MirrorOptions{{Name: "a", Mirror: alertmanager(t, a, "http://a:9093")}, {Name: "b", Mirror: alertmanager(t, b, "http://b:9093")}}
		d, err := notify.Open(notify.Options{Mirrors: matchers, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		d.Start(s)
		synctest.Wait()
		s.set(firing.Alert, untold, pending)
		if err := d.Notify(t.Context(), []alert.Transition{firing}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if posts := a.taken(); len(posts) != 1 || len(posts[0]) != 1 {
			t.Errorf("at once: %v", posts)
		}
		time.Sleep(3*time.Minute + time.Second)
		if x, y := len(a.taken()), len(b.taken()); x != 4 || y < 3 {
			t.Errorf("after three minutes %d and %d", x, y)
		}
		ended := resolved.Alert
		ended.ResolvedAt = time.Now()
		s.set(ended)
		_ = d.Notify(t.Context(), []alert.Transition{resolved})
		time.Sleep(time.Hour)
		if posts := a.taken(); len(posts) != 4+16 || !posts[19][0].EndsAt.Equal(ended.ResolvedAt) {
			t.Errorf("%d posts at the end", len(posts))
		}
		stats := d.Stats()
		if stats[0].Delivered != 2 || stats[0].Messages != 20 || stats[1].Failures != 2 || stats[1].LastError != "" {
			t.Errorf("%+v", stats)
		}
		if err := d.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

func TestManyAlertsArePostedInParts(t *testing.T) {
	firing, _ := transitions(t)
	var many []alert.Alert
	for i := range 600 {
		x := firing.Alert
		x.Key = fmt.Sprint(i)
		many = append(many, x)
	}
	f := &fakeManager{}
	if err := alertmanager(t, f, "http://am:9093").Show(t.Context(), many); err != nil {
		t.Fatal(err)
	}
	if len(f.posts) != 3 || len(f.posts[2]) != 88 {
		t.Errorf("%d posts", len(f.posts))
	}
}

// An alert that Alertmanager refuses keeps it from none that is posted apart; and one that ended before it began, by a clock that was set back, is
// posted as Alertmanager takes it.
func TestRefusedAlertHoldsUpNoOther(t *testing.T) {
	firing, resolved := transitions(t)
	posts := 0
	a := alertmanager(t, roundTrip(func(*http.Request) (*http.Response, error) {
		posts++
		return status(400, nil), nil
	}), "http://am:9093")
	var rejected *notify.RejectedError
	if err := a.Show(t.Context(), slices.Repeat([]alert.Alert{firing.Alert}, 300)); !errors.As(err, &rejected) || posts != 2 {
		t.Errorf("%d posts, error %v; want 2, and that they were refused", posts, err)
	}
	resolved.ResolvedAt = resolved.FiredAt.Add(-time.Hour)
	f := &fakeManager{}
	if err := alertmanager(t, f, "http://am:9093").Show(t.Context(), []alert.Alert{resolved.Alert}); err != nil {
		t.Fatal(err)
	}
	if got := f.taken()[0][0]; got.EndsAt.Before(got.StartsAt) {
		t.Errorf("it ends at %v, before it starts at %v", got.EndsAt, got.StartsAt)
	}
}
