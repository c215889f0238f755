package machine

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

func (s *linuxSource) linkGroups(time.Time) (groups []LinkGroup, err error) {
	err = s.mcast.read(func(b []byte) error {
		groups, err = parseLinkGroups(b)
		return err
	})
	return groups, err
}

func (s *linuxSource) tellsLayers() bool { return true }

var errGroups = errors.New("malformed")

// parseLinkGroups reads /proc/net/dev_mcast (net/core/dev_addr_lists.c): index, name, users, global users, address in hex. Lines that are
// something else are passed over: names may hold what they like.
func parseLinkGroups(b []byte) ([]LinkGroup, error) {
	var out []LinkGroup
	for line := range bytes.Lines(b) {
		f := bytes.Fields(line)
		if len(f) < 5 {
			continue
		}
		index, err := strconv.ParseUint(string(f[0]), 10, 31)
		if err != nil || index == 0 {
			return nil, fmt.Errorf("%w: a multicast address of link %.20q", errGroups, f[0])
		}
		address, err := hex.DecodeString(string(f[len(f)-1]))
		if err != nil || len(address) == 0 || len(address) > maxLinkAddress {
			return nil, fmt.Errorf("%w: the multicast address %.80q", errGroups, f[len(f)-1])
		}
		out = append(out, LinkGroup{uint32(index), string(address)})
	}
	slices.SortFunc(out, func(a, b LinkGroup) int {
		return cmp.Or(cmp.Compare(a.Link, b.Link), cmp.Compare(a.Address, b.Address))
	})
	return slices.Compact(out), nil
}

// maxLinkAddress is MAX_ADDR_LEN of the kernel.
const maxLinkAddress = 32
