package localagent_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"walkabout/machine"
	"walkabout/mib"
	"walkabout/mib/entity"
	"walkabout/mib/host"
	"walkabout/mib/mibtest"
	"walkabout/mib/ucd"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// ofThisMachine begin the names of what comes from the system calls of the machine that the test runs on, whatever procfs says: its clock, its links,
// the sizes of its file systems, the agent's build.
var ofThisMachine = []string{
	"1.3.6.1.2.1.25.1.1", "1.3.6.1.2.1.25.1.2", "1.3.6.1.2.1.25.3.4", "1.3.6.1.4.1.2021.100", "1.3.6.1.4.1.2021.101",
	"1.3.6.1.2.1.47.1.1.1.1.2", "1.3.6.1.2.1.47.1.1.1.1.7", "1.3.6.1.2.1.47.1.1.1.1.10", "1.3.6.1.2.1.47.1.4",
}

// TestOddMachines walks the host's MIBs of machines whose procfs and sysfs are new, old, made up, or empty: what they tell is legal, and the rest is
// not there. That of the network stands in the package mib2.
func TestOddMachines(t *testing.T) {
	for _, tree := range []string{"linux-6.18", "linux-2.6.18", "odd", "empty"} {
		t.Run(tree, func(t *testing.T) {
			root := filepath.Join("../../machine/testdata", tree)
			m, err := machine.New(t.Context(), machine.Options{Proc: filepath.Join(root, "proc"), Sys: filepath.Join(root, "sys"), Root: root})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			start := time.Now()
			h, err := host.New(host.Options{Machine: m, Start: start})
			if err != nil {
				t.Fatal(err)
			}
			all := 0
			u, err := ucd.New(ucd.Options{Machine: m, Settings: ucd.Settings{AllDisks: &all, Processes: []ucd.ProcessLimit{{Name: "x"}, {Name: "a\nb) R \xff\xfe"}}}})
			if err != nil {
				t.Fatal(err)
			}
			e, err := entity.New(entity.Options{Machine: m, Start: start})
			if err != nil {
				t.Fatal(err)
			}
			var found []snmp.VarBind
			q := &mib.Request{Version: snmp.V2c, At: start.Add(time.Minute), Fresh: true}
			for _, s := range []served{{h, host.Roots()}, {u, ucd.Roots()}, {e, entity.Roots()}} {
				found = append(found, mibtest.Walk(t, s.handler, q, s.roots...)...)
			}
			mibtest.Conform(t, found, oddHoles())
			checkWalk(t, filepath.Join("testdata", tree+".walk"), found)
		})
	}
}

// oddHoles let rows lack what their line of a file lacks; types, ranges and indexes are held all the same.
func oddHoles() mibtest.Holes {
	holes := mibtest.Holes{}
	for _, table := range []string{
		"1.3.6.1.2.1.25.2.3", "1.3.6.1.2.1.25.3.6", "1.3.6.1.2.1.25.3.7", "1.3.6.1.2.1.25.3.8", "1.3.6.1.2.1.25.4.2", "1.3.6.1.2.1.25.5.1",
		"1.3.6.1.4.1.2021.9", "1.3.6.1.4.1.2021.13.15", "1.3.6.1.2.1.25.3.2", "1.3.6.1.4.1.2021.13.16", "1.3.6.1.2.1.99",
	} {
		for _, o := range mibtest.Below(oid.MustParse(table)) {
			holes[o.Name] = "the file does not tell it of each row"
		}
	}
	return holes
}

// checkWalk compares what is not of this machine with a golden file.
func checkWalk(t *testing.T, path string, found []snmp.VarBind) {
	t.Helper()
	devices := oid.MustParse("1.3.6.1.2.1.25.3.2.1")
	network := map[oid.OID]bool{}
	for _, vb := range found {
		if vb.Value == snmp.ObjectID(oid.MustParse("1.3.6.1.2.1.25.3.1.4")) { // hrDeviceType hrDeviceNetwork
			network[vb.Name.From(devices.Len()+1)] = true
		}
	}
	var lines []string
	for _, vb := range found {
		name := vb.Name.String()
		own := slices.ContainsFunc(ofThisMachine, func(prefix string) bool { return strings.HasPrefix(name+".", prefix+".") })
		if own || sized(vb.Name) || vb.Name.HasPrefix(devices) && network[vb.Name.From(devices.Len()+1)] {
			continue
		}
		lines = append(lines, name+" = "+vb.Value.Kind().String()+": "+strings.ReplaceAll(vb.Value.String(), "\n", `\n`))
	}
	if *update {
		if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(strings.Split(strings.TrimSuffix(string(want), "\n"), "\n"), lines); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// sized tells the columns of hrStorageTable and dskTable that have the sizes of a file system.
func sized(name oid.OID) bool {
	storage, disks := oid.MustParse("1.3.6.1.2.1.25.2.3.1"), oid.MustParse("1.3.6.1.4.1.2021.9.1")
	switch {
	case name.HasPrefix(storage):
		return name.Arc(storage.Len()) >= 4 && name.Arc(storage.Len()+1) >= 31
	case name.HasPrefix(disks):
		return name.Arc(disks.Len()) >= 6
	}
	return false
}
