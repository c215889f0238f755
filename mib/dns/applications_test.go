package dns_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"walkabout/mib"
	"walkabout/mib/dns"
	"walkabout/mib/mibtest"
	"walkabout/snmp"
)

// hung is a server that does not answer.
type hung struct{ *fake }

func (hung) Read(ctx context.Context) (*dns.Reading, error) {
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

// TestApplications: all servers in one table, whatever becomes of them, and several that hang cost what one does.
func TestApplications(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		good, old, down, odd := everything(), everything(), everything(), everything()
		good.reading.Started = start.Add(time.Minute)
		good.zones = nil
		down.err = fmt.Errorf("dial: %w", os.ErrNotExist)
		odd.err = errors.New("permission denied")
		tap, _ := newTap()
		var list []dns.Application
		time.Sleep(2 * time.Minute)
		for i, b := range []dns.Backend{good, old, down, odd, hung{everything()}, hung{everything()}} {
			o := dns.Options{Name: fmt.Sprint("ns", i), Backend: b}
			if i == 0 {
				o.Tap = tap
			}
			m, err := dns.New(o)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			list = append(list, dns.Application{Name: fmt.Sprint("ns", i), Kind: "nsd", MIB: m})
		}
		a, err := dns.NewApplications(start, list)
		if err != nil {
			t.Fatal(err)
		}
		view := func() map[string]string {
			return names(mibtest.Walk(t, a, &mib.Request{Version: snmp.V2c, At: time.Now()}, dns.ApplicationsRoot()), "appl")
		}
		asked := time.Now()
		got := view()
		if took := time.Since(asked); took != time.Second {
			t.Errorf("it took %v", took)
		}
		want := map[string]string{
			"applVersion.1": "test 1.0", "applVersion.2": "test 1.0", "applUptime.1": "6000", "applUptime.2": "0", "applOperStatus.1": "1", "applOperStatus.2": "1", "applOperStatus.3": "2",
			"applDescription.1": "nsd name server; readings 1, failed 0; dnstap connections 0, frames 0, malformed 0, without a row 0",
			"applDescription.2": "nsd name server; readings 1, failed 0", "applDescription.3": "nsd name server; readings 1, failed 1", "applDescription.4": "nsd name server; readings 1, failed 1",
			"applDescription.5": "nsd name server; readings 0, failed 0", "applDescription.6": "nsd name server; readings 0, failed 0",
		}
		for i := range list {
			want[fmt.Sprint("applName.", i+1)], want[fmt.Sprint("applDirectoryName.", i+1)] = fmt.Sprint("ns", i), ""
			if i < 4 {
				want[fmt.Sprint("applLastChange.", i+1)] = "12000"
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		walk(t, list[1].MIB)
		old.set(func() { old.err = errors.New("gone") })
		down.set(func() { down.err = nil })
		time.Sleep(time.Minute)
		got = view()
		if got["applOperStatus.2"] != "" || got["applOperStatus.3"] != "1" || got["applLastChange.1"] != "12000" || got["applLastChange.2"] != "18100" || got["applLastChange.3"] != "18100" {
			t.Errorf("%v", got)
		}
		if text := got["applDescription.2"]; !strings.HasSuffix(text, "readings 4, failed 1; without a row zones 2, sources 1") {
			t.Errorf("%q", text)
		}
	})
}

func TestApplicationsContract(t *testing.T) {
	m, _ := newMIB(t, everything(), false)
	other, _ := newMIB(t, everything(), false)
	a, err := dns.NewApplications(time.Now(), []dns.Application{{Name: "a", Kind: "nsd", MIB: m}, {Name: "b", Kind: "knot", MIB: other}})
	if err != nil {
		t.Fatal(err)
	}
	mibtest.Test(t, a, dns.ApplicationsRoot())
	mibtest.Conform(t, mibtest.Walk(t, a, &mib.Request{Version: snmp.V2c, At: time.Now()}, dns.ApplicationsRoot()), nil)
}
