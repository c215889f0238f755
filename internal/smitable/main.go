// Command smitable writes collector/smi/names.txt: the names, OIDs and syntaxes of the modules that are named, read from a directory of MIB files.
//
//	go run ./internal/smitable -mibs DIR MODULE… > collector/smi/names.txt
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"walkabout/collector/smi"
	"walkabout/collector/smi/mibfile"
)

func main() {
	mibs := flag.String("mibs", "/usr/share/snmp/mibs", "the directory of the MIB files")
	flag.Parse()
	if err := write(*mibs, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "smitable:", err)
		os.Exit(1)
	}
}

func write(dir string, modules []string) error {
	library := mibfile.NewLibrary(smi.NewNames(nil), dir)
	var wanted []smi.Object
	for _, m := range modules {
		if err := library.Load(m); err != nil {
			return err
		}
	}
	for _, m := range modules {
		var of []smi.Object
		for _, o := range library.Names().Objects() {
			// Groups and compliance statements are nothing that is asked for.
			if o.Module == m && !strings.HasSuffix(o.Name, "Compliance") && !strings.HasSuffix(o.Name, "Conformance") && !(o.Kind == smi.Node && strings.HasSuffix(o.Name, "Group")) &&
				!strings.Contains(o.Name, "Compliance") {
				of = append(of, o)
			}
		}
		slices.SortStableFunc(of, func(a, b smi.Object) int { return a.OID.Compare(b.OID) })
		wanted = append(wanted, of...)
	}
	fmt.Printf("# Names, OIDs and syntaxes of MIB modules: package smi's ReadTable says how to read it. Written by internal/smitable of\n#")
	for _, m := range modules {
		fmt.Print(" ", m)
	}
	fmt.Println()
	return smi.WriteTable(os.Stdout, wanted)
}
