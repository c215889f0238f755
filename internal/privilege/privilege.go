// Package privilege gives up the rights of a program that was started as root and does not need them all.
package privilege

import (
	"errors"
	"fmt"
	"os/user"
	"strconv"
	"strings"
)

// Identity is whom a program becomes.
type Identity struct {
	Name   string // for the log
	UID    int    // Unchanged leaves the user as it is
	GID    int
	Groups []int // supplementary groups, which replace those of root
}

// Unchanged as Identity.UID leaves the user, and with it the capabilities, as they are: only the groups change.
const Unchanged = -1

// Lookup finds a user and a group, each by name or number, a # before the number allowed. Without a group it is the user's own one; without a
// user only the group changes. A user that is only a number has no other groups.
func Lookup(userName, groupName string) (Identity, error) {
	id := Identity{Name: userName, UID: Unchanged, GID: Unchanged}
	if userName != "" {
		if err := id.lookupUser(userName); err != nil {
			return Identity{}, err
		}
	}
	if groupName != "" {
		gid, err := lookupGroup(groupName)
		if err != nil {
			return Identity{}, err
		}
		id.GID = gid
		id.Name = strings.TrimPrefix(id.Name+":"+groupName, ":")
	}
	if id.GID == Unchanged {
		return Identity{}, fmt.Errorf("user %s has no group that is known: name one as well", userName)
	}
	if len(id.Groups) == 0 {
		id.Groups = []int{id.GID}
	}
	return id, nil
}

func (id *Identity) lookupUser(name string) error {
	uid, number := parseID(name)
	var u *user.User
	var err error
	if number {
		u, err = user.LookupId(strconv.Itoa(uid))
	} else {
		u, err = user.Lookup(name)
	}
	if unknown := user.UnknownUserIdError(uid); number && errors.As(err, &unknown) {
		id.UID = uid
		return nil
	}
	if err != nil {
		return fmt.Errorf("user %s: %w", name, err)
	}
	if id.UID, err = strconv.Atoi(u.Uid); err == nil {
		id.GID, err = strconv.Atoi(u.Gid)
	}
	if err != nil {
		return fmt.Errorf("user %s: %w", name, err) // Windows has other identifiers
	}
	groups, err := u.GroupIds()
	if err != nil {
		return fmt.Errorf("the groups of user %s: %w", name, err)
	}
	for _, g := range groups {
		if gid, number := parseID(g); number {
			id.Groups = append(id.Groups, gid)
		}
	}
	return nil
}

func lookupGroup(name string) (int, error) {
	if gid, number := parseID(name); number {
		return gid, nil
	}
	g, err := user.LookupGroup(name)
	if err != nil {
		return 0, fmt.Errorf("group %s: %w", name, err)
	}
	return strconv.Atoi(g.Gid)
}

func parseID(s string) (id int, ok bool) {
	n, err := strconv.ParseUint(strings.TrimPrefix(s, "#"), 10, 31)
	return int(n), err == nil
}

// Capability is one of Linux' (capabilities(7), include/uapi/linux/capability.h).
type Capability int

// Those that a program of this repository has a use for.
const (
	DACReadSearch  Capability = 2  // read any file
	NetBindService Capability = 10 // listen on ports below 1024
	NetAdmin       Capability = 12 // change links and sysctls of the network
	NetRaw         Capability = 13 // bind to interfaces on kernels before 5.7
	SysPtrace      Capability = 19 // see what other users' processes run
)

var capabilityNames = map[Capability]string{
	DACReadSearch: "dac_read_search", NetBindService: "net_bind_service", NetAdmin: "net_admin", NetRaw: "net_raw", SysPtrace: "sys_ptrace",
}

// String returns the name, in small letters and without CAP_.
func (c Capability) String() string {
	if name, ok := capabilityNames[c]; ok {
		return name
	}
	return fmt.Sprintf("capability %d", int(c))
}

// ParseCapability reads a name, with or without CAP_, in letters of any kind.
func ParseCapability(name string) (Capability, bool) {
	bare := strings.TrimPrefix(strings.ToLower(name), "cap_")
	for c, known := range capabilityNames {
		if known == bare {
			return c, true
		}
	}
	return 0, false
}

// Plan is what Drop does.
type Plan struct {
	Identity Identity
	Keep     []Capability // of those that the process has got; Linux
	// Readable is files and folders that must be readable later as well. If one is not, as the Identity, the right to read every file is
	// kept for Rights.Reading alone.
	Readable []string
	// Programs says that other programs are started: they get no capability, but may be of other users (setuid, sudo), so no_new_privs is
	// not set, and the bounding set stays.
	Programs bool
}

// ErrNotRoot is wrapped by Drop where the process may not become somebody else.
var ErrNotRoot = errors.New("only root can become another user")

// Rights is what Drop left. A nil Rights is that of a process that dropped nothing.
type Rights struct {
	Unreadable string // the first of Plan.Readable that the Identity may not read; "" if it may read all
	Reader     bool   // Reading may read it all the same
}
