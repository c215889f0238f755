package collector

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"walkabout/collector/smi"
	"walkabout/internal/nearest"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// InterfaceFilter says which interfaces of a target are polled: those that one of Include fits, all if there are none, but for those that one of
// Exclude fits. The others are not asked for, but for what tells them apart.
type InterfaceFilter struct {
	Include, Exclude []InterfaceRule
}

// InterfaceRule fits an interface of which all holds that is given.
type InterfaceRule struct {
	Name  Pattern  // of ifName; of ifDescr where there is no ifName
	Descr Pattern  // of ifDescr
	Alias Pattern  // of ifAlias
	Type  []string // of ifType: labels of IANAifType ("ethernetCsmacd"), or numbers
	Admin []string // of ifAdminStatus: up, down, testing
	Oper  []string // of ifOperStatus: up, down, testing, unknown, dormant, notPresent, lowerLayerDown
}

// traits are the columns that interfaces are told apart by, in the order of their use below.
var traits = []oid.OID{
	oid.MustParse("1.3.6.1.2.1.31.1.1.1.1"),  // ifName
	oid.MustParse("1.3.6.1.2.1.2.2.1.2"),     // ifDescr
	oid.MustParse("1.3.6.1.2.1.31.1.1.1.18"), // ifAlias
	oid.MustParse("1.3.6.1.2.1.2.2.1.3"),     // ifType
	oid.MustParse("1.3.6.1.2.1.2.2.1.7"),     // ifAdminStatus
	oid.MustParse("1.3.6.1.2.1.2.2.1.8"),     // ifOperStatus
}

// positions in traits.
const (
	traitName = iota
	traitDescr
	traitAlias
	traitType
	traitAdmin
	traitOper
)

func (f *InterfaceFilter) validate() []error {
	var errs []error
	for _, r := range slices.Concat(f.Include, f.Exclude) {
		if r.Name.Regexp == nil && r.Descr.Regexp == nil && r.Alias.Regexp == nil && len(r.Type)+len(r.Admin)+len(r.Oper) == 0 {
			errs = append(errs, errors.New("interfaces: a rule that says nothing fits every interface"))
		}
		errs = append(errs, labelled("type", traitType, r.Type), labelled("admin", traitAdmin, r.Admin), labelled("oper", traitOper, r.Oper))
	}
	return errs
}

// labelled returns an error if one of values is neither a number nor a label of the trait's.
func labelled(key string, trait int, values []string) error {
	syntax := traitSyntax(trait)
	for _, v := range values {
		if _, err := strconv.ParseUint(v, 10, 31); err == nil {
			continue
		}
		if _, ok := syntax.Number(v); !ok {
			labels := make([]string, 0, len(syntax.Labels))
			for _, l := range syntax.Labels {
				labels = append(labels, l.Name)
			}
			if near := nearest.Word(v, labels); near != "" {
				return fmt.Errorf("interfaces: %s: nothing is called %q; did you mean %q?", key, v, near)
			}
			return fmt.Errorf("interfaces: %s: nothing is called %q", key, v)
		}
	}
	return nil
}

func traitSyntax(trait int) smi.Syntax {
	o, _ := smi.BuiltIn().Find(traits[trait])
	return o.Syntax
}

// traits returns which of the traits the filter looks at. Names are there in any case: they say which rows there are.
func (f *InterfaceFilter) traits() []int {
	used := []int{traitName, traitDescr}
	for _, r := range slices.Concat(f.Include, f.Exclude) {
		for trait, looks := range map[int]bool{traitAlias: r.Alias.Regexp != nil, traitType: len(r.Type) > 0, traitAdmin: len(r.Admin) > 0, traitOper: len(r.Oper) > 0} {
			if looks && !slices.Contains(used, trait) {
				used = append(used, trait)
			}
		}
	}
	slices.Sort(used)
	return used
}

// selects reports whether an interface is polled. values are its traits.
func (f *InterfaceFilter) selects(values []snmp.Value) bool {
	fits := func(r InterfaceRule) bool { return r.fits(values) }
	return (len(f.Include) == 0 || slices.ContainsFunc(f.Include, fits)) && !slices.ContainsFunc(f.Exclude, fits)
}

func (r *InterfaceRule) fits(values []snmp.Value) bool {
	name := values[traitName].Octets()
	if name == "" {
		name = values[traitDescr].Octets()
	}
	matches := func(p Pattern, text string) bool { return p.Regexp == nil || p.MatchString(text) }
	in := func(list []string, trait int) bool {
		v := values[trait]
		if len(list) == 0 {
			return true
		}
		syntax := traitSyntax(trait)
		return v.IsNumber() && (slices.Contains(list, strconv.FormatInt(v.Int(), 10)) || slices.Contains(list, syntax.Text(v)))
	}
	return matches(r.Name, name) && matches(r.Descr, values[traitDescr].Octets()) && matches(r.Alias, values[traitAlias].Octets()) &&
		in(r.Type, traitType) && in(r.Admin, traitAdmin) && in(r.Oper, traitOper)
}
