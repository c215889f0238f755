package localagent_test

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/mib/engine"
	"walkabout/mib/entity"
	"walkabout/mib/extend"
	"walkabout/mib/host"
	"walkabout/mib/mib2"
	"walkabout/mib/mibtest"
	"walkabout/mib/ucd"
	"walkabout/snmp"
	"walkabout/snmp/oid"
	"walkabout/snmp/usm"
)

var update = flag.Bool("update", false, "write docs/mibs.md and the golden files anew")

const mibsDocument = "../../docs/mibs.md"

// served is a handler of the daemon, and where it is registered.
type served struct {
	handler mib.Handler
	roots   []oid.OID
}

// handlers are those that the daemon registers, over a machine that tells nothing. asked is told each part that they ask it for.
func handlers(t *testing.T, asked func(part string)) []served {
	t.Helper()
	m := machine.NewGiven(machine.Given{}, slog.New(partHandler{asked: asked}))
	start := time.Now()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	two, err := mib2.New(mib2.Options{Machine: m, Counters: new(snmp.Counters), Start: start, System: mib2.DefaultSystem(), Modules: mib2.Modules()})
	must(err)
	e, err := usm.NewEngine("\x80\x00\x00\x00\x01test", 1, start)
	must(err)
	own, err := engine.New(engine.Options{Engine: e, MPD: new(snmp.MPDStats), TSM: new(snmp.TSMStats), TLSTM: new(snmp.TLSTMStats), Contexts: func() []string { return []string{""} }})
	must(err)
	hr, err := host.New(host.Options{Machine: m, Start: start})
	must(err)
	all := 0
	u, err := ucd.New(ucd.Options{Machine: m, Settings: ucd.Settings{AllDisks: &all, Processes: []ucd.ProcessLimit{{Name: "x"}}}})
	must(err)
	x, err := extend.New(slog.New(slog.DiscardHandler))
	must(err)
	t.Cleanup(x.Close)
	en, err := entity.New(entity.Options{Machine: m, Start: start})
	must(err)
	return []served{{two, mib2.Roots()}, {own, engine.Roots()}, {hr, host.Roots()}, {u, ucd.Roots()}, {x, extend.Roots()}, {en, entity.Roots()}}
}

// partHandler reads in the log of a machine which parts it was asked for: each is reported, since it has none.
type partHandler struct {
	slog.Handler
	asked func(part string)
}

func (h partHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h partHandler) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "part" {
			h.asked(a.Value.String())
		}
		return true
	})
	return nil
}

