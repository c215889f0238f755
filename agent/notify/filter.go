package notify

import (
	"slices"

	"walkabout/snmp/vacm"
)

// Filter is a filter profile: rows of snmpNotifyFilterTable (RFC 3413 section 6).
type Filter struct{ names, objects *vacm.View }

// NewFilter returns the filter of the given families of subtrees. A notification passes if its name is included and none of its objects
// is excluded; what no family holds counts as excluded for the name, and as included for an object.
func NewFilter(families ...vacm.Family) *Filter {
	return &Filter{names: vacm.NewView(families...), objects: vacm.NewView(append(slices.Clone(families), vacm.Family{})...)}
}
