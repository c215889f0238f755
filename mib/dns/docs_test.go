package dns_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/mib/dns"
	"walkabout/mib/mibtest"
)

var update = flag.Bool("update", false, "write the tables of docs/dns.md anew")

const (
	document = "../../docs/dns.md"
	begin    = "<!-- what follows is made by TestDocument -->\n"
	end      = "<!-- up to here -->\n"
)

// mark is what the matrix says of an object: whether it is told, and how well.
func mark(rules []dns.Rule, object string) string {
	out := "–"
	for _, r := range rules {
		switch {
		case r.Object != object:
		case r.Approximate != "":
			return "≈"
		default:
			out = "yes"
		}
	}
	return out
}

// field is what a rule says of where an object comes from.
func field(r dns.Rule) string {
	from := r.From
	if from == "" {
		from = "`" + strings.Join(r.Plus, "` + `") + "`"
		if len(r.Minus) > 0 {
			from += " − `" + strings.Join(r.Minus, "` − `") + "`"
		}
	}
	return from
}

// tables are the matrix and a table for each kind of server, from the rules that the backends follow.
func tables(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "\n## Object × server\n\nyes: exact, ≈: approximate, –: noSuchInstance. The tables below say where it comes from, and how far off ≈ may be.\n\n| Object | %s |\n|---|%s\n",
		strings.Join(dns.Kinds(), " | "), strings.Repeat("---|", len(dns.Kinds())))
	var untold []string
	known := map[string]bool{}
	for _, root := range dns.Roots() {
		for _, o := range mibtest.Below(root) {
			known[o.Name] = true
			row, told := "| "+o.Name+" |", false
			for _, kind := range dns.Kinds() {
				m := mark(dns.RulesOf(kind), o.Name)
				told = told || m != "–"
				row += " " + m + " |"
			}
			if told {
				b.WriteString(row + "\n")
			} else {
				untold = append(untold, o.Name)
			}
		}
	}
	fmt.Fprintf(&b, "\nNo server tells %s.\n", strings.Join(untold, ", "))
	for _, kind := range dns.Kinds() {
		fmt.Fprintf(&b, "\n### %s\n\n| Object | From | |\n|---|---|---|\n", kind)
		for _, r := range dns.RulesOf(kind) {
			if !known[r.Object] {
				t.Errorf("%s: %s is no object", kind, r.Object)
			}
			name, quality := r.Object, "exact"
			if r.Row > 0 || strings.HasSuffix(name, "ByRcodeResponses") {
				name += fmt.Sprintf(".%d", r.Row)
			}
			if r.Approximate != "" {
				quality = "≈ " + r.Approximate
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", name, field(r), quality)
		}
	}
	return b.String() + "\n"
}

// TestDocument holds docs/dns.md against the rules.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok1 := strings.Cut(string(text), begin)
	have, foot, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatalf("%s: the marks around the tables are missing", document)
	}
	want := tables(t)
	if *update {
		if err := os.WriteFile(document, []byte(head+begin+want+end+foot), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("docs/dns.md is out of date: go test ./mib/dns -run TestDocument -update (-want +got):\n%s", diff)
	}
}

// TestRules: an object has one rule, or one for each of its rows, and what is a difference or a sum is of counters.
func TestRules(t *testing.T) {
	for _, kind := range dns.Kinds() {
		seen := map[string]bool{}
		for _, r := range dns.RulesOf(kind) {
			name := fmt.Sprint(r.Object, ".", r.Row)
			if seen[name] {
				t.Errorf("%s: two rules of %s", kind, name)
			}
			seen[name] = true
			counter := strings.Contains(r.Object, "Counter") || slices.Contains([]string{"dnsResCacheGoodCaches"}, r.Object)
			if counter != (len(r.Plus) > 0) || r.From == "" && len(r.Plus) == 0 {
				t.Errorf("%s: %+v", kind, r)
			}
		}
	}
}
