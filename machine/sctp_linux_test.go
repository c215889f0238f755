package machine

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestParseSCTP reads what kernels write by net/sctp/proc.c: no kernel with SCTP wrote these very files.
func TestParseSCTP(t *testing.T) {
	for _, tree := range []string{"sctp", "odd"} {
		t.Run(tree, func(t *testing.T) {
			m, err := New(t.Context(), Options{Proc: filepath.Join("testdata", tree, "proc")})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			r := m.Reading(time.Now(), true)
			stats, err := r.SCTPStats(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			settings, err := r.SCTPSettings(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := r.SCTPAssociations(t.Context()); err != nil {
				t.Fatal(err)
			}
			list := list(parseSCTPAssociations(readFixture(t, tree, "assocs"), readFixture(t, tree, "remaddr"), 250))
			golden(t, tree+"/sctp.golden", fmt.Sprintf("%s%+v\n%s", figures(stats), settings, list))
		})
	}
}

func readFixture(t *testing.T, tree, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", tree, "proc/net/sctp", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestParseSCTPTruncated cuts both files off anywhere: lines that are whole stay what they are.
func TestParseSCTPTruncated(t *testing.T) {
	assocs, remaddr := readFixture(t, "sctp", "assocs"), readFixture(t, "sctp", "remaddr")
	whole := parseSCTPAssociations(assocs, nil, 250)
	for n := range assocs {
		cut := strings.Count(string(assocs[:n]), "\n")
		for _, a := range parseSCTPAssociations(assocs[:n], remaddr[:n%len(remaddr)], 250) {
			known := false
			for _, b := range whole {
				known = known || a.ID == b.ID && a.LocalPort == b.LocalPort && a.RemotePort == b.RemotePort
			}
			if !known {
				t.Errorf("cut at %d, in line %d: %+v", n, cut, a)
			}
		}
	}
}

func TestWithoutSCTP(t *testing.T) {
	m, err := New(t.Context(), Options{Proc: "testdata/missing"})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	r := m.Reading(time.Now(), true)
	for _, p := range []Part{PartSCTPStats, PartSCTPSettings, PartSCTPAssociations} {
		if err := readPart(t, r, p); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%v: %v", p, err)
		}
	}
	if faults := m.Faults(); len(faults) > 0 {
		t.Errorf("what is not there is no fault: %v", faults)
	}
}

// TestSCTPTracker has associations that were there before, come, go, change, and come again under the same ID.
func TestSCTPTracker(t *testing.T) {
	at := func(seconds int) time.Time { return time.Unix(int64(seconds), 0) }
	association := func(id uint32, state SCTPState, port uint16, paths ...string) SCTPAssociation {
		a := SCTPAssociation{ID: id, State: state, LocalPort: port}
		for _, p := range paths {
			a.Remote = append(a.Remote, SCTPPath{Addr: netip.MustParseAddr(p)})
			a.Local = append(a.Local, SCTPAddress{Addr: netip.MustParseAddr(p)})
		}
		return a
	}
	var tracker sctpTracker
	var got []string
	for i, list := range [][]SCTPAssociation{
		{association(2, SCTPEstablished, 1, "10.0.0.1"), association(5, SCTPCookieWait, 1)},
		{association(1, SCTPEstablished, 1), association(2, SCTPShutdownSent, 1, "10.0.0.2", "10.0.0.1"), association(5, SCTPEstablished, 1)},
		{association(2, SCTPCookieEchoed, 9, "10.0.0.1"), association(5, SCTPShutdownPending, 1)},
	} {
		tracker.follow(list, at(i+1))
		for _, a := range list {
			line := fmt.Sprint(i+1, ": ", a.ID, " created ", seconds(a.Created), " established ", seconds(a.Established))
			for j := range a.Remote {
				line += fmt.Sprint(" ", a.Remote[j].Addr, " ", seconds(a.Remote[j].Created), " ", seconds(a.Local[j].Created))
			}
			got = append(got, line)
		}
	}
	want := []string{
		"1: 2 created 0 established 0 10.0.0.1 0 0",
		"1: 5 created 0 established 0",
		"2: 1 created 2 established 2",
		"2: 2 created 0 established 0 10.0.0.2 2 2 10.0.0.1 0 0",
		"2: 5 created 0 established 2",
		"3: 2 created 3 established 0 10.0.0.1 3 3",
		"3: 5 created 0 established 2",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// seconds returns 0 for the zero Time.
func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
