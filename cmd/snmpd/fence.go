package main

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"walkabout/agent/snmpdconf"
	"walkabout/internal/privilege"
)

// What the MIBs read, and what resolving names and running rpm needs: the system's own trees but for /etc, of which only the files that are
// needed are in reach of a process that could read the secret ones too.
var fenceReads = []string{
	"/proc", "/sys", "/usr", "/lib", "/lib64", "/bin", "/var/lib/dpkg", "/var/lib/rpm", "/run/utmp", "/run/systemd/sessions",
	"/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf", "/etc/services", "/etc/localtime",
	"/etc/passwd", "/etc/group", "/etc/ld.so.cache", "/etc/rpm",
	"/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager", "/run/connman", // where /etc/resolv.conf may lead
}

// fenceSysctls is what SETs of ipForwarding and ipDefaultTTL write.
var fenceSysctls = []string{"/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv4/ip_default_ttl", "/proc/sys/net/ipv4/conf", "/proc/sys/net/ipv6/conf"}

// fenceIn has the kernel keep the process from every file that it needs not, once it is ready to serve. The function that it returns is for
// the end.
func (p *process) fenceIn(log *slog.Logger, o *options, s *settings, e *engine, x *subAgents) (end func()) {
	end = func() {}
	a := &p.account
	a.run = runAs(o, s.config)
	if a.enforce == nil {
		return end
	}
	if why := unfenced(s.config); why != "" {
		log.Info("no fence around the process", "because", why)
		return end
	}
	var agents []snmpdconf.AgentXSocket
	if x.config.Master {
		agents = agentXSockets(&x.config)
	}
	fence := fenceOf(o, s, e, agents, os.Geteuid() != 0 && (a.rights == nil || !a.rights.Reader))
	held, err := a.enforce(fence)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		log.Info("no fence around the process", "because", err)
	case err != nil:
		log.Warn("no fence around the process", "err", err)
	default:
		a.fence = &fence
		return func() {
			if err := held.Close(); err != nil {
				log.Warn("closing what the fence held", "err", err)
			}
		}
	}
	return end
}

// unfenced says why there is to be no fence; "" if there is.
func unfenced(config *snmpdconf.Config) string {
	switch {
	case config.Run.Unfenced:
		return "fence no"
	case config.Extend.StartsPrograms():
		return "extend, exec or pass start programs, which would be fenced in as well"
	case slices.Contains(config.Run.Capabilities, privilege.SysPtrace):
		return "agentCapabilities sys_ptrace: a process within a fence cannot look into others"
	}
	return ""
}

// fenceOf returns what the process is to reach; agents is where sub-agents connect. One that is not privileged may read all of /etc that its user may.
func fenceOf(o *options, s *settings, e *engine, agents []snmpdconf.AgentXSocket, unprivileged bool) privilege.Fence {
	f := privilege.Fence{Read: slices.Clone(fenceReads), Write: []string{"/dev/null"}}
	if unprivileged {
		f.Read = append(f.Read, "/etc")
	}
	for _, file := range s.config.Files {
		f.Read = append(f.Read, folderOf(file)) // whose new version may be another file of that name
		if target, err := filepath.EvalSymlinks(file); err == nil {
			f.Read = append(f.Read, folderOf(target))
		}
	}
	for _, folder := range s.config.Folders {
		f.Read = append(f.Read, absolute(folder))
	}
	for _, path := range slices.Concat(s.certs.paths, nameServerFiles(s.config), pidFiles(s.config)) {
		f.Read = append(f.Read, folderOf(path))
	}
	if e != nil {
		f.Write = append(f.Write, e.dir.Path())
	}
	for _, to := range o.logs {
		if to.kind == logFile {
			f.Write = append(f.Write, folderOf(to.to)) // where one is made anew after a rotation
		}
	}
	if mayChangeNetwork(s.config) {
		f.Write = append(f.Write, fenceSysctls...)
	}
	for _, e := range s.listen {
		if e.network == unixNetwork {
			f.Sockets = append(f.Sockets, filepath.Dir(e.path))
		}
	}
	for _, socket := range agents {
		if socket.Network == "unix" {
			f.Sockets = append(f.Sockets, filepath.Dir(socket.Address))
		}
	}
	for _, t := range s.config.DNSTaps {
		f.Sockets = append(f.Sockets, filepath.Dir(t.Socket))
	}
	if o.pidFile != "" {
		f.Remove = append(f.Remove, folderOf(o.pidFile))
	}
	for _, list := range []*[]string{&f.Read, &f.Write, &f.Sockets} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return f
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// folderOf returns the folder of a file, or the file if everything would be in it.
func folderOf(file string) string {
	file = absolute(file)
	if dir := filepath.Dir(file); dir != string(filepath.Separator) {
		return dir
	}
	return file
}

// warnBeyond says what of a reloaded configuration is out of reach.
func (a *account) warnBeyond(log *slog.Logger, config *snmpdconf.Config) {
	if a.fence == nil {
		return
	}
	if config.Extend.StartsPrograms() {
		log.Warn("extend, exec and pass start their programs within the fence until the next start")
	}
	if mayChangeNetwork(config) && !slices.Contains(a.fence.Write, fenceSysctls[0]) {
		log.Warn("ipForwarding and ipDefaultTTL can be SET from the next start on: the fence is in the way")
	}
	for _, path := range slices.Concat(config.Files, config.Folders, nameServerFiles(config), pidFiles(config)) {
		if dir := folderOf(path); !slices.Contains(a.fence.Read, dir) && !slices.Contains(a.fence.Read, absolute(path)) {
			log.Warn("the fence does not hold the folder of a new file: the next reload may not read it, the next start does", "file", path)
		}
	}
}
