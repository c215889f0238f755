package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strconv"

	"walkabout/agent/snmpdconf"
	"walkabout/internal/privilege"
	"walkabout/internal/statedir"
	"walkabout/snmp/oid"
	"walkabout/snmp/vacm"
)

// account is as whom the program runs, once become has made it so. The zero account is whoever has started it.
type account struct {
	drop func(privilege.Plan) (*privilege.Rights, error) // privilege.Drop
	// enforce is privilege.Fence.Enforce; nil puts up none.
	enforce func(privilege.Fence) (io.Closer, error)

	run    snmpdconf.Run // what the files and the flags say
	kept   []privilege.Capability
	rights *privilege.Rights
	fence  *privilege.Fence // nil if there is none
}

// runAs is what the files say, and the flags above them.
func runAs(o *options, config *snmpdconf.Config) snmpdconf.Run {
	run := config.Run
	run.User, run.Group = cmp.Or(o.user, run.User), cmp.Or(o.group, run.Group)
	return run
}

// become gives up root's rights if -u, -g, agentuser or agentgroup want it. What follows, at the start and later, may need no others: state,
// sockets and what a reload reads are opened by the user.
func (p *process) become(log *slog.Logger, o *options, s *settings) error {
	a := &p.account
	a.run = runAs(o, s.config)
	if a.run.User == "" && a.run.Group == "" {
		return nil
	}
	id, err := privilege.Lookup(a.run.User, a.run.Group)
	if err != nil {
		return fmt.Errorf("-u and -g, or agentuser and agentgroup: %w", err)
	}
	if path, err := p.stateDirPath(s.stateDir); err == nil && os.Geteuid() == 0 && id.UID > 0 {
		if err := statedir.Give(path, id.UID, id.GID); err != nil {
			log.Warn("the state folder is not given to the user that snmpd becomes", "user", id.Name, "err", err)
		}
	}
	a.kept = capabilities(s.config)
	a.rights, err = a.drop(privilege.Plan{
		Identity: id, Keep: a.kept, Readable: slices.Concat(s.config.Files, s.config.Folders, s.certs.paths, nameServerFiles(s.config)), Programs: s.config.Extend.StartsPrograms(),
	})
	if errors.Is(err, privilege.ErrNotRoot) {
		return fmt.Errorf("%w: start snmpd as root, or without -u, -g, agentuser and agentgroup", err)
	}
	if err != nil {
		return err
	}
	log.Info("runs as another user", "user", id.Name, "uid", os.Geteuid(), "gid", os.Getegid(), "capabilities", a.kept)
	a.warnUnreadable(log)
	return nil
}

func (a *account) warnUnreadable(log *slog.Logger) {
	switch r := a.rights; {
	case r == nil || r.Unreadable == "":
	case r.Reader:
		log.Warn("this user may not read the configuration: for reloads the capability dac_read_search is kept; it is given up where the user's group may read the file",
			"file", r.Unreadable)
	default:
		log.Warn("this user may not read the configuration: a reload will fail; let the user's group read the file", "file", r.Unreadable)
	}
}

// warnChanged says what of a reloaded configuration needs rights that were given up.
func (a *account) warnChanged(log *slog.Logger, o *options, config *snmpdconf.Config) {
	run := runAs(o, config)
	if run.User != a.run.User || run.Group != a.run.Group || run.Unfenced != a.run.Unfenced || !slices.Equal(run.Capabilities, a.run.Capabilities) {
		log.Warn("agentuser, agentgroup, agentCapabilities and fence take effect at the next start")
	}
	a.warnBeyond(log, config)
	if a.kept == nil {
		return
	}
	for _, c := range capabilities(config) {
		if !slices.Contains(a.kept, c) {
			log.Warn("the configuration needs a capability that was given up; it is kept from the next start on", "capability", c)
		}
	}
}

// capabilities returns what is to be kept: to listen on ports below 1024, to change links and sysctls if the files let anybody, and what
// agentCapabilities names.
func capabilities(config *snmpdconf.Config) []privilege.Capability {
	out := []privilege.Capability{privilege.NetBindService}
	if mayChangeNetwork(config) {
		out = append(out, privilege.NetAdmin)
	}
	for _, c := range config.Run.Capabilities {
		if !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

// networkObjects is the subtrees whose objects the agent writes to the kernel: ifAdminStatus, ifAlias, and ipForwarding and ipDefaultTTL in
// ip.
var networkObjects = []oid.OID{oid.New(1, 3, 6, 1, 2, 1, 2, 2, 1, 7), oid.New(1, 3, 6, 1, 2, 1, 31, 1, 1, 1, 18), oid.New(1, 3, 6, 1, 2, 1, 4)}

// mayChangeNetwork reports whether the files let anybody write one of networkObjects. Masks and what views exclude are not looked at.
func mayChangeNetwork(config *snmpdconf.Config) bool {
	for _, e := range config.Entries {
		for _, v := range config.Views {
			if v.Name == e.Views[vacm.Write] && slices.ContainsFunc(v.Families, touchesNetwork) {
				return true
			}
		}
	}
	return false
}

func touchesNetwork(f vacm.Family) bool {
	return !f.Exclude && slices.ContainsFunc(networkObjects, func(o oid.OID) bool {
		return f.Subtree.HasPrefix(o) || o.HasPrefix(f.Subtree)
	})
}

// writePID writes the file of -p, if it is given, while the program may still write where such files are.
func writePID(o *options) error {
	if o.pidFile == "" {
		return nil
	}
	if err := os.WriteFile(o.pidFile, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644); err != nil {
		return fmt.Errorf("flag -p: %w", err)
	}
	return nil
}

func (d *service) removePID(log *slog.Logger, o *options) {
	if o.pidFile == "" || o.keepPID || d.keepPID {
		return
	}
	switch err := os.Remove(o.pidFile); {
	case errors.Is(err, fs.ErrPermission):
		log.Info("the file of -p stays, for this user may not remove it", "file", o.pidFile)
	case err != nil:
		log.Warn("removing the file of -p", "err", err)
	}
}