// probe reports whether an object is served, and which parts of the machine its rows are made of. An object that is served has no such instance, one
// that is not is no such object.
func probe(t *testing.T, o *mibtest.Object) (isServed bool, parts []string) {
	t.Helper()
	name := oid.MustParse(o.OID)
	for _, s := range handlers(t, func(part string) { parts = append(parts, part) }) {
		if !slices.ContainsFunc(s.roots, name.HasPrefix) {
			continue
		}
		view, err := s.handler.View(t.Context(), &mib.Request{Version: snmp.V2c, At: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		values, err := view.Get(t.Context(), nil, []oid.OID{name.Append(0)})
		if err != nil {
			t.Fatal(err)
		}
		if values[0] != snmp.NoSuchObject {
			isServed = true
		}
	}
	return isServed, parts
}

// systems are those of the matrix, as Go calls them.
var systems = []string{"linux", "darwin", "freebsd", "windows"}

// group is a row of the matrix: a table, or the scalars of one node.
type group struct {
	module, name, at string
	objects          int
	told             map[string]int // objects, by system
}

// tells reports whether a system tells one of parts, or none is needed.
func tells(system string, parts []string) bool {
	if len(parts) == 0 {
		return true
	}
	for p := machine.PartHost; p < machine.PartEvents; p++ {
		if slices.Contains(parts, p.String()) && machine.Tells(system, p) {
			return true
		}
	}
	return false
}

// survey returns the groups that are served, and the objects of the same subtrees that are not.
func survey(t *testing.T) (groups []*group, unserved []*mibtest.Object) {
	t.Helper()
	byName := map[string]*group{}
	for _, s := range handlers(t, func(string) {}) {
		for _, root := range s.roots {
			for _, o := range mibtest.Below(root) {
				ok, parts := probe(t, o)
				if !ok {
					unserved = append(unserved, o)
					continue
				}
				g := byName[o.Module+o.Group]
				if g == nil {
					name := oid.MustParse(o.OID)
					up := 1
					if len(o.Index) > 0 {
						up = 2
					}
					g = &group{module: o.Module, name: o.Group, at: name.Slice(0, name.Len()-up).String(), told: map[string]int{}}
					byName[o.Module+o.Group] = g
					groups = append(groups, g)
				}
				g.objects++
				for _, system := range systems {
					if tells(system, parts) {
						g.told[system]++
					}
				}
			}
		}
	}
	return groups, unserved
}

func TestMIBsDocument(t *testing.T) {
	groups, unserved := survey(t)
	modules := map[string]int{} // in the order of their first groups
	for i, g := range groups {
		if _, known := modules[g.module]; !known {
			modules[g.module] = i
		}
	}
	slices.SortStableFunc(groups, func(a, b *group) int { return cmp.Compare(modules[a.module], modules[b.module]) })
	var b strings.Builder
	b.WriteString(mibsHead)
	module := ""
	for _, g := range groups {
		if g.module != module {
			module = g.module
			fmt.Fprintf(&b, "\n### %s\n\n| Objects | Below | Linux | macOS | FreeBSD | Windows |\n| --- | --- | --- | --- | --- | --- |\n", module)
		}
		fmt.Fprintf(&b, "| %s (%d) | %s |", g.name, g.objects, g.at)
		for _, system := range systems {
			switch g.told[system] {
			case g.objects:
				b.WriteString(" yes |")
			case 0:
				b.WriteString(" – |")
			default:
				fmt.Fprintf(&b, " %d of them |", g.told[system])
			}
		}
		b.WriteString("\n")
	}
	b.WriteString("\n## What no system serves\n\nObjects of the same subtrees that are noSuchObject everywhere:\n\n| Objects | Why |\n| --- | --- |\n")
	b.WriteString(exceptions(t, unserved))
	b.WriteString(mibsFoot)
	if *update {
		if err := os.WriteFile(mibsDocument, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(mibsDocument)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(b.String(), string(have)); diff != "" {
		t.Errorf("docs/mibs.md is out of date: go test ./internal/localagent -run TestMIBsDocument -update (-want +got):\n%s", diff)
	}
}

// exceptions returns a line for each reason, with the objects that have it.
func exceptions(t *testing.T, unserved []*mibtest.Object) string {
	t.Helper()
	var b strings.Builder
	explained := map[string]bool{}
	for _, r := range reasons {
		var names []string
		for _, o := range unserved {
			if slices.ContainsFunc(strings.Fields(r.names), func(n string) bool {
				stem, all := strings.CutSuffix(n, "*")
				return n == o.Name || n == o.Group || all && strings.HasPrefix(o.Name, stem)
			}) && !explained[o.Name] {
				names = append(names, o.Name)
				explained[o.Name] = true
			}
		}
		if len(names) == 0 {
			t.Errorf("every object of %q is served: take the reason away", r.names)
			continue
		}
		fmt.Fprintf(&b, "| %s | %s |\n", shorten(names), r.why)
	}
	for _, o := range unserved {
		if !explained[o.Name] {
			t.Errorf("%s (%s, %s) is not served and reasons does not say why", o.Name, o.Module, o.OID)
		}
	}
	return b.String()
}

func shorten(names []string) string {
	if len(names) > 8 {
		return fmt.Sprintf("`%s` … `%s` (%d)", names[0], names[len(names)-1], len(names))
	}
	return "`" + strings.Join(names, "`, `") + "`"
}
